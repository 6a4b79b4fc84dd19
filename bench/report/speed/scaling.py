"""Figure: frames a second against how many devices share the clips, beside what they would give without any loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.legends import legend, legend_height
from bench.report.figures.style import INK, new_figure
from bench.report.speed.batch import rows_offline
from bench.report.speed.series import (
    DASHES,
    Kind,
    blank,
    by_kind,
    find_kinds,
    grid,
    line_of,
    log_ticks,
    note_line,
    spread,
)
from bench.store.speeds import SpeedRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_IDEAL: dict[str, Any] = {"color": INK, "linewidth": 0.7, "linestyle": (0, (3, 2)), "zorder": 1}


def why_no_scaling(rows: Sequence[SpeedRow]) -> str:
    """In words, why there is nothing to draw, else ""."""
    if not rows_offline(rows):
        return "No scaling to draw: no offline row counts."
    if _groups(rows):
        return ""
    return "No scaling to draw: nothing was timed on several numbers of devices under settings that are else the same."


def draw_scaling(rows: Sequence[SpeedRow], *, width: float) -> Figure:
    """A line for each method and setting that was timed on several numbers of devices; dashed: without loss."""
    groups = _groups(rows)
    if not groups:
        return blank(why_no_scaling(rows), width=width)
    several = len({(kind.name) for kind, _, _ in groups}) < len(groups)
    handles, seen = [], dict.fromkeys((kind.name for kind, _, _ in groups), 0)
    for kind, batch, _ in groups:
        name = f"{kind.name}, batch {batch}" if several else kind.name
        handles.append(line_of(kind, name, dashes=DASHES[seen[kind.name] % len(DASHES)]))
        seen[kind.name] += 1
    handles.append(note_line("without loss"))
    names = [str(handle.get_label()) for handle in handles]
    figure = new_figure(width, 2.3 + legend_height(names, width=width))
    axes = figure.subplots()
    values = [
        value for (kind, _, some), handle in zip(groups, handles, strict=False)
        for value in _line(axes, kind, some, handle.get_linestyle())
    ]  # fmt: skip
    if spread(values):
        log_ticks(axes, "y", values)
    else:
        axes.set_ylim(bottom=0.0)
    axes.set_xticks(sorted({_devices(row) for _, _, some in groups for row in some}))
    axes.margins(x=0.08)
    axes.set_xlabel("devices")
    axes.set_ylabel("frames/s end to end (offline)")
    grid(axes)
    legend(figure, handles, width=width)
    return figure


def describe_scaling(rows: Sequence[SpeedRow]) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    told = []
    for kind, batch, some in _groups(rows):
        shares = ", ".join(f"{_devices(row)} devices {_kept(row, some[0]) * 100:.0f} %" for row in some[1:])
        told.append(f"{kind.name}, batch {batch}: {shares}")
    return (
        "Offline frames/s with 95 % intervals by number of devices; dashed: as many times the smallest number's. Of "
        f"that is reached: {'; '.join(told)}."
    )


def _groups(rows: Sequence[SpeedRow]) -> list[tuple[Kind, Any, list[SpeedRow]]]:
    """(kind, batch, rows of rising number of devices) where there are at least two numbers."""
    found = []
    for kind, batch, some in by_kind(rows_offline(rows), find_kinds(rows), "batch"):
        ordered = sorted(some, key=lambda row: (_devices(row), row.id))
        if _devices(ordered[0]) < _devices(ordered[-1]):
            found.append((kind, batch, ordered))
    return found


def _devices(row: SpeedRow) -> int:
    return int(row.setting.get("devices") or 1)


def _speed(row: SpeedRow) -> float:
    return row.figures["frames_per_s"].value or 0.0


def _kept(row: SpeedRow, first: SpeedRow) -> float:
    """Share of what the row would give without any loss."""
    return _speed(row) / (_speed(first) / _devices(first) * _devices(row))


def _line(axes: Axes, kind: Kind, rows: Sequence[SpeedRow], dashes: Any) -> list[float]:
    counts, speeds = [_devices(row) for row in rows], [_speed(row) for row in rows]
    one = speeds[0] / counts[0]
    whole = range(counts[0], counts[-1] + 1)  # every count, as a straight line is none where an axis is logarithmic
    axes.plot(whole, [one * count for count in whole], **_IDEAL)
    for row, count in zip(rows, counts, strict=True):
        figure = row.figures["frames_per_s"]
        if figure.low is not None and figure.high is not None:
            axes.plot([count, count], [figure.low, figure.high], color=kind.look.colour, linewidth=1.0, alpha=0.7)
    axes.plot(counts, speeds, color=kind.look.colour, linestyle=dashes, marker=kind.marker, markersize=3.6, zorder=3)
    near: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6, "color": INK, "ha": "right"}
    axes.annotate(f"{_kept(rows[-1], rows[0]) * 100:.0f} %", (counts[-1], speeds[-1]), xytext=(8, -11), **near)
    return [*speeds, one * counts[-1]]
