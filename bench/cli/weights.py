"""The verb `weights`: what is here and intact, and how what is not gets here."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli.console import console, emit
from bench.errors import BenchError, ConfigError, MissingError

ALL = "all"


class Action(StrEnum):
    """What to do with weights."""

    LS = "ls"
    VERIFY = "verify"
    FETCH = "fetch"
    ADD = "add"
    CONVERT = "convert"


Folder = Annotated[
    Path | None, typer.Option("--weights", help="Folder that is searched for weights before all others.")
]


def look_in(folder: Path | None) -> None:
    """Puts a folder before those that AVCT_BENCH_WEIGHTS names, for this process and the workers it starts."""
    from metrics.weights import FOLDER_VARIABLE

    if folder is None:
        return
    if not folder.is_dir():
        raise ConfigError(f"--weights {folder}: expected a folder")
    known = os.environ.get(FOLDER_VARIABLE)
    os.environ[FOLDER_VARIABLE] = os.pathsep.join([str(folder.resolve()), *([known] if known else [])])


def weights(
    action: Annotated[
        Action,
        typer.Argument(
            help="ls: list; verify: check every file's sha256; fetch NAME… (or all): download; add NAME FILE: take a "
            "file of yours; convert CKPT…: official checkpoints of the generator into ours."
        ),
    ] = Action.LS,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME|FILE]...", help="What the action is for.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="convert: the .safetensors to write.")] = None,
    move: Annotated[bool, typer.Option("--move", help="add: FILE goes once its copy is in place.")] = False,
    mirror: Annotated[str | None, typer.Option("--from", help="fetch: the address of a copy of that file.")] = None,
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
) -> None:
    """List, check, fetch, add the weights that metrics and generator need, or convert the official AVCT checkpoints.

    Looked for in the folder of --weights, in those that AVCT_BENCH_WEIGHTS names, in the package that brings the
    file, in `weights` of the user's cache (fetch and add put them there), in torch hub's cache. Nothing is ever
    fetched unless you say so here. verify ends with 3 where something is missing, damaged or of unknown sha256.
    """
    given = {"--out": out is not None and action is not Action.CONVERT, "--move": move and action is not Action.ADD,
             "--from": mirror is not None and action is not Action.FETCH}  # fmt: skip
    if stray := [option for option, wrong in given.items() if wrong]:
        raise ConfigError(f"weights {action.value}: expected options of that action, got {' '.join(stray)}")
    look_in(folder)
    if action is Action.CONVERT:
        _convert([Path(name) for name in names or []], out, as_json=as_json)
    elif action is Action.FETCH:
        _fetch(names or [], mirror=mirror, as_json=as_json)
    elif action is Action.ADD:
        _add(names or [], move=move, as_json=as_json)
    elif names:
        raise ConfigError(f"weights {action.value}: expected no files or names, got {' '.join(names)}")
    else:
        _list(verify=action is Action.VERIFY, as_json=as_json)


def _list(*, verify: bool, as_json: bool) -> None:
    from bench.inventory.weights import BAD_STATES, weight_states

    states = weight_states(verify=verify)
    if as_json:
        emit(states)
    else:
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for name in ("name", "state", "megabytes", "licence", "needed by", "where, or how to get it"):
            table.add_column(name, overflow="fold")
        for s in states:
            size = f"{s['bytes'] / 1e6:.1f}" if s["bytes"] else "?"
            table.add_row(s["name"], s["state"], size, s["licence"], ", ".join(s["needed_by"]), s["path"] or s["way"])
        console().print(table)
    if verify and any(s["state"] in BAD_STATES for s in states):
        raise typer.Exit(3)


def _fetch(names: list[str], *, mirror: str | None, as_json: bool) -> None:
    from metrics.weights import GOOD, Weight, entries, entry, verify

    if not names or (mirror is not None and (len(names) > 1 or names == [ALL])):
        raise ConfigError(f"weights fetch: expected {'one name beside --from' if mirror else 'names, or all'}")
    wanted: list[Weight] = list(entries()) if names == [ALL] else [entry(name) for name in names]
    done: list[dict[str, Any]] = []
    lacking: list[str] = []
    for weight in wanted:
        if verify(weight.name) in GOOD:
            done.append(_told(weight.name, "here", as_json=as_json))
            continue
        try:
            _fetch_one(weight, mirror, quiet=as_json)
        except BenchError as error:
            if len(wanted) == 1 or error.exit_code != 3:
                raise
            lacking.append(str(error))  # one that cannot be had keeps no other from coming
        else:
            done.append(_told(weight.name, "fetched", as_json=as_json))
    if as_json:
        emit(done)
    if lacking:
        raise MissingError("; ".join(lacking))


def _fetch_one(weight: Any, mirror: str | None, *, quiet: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from bench.fetching import fetch

    screen = Console(stderr=True, quiet=quiet, highlight=False)
    if mirror or weight.url:
        screen.print(
            f"{weight.title}\nlicence  {weight.licence}\norigin   {weight.origin}", soft_wrap=True, markup=False
        )
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn(), TransferSpeedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=screen, transient=True) as shown:
        task = shown.add_task(weight.name, total=None)

        def advance(here: int, total: int | None) -> None:
            shown.update(task, completed=here, total=total)

        try:
            fetch(weight.name, url=mirror, progress=advance)
        except KeyboardInterrupt:
            shown.stop()
            typer.echo("interrupted; what came is kept, the same command goes on from there", err=True)
            raise typer.Exit(130) from None


def _add(names: list[str], *, move: bool, as_json: bool) -> None:
    from bench.fetching import add

    if len(names) != 2:
        raise ConfigError(f"weights add: expected NAME FILE, got {len(names)} arguments")
    add(names[0], Path(names[1]).expanduser(), move=move)
    told = _told(names[0], "added", as_json=as_json)
    if as_json:
        emit(told)


def _told(name: str, done: str, *, as_json: bool) -> dict[str, Any]:
    """What became of a weight, said unless as_json: done, state, path, bytes, sha256."""
    from bench.io.digest import sha256_file
    from metrics.weights import locate, verify

    path = locate(name)
    told = {"name": name, "done": done, "state": verify(name), "path": str(path),
            "bytes": path.stat().st_size, "sha256": sha256_file(path)}  # fmt: skip
    if not as_json:
        typer.echo(f"{name}: {done}, {told['state']}: {path}")
    return told


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
