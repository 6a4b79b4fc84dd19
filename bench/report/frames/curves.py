"""Frames of curves: per-frame values, lip opening beside the truth, distance of lips and sound by offset.

Curves of a large run are many: they are put together as arrays, and what a figure needs can be had alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.records import FPS
from bench.report.figures.lips import find_panels
from bench.report.folder import Run, clip_of, name_clip
from bench.report.frames.columns import CLIP_COLUMNS, MEANINGS, frame_of, shape
from bench.report.frames.quality import name_metrics
from bench.report.tables.cards import Card
from bench.stats.bootstrap import FEWEST, cluster_sums, effective, standard_error, student, too_few
from bench.stats.summary import cluster_labels

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

PER_FRAME = "per_frame"
_NOTE, _ENDS = "distance_by_offset", "offsets"
"""Keys of the notes in which metrics of lips and sound leave their curve, and its first and last offset."""


def frame_curves(run: Run) -> pd.DataFrame:
    """`curves`: a line for each frame of each curve of each row. A shared run keeps the curves that figures show."""
    return _long(run, ((row, {}) for row in run.rows), "curves")


def frame_lips(run: Run, cards: Mapping[str, Card]) -> pd.DataFrame:
    """`lips`: of `curves`, lip opening and truth on the best, the median and the worst clip under the first setting."""
    metric, panels = find_panels(run, cards)
    rows: dict[Any, list[dict[str, Any]]] = {}
    for row in run.rows:
        if row["metric"] == metric and row["setting"] == run.settings[0] and "opening" in row["series"]:
            rows.setdefault(clip_of(row), []).append(row)
    places = {name: place for place, name in enumerate(run.methods)}
    chosen = []
    for panel in panels:
        for row in sorted(rows[panel.clip], key=lambda row: places[row["method"]]):
            kept = ("truth", "opening") if row is rows[panel.clip][0] else ("opening",)
            thin = {**row, "per_frame": None, "series": {name: row["series"][name] for name in kept}}
            chosen.append((thin, {"place": panel.word, "r": row["value"]}))
    return _long(run, chosen, "lips")


def frame_offsets(run: Run) -> pd.DataFrame:
    """`offsets`: a line for each clip and offset. Metrics that were read from one curve have it once, as the first."""
    names, seeds = name_metrics(run), len(run.protocol["axes"]["seeds"]) > 1
    first: dict[str, str] = {}
    for metric in run.protocol["metrics"]:
        if any(row["metric"] == metric and _NOTE in row["notes"] for row in run.rows):
            first.setdefault(metric.partition("/")[2], metric)
    lines = []
    for row in run.rows:
        if row["metric"] not in first.values() or not row["notes"].get(_NOTE):
            continue
        low, high = row["notes"][_ENDS]
        base = {name: row[name] for name in ("method", "setting", "metric", *CLIP_COLUMNS)}
        base |= {"heading": names[row["metric"]], "clip": name_clip(clip_of(row), seeds=seeds)}
        lines += [
            {**base, "offset": offset, "distance": distance}
            for offset, distance in zip(range(low, high + 1), row["notes"][_NOTE], strict=True)
        ]
    return frame_of("offsets", lines, run)


def frame_sync(run: Run, offsets: pd.DataFrame) -> pd.DataFrame:
    """`sync`: `offsets`, or a part of it, as means over clips with limits.

    Limits are the mean and the jackknife's error over the protocol's clusters times Student's t: as wide as every
    interval here, but without the bootstrap's shape, which would be drawn anew for each of hundreds of points.
    """
    chosen = run.protocol["statistics"]
    lines: list[dict[str, Any]] = []
    for (method, setting, metric), curve in offsets.groupby(["method", "setting", "metric"], observed=True):
        base = {"method": method, "setting": setting, "metric": metric, "heading": curve["heading"].iloc[0]}
        known = curve.dropna(subset="distance")
        mine = [{**base, "offset": int(offset), **_estimate(part, chosen)} for offset, part in known.groupby("offset")]
        least = min((line["value"] for line in mine), default=None)
        lines += [{**line, "lowest": line["value"] == least} for line in mine]
    return frame_of("sync", lines, run)


def _estimate(part: pd.DataFrame, chosen: Mapping[str, Any]) -> dict[str, Any]:
    values = part["distance"].to_numpy()
    clips = list(zip(*(part[name].astype(object) for name in CLIP_COLUMNS), strict=True))
    sums, sizes = cluster_sums(values, cluster_labels(clips, chosen["cluster"]))
    value = float(sums.sum() / sizes.sum())
    found = {"value": value, "ci_low": None, "ci_high": None, "n": len(values)}
    if too_few(len(values), sums.size, fewest=chosen.get("fewest", FEWEST)) is None:
        reach = standard_error(sums, sizes) * student(0.5 + chosen["level"] / 2, effective(sizes) - 1)
        found |= {"ci_low": value - reach, "ci_high": value + reach}
    return found


def _long(run: Run, rows: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]], name: str) -> pd.DataFrame:
    """All curves of the rows beneath one another. rows: with what else each line says."""
    import pandas as pd  # type: ignore[import-untyped]

    headings, seeds = name_metrics(run), len(run.protocol["axes"]["seeds"]) > 1
    heads: list[dict[str, Any]] = []
    curves: list[np.ndarray] = []
    for row, more in rows:
        series: dict[str, Sequence[float | None]] = dict(row["series"])
        if row["per_frame"] is not None:
            series = {PER_FRAME: row["per_frame"], **series}
        base = {**row, **more, "heading": headings[row["metric"]], "clip": name_clip(clip_of(row), seeds=seeds)}
        for word, curve in series.items():
            heads.append({**base, "series": word})
            curves.append(np.array(curve, dtype=np.float64))
    sizes = [len(curve) for curve in curves]
    frames = np.concatenate([np.arange(size) for size in sizes]) if sizes else np.zeros(0, np.int64)
    data: dict[str, Any] = {"frame": frames, "seconds": frames / FPS}
    data["value"] = np.concatenate(curves) if curves else np.zeros(0)
    for column in MEANINGS[name]:
        if column not in data:
            held = [head[column] for head in heads]
            if column not in ("r", "seed"):
                held = pd.Categorical(held, categories=list(dict.fromkeys(held)))
                held = held.set_categories(_kept(column, held, run))
                data[column] = pd.Series(held).repeat(sizes).reset_index(drop=True)
            else:
                data[column] = np.repeat(np.array(held, dtype=np.float64 if column == "r" else np.int64), sizes)
    return shape(name, data, run)


def _kept(column: str, held: pd.Categorical, run: Run) -> list[str]:
    known = {"method": run.methods, "setting": run.settings, "metric": run.protocol["metrics"]}.get(column, [])
    return list(dict.fromkeys([*known, *held.categories]))
