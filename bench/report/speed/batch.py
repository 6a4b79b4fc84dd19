"""Figure: frames a second against how many are painted at once, and the memory that it takes, one above the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.legends import legend, legend_height
from bench.report.figures.style import NEUTRAL, Look, new_figure
from bench.report.speed.series import Kind, blank, by_kind, count_ticks, find_kinds, grid, line_of, log_ticks, spread
from bench.report.tables.digits import show_alone
from bench.store.speeds import Figure as Measured
from bench.store.speeds import SpeedRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEMORY = ("device", "allocator", "process")
"""Whose peak is drawn: the first that is known."""


def rows_offline(rows: Sequence[SpeedRow]) -> list[SpeedRow]:
    """Those that say how many frames a second all clips together gave."""
    return [row for row in rows if row.scenario == "offline" and _value(row.figures, "frames_per_s") is not None]


def why_no_batch(rows: Sequence[SpeedRow]) -> str:
    """In words, why there is nothing to draw, else ""."""
    return "" if _groups(rows) else "No throughput to draw: no offline row counts."


def draw_batch(rows: Sequence[SpeedRow], *, width: float) -> Figure:
    """Upper panel: frames/s end to end (filled) and of the networks alone (hollow). Lower: peak memory."""
    groups = _groups(rows)
    if not groups:
        return blank(why_no_batch(rows), width=width)
    handles = [line_of(kind, kind.name) for kind, _ in groups]
    shown = [row for _, some in groups for row in some]
    if any(_value(row.figures, "network_frames_per_s") is not None for row in shown):
        handles.append(line_of(Kind("", Look(NEUTRAL), "o"), "networks alone", hollow=True, dashes=""))
    names = [str(handle.get_label()) for handle in handles]
    figure = new_figure(width, 3.3 + legend_height(names, width=width))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    speeds, sizes = [], []
    for kind, some in groups:
        speeds += _line(upper, some, "frames_per_s", kind, hollow=False)
        speeds += _line(upper, some, "network_frames_per_s", kind, hollow=True)
        sizes += _memory_line(lower, some, kind)
    for axes, values, title in ((upper, speeds, "frames/s"), (lower, sizes, "peak memory (GiB)")):
        if spread(values):
            log_ticks(axes, "y", values)
        else:
            axes.set_ylim(bottom=0.0)
        axes.set_ylabel(title)
        grid(axes)
    if not sizes:
        lower.text(0.5, 0.5, "memory was not recorded", transform=lower.transAxes, ha="center", va="center")
        lower.set_yticks([])
    count_ticks(lower, [row.setting["batch"] for row in shown])
    lower.set_xlabel("frames painted at once (batch)")
    figure.align_ylabels()
    legend(figure, handles, width=width)
    return figure


def describe_batch(rows: Sequence[SpeedRow]) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    told, kinds = [], set()
    for kind, some in _groups(rows):
        best = max(some, key=lambda row: _value(row.figures, "frames_per_s") or 0.0)
        speed = show_alone(_value(best.figures, "frames_per_s"))
        told.append(f"{kind.name}: at most {speed} frames/s, at batch {best.setting['batch']}")
        kinds |= {name for row in some if (name := memory_of(row)[1])}
    memory = f" Memory: peak of the {', '.join(sorted(kinds))}." if kinds else ""
    return (
        "Offline frames/s with 95 % intervals by batch, and the memory that it takes; what was timed at one batch "
        f"alone is left out where others were swept.{memory} {'; '.join(told)}."
    )


def _groups(rows: Sequence[SpeedRow]) -> list[tuple[Kind, list[SpeedRow]]]:
    """(kind, rows of rising batch) on the fewest devices; the kinds with several batches where there are any."""
    shown = [row for row in rows_offline(rows) if isinstance(row.setting.get("batch"), int)]
    found: dict[str, tuple[Kind, list[SpeedRow]]] = {}
    for kind, _, some in by_kind(shown, find_kinds(rows), "devices"):
        found.setdefault(kind.name, (kind, sorted(some, key=lambda row: (row.setting["batch"], row.id))))
    swept = [(kind, some) for kind, some in found.values() if len({row.setting["batch"] for row in some}) > 1]
    return swept or list(found.values())


def memory_of(row: SpeedRow) -> tuple[float | None, str]:
    """(GiB at the peak, of what): the device's by its own account, else the allocator's, else the process's."""
    for name in _MEMORY:
        size = row.memory.get(name)
        if size is not None:
            return size / 1024**3, name
    return None, ""


def _line(axes: Axes, rows: Sequence[SpeedRow], name: str, kind: Kind, *, hollow: bool) -> list[float]:
    """Draws one figure of rows of rising batch; the values that were drawn."""
    points = [(row.setting["batch"], row.figures[name]) for row in rows if _value(row.figures, name) is not None]
    for batch, figure in points:
        if figure.low is not None and figure.high is not None:
            axes.plot([batch, batch], [figure.low, figure.high], color=kind.look.colour, linewidth=1.0, alpha=0.7)
    inside = "white" if hollow else kind.look.colour
    style: dict[str, Any] = {
        "color": kind.look.colour,
        "markersize": 2.8 if hollow else 3.6,
        "linestyle": "" if hollow else "-",
    }
    style |= {"markerfacecolor": inside, "markeredgecolor": kind.look.colour, "markeredgewidth": 0.8}
    values = [figure.value for _, figure in points]
    axes.plot([batch for batch, _ in points], values, marker=kind.marker, zorder=3, **style)
    return values


def _memory_line(axes: Axes, rows: Sequence[SpeedRow], kind: Kind) -> list[float]:
    points = [(row.setting["batch"], size) for row in rows if (size := memory_of(row)[0]) is not None]
    style: dict[str, Any] = {"color": kind.look.colour, "markersize": 3.6, "linestyle": "-"}
    axes.plot([batch for batch, _ in points], [size for _, size in points], marker=kind.marker, **style)
    return [size for _, size in points]


def _value(figures: Mapping[str, Measured], name: str) -> float | None:
    return figures[name].value if name in figures else None
