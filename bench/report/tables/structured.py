"""table.json: the table with all that stands beside it, at full precision, for programs."""

from __future__ import annotations

import json
from typing import Any

from bench.report.tables.published import Printed
from bench.report.tables.table import Estimate, Line, Table


def render_json(table: Table) -> str:
    """The table as JSON: protocol, columns, lines with their estimates, remarks, failures and published tables apart.

    A number that there is not is null, with its reason in the estimate's `note`.
    """
    places = {(one["method"], one["setting"], one["metric"]): one for one in table.places}
    content = {
        "protocol": {"id": table.protocol, "hash": table.hash, "state": table.state, "title": table.title},
        "basis": table.basis,
        "clips": table.expected,
        "columns": [
            {
                "id": column.card.id,
                "heading": column.heading,
                "title": column.card.title,
                "group": column.group,
                "unit": column.card.unit,
                "direction": column.card.direction,
                "target": column.card.target,
                "legacy": column.card.legacy,
            }
            for column in table.columns
        ],
        "lines": [_line(line, table, places) for line in table.lines],
        "bold": table.bold,
        "overlap": list(table.overlap),
        "remarks": list(table.remarks),
        "failures": [
            {
                "method": failure.method,
                "setting": failure.setting,
                "stage": failure.stage,
                "reason": failure.reason,
                "clips": list(failure.clips),
            }
            for failure in table.failures
        ],
        "published": [_printed(printed) for printed in table.printed],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def describe_estimate(estimate: Estimate, table: Table) -> dict[str, Any]:
    """value, low, high, n, coverage, note in words, best; None for what there is not."""
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "coverage": estimate.coverage,
        "note": None if estimate.note is None else table.notes[estimate.note],
        "best": estimate.best,
    }


def _line(line: Line, table: Table, places: dict[tuple[str, str, str], Any]) -> dict[str, Any]:
    estimates = []
    for column, estimate in zip(table.columns, line.estimates, strict=True):
        place = places.get((line.method, line.setting, column.card.id), {})
        estimates.append(
            {
                "metric": column.card.id,
                **describe_estimate(estimate, table),
                "rank": place.get("rank"),
                "rank_reason": place.get("reason"),
            }
        )
    return {"method": line.method, "setting": line.setting, "overlap": list(line.overlap), "estimates": estimates}


def _printed(printed: Printed) -> dict[str, Any]:
    return {
        "name": printed.name,
        "title": printed.title,
        "trust": printed.trust,
        "columns": [vars(column) for column in printed.columns],
        "numbers": [number.model_dump(mode="json") for number in printed.numbers],
        "differs": list(printed.differs),
        "not_at_hand": list(printed.lacking),
    }
