"""Curves over time that the page draws beneath its videos: lip opening against the truth's, or a metric by frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.folder import CellKey, Run, cell_of
from bench.report.selection import LIPS
from bench.report.tables.cards import Card
from bench.stats.summary import Clip

_HEIGHT = 100
"""Units of a strip's height; with whole numbers a curve takes three to four characters a frame."""
_INSET = 4
"""Units kept free above and below, so that a line at the edge is seen in full."""


@dataclass(frozen=True)
class Strip:
    """One video's curves as SVG paths over frames 0 .. frames - 1 and 0 .. 100 downwards. truth: "" where none."""

    frames: int
    curve: str
    truth: str


@dataclass(frozen=True)
class Strips:
    """Strips by cell. title: what they show; "" where no row has a curve."""

    title: str
    found: Mapping[CellKey, Strip]


def find_strips(run: Run, cards: Mapping[str, Card]) -> Strips:
    """Lip opening where rows hold it, else the first metric of the protocol that has values by frame.

    All strips of a clip share one scale, so that methods can be compared.
    """
    lips = [name for name in run.protocol["metrics"] if name.startswith(f"{LIPS}/")]
    curves: dict[CellKey, tuple[Sequence[float | None], Sequence[float | None]]]
    for metric in lips:
        curves = {
            cell_of(row): (row["series"]["opening"], row["series"]["truth"])
            for row in run.rows
            if row["metric"] == metric and {"opening", "truth"} <= set(row["series"])
        }
        if curves:
            return Strips("lip opening, the truth's in grey", _scaled(curves))
    for metric in run.protocol["metrics"]:
        curves = {cell_of(r): (r["per_frame"], []) for r in run.rows if r["metric"] == metric and r["per_frame"]}
        if curves:
            return Strips(f"{cards[metric].title} by frame ({metric})", _scaled(curves))
    return Strips("", {})


def _scaled(curves: Mapping[CellKey, tuple[Sequence[float | None], Sequence[float | None]]]) -> dict[CellKey, Strip]:
    limits: dict[Clip, tuple[float, float]] = {}
    for (_, _, clip), both in curves.items():
        values = [value for curve in both for value in curve if value is not None and math.isfinite(value)]
        if values:
            low, high = limits.get(clip, (math.inf, -math.inf))
            limits[clip] = min([low, *values]), max([high, *values])
    return {
        key: Strip(len(curve), _path(curve, limits[key[2]]), _path(truth, limits[key[2]]))
        for key, (curve, truth) in curves.items()
        if key[2] in limits
    }


def _path(values: Sequence[float | None], limits: tuple[float, float]) -> str:
    """An SVG path that is broken where there is no value."""
    low, high = limits
    unit = (_HEIGHT - 2 * _INSET) / (high - low) if high > low else 0.0
    parts: list[str] = []
    pen = "M"
    for frame, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pen = "M"
        else:
            parts.append(f"{pen}{frame} {_HEIGHT - _INSET - round((value - low) * unit)}")
            pen = "L"
    return "".join(parts)
