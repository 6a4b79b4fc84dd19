"""Verbs that say what is here: weights, doctor."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import console, emit
from bench.errors import ConfigError


class Action(StrEnum):
    """What to do with weights."""

    LS = "ls"
    VERIFY = "verify"
    CONVERT = "convert"


def weights(
    action: Annotated[
        Action, typer.Argument(help="ls: list; verify: check every file's sha256; convert: official files into ours.")
    ] = Action.LS,
    files: Annotated[
        list[Path] | None, typer.Argument(help="convert: generator.ckpt and, for head motion, audio2pose.ckpt.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="convert: the .safetensors to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
) -> None:
    """List the weights that metrics and generator need, check them, or convert the official AVCT checkpoints."""
    if action is Action.CONVERT:
        _convert(files or [], out, as_json=as_json)
        return
    if files or out is not None:
        got = f"--out {out}" if not files else " ".join(map(str, files))
        raise ConfigError(f"weights {action.value}: expected no files and no --out, got {got}")
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


def _convert(files: list[Path], out: Path | None, *, as_json: bool) -> None:
    if not 1 <= len(files) <= 2:
        raise ConfigError(
            f"weights convert: expected generator.ckpt and perhaps audio2pose.ckpt, got {len(files)} files"
        )
    if out is None:
        raise ConfigError("weights convert: expected --out with a name that ends in .safetensors, got none")
    from avct.convert import convert

    made = convert(files[0], out, audio2pose=files[1] if len(files) == 2 else None)
    if as_json:
        emit({"path": str(made.path), "sources": [s.__dict__ for s in made.sources]})
        return
    for source in made.sources:
        also = f", left out {', '.join(source.ignored)}" if source.ignored else ""
        typer.echo(f"{source.name}: {', '.join(source.parts)}{also}")
    typer.echo(f"{made.path}: use it with generate --checkpoint; its licence is that of the files it was made of")


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
