"""page/clip-N.js: one clip's videos with the values and curves that belong to each, loaded when the clip is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.report.folder import Run, clip_of
from bench.report.media import Copies
from bench.report.page.catalogue import page_order
from bench.report.page.curves import Rows, find_curves, write_curves
from bench.report.page.data import as_json, as_script
from bench.report.page.values import tell_missing
from bench.report.tables.digits import show
from bench.report.tables.table import Table
from bench.stats.summary import Clip


def clip_files(run: Run, table: Table, copies: Copies) -> Iterator[tuple[str, str]]:
    """(name without ending, text) of a file for each clip, in the protocol's order, one at a time."""
    by_clip: dict[Clip, dict[tuple[str, str, str], Mapping[str, Any]]] = {}
    for row in run.rows:
        by_clip.setdefault(clip_of(row), {})[row["method"], row["setting"], row["metric"]] = row
    methods, curves = page_order(run.methods), find_curves(run, table)
    for index, clip in enumerate(run.clips):
        rows = by_clip.get(clip, {})
        shots = [[_shot(rows, table, (m, s, clip), copies) for m in methods] for s in run.settings]
        drawn = write_curves(curves, rows, settings=run.settings, methods=methods)
        name = f"clip-{index}"
        yield name, as_script(name, f'{{"shots":{as_json(shots)},"curves":{drawn}}}')


def _shot(rows: Rows, table: Table, key: tuple[str, str, Clip], copies: Copies) -> dict[str, Any]:
    """One video, or the reason why there is none, with its values."""
    method, setting, _ = key
    mine = [rows.get((method, setting, column.card.id)) for column in table.columns]
    copy = copies.found.get(key)
    values = zip(mine, table.columns, strict=True)
    return {
        "video": None if copy is None else copy.video,
        "poster": None if copy is None else copy.poster,
        "reason": "" if copy else copies.lacking.get(key) or _broken(mine),
        "frames": max((row["frames"] for row in mine if row), default=0),
        "values": [_value(row, column.form) for row, column in values],
    }


def _value(row: Mapping[str, Any] | None, form: str) -> dict[str, Any]:
    why = tell_missing(row)
    if row is None or why is not None:
        return {"text": why, "given": False}
    # How many of its frames entered a value: narrow columns leave no room for more words.
    frames = "" if row["coverage"] == 1 else f" ({100 * row['coverage']:.0f} %)"
    return {"text": f"{show(row['value'], form)}{frames}", "given": True}


def _broken(rows: list[Mapping[str, Any] | None]) -> str:
    failed = next((row for row in rows if row and row["status"] == "failed"), None)
    if failed is not None:
        return tell_missing(failed) or ""
    return "no video" if any(rows) else "not run"
