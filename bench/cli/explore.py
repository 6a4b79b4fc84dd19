"""Verbs that look things up: ls, explain, validate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.console import console, emit


class Kind(StrEnum):
    """What can be listed."""

    METRICS = "metrics"
    METHODS = "methods"
    PROTOCOLS = "protocols"
    DATASETS = "datasets"


def ls(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list of objects with `id`.")] = False,
) -> None:
    """List metrics, methods, protocols or datasets with a line each."""
    found = _metrics() if kind is Kind.METRICS else _files(kind)
    if as_json:
        emit(found)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=True)
    table.add_column(kind.value[:-1], no_wrap=True, style="bold")
    extra = {Kind.METRICS: ("unit", "direction"), Kind.DATASETS: ("state",)}.get(kind, ())
    for name in (*extra, "title"):
        table.add_column(name)
    for entry in found:
        table.add_row(entry["id"], *(str(entry[k]) for k in extra), entry["title"])
    console().print(table)


def _metrics() -> list[dict]:
    from metrics.registry import variants

    return [v.as_dict() for v in variants().values()]


def _files(kind: Kind) -> list[dict]:
    import tomllib

    from protocols.catalogue import listing

    found = []
    for name, path in listing(kind.value).items():
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        title = content.get("title", "")
        found.append({"id": content.get("id", name), "name": name, "title": title, "file": str(path)})
        if kind is Kind.DATASETS:
            found[-1]["state"] = "not here" if _lacking(name) else "here"
    return found


def _lacking(dataset: str) -> str | None:
    from bench.datasets.catalogue import describe, lacking

    return lacking(describe(dataset))


def _dataset_card(name: str) -> dict:
    from bench.datasets.catalogue import describe

    spec = describe(name)
    card = {"id": name, **spec.model_dump(mode="json", exclude={"name", "here", "options", "splits"})}
    return {**card, "lacking": _lacking(name), "file": f"{spec.here}/{name}.toml"}


def explain(
    name: Annotated[str, typer.Argument(help="A metric id (family/variant@version), a family, or a dataset.")],
    as_json: Annotated[bool, typer.Option("--json", help="The card as JSON.")] = False,
) -> None:
    """Print a metric's card (formula, unit, direction, needs, source, limits), or how to get a dataset."""
    from metrics.registry import find
    from protocols.catalogue import listing

    if name not in listing("datasets"):
        from bench.cli.cards import metric_cards, show_cards

        cards = metric_cards(find(name))
        if not as_json:
            show_cards(cards)
            return
    else:
        cards = [_dataset_card(name)]
    if as_json:
        emit(cards)
        return
    _show_dataset(cards[0])


def _show_dataset(card: dict) -> None:
    screen = console()
    screen.print(f"[bold]{card['id']}[/bold]  {card['title']}")
    for key, value in card.items():
        if key in ("id", "title") or value in (None, [], (), {}, ""):
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value).strip()
        shown = shown.replace("\n", "\n" + " " * 16)
        screen.print(f"  [dim]{key.replace('_', ' '):>12}[/dim]  {shown}")


def validate(
    protocol: Annotated[str, typer.Argument(help="A protocol by name (`demo`) or path.")],
    sets: Annotated[list[str] | None, typer.Option("--set", help="Override a key: `a.b=value`. Repeatable.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A run folder whose times the estimate rests on.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that the run would use.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="The plan as JSON.")] = False,
) -> None:
    """Expand a protocol's cells, check inputs and weights, estimate time and disk; run nothing."""
    from bench.runner.estimate import estimate
    from bench.runner.expand import cells, load, name_cell

    found = estimate(load(protocol, overrides=sets or ()), out=out, workers=workers)
    data = {
        "protocol": found.protocol.id,
        "hash": found.protocol.hash(),
        "cells": found.cells,
        "clips": found.clips,
        "videos": found.videos,
        "frames": found.frames,
        "minutes": round(found.seconds / 60, 1),
        "megabytes": round(found.bytes / 1e6),
        "estimate_rests_on": found.basis,
        "missing_inputs": list(found.missing),
        "missing_weights": list(found.weights),
        "trained_on_what_is_tested": list(found.overlap),
    }
    if as_json:
        emit({**data, "cell_names": [name_cell(c) for c in cells(found.protocol)]})
    else:
        screen = console()
        for key, value in data.items():
            lines = value if isinstance(value, list) else [value]
            for number, line in enumerate(lines or ["none"]):
                label = key.replace("_", " ") if number == 0 else ""
                screen.print(f"[dim]{label:>26}[/dim]  {line}", markup=True)
    if found.missing or found.weights:
        raise typer.Exit(3)
