"""Frames of numbers: a line for each row, for each estimate of the table, for each difference from the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.report.figures.forest import Pairs
from bench.report.folder import Run, clip_of, name_clip
from bench.report.frames.columns import frame_of
from bench.report.tables.best import contenders
from bench.report.tables.cards import headings
from bench.report.tables.groups import group_of
from bench.report.tables.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


def frame_rows(run: Run) -> pd.DataFrame:
    """`rows`: a line for each clip and metric, without curves, and without values that all clips have together."""
    names, seeds = name_metrics(run), len(run.protocol["axes"]["seeds"]) > 1
    return frame_of(
        "rows",
        (
            {**row, "heading": names[row["metric"]], "clip": name_clip(clip_of(row), seeds=seeds)}
            for row in run.rows
        ),
        run,
    )  # fmt: skip


def frame_table(run: Run, table: Table) -> pd.DataFrame:
    """`table`: a line for each method, setting and metric, in the table's order. attrs["basis"]: what means rest on."""
    places = {(place["method"], place["setting"], place["metric"]): place["rank"] for place in table.places}
    ranked = set(contenders(run))
    lines = [
        {
            "protocol": table.protocol,
            "method": line.method,
            "setting": line.setting,
            **describe_column(column),
            "group": group_of(column.card.id),
            "value": estimate.value,
            "ci_low": estimate.low,
            "ci_high": estimate.high,
            "n": estimate.n,
            "expected": table.expected,
            "coverage": estimate.coverage,
            "ranked": line.method in ranked,
            "rank": places.get((line.method, line.setting, column.card.id)),
            "best": estimate.best,
            "note": None if estimate.note is None else table.notes[estimate.note],
        }
        for line in table.lines
        for column, estimate in zip(table.columns, line.estimates, strict=True)
    ]
    frame = frame_of("table", lines, run)
    frame.attrs["basis"] = table.basis
    return frame


def frame_pairs(run: Run, table: Table, pairs: Pairs | None) -> pd.DataFrame:
    """`pairs`: a line for each setting, metric and method other than the baseline, metrics in the table's order.

    No lines where nothing could be compared.
    """
    records: dict[str, list[Mapping[str, Any]]] = {}
    for record in pairs.records if pairs else ():
        records.setdefault(record["metric"], []).append(record)
    lines = [
        {**record, **describe_column(column), "baseline_is": pairs.chosen if pairs else None}
        for column in table.columns
        for record in records.get(column.card.id, ())
    ]
    return frame_of("pairs", lines, run)


def describe_column(column: Column) -> dict[str, Any]:
    """What a frame says of a metric: metric, heading, unit, direction, target, format."""
    card = column.card
    return {
        "metric": card.id,
        "heading": column.heading,
        "unit": card.unit,
        "direction": card.direction,
        "target": card.target,
        "format": column.form,
    }


def name_metrics(run: Run) -> dict[str, str]:
    """A heading for every metric of the protocol."""
    named = headings(run.protocol["metrics"])
    return {metric: " ".join(part for part in parts if part) for metric, parts in named.items()}
