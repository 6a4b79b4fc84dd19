"""The clips section of the page as data: for each clip a row of videos with the values that belong to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.folder import TRUTH, CellKey, Run, cell_of, name_clip
from bench.report.media import Copies
from bench.report.page.strips import Strip, Strips
from bench.report.selection import Order
from bench.report.tables.digits import show
from bench.report.tables.table import Table


@dataclass(frozen=True)
class Shot:
    """One video, or the reason why there is none. values: (heading, value or reason, whether it is a value)."""

    method: str
    place: int
    setting: str
    video: str | None
    poster: str | None
    strip: Strip | None
    reason: str
    values: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class ClipView:
    """A clip. places: where it stands in each of the page's orders, as text for its script."""

    name: str
    places: str
    shots: tuple[Shot, ...]


def clip_views(run: Run, table: Table, *, copies: Copies, orders: Sequence[Order], strips: Strips) -> list[ClipView]:
    """Every clip in the protocol's order, the truth first among its videos."""
    rows: dict[CellKey, dict[str, Mapping[str, Any]]] = {}
    for row in run.rows:
        rows.setdefault(cell_of(row), {})[row["metric"]] = row
    seeds = len(run.protocol["axes"]["seeds"]) > 1
    methods = sorted(run.methods, key=lambda name: name != TRUTH)
    views = []
    for clip in run.clips:
        keys = [(method, setting, clip) for setting in run.settings for method in methods]
        shots = tuple(_shot(run, table, key, rows.get(key, {}), copies, strips.found.get(key)) for key in keys)
        places = " ".join(str(order.places.get(clip, len(run.clips))) for order in orders)
        views.append(ClipView(name_clip(clip, seeds=seeds), places, shots))
    return views


def _shot(
    run: Run,
    table: Table,
    key: CellKey,
    rows: Mapping[str, Mapping[str, Any]],
    copies: Copies,
    strip: Strip | None,
) -> Shot:
    method, setting, _ = key
    copy = copies.found.get(key)
    return Shot(
        method=method,
        place=run.methods.index(method),
        setting=setting,
        video=None if copy is None else copy.video,
        poster=None if copy is None else copy.poster,
        strip=strip,
        reason="" if copy else copies.lacking.get(key) or _broken(rows),
        values=tuple((column.heading, *_value(rows.get(column.card.id), column.form)) for column in table.columns),
    )


def _value(row: Mapping[str, Any] | None, form: str) -> tuple[str, bool]:
    if row is None:
        return "not run", False
    if row["status"] == "pooled":
        return "with all clips", True
    if row["value"] is None or row["status"] != "ok":
        return f"{row['status']}: {row['reason'] or row['stage'] or '?'}", False
    # How many of its frames entered a value: narrow columns leave no room for more words.
    frames = "" if row["coverage"] == 1 else f" ({100 * row['coverage']:.0f} %)"
    return f"{show(row['value'], form)}{frames}", True


def _broken(rows: Mapping[str, Mapping[str, Any]]) -> str:
    failed = next((row for row in rows.values() if row["status"] == "failed"), None)
    if failed is not None:
        return f"failed at {failed['stage']}: {failed['reason']}"
    return "no video" if rows else "not run"
