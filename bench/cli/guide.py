"""The verb that shows the manual: guide."""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.console import console, emit

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_COMMENT = re.compile(r"^<!--.*-->\n", re.MULTILINE)
"""Notes to the test that carries the guides out."""


def guide(
    name: Annotated[str | None, typer.Argument(help="A guide; without one, all are listed.")] = None,
    samples: Annotated[
        Path | None,
        typer.Option(help="Write portraits, speech and true films of two people here, to try the guides with."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The list, or the guide's text, as JSON.")] = False,
) -> None:
    """Show a short guide: score my videos, add a method, metric or protocol, train, run on a cluster, read the page."""
    if samples is not None:
        _write_samples(samples, as_json=as_json)
    elif name is None:
        _list(as_json=as_json)
    else:
        text = read_guide(name)
        if as_json:
            emit({"name": name, "text": text})
        elif sys.stdout.isatty():
            from rich.markdown import Markdown

            console().print(Markdown(text))
        else:
            typer.echo(text, nl=False)


def guides() -> dict[str, Traversable]:
    """Name -> file of every guide, sorted by name."""
    held = {file.name.removesuffix(".md"): file for file in files("bench").joinpath("manual").iterdir()}
    return {name: file for name, file in sorted(held.items()) if file.name.endswith(".md")}


def read_guide(name: str) -> str:
    """A guide's Markdown. Raises ConfigError with a suggestion for a name that is none."""
    from bench.errors import ConfigError
    from protocols.validation import nearest

    known = guides()
    if name not in known:
        raise ConfigError(f"unknown guide {name!r}.{nearest(name, list(known))}")
    return _COMMENT.sub("", known[name].read_text(encoding="utf-8"))


def describe_guide(text: str) -> str:
    """What a guide is for in one line: the sentence under its title."""
    return text.split("\n\n")[1].replace("\n", " ")


def _list(*, as_json: bool) -> None:
    found = [{"name": name, "about": describe_guide(read_guide(name))} for name in guides()]
    if as_json:
        emit(found)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for entry in found:
        table.add_row(entry["name"], entry["about"])
    console().print(table)
    typer.echo("run_bench.py guide NAME shows one; run_bench.py guide --samples DIR writes files to try them with")


def _write_samples(folder: Path, *, as_json: bool) -> None:
    from bench.cli.samples import write_samples

    written = write_samples(folder)
    if as_json:
        emit({"files": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(str(path))
