"""What the page holds from the start: names, cards and estimates; all that grows with clips times metrics comes later.

Methods are called by their place on the page (the truth first), settings, clips and metrics by their index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.report.figures.forest import Pairs
from bench.report.figures.style import looks
from bench.report.folder import TRUTH, Run, name_clip
from bench.report.tables.digits import show
from bench.report.tables.structured import describe_estimate
from bench.report.tables.table import Column, Estimate, Table

_PAIRED = (
    *("setting", "metric", "method", "difference", "low", "high", "p", "p_holm", "n", "wins", "losses", "ties"),
    *("effect", "detectable", "verdict", "reason"),
)


def page_order(methods: Sequence[str]) -> list[str]:
    """The truth first, then the protocol's order: the places of methods on the page."""
    return sorted(methods, key=lambda name: name != TRUTH)


def make_catalogue(run: Run, table: Table, pairs: Pairs | None) -> dict[str, Any]:
    """The catalogue as JSON-ready data; scripts/core.js reads it."""
    methods, clips, colours = page_order(run.methods), run.clips, looks(run.methods)
    seeds = len(run.protocol["axes"]["seeds"]) > 1
    lines = {(line.setting, line.method): line for line in table.lines}
    pooled = {row["metric"] for row in (*run.rows, *run.pooled) if row["status"] == "pooled"}
    pooled |= {row["metric"] for row in run.pooled}
    places = {clip: index for index, clip in enumerate(clips)}
    return {
        "methods": [
            {
                "name": name,
                "colour": colours[name].colour,
                "truth": name == TRUTH,
                "overlap": ", ".join(lines[run.settings[0], name].overlap),
            }
            for name in methods
        ],
        "settings": run.settings,
        "clips": clips,
        "names": [name_clip(clip, seeds=seeds) for clip in clips],
        "metrics": [_metric(column, number, pooled) for number, column in enumerate(table.columns, start=1)],
        "estimates": [
            [
                [_estimate(e, c, table) for e, c in zip(lines[s, m].estimates, table.columns, strict=True)]
                for m in methods
            ]
            for s in run.settings
        ],
        "expected": table.expected,
        "basis": table.basis,
        "failures": [
            {
                "method": methods.index(failure.method),
                "setting": run.settings.index(failure.setting),
                "stage": failure.stage,
                "reason": failure.reason,
                "clips": [places[clip] for clip in failure.where],
            }
            for failure in table.failures
        ],
        "pairs": _pairs(run, table, pairs, methods),
    }


def _metric(column: Column, number: int, pooled: set[str]) -> dict[str, Any]:
    card = column.card
    return {
        "id": card.id,
        "heading": column.heading,
        "title": card.title,
        "unit": card.unit,
        "arrow": card.arrow,
        "wish": card.wish,
        "direction": card.direction if card.direction != "target" or card.target is not None else "",
        "target": card.target,
        "form": column.form,
        "formula": card.formula,
        "source": card.source,
        "equals": card.equals,
        "blind_to": card.blind_to,
        "legacy": card.legacy,
        "pooled": card.id in pooled,
        "card": f"metric-{number}",
    }


def _estimate(estimate: Estimate, column: Column, table: Table) -> dict[str, Any]:
    interval = None
    if estimate.low is not None and estimate.high is not None:
        interval = f"[{show(estimate.low, column.form)}, {show(estimate.high, column.form)}]"
    text = "–" if estimate.value is None else show(estimate.value, column.form)
    return {"text": text, "interval": interval, **describe_estimate(estimate, table)}


def _pairs(run: Run, table: Table, pairs: Pairs | None, methods: Sequence[str]) -> dict[str, Any]:
    if pairs is None:
        return {"baseline": None, "chosen": "", "records": []}
    metrics = [column.card.id for column in table.columns]
    return {
        "baseline": methods.index(pairs.baseline),
        "chosen": pairs.chosen,
        "records": [
            {
                **{name: record.get(name) for name in _PAIRED},
                "setting": run.settings.index(record["setting"]),
                "metric": metrics.index(record["metric"]),
                "method": methods.index(record["method"]),
                "low": record["ci_low"],
                "high": record["ci_high"],
            }
            for record in pairs.records
        ],
    }
