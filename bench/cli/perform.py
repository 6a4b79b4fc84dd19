"""The verb that makes a talking face: generate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import bar, emit


def generate(
    image: Annotated[Path, typer.Option(help="A portrait: PNG, JPEG, WebP.")],
    audio: Annotated[Path, typer.Option(help="Speech: any audio or video file.")],
    out: Annotated[Path, typer.Option("--out", help="The video: .mp4 to watch (H.264/AAC) or .mkv lossless.")],
    transcript: Annotated[
        str | None,
        typer.Option(help="What is said, in English: a text file or the words. Without it, words are recognised."),
    ] = None,
    phonemes: Annotated[
        Path | None, typer.Option(help="Phones with times, instead: official AVCT JSON or a Praat TextGrid.")
    ] = None,
    write_phonemes: Annotated[
        Path | None, typer.Option(help="Keep the phones that were found: official AVCT JSON.")
    ] = None,
    pose: Annotated[
        str,
        typer.Option(
            help="Head pose: `audio` (from the speech, where the checkpoint has a head-pose network), `idle` (gentle "
            "sway), `still`, or a CSV of OpenFace poses."
        ),
    ] = "idle",
    keypoints: Annotated[
        str, typer.Option(help="Where the face's keypoints come from: auto, landmarks, detector.")
    ] = "auto",
    checkpoint: Annotated[
        Path | None, typer.Option(help="A .safetensors checkpoint (default: the shipped one).")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or float16 (CUDA).")] = "float32",
    batch: Annotated[int, typer.Option(help="Frames painted at once.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the idle sway.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on standard output.")] = False,
) -> None:
    """Make a portrait speak: image and speech in, a video out."""
    from bench.generate import Request, generate_video

    request = Request(
        image=image, audio=audio, out=out, transcript=transcript, phonemes=phonemes,
        write_phonemes=write_phonemes, pose=pose, keypoints=keypoints, checkpoint=checkpoint,
        device=device, precision=precision, batch=batch, seed=seed,
    )  # fmt: skip
    with bar("generate", quiet=as_json) as shown:
        task = shown.add_task("generate", total=None, note="listening")

        def advance(note: str, frame: int, frames: int | None) -> None:
            shown.update(task, completed=frame, total=frames, note=note)

        made = generate_video(request, progress=advance)
    if as_json:
        emit(made.as_dict())
        return
    for line in made.notes:
        typer.echo(line, err=True)
    typer.echo(
        f"{made.path}: {made.frames} frames, {made.frames / 25:.2f} s, phones {made.phones}, keypoints {made.keypoints}"
    )
