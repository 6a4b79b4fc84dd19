"""page/values-N.js: one metric's value of each clip under each setting by each method, loaded when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bench.report.folder import CellKey, Run, cell_of
from bench.report.page.catalogue import page_order
from bench.report.page.data import as_json, as_script
from bench.report.tables.table import Table


def value_files(run: Run, table: Table) -> Iterator[tuple[str, str]]:
    """(name without ending, text) of a file for each metric, in the order of the table's columns."""
    by_metric: dict[str, dict[CellKey, Mapping[str, Any]]] = {column.card.id: {} for column in table.columns}
    for row in run.rows:
        by_metric[row["metric"]][cell_of(row)] = row
    for index, column in enumerate(table.columns):
        name = f"values-{index}"
        yield name, as_script(name, as_json(_values(run, by_metric[column.card.id])))


def tell_missing(row: Mapping[str, Any] | None) -> str | None:
    """Why a clip's row has no value of its own; None where it has one."""
    if row is None:
        return "not run"
    if row["status"] == "pooled":
        return "with all clips"
    if row["value"] is None or row["status"] != "ok":
        what = f"failed at {row['stage']}" if row["status"] == "failed" and row["stage"] else row["status"]
        return " ".join(f"{what}: {row['reason'] or 'no reason is recorded'}".split())
    return None


def _values(run: Run, rows: Mapping[CellKey, Mapping[str, Any]]) -> dict[str, Any]:
    numbers: dict[str, int] = {}
    found: dict[str, list[Any]] = {"values": [], "why": [], "coverage": []}
    for setting in run.settings:
        for kind in found.values():
            kind.append([])
        for method in page_order(run.methods):
            mine = [rows.get((method, setting, clip)) for clip in run.clips]
            reasons = [tell_missing(row) for row in mine]
            told = zip(mine, reasons, strict=True)
            found["values"][-1].append([row["value"] if row and reason is None else None for row, reason in told])
            found["why"][-1].append(_numbered(reasons, numbers))
            shares = {str(clip): row["coverage"] for clip, row in enumerate(mine) if row and row["coverage"] < 1}
            found["coverage"][-1].append({clip: share for clip, share in shares.items() if reasons[int(clip)] is None})
    return {**found, "reasons": list(numbers)}


def _numbered(reasons: Iterable[str | None], numbers: dict[str, int]) -> dict[str, int]:
    """{clip: number of its reason}; thousands of clips may break for one."""
    given = {str(clip): reason for clip, reason in enumerate(reasons) if reason is not None}
    return {clip: numbers.setdefault(reason, len(numbers)) for clip, reason in given.items()}
