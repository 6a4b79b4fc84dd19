"""Verbs that say what is here: weights, doctor."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import console, emit


class Action(StrEnum):
    """What to do with weights."""

    LS = "ls"
    VERIFY = "verify"


def weights(
    action: Annotated[Action, typer.Argument(help="ls: list; verify: check every file's sha256.")] = Action.LS,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list.")] = False,
) -> None:
    """List the weights that metrics and generator need, where they are, their licence, and whether they are intact."""
    from bench.inventory import weight_states

    states = weight_states(verify=action is Action.VERIFY)
    if as_json:
        emit(states)
    else:
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for name in ("name", "state", "megabytes", "licence", "needed by"):
            table.add_column(name, overflow="fold")
        for s in states:
            table.add_row(s["name"], s["state"], f"{s['bytes'] / 1e6:.1f}", s["licence"], ", ".join(s["needed_by"]))
        console().print(table)
    if action is Action.VERIFY and any(s["state"].startswith(("missing", "damaged")) for s in states):
        raise typer.Exit(3)


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
