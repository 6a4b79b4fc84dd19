"""The verb that says what works here: doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import console, emit


def doctor(
    out: Annotated[Path, typer.Option("--out", help="Folder that runs would be written to.")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list.")] = False,
) -> None:
    """Say what works on this machine and what to do about the rest."""
    from bench.inventory import examine

    found = examine(out)
    if as_json:
        emit([f.__dict__ for f in found])
    else:
        screen = console()
        for f in found:
            mark = {
                "ok": "[green]ok[/green]     ",
                "missing": "[yellow]missing[/yellow]",
                "broken": "[red]broken[/red] ",
            }[f.state]
            screen.print(f"{mark} [bold]{f.what}[/bold]  {f.found}" + (f"\n          → {f.advice}" if f.advice else ""))
    if any(f.state == "broken" for f in found):
        raise typer.Exit(1)
