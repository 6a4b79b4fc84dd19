"""Figure: every metric by method, with intervals; one panel a metric, settings as markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.folder import TRUTH
from bench.report.style import COLUMN, FAINT, FULL, INK, MARKERS, NEUTRAL, Look, looks, new_figure, plain
from bench.report.table import Column, Estimate, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = {COLUMN: 2, FULL: 4}
"""Panels side by side at each width."""


def draw_intervals(table: Table, *, width: float) -> Figure:
    """Metric by method with intervals, for a figure of `width` inches. The table has at least one column."""
    methods = list(dict.fromkeys(line.method for line in table.lines))
    settings = list(dict.fromkeys(line.setting for line in table.lines))
    across = min(_PANELS.get(width, 4), len(table.columns))
    down = -(-len(table.columns) // across)
    # A line of text for each method and setting, and room for title, axis and the gap between panels.
    height = down * (0.55 + max(len(methods) * 0.165, len(methods) * len(settings) * 0.085)) + 0.3
    figure = new_figure(width, height)
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    look = looks(methods)
    estimates = {(line.method, line.setting): line.estimates for line in table.lines}
    for number, axes in enumerate(panels.flat):
        if number >= len(table.columns):
            axes.set_axis_off()
            continue
        _panel(axes, table.columns[number], number, estimates, methods=methods, settings=settings, look=look)
    _legend(figure, settings)
    return figure


def _panel(
    axes: Axes,
    column: Column,
    number: int,
    estimates: Mapping[tuple[str, str], Sequence[Estimate]],
    *,
    methods: Sequence[str],
    settings: Sequence[str],
    look: Mapping[str, Look],
) -> None:
    axes.set_title(plain(f"{column.heading} {column.card.arrow}".strip()))
    axes.set_xlabel(plain(column.card.unit))
    axes.set_yticks(range(len(methods)), [plain(name) for name in methods])
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    if column.card.direction == "target" and column.card.target is not None:
        axes.axvline(column.card.target, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
    step = min(0.24, 0.7 / len(settings))
    for row, method in enumerate(methods):
        for place, setting in enumerate(settings):
            estimate = estimates[method, setting][number]
            height = row + (place - (len(settings) - 1) / 2) * step
            _mark(axes, estimate, height, look[method], MARKERS[place % len(MARKERS)], small=len(settings) > 2)
            if estimate.value is None and place == 0:
                blank: dict[str, Any] = {"va": "center", "color": NEUTRAL, "fontsize": 6}
                axes.text(0.02, row, "no value", transform=axes.get_yaxis_transform(), **blank)
    values = [e[number] for e in estimates.values() if e[number].value is not None]
    if values:
        axes.margins(x=0.08)
        axes.locator_params(axis="x", nbins=4)
    else:
        axes.set_xticks([])


def _mark(axes: Axes, estimate: Estimate, height: float, look: Look, marker: str, *, small: bool) -> None:
    if estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [height, height], color=look.colour, linewidth=1.3, alpha=0.75)
    # A hollow mark rests on fewer clips than asked for.
    inside = look.colour if estimate.coverage == 1 else "white"
    style: dict[str, Any] = {"markerfacecolor": inside, "markeredgecolor": look.colour, "markeredgewidth": 0.9}
    axes.plot([estimate.value], [height], marker, markersize=2.6 if small else 3.6, zorder=3, clip_on=False, **style)


def _legend(figure: Figure, settings: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    if len(settings) < 2:
        return
    handles = [
        Line2D([], [], color=INK, marker=MARKERS[i % len(MARKERS)], linestyle="", markersize=3.6, label=plain(name))
        for i, name in enumerate(settings)
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=min(4, len(settings)))


def describe_intervals(table: Table) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    words = f"{table.basis}. Dashed: target."
    if any(estimate.coverage < 1 for line in table.lines for estimate in line.estimates):
        words += " Hollow: fewer clips than asked for."
    if TRUTH in {line.method for line in table.lines}:
        words += " Grey: the truth itself."
    return words
