"""Curves over frames that the page draws beneath a clip's videos: lip opening beside the truth's, metrics by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.folder import Run
from bench.report.page.data import as_json, as_numbers
from bench.report.selection import LIPS
from bench.report.tables.table import Table

Rows = Mapping[tuple[str, str, str], Mapping[str, Any]]
"""One clip's rows by (method, setting, metric)."""


@dataclass(frozen=True)
class Curve:
    """What a strip can show. source: the metric id whose rows hold it. metric: its column, None for lip opening."""

    title: str
    unit: str
    source: str
    metric: int | None


def find_curves(run: Run, table: Table) -> list[Curve]:
    """Lip opening first where rows hold it, then every metric that has values by frame, in the table's order."""
    lips = {row["metric"] for row in run.rows if row["metric"].startswith(f"{LIPS}/") and _holds_lips(row)}
    framed = {row["metric"] for row in run.rows if row["per_frame"]}
    found = []
    for name in [name for name in run.protocol["metrics"] if name in lips][:1]:
        found.append(Curve("lip opening (% of face height)", "% of face height", name, None))
    for index, column in enumerate(table.columns):
        if column.card.id in framed:
            unit = f" ({column.card.unit})" if column.card.unit else ""
            found.append(Curve(f"{column.heading}{unit} by frame", column.card.unit, column.card.id, index))
    return found


def _holds_lips(row: Mapping[str, Any]) -> bool:
    return {"opening", "truth"} <= set(row["series"])


def write_curves(curves: Sequence[Curve], rows: Rows, *, settings: Sequence[str], methods: Sequence[str]) -> str:
    """The curves of one clip as JSON text: numbers by the million are not held as objects first."""
    return "[" + ",".join(_one(curve, rows, settings, methods) for curve in curves) + "]"


def _one(curve: Curve, rows: Rows, settings: Sequence[str], methods: Sequence[str]) -> str:
    lines, truth = [], ()
    for setting in settings:
        mine = []
        for method in methods:
            row = rows.get((method, setting, curve.source))
            if curve.metric is None:
                series = row["series"] if row and _holds_lips(row) else {}
                values = series.get("opening")
                # A video that ended early has the truth up to its own end.
                truth = max(truth, series.get("truth", ()), key=len)
            else:
                values = row["per_frame"] if row else None
            mine.append(as_numbers(values) if values else "null")
        lines.append("[" + ",".join(mine) + "]")
    head = as_json({"title": curve.title, "metric": curve.metric, "unit": curve.unit})
    return f'{head[:-1]},"lines":[{",".join(lines)}],"truth":{as_numbers(truth) if truth else "null"}}}'
