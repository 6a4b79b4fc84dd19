"""Figure: what speed costs in fidelity, a point for each method and setting, and the ones that none beats in both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.report.figures.legends import legend, legend_height
from bench.report.figures.style import INK, NEUTRAL, new_figure
from bench.report.speed.batch import rows_offline
from bench.report.speed.series import Kind, blank, find_kinds, full_name, grid, line_of, log_ticks, note_line, spread
from bench.report.tables.digits import show_alone
from bench.store.speeds import FidelityRow, SpeedRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Quality:
    """A way to look at fidelity. read: larger is better, None: not measured. bar: what the gate asks for."""

    label: str
    read: Callable[[FidelityRow], float | None]
    bar: float | None


EXACT = "exact"
QUALITIES = (
    Quality("PSNR to the plain loop (dB)", lambda gate: gate.psnr_mean, 40.0),
    Quality("lip-opening r, change", lambda gate: gate.r_change, None),
    Quality("−LPIPS to the plain loop", lambda gate: None if gate.lpips is None else -gate.lpips, -0.01),
)


@dataclass(frozen=True)
class _Point:
    row: SpeedRow
    speed: float
    quality: float
    exact: bool


def why_no_pareto(rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow]) -> str:
    """In words, why there is nothing to draw, else ""."""
    if not rows_offline(rows):
        return "No quality against speed to draw: no offline row counts."
    return "" if _panels(rows, gates) else "No quality against speed to draw: the gate measured no quality."


def draw_pareto(rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow], *, width: float) -> Figure:
    """A panel for each kind of quality that was measured: offline frames/s across, quality up, better is up right.

    gates: fidelity rows by the speed row's id.
    """
    panels = _panels(rows, gates)
    if not panels:
        return blank(why_no_pareto(rows, gates), width=width)
    kinds = find_kinds(rows)
    across = len(panels) if width > 5 else 1
    down = -(-len(panels) // across)
    used = {kinds[point.row.id].name: kinds[point.row.id] for _, points in panels for point in points}
    handles = [line_of(kind, name, dashes="") for name, kind in sorted(used.items())]
    if any(len(front(points)) > 1 for _, points in panels):
        handles.append(note_line("best of both", dashes="-"))
    if any(quality.bar is not None for quality, _ in panels):
        handles.append(note_line("the gate's least"))
    names = [str(handle.get_label()) for handle in handles]
    figure = new_figure(width, 2.1 * down + 0.2 + legend_height(names, width=width))
    drawn = list(figure.subplots(down, across, squeeze=False).flat)
    for axes, (quality, points) in zip(drawn, panels, strict=False):
        _panel(axes, quality, points, kinds)
    for axes in drawn[len(panels) :]:
        axes.set_axis_off()
    legend(figure, handles, width=width)
    return figure


def describe_pareto(rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow]) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    panels = _panels(rows, gates)
    if not panels:
        return why_no_pareto(rows, gates)
    quality, points = panels[0]
    best = "; ".join(
        f"{full_name(point.row, rows)} ({show_alone(point.speed)} frames/s, "
        f"{EXACT if point.exact else show_alone(point.quality)})"
        for point in front(points)
    )
    return (
        "Fidelity of the emitted frames to the float32 plain loop against offline frames/s, a point for each method "
        f"and setting; line: none is better in both; numbers on it: batch. By {quality.label}, best of both: {best}."
    )


def front(points: Sequence[_Point]) -> list[_Point]:
    """Those that no other beats in speed and quality at once, from slow to fast; of equal ones the first."""
    kept: list[_Point] = []
    for point in sorted(points, key=lambda one: (-one.speed, -one.quality, one.row.id)):
        if not kept or point.quality > kept[-1].quality:
            kept.append(point)
    return kept[::-1]


def _panels(rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow]) -> list[tuple[Quality, list[_Point]]]:
    shown = [row for row in rows_offline(rows) if row.id in gates]
    panels = []
    for quality in QUALITIES:
        read = [(row, quality.read(gates[row.id]), _is_exact(quality, gates[row.id])) for row in shown]
        known = [value for _, value, _ in read if value is not None]
        # Equal frames have no finite PSNR; they stand above all others.
        top = (max(known) + max(1.0, 0.25 * (max(known) - min(known)))) if known else 1.0
        points = [
            _Point(row, row.figures["frames_per_s"].value or 0.0, top if value is None else value, exact)
            for row, value, exact in read
            if value is not None or exact
        ]
        if points:
            panels.append((quality, points))
    return panels


def _is_exact(quality: Quality, gate: FidelityRow) -> bool:
    return quality is QUALITIES[0] and gate.exact and gate.psnr_mean is None


def _panel(axes: Axes, quality: Quality, points: Sequence[_Point], kinds: Mapping[str, Kind]) -> None:
    best = front(points)
    line: dict[str, Any] = {"color": INK, "linewidth": 0.8, "zorder": 1, "drawstyle": "steps-pre"}
    axes.plot([point.speed for point in best], [point.quality for point in best], **line)
    for point in points:
        kind = kinds[point.row.id]
        style: dict[str, Any] = {"color": kind.look.colour, "markersize": 4.2, "markeredgecolor": "white"}
        axes.plot([point.speed], [point.quality], kind.marker, markeredgewidth=0.4, zorder=3, **style)
    speeds = [point.speed for point in points]
    if spread(speeds):
        log_ticks(axes, "x", speeds)
        axes.set_xlim(min(speeds) / 1.5, max(speeds) * 1.6)
    else:
        axes.set_xlim(0.0, max(speeds) * 1.12)
    _upright(axes, quality, points)
    for point in best:
        batch = point.row.setting.get("batch")
        if batch is not None:
            near: dict[str, Any] = {"textcoords": "offset points", "fontsize": 5.5, "color": NEUTRAL}
            axes.annotate(str(batch), (point.speed, point.quality), xytext=(3, 3), **near)
    axes.set_xlabel("frames/s end to end (offline)")
    axes.set_ylabel(quality.label)
    grid(axes)


def _upright(axes: Axes, quality: Quality, points: Sequence[_Point]) -> None:
    """Limits and ticks of the quality axis, with a place of its own for equal frames."""
    values = [point.quality for point in points]
    bars = [] if quality.bar is None else [quality.bar]
    low, high = min([*values, *bars]), max(values)
    room = 0.1 * (high - low) or 0.1 * abs(high) or 0.01
    axes.set_ylim(low - room, high + 1.3 * room)
    for bar in bars:
        axes.axhline(bar, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
    exact = [point.quality for point in points if point.exact]
    if exact:
        finite = [tick for tick in axes.get_yticks() if low - room <= tick < exact[0] - 1.5 * room]
        axes.set_yticks([*finite, exact[0]], [*(f"{tick:g}" for tick in finite), EXACT])
