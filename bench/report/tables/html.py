"""table.html: the table as a piece of a page, with classes and no style; the run's own page holds the same parts.

Everything is escaped by the template engine; nothing of the data becomes markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import BaseLoader, Environment, FunctionLoader, StrictUndefined

from bench.report.tables.digits import show
from bench.report.tables.groups import runs
from bench.report.tables.markdown import mark
from bench.report.tables.published import TITLE, WARNING, Printed
from bench.report.tables.table import Column, Estimate, Line, Table, span


def render_html(table: Table, methods: Sequence[str]) -> str:
    """A `section` element to be set into any page. methods: the run's, whose places give the classes m0, m1, ..."""
    return environment().get_template("fragment.html.j2").render(**pieces(table, methods)).lstrip()


def environment() -> Environment:
    """The engine for our own templates: escapes everything, and refuses names that a template asks for in vain."""
    loader: BaseLoader = FunctionLoader(asset)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def asset(name: str) -> str:
    """The text of a file in templates/."""
    return (resources.files("bench.report") / "templates" / name).read_text(encoding="utf-8")


def pieces(table: Table, methods: Sequence[str]) -> dict[str, Any]:
    """What the table's templates ask for."""
    heads = [_head(column, number) for number, column in enumerate(table.columns, start=1)]
    kinds = [(name, len(places)) for name, places in runs([column.group for column in table.columns])]
    return {
        "table": table,
        "heads": heads,
        "kinds": kinds if any(name for name, _ in kinds) else [],
        "sets": [
            (setting, [_line(line, table, methods) for line in lines]) for setting, lines in table.by_setting.items()
        ],
        "notes": [(mark(index), note) for index, note in enumerate(table.notes)],
        "printed": [_printed(printed, heads) for printed in table.printed],
        "printed_title": TITLE,
        "printed_warning": WARNING,
    }


def _head(column: Column, number: int) -> dict[str, Any]:
    card = column.card
    tip = [card.id, card.title, card.formula, card.wish]
    return {"name": column.name, "unit": column.unit, "arrow": card.arrow, "number": number, "card": card,
            "tip": "\n".join(part for part in tip if part), "heading": column.heading}  # fmt: skip


def _line(line: Line, table: Table, methods: Sequence[str]) -> dict[str, Any]:
    cells = [_cell(e, c, table) for e, c in zip(line.estimates, table.columns, strict=True)]
    return {
        "method": line.method,
        "overlap": ", ".join(line.overlap),
        "place": methods.index(line.method),
        "cells": cells,
        "n": span([e.n for e in line.estimates], "d"),
        "coverage": span([e.coverage for e in line.estimates], ".2f"),
        "whole": all(e.coverage == 1 for e in line.estimates),
    }


def _cell(estimate: Estimate, column: Column, table: Table) -> dict[str, Any]:
    note = None if estimate.note is None else mark(estimate.note)
    counted = f"n = {estimate.n} of {table.expected} clips, coverage {estimate.coverage:.2f}"
    if estimate.value is None:
        why = "" if estimate.note is None else table.notes[estimate.note]
        return {"value": None, "interval": None, "note": note, "best": False, "tip": f"{why}\n{counted}"}
    interval = None
    if estimate.low is not None and estimate.high is not None:
        interval = f"[{show(estimate.low, column.form)}, {show(estimate.high, column.form)}]"
    tip = f"{column.card.id}\n{estimate.value!r} {column.card.unit}\n{counted}"
    value = show(estimate.value, column.form)
    return {"value": value, "interval": interval, "note": note, "best": estimate.best, "tip": tip}


def _printed(printed: Printed, heads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    near = {head["card"].id: head for head in heads}
    return {
        "title": printed.title,
        "trust": printed.trust,
        "columns": [{"name": c.name, "arrow": c.arrow, "near": near.get(c.beside)} for c in printed.columns],
        "lines": [
            (method, [(cell.text, None if cell.note is None else mark(cell.note)) for cell in cells])
            for method, cells in printed.lines
        ],
        "notes": [(mark(index), note) for index, note in enumerate(printed.notes)],
        "differs": printed.differs,
        "lacking": printed.lacking,
    }
