"""table.html of speed: the table with its report block as a piece of a page; everything is escaped by the engine."""

from __future__ import annotations

from typing import Any

from bench.report.speed.columns import SCENARIO_TITLES, SpeedColumn, show_figure
from bench.report.speed.facts import describe_excluded
from bench.report.speed.stages import STAGE_HEADS, StageTable, stage_cells
from bench.report.speed.table import SpeedCell, SpeedTable, blocks, lines_of, name_of
from bench.report.tables.html import environment
from bench.report.tables.markdown import mark


def render_speed_html(table: SpeedTable) -> str:
    """A `section` element to be set into any page."""
    return environment().get_template("speed_fragment.html.j2").render(view=view_speeds(table)).lstrip()


def view_speeds(table: SpeedTable) -> dict[str, Any]:
    """What the templates ask for."""
    kinds = []
    for scenario, places in blocks(table):
        some = [line.rows[scenario] for line in lines_of(table, places)]
        kinds.append((SCENARIO_TITLES[scenario], len(places), describe_excluded(some)))
    protocols = ", ".join(table.protocols) or "no protocol"
    return {
        "title": table.title or f"Speed: {protocols}",
        "protocols": protocols,
        "basis": table.basis,
        "empty": table.empty,
        "kinds": kinds,
        "heads": [(column.heading, f"{column.arrow} {column.unit}".strip()) for column in table.columns],
        "lines": [
            {
                "method": name_of(table, line),
                "setting": line.setting,
                "cells": [_cell(cell, column, table) for cell, column in zip(line.cells, table.columns, strict=True)],
            }
            for line in table.lines
        ],
        "notes": [(mark(index), note) for index, note in enumerate(table.notes)],
        "absent": table.absent,
        "facts": table.facts,
        "stage_heads": STAGE_HEADS,
        "stages": [_stages(stages) for stages in table.stages],
        "left_out": table.left_out,
        "quick": "" if not table.quick else "1 row" if table.quick == 1 else f"{table.quick} rows",
    }


def _cell(cell: SpeedCell, column: SpeedColumn, table: SpeedTable) -> dict[str, Any]:
    if cell.figure is None:
        why = "" if cell.note is None else table.notes[cell.note]
        return {"value": None, "interval": "", "note": "" if cell.note is None else mark(cell.note), "tip": why}
    value, interval = show_figure(cell.figure, column)
    tip = f"{cell.figure.value!r} {column.unit}".strip() + (f"\nn = {cell.figure.n}" if cell.figure.n else "")
    return {"value": value, "interval": interval, "note": "", "tip": tip}


def _stages(table: StageTable) -> dict[str, Any]:
    return {
        "title": table.title,
        "lines": [stage_cells(stage, table.wall) for stage in table.stages],
        "summary": table.summary,
        "bad": table.adds_up is False,
    }
