"""`generate`: a portrait file and a speech file become a talking-face video file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avct.watch import UNWATCHED, Watch
from bench.errors import ConfigError, StorageError
from bench.front import Advance, compose, measure, read_files
from bench.front import Request as Request
from bench.front import read_speech as read_speech

if TYPE_CHECKING:
    from bench.io.writer import Written


@dataclass(frozen=True)
class GeneratedVideo:
    """What was made. phones: "file", "textgrid", or the way of `avct.align.Heard`. keypoints: where they come from."""

    path: Path
    frames: int
    sha256: str
    run_id: str
    phones: str
    keypoints: str
    cropped: bool
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**self.__dict__, "path": str(self.path), "notes": list(self.notes)}


def generate_video(
    request: Request, *, progress: Advance = lambda *_: None, watch: Watch = UNWATCHED
) -> GeneratedVideo:
    """Makes the video of a request. Raises BenchError in one line for whatever cannot be used."""
    from avct.inference import perform
    from bench.adapters.avct import load_model

    check_request(request)
    read = read_files(request, progress=progress, watch=watch)
    progress("loading the generator", 0, None)
    model = load_model(request.checkpoint, request.device)
    measured = measure(request, read, kind=model.kind, side=model.config.image_size, watch=watch)
    told = compose(request, measured, model, watch=watch)
    frames = len(told.score.phonemes)

    def painted() -> Iterator[np.ndarray]:
        made = 0
        for some in perform(model, told.score, batch=request.batch, precision=request.precision, watch=watch):
            yield from some
            made += len(some)
            progress("painting", made, frames)

    written = store(request.out, painted(), told.samples, told.run_id, watch=watch)
    return GeneratedVideo(
        request.out, frames, written.sha256, told.run_id, told.phones, told.keypoints, told.cropped, told.notes
    )


def store(
    out: Path, frames: Iterator[np.ndarray], samples: np.ndarray, run_id: str, *, watch: Watch = UNWATCHED
) -> Written:
    """The file that was written: H.264 for a name that ends in .mp4, else lossless.

    Encoded beside whoever makes the frames; where somebody watches, one after another, so that stages do not overlap.
    """
    from bench.io.encode import BrowserWriter, LosslessWriter, write_browser, write_lossless

    viewed = out.suffix.lower() == ".mp4"
    if watch is UNWATCHED:
        return (write_browser if viewed else write_lossless)(out, frames, samples=samples, run_id=run_id)
    writer = (BrowserWriter if viewed else LosslessWriter)(out, samples=samples, run_id=run_id)
    with ExitStack() as stack:
        stack.enter_context(writer)
        for frame in frames:
            with watch.stage("encode"):
                writer.add(frame)
        with watch.stage("encode"):
            stack.close()
    return writer.written


def check_request(request: Request) -> None:
    """Nothing; raises BenchError for options that cannot be, before anything is read."""
    if request.transcript is not None and request.phonemes is not None:
        raise ConfigError("generate: expected one of --transcript and --phonemes, got both")
    if request.out.suffix.lower() not in (".mp4", ".mkv"):
        raise ConfigError(
            f"--out: expected a name ending in .mp4 (to watch) or .mkv (lossless), got {request.out.name!r}"
        )
    kept = request.write_phonemes
    if kept is not None and not kept.parent.is_dir():  # said before minutes are spent on listening
        raise StorageError(f"{kept}: its folder does not exist")
    if request.keypoints not in ("auto", "landmarks", "detector"):
        raise ConfigError(f"--keypoints: expected auto, landmarks or detector, got {request.keypoints!r}")
    if request.precision not in ("float32", "bfloat16", "float16"):
        raise ConfigError(f"--precision: expected float32, bfloat16 or float16, got {request.precision!r}")
    if request.precision == "float16" and request.device == "cpu":
        raise ConfigError("--precision float16 is for CUDA devices; on the processor take bfloat16 or float32")
    if request.batch < 1:
        raise ConfigError(f"--batch: expected 1 or more, got {request.batch}")
    if request.device != "cpu":
        import torch

        try:
            torch.zeros(1, device=request.device)
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"--device: {request.device!r} cannot be used ({str(error).splitlines()[0]})") from None
