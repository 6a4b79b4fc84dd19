"""The verb `spread`: one set of clips under all published conventions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import bar, console, emit, processes
from bench.errors import ConfigError


def spread(
    clips: Annotated[Path | None, typer.Option(help="Folder of videos.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder of true videos with the same names.")] = None,
    of_run: Annotated[Path | None, typer.Option("--run", help="A run folder, in place of --clips and --truth.")] = None,
    method: Annotated[str, typer.Option(help="--run: whose videos.")] = "avct",
    out: Annotated[Path | None, typer.Option("--out", help="Where to write (default: results/spread).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one a core, at most 8.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The table as JSON.")] = False,
) -> None:
    """Score the same clips under all published conventions, side by side: how far a number moves with no change of a
    method, and a warning where that is more than methods differ by in papers.
    """
    from bench.spread.conventions import NAMES
    from bench.spread.spread import pairs_of_folders, pairs_of_run, table
    from bench.spread.spread import spread as carry_out

    if (clips is None) == (of_run is None):
        raise ConfigError("spread: expected --clips DIR --truth DIR, or --run RUN")
    if clips is not None and truth is None:
        raise ConfigError(
            "spread: expected --truth DIR beside --clips: every convention of a name compares with a truth"
        )
    pairs = pairs_of_run(of_run, method) if of_run is not None else pairs_of_folders(clips, truth)  # type: ignore[arg-type]
    with bar("spread", quiet=as_json) as progress:
        copies = progress.add_task("copies", total=5 * len(pairs), note="")
        tasks: dict[str, int] = {}

        def scored(what: str, now) -> None:  # type: ignore[no-untyped-def]
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=now.total, note="")
            progress.update(tasks[what], total=now.total, completed=now.done + now.failed)

        result = carry_out(
            pairs,
            out or Path("results/spread"),
            workers=processes(workers),
            progress=scored,
            advance=lambda word: progress.update(copies, advance=1, note=word),
        )
    if as_json:
        emit({"clips": result.clips, "lines": [line.__dict__ for line in result.lines], "warnings": result.warnings})
        return
    from rich.table import Table

    screen = console()
    for name in NAMES:
        lines = table(result, name)
        if not lines:
            continue
        shown = Table(box=None, pad_edge=False, title=f"[bold]{name.title}[/bold]", title_justify="left")
        for heading in ("convention", "value", "unit", "clips"):
            shown.add_column(heading, overflow="fold")
        for line in lines:
            shown.add_row(*line, style="bold" if line[0] == name.primary else ("dim" if line[3] == "0" else ""))
        screen.print(shown)
    for warning in result.warnings:
        screen.print(f"[yellow]warning[/yellow]  {warning}")
    screen.print(f"table  {(out or Path('results/spread')) / 'spread.md'}")
