"""Figure: a few metrics by method as bars with intervals; every bar begins at zero, or at the metric's target.

A bar's length is read as its value, so the axis is never cut: where that presses differences together, as it does for
SSIM, the marks of `intervals` tell more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.columns import columns_of, names_of, require_values
from bench.report.figures.intervals import estimates_of, lay_out, truth_beyond
from bench.report.figures.style import FULL, INK, NEUTRAL, Look, fitted, in_style, method_looks, text_width
from bench.report.folder import TRUTH
from bench.report.tables.digits import show
from bench.report.tables.table import Column, Estimate

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THICK = 0.76
"""Share of a method's height that its bars take."""
_TINTS = (1.0, 0.62, 0.36, 0.2)
"""How strong the colour is, by setting; the edge keeps the full colour, so that pale bars are seen."""


@in_style
def draw_bars(table: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Metric by method as bars with intervals, for a figure of `width` inches; settings are paler from one to the next.

    table: as `bench.frames` has it, or the part of it to be drawn, such as a few metrics. ConfigError where it has no
    value.
    """
    methods, settings = names_of(table, "method"), names_of(table, "setting")
    require_values(table, "value", "estimates")
    columns = columns_of(table)
    figure, panels = lay_out(columns, methods, 2 * len(settings), width=width)
    look, estimates = method_looks(table), estimates_of(table, columns)
    for number, axes in enumerate(panels):
        _panel(axes, columns[number], number, estimates, methods=methods, settings=settings, look=look)
    _legend(figure, settings, width=width)
    return figure


def describe_bars(table: pd.DataFrame) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    words = f"{table.attrs.get('basis', 'Means with intervals')}. Bars begin at zero"
    words += ", of a metric with a target at the target." if (table["direction"] == "target").any() else "."
    return words + (" Hatched: fewer clips than asked for." if (table["coverage"] < 1).any() else "")


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
    aimed = column.card.direction == "target" and column.card.target is not None
    start = float(column.card.target or 0.0) if aimed else 0.0
    beyond = truth_beyond(estimates, number)
    thick = _THICK / len(settings)
    for row, method in enumerate(methods):
        if method == TRUTH and beyond is not None:
            _aside(axes, start, row, f"truth: {show(beyond[0], column.form)}")
            continue
        for place, setting in enumerate(settings):
            estimate = estimates.get((method, setting), [])[number:] or [None]
            height = row + (place - (len(settings) - 1) / 2) * thick
            if estimate[0] is not None and estimate[0].value is not None:
                _bar(axes, estimate[0], start, height, thick, look[method], _TINTS[place % len(_TINTS)])
            elif place == 0:
                _aside(axes, start, row, "no value")
    axes.axvline(start, color=INK, linewidth=0.7, zorder=4)
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])


def _bar(axes: Axes, estimate: Estimate, start: float, height: float, thick: float, look: Look, tint: float) -> None:
    from matplotlib.colors import to_rgb

    assert estimate.value is not None
    pale = tuple(1 - tint * (1 - part) for part in to_rgb(look.colour))
    style: dict[str, Any] = {"color": pale, "edgecolor": look.colour, "linewidth": 0.5, "zorder": 2}
    if estimate.coverage < 1:
        style |= {"hatch": "////"}
    axes.barh(height, estimate.value - start, left=start, height=0.92 * thick, **style)
    if estimate.low is not None and estimate.high is not None:
        line: dict[str, Any] = {"color": INK, "linewidth": 0.9, "solid_capstyle": "butt", "zorder": 3}
        axes.plot([estimate.low, estimate.high], [height, height], **line)


def _aside(axes: Axes, start: float, row: int, text: str) -> None:
    words: dict[str, Any] = {"xytext": (3, 0), "textcoords": "offset points", "va": "center", "color": NEUTRAL}
    axes.annotate(text, (start, row), fontsize=6, **words)


def _legend(figure: Figure, settings: Sequence[str], *, width: float) -> None:
    from matplotlib.patches import Patch

    if len(settings) < 2:
        return
    tints = [_TINTS[place % len(_TINTS)] for place in range(len(settings))]
    handles = [
        Patch(facecolor=(1 - 0.7 * tint,) * 3, edgecolor=INK, linewidth=0.5, label=fitted(name, 2.5, 6.5))
        for name, tint in zip(settings, tints, strict=True)
    ]
    widest = max(text_width(str(handle.get_label()), 6.5) for handle in handles) + 0.45
    figure.legend(handles=handles, loc="outside upper right", ncols=max(1, min(len(settings), int(width / widest))))
