"""The clips section of the page as data: for each clip a row of videos with the values that belong to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report.digits import show
from bench.report.folder import TRUTH, CellKey, Run, cell_of, name_clip
from bench.report.media import Copies
from bench.report.selection import Ranking
from bench.report.table import Table
from bench.stats.summary import Clip


@dataclass(frozen=True)
class Shot:
    """One video, or the reason why there is none. values: (heading, value or reason, whether it is a value)."""

    method: str
    place: int
    setting: str
    video: str | None
    poster: str | None
    reason: str
    values: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True)
class ClipView:
    """A clip. rank: 0 for the worst; clips without a value come last."""

    name: str
    rank: int
    shots: tuple[Shot, ...]


def clip_views(run: Run, table: Table, *, copies: Copies, ranking: Ranking) -> list[ClipView]:
    """Every clip in the protocol's order, the truth first among its videos."""
    rows: dict[CellKey, dict[str, Mapping[str, Any]]] = {}
    for row in run.rows:
        rows.setdefault(cell_of(row), {})[row["metric"]] = row
    worst = {clip: place for place, clip in enumerate(reversed(ranking.clips))}
    seeds = len(run.protocol["axes"]["seeds"]) > 1
    methods = sorted(run.methods, key=lambda name: name != TRUTH)
    views = []
    for clip in run.clips:
        keys = [(method, setting, clip) for setting in run.settings for method in methods]
        shots = tuple(_shot(run, table, key, rows.get(key, {}), copies) for key in keys)
        views.append(ClipView(name_clip(clip, seeds=seeds), worst.get(clip, len(run.clips)), shots))
    return views


def _shot(
    run: Run, table: Table, key: tuple[str, str, Clip], rows: Mapping[str, Mapping[str, Any]], copies: Copies
) -> Shot:
    method, setting, _ = key
    copy = copies.found.get(key)
    return Shot(
        method=method,
        place=run.methods.index(method),
        setting=setting,
        video=None if copy is None else copy.video,
        poster=None if copy is None else copy.poster,
        reason="" if copy else copies.lacking.get(key) or _broken(rows),
        values=tuple((column.heading, *_value(rows.get(column.card.id), column.form)) for column in table.columns),
    )


def _value(row: Mapping[str, Any] | None, form: str) -> tuple[str, bool]:
    if row is None:
        return "not run", False
    if row["value"] is None or row["status"] != "ok":
        return f"{row['status']}: {row['reason'] or row['stage'] or '?'}", False
    frames = "" if row["coverage"] == 1 else f" ({100 * row['coverage']:.0f} % of frames)"
    return f"{show(row['value'], form)}{frames}", True


def _broken(rows: Mapping[str, Mapping[str, Any]]) -> str:
    failed = next((row for row in rows.values() if row["status"] == "failed"), None)
    if failed is not None:
        return f"failed at {failed['stage']}: {failed['reason']}"
    return "no video" if rows else "not run"
