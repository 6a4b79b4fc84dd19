"""Verbs that make pictures and films ready: crop, prepare."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.console import bar, console, emit

if TYPE_CHECKING:
    from bench.footage.prepare import Step, Summary


class Style(StrEnum):
    """Conventions of cropping, as in `bench.framing`."""

    CORPUS = "corpus"
    AVCT = "avct"
    FOMM = "fomm"


class Films(StrEnum):
    """What films become."""

    MKV = "mkv"
    MP4 = "mp4"


_STYLE = (
    "corpus: as the shipped checkpoint was trained; avct: the official portrait helper's; fomm: as FOMM's film data."
)


def crop(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, a film, or a folder of them.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .png, an .mkv (lossless) or .mp4, or a folder.")],
    style: Annotated[Style, typer.Option(help=_STYLE)] = Style.CORPUS,
    size: Annotated[int, typer.Option(help="Side of the square in pixels.")] = 256,
    films: Annotated[Films, typer.Option(help="What a folder's films become.")] = Films.MKV,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as a JSON list.")] = False,
) -> None:
    """Cut the face out of pictures and films: one square a film, never squashed, 25 fps, sound kept."""
    from bench.errors import BenchError
    from bench.footage.crop import crop_file, crop_folder

    failed, rows = 0, []
    with bar("crop", quiet=as_json) as shown:
        task = shown.add_task("crop", total=None, note=source.name)

        def advance(doing: str, at: int, of: int | None) -> None:
            shown.update(task, description=doing, completed=at, total=of)

        if source.is_dir():
            outcomes = crop_folder(source, out, style=style.value, size=size, ending=f".{films.value}", advance=advance)
        else:
            outcomes = iter([(source, crop_file(source, out, style=style.value, size=size, advance=advance))])
        for path, outcome in outcomes:
            shown.update(task, note=path.name)
            if isinstance(outcome, BenchError):
                failed += 1
                rows.append({"in": str(path), "status": "failed", "reason": str(outcome)})
                shown.console.print(f"[red]failed[/red] {outcome}", soft_wrap=True)
                continue
            row = {"in": str(path), "status": "ok", "out": str(outcome.path), "frames": outcome.frames}
            rows.append({**row, "outside": outcome.outside, "notes": list(outcome.notes)})
            if not as_json:
                made = "one picture" if outcome.frames == 1 else f"{outcome.frames} frames"
                typer.echo("; ".join([f"{outcome.path}: {made}", *outcome.notes]))
    if as_json:
        emit(rows)
    if failed:
        raise typer.Exit(1)


def prepare(
    folder: Annotated[Path, typer.Argument(help="A folder of talking films, sub-folders included.")],
    out: Annotated[Path, typer.Option("--out", help="Where the training shards go (4.9 MB a second at 256 pixels).")],
    identities: Annotated[
        str, typer.Option(help="Who is who: `folder` (the first sub-folder), `stem`, or a CSV `clip,identity`.")
    ] = "folder",
    style: Annotated[Style, typer.Option(help=_STYLE)] = Style.FOMM,
    size: Annotated[int, typer.Option(help="Side of the square in pixels.")] = 256,
    longest: Annotated[float, typer.Option(help="Seconds of the longest piece; longer films are parted.")] = 10.0,
    shortest: Annotated[float, typer.Option(help="Seconds below which a face's appearance is left out.")] = 1.0,
    pictures_only: Annotated[
        bool, typer.Option("--pictures-only", help="Without sound and phones: for the renderer alone.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes; 0 works in this one.")] = 1,
    retry: Annotated[bool, typer.Option("--retry", help="Try films again that failed earlier.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Turn a folder of talking films into training data: crops, 25 fps, 16 kHz, phones, landmarks, head pose.

    Beside `x.mp4`, `x.json` or `x.TextGrid` gives its phones, `x.txt` what is said, `x.landmarks.npz` its landmarks.
    The same command goes on after an interruption. Films that fail are rows of OUT/rows.jsonl (exit code 1).
    """
    from bench.footage.clip import Options
    from bench.footage.prepare import prepare_folder

    options = Options(style.value, size, longest, shortest, pictures_only)
    with bar("prepare", quiet=as_json) as shown:
        task = shown.add_task("prepare", total=None, note="looking for films")

        def advance(step: Step) -> None:
            failures = f"[red]{step.failed} failed[/red] " if step.failed else ""
            now = f"{step.doing} {step.clip} {step.frame or ''}" if step.clip else ""
            shown.update(task, completed=step.done + step.failed, total=step.total, note=f"{failures}{now}")

        try:
            summary = prepare_folder(
                folder, out, options, rule=identities, workers=workers, retry=retry, progress=advance
            )
        except KeyboardInterrupt:
            shown.stop()
            typer.echo("interrupted; what is finished is kept, the same command goes on from there", err=True)
            raise typer.Exit(130) from None
    if as_json:
        emit(summary.as_dict())
    else:
        _show(summary, out)
    if summary.failures:
        raise typer.Exit(1)


def _show(summary: Summary, out: Path) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", justify="right")
    table.add_column(overflow="fold")
    reused = f" ({summary.reused} done earlier)" if summary.reused else ""
    well = summary.films - len(summary.failures) - len(summary.duplicates)
    table.add_row("films", f"{well} of {summary.films}{reused}")
    table.add_row("pieces", f"{summary.pieces}, {summary.seconds:.1f} s of {summary.of_seconds:.1f} s")
    table.add_row("identities", str(summary.identities))
    ways = ", ".join(f"{way} {count}" for way, count in summary.phones.most_common()) or "none"
    table.add_row("phones", ways)
    if summary.crowded:
        table.add_row("several faces", f"in {summary.crowded} pieces: the one seen longest and largest was taken")
    if summary.beyond:
        table.add_row("border", f"continued in {summary.beyond} pieces, for more than 5 % of the square")
    if summary.duplicates:
        table.add_row("twice", f"{len(summary.duplicates)} films have the content of another: left out")
    stages: dict[str, list[str]] = {}
    for name, (stage, _) in summary.failures.items():
        stages.setdefault(stage, []).append(name)
    for stage, names in sorted(stages.items()):
        table.add_row(f"failed: {stage}", f"{len(names)}, such as {summary.failures[names[0]][1]}")
    table.add_row("shards", str(out) if summary.pieces else "none: nothing can be trained on")
    console().print(table)
