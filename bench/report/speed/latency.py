"""Figure: how long frames of a single stream take, from the quickest to the one in a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.report.figures.legends import legend, legend_height
from bench.report.figures.style import INK, new_figure
from bench.report.speed.series import (
    DASHES,
    Kind,
    blank,
    find_kinds,
    full_name,
    grid,
    line_of,
    log_ticks,
    note_line,
    spread,
)
from bench.report.tables.digits import show_alone
from bench.store.speeds import SpeedRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE = "latency_ms"
DISPLAY = 40.0
"""Milliseconds that a frame of 25 a second is shown."""
_MARKED = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


def rows_with_latency(rows: Sequence[SpeedRow]) -> list[SpeedRow]:
    """Those of a single stream that kept the time of each frame."""
    return [row for row in rows if row.scenario == "single-stream" and len(row.curves.get(CURVE, ()))]


def why_no_latency(rows: Sequence[SpeedRow]) -> str:
    """In words, why there is nothing to draw, else ""."""
    return "" if rows_with_latency(rows) else "No latency to draw: no row of a single stream counts."


def draw_latency(rows: Sequence[SpeedRow], *, width: float) -> Figure:
    """A curve for each method and setting: share of frames (up) that took at most so long (across)."""
    shown = rows_with_latency(rows)
    if not shown:
        return blank(why_no_latency(rows), width=width)
    kinds = find_kinds(rows)
    names = [full_name(row, shown) for row in shown]
    figure = new_figure(width, 2.3 + legend_height([*names, "x"], width=width))
    axes = figure.subplots()
    handles, seen = [], dict.fromkeys((kinds[row.id].name for row in shown), 0)
    most = max(len(row.curves[CURVE]) for row in shown)
    _scale(axes, most)
    for row, name in zip(shown, names, strict=True):
        kind = kinds[row.id]
        dashes = DASHES[seen[kind.name] % len(DASHES)]
        seen[kind.name] += 1
        _curve(axes, row, kind, dashes)
        handles.append(line_of(kind, name, dashes=dashes))
    values = [value for row in shown for value in (min(row.curves[CURVE]), max(row.curves[CURVE]))]
    if spread(values):
        log_ticks(axes, "x", values)
    else:
        axes.set_xlim(left=0.0)
    low, high = axes.get_xlim()
    if low < DISPLAY < high:
        axes.axvline(DISPLAY, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
        handles.append(note_line("40 ms: shown at 25 frames/s"))
    axes.set_xlabel("milliseconds for a frame")
    axes.set_ylabel("frames done by then")
    legend(figure, handles, width=width)
    return figure


def describe_latency(rows: Sequence[SpeedRow]) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    marks = []
    for row in rows_with_latency(rows):
        known = {name: row.figures[name].value for name, _ in _MARKED if name in row.figures}
        found = ", ".join(f"{name} {show_alone(value)} ms" for name, value in known.items() if value is not None)
        marks.append(f"{full_name(row, rows)}: {found or 'no percentiles'}")
    return (
        "Share of frames of a single stream that were done within so many milliseconds; the axis gives each further "
        f"nine (90, 99, 99.9 %) the same room. Marks: p50, p90, p99. {'; '.join(marks)}."
    )


def _scale(axes: Axes, most: int) -> None:
    def nines(share: Any) -> Any:
        return -np.log10(np.clip(1.0 - np.asarray(share, float), 1e-9, None))

    def shares(nine: Any) -> Any:
        return 1.0 - 10.0 ** -np.asarray(nine, float)

    axes.set_yscale("function", functions=(nines, shares))
    ticks = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999]
    top = 1.0 - 0.8 / (most + 1)
    kept = [tick for tick in ticks if tick < top]
    axes.set_ylim(0.0, max(top, 0.95))
    axes.set_yticks(kept, [f"{tick * 100:g} %" for tick in kept])
    axes.minorticks_off()
    grid(axes)


def _curve(axes: Axes, row: SpeedRow, kind: Kind, dashes: Any) -> None:
    held = np.sort(np.asarray(row.curves[CURVE], float))
    shares = np.arange(1, held.size + 1) / (held.size + 1)
    axes.plot(held, shares, color=kind.look.colour, linestyle=dashes, drawstyle="steps-post")
    marks = _marks(row.figures)
    style: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": kind.look.colour, "markersize": 4}
    axes.plot(*zip(*marks, strict=True), kind.marker, zorder=3, **style) if marks else None


def _marks(figures: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [
        (figures[name].value, share) for name, share in _MARKED if name in figures and figures[name].value is not None
    ]
