"""Figure: every metric by method, with intervals; one panel a metric, settings as markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.columns import columns_of, known, names_of, require_values
from bench.report.figures.style import (
    COLUMN,
    FAINT,
    FULL,
    INK,
    MARKERS,
    NEUTRAL,
    Look,
    fitted,
    in_style,
    method_looks,
    new_figure,
    plain,
    text_width,
)
from bench.report.folder import TRUTH
from bench.report.tables.digits import show
from bench.report.tables.table import Column, Estimate

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = {COLUMN: 2, FULL: 4}
"""Panels side by side at each width."""
_APART = 0.058
"""Inches between the marks of two settings: a mark's size and a little more."""
_BAND = 0.7
"""Share of a method's height that its settings take, so that methods are seen as groups."""
_BEYOND = 3.0
"""The truth is left off an axis, and said in words, from this many times the others' span away: PSNR's 100 dB would
press all methods into one mark. A truth of zero stays, as an error is read from zero."""


@in_style
def draw_intervals(table: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Metric by method with intervals, for a figure of `width` inches. table: as `bench.frames` has it, or a part.

    ConfigError where it has no value.
    """
    methods, settings = names_of(table, "method"), names_of(table, "setting")
    require_values(table, "value", "estimates")
    columns = columns_of(table)
    figure, panels = lay_out(columns, methods, len(settings), width=width)
    look, estimates = method_looks(table), estimates_of(table, columns)
    for number, axes in enumerate(panels):
        _panel(axes, columns[number], number, estimates, methods=methods, settings=settings, look=look)
    legend(figure, settings, width=width)
    return figure


def estimates_of(table: pd.DataFrame, columns: Sequence[Column]) -> dict[tuple[str, str], list[Estimate]]:
    """(method, setting) -> an estimate for each column, without a value where the frame has no line."""
    found: dict[tuple[str, str], dict[str, Estimate]] = {}
    for method, setting, metric, value, low, high, n, coverage in zip(
        *(table[name] for name in ("method", "setting", "metric", "value", "ci_low", "ci_high", "n", "coverage")),
        strict=True,
    ):
        made = Estimate(known(value), known(low), known(high), n, coverage, None)
        found.setdefault((method, setting), {})[metric] = made
    nothing = Estimate(None, None, None, 0, 0.0, None)
    return {key: [mine.get(column.card.id, nothing) for column in columns] for key, mine in found.items()}


def lay_out(
    columns: Sequence[Column], methods: Sequence[str], settings: int, *, width: float
) -> tuple[Figure, list[Axes]]:
    """An empty figure of a titled panel for each column, methods down its side; settings: marks for each method."""
    across = min(_PANELS.get(width, 4), len(columns))
    down = -(-len(columns) // across)
    # A line of text for each method, or as much as keeps the marks of its settings apart; title, axis and gap.
    height = down * (0.6 + len(methods) * max(0.165, settings * _APART / _BAND)) + 0.3
    figure = new_figure(width, height)
    panels = list(figure.subplots(down, across, sharey=True, squeeze=False).flat)
    names = [fitted(name, 0.16 * width + 0.35, 7.0) for name in methods]
    # What the names leave, shared by the panels; a little less for the gaps.
    room = (width - max(text_width(name, 7.0) for name in names)) / across - 0.06
    for axes, column in zip(panels, columns, strict=False):
        axes.set_title(_title(column, room))
        axes.set_yticks(range(len(methods)), names)
        axes.set_xlabel(plain(column.card.unit))
        axes.set_ylim(len(methods) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=FAINT, linewidth=0.4)
        axes.set_axisbelow(True)
    for axes in panels[len(columns) :]:
        axes.set_axis_off()
    return figure, panels[: len(columns)]


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
    if column.card.direction == "target" and column.card.target is not None:
        axes.axvline(column.card.target, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
    step = _BAND / len(settings)
    beyond = truth_beyond(estimates, number)
    for row, method in enumerate(methods):
        if method == TRUTH and beyond is not None:
            value, above = beyond
            shown = f"{show(value, column.form)} →" if above else f"← {show(value, column.form)}"
            side: dict[str, Any] = {"x": 0.99, "ha": "right"} if above else {"x": 0.01, "ha": "left"}
            side |= {"va": "center", "color": NEUTRAL, "fontsize": 6.5}
            axes.text(y=row, s=shown, transform=axes.get_yaxis_transform(), **side)
            continue
        for place, setting in enumerate(settings):
            if (method, setting) not in estimates:
                continue
            estimate = estimates[method, setting][number]
            height = row + (place - (len(settings) - 1) / 2) * step
            _mark(axes, estimate, height, look[method], MARKERS[place % len(MARKERS)], small=len(settings) > 2)
            if estimate.value is None and place == 0:
                blank: dict[str, Any] = {"va": "center", "color": NEUTRAL, "fontsize": 6}
                axes.text(0.02, row, "no value", transform=axes.get_yaxis_transform(), **blank)
    values = [e[number] for e in estimates.values() if e[number].value is not None]
    if values:
        axes.margins(x=0.08)
        # No steps of 2.5: their ticks need a digit more, which narrow panels have no room for.
        axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])
    else:
        axes.set_xticks([])


def truth_beyond(estimates: Mapping[tuple[str, str], Sequence[Estimate]], number: int) -> tuple[float, bool] | None:
    """(the truth's value, whether it lies above) where it is too far from the methods to share their axis."""
    truths = [line[number].value for (method, _), line in estimates.items() if method == TRUTH]
    values = [value for value in truths if value is not None]
    others = [
        end
        for (method, _), line in estimates.items()
        if method != TRUTH
        for end in (line[number].value, line[number].low, line[number].high)
        if end is not None
    ]
    if not values or not others or max(values) - min(values) > 0 or values[0] == 0:
        return None
    low, high, truth = min(others), max(others), values[0]
    if high > low and max(truth - high, low - truth) > _BEYOND * (high - low):
        return truth, truth > high
    return None


def _title(column: Column, room: float) -> str:
    """The heading in one line, or in two where that is too wide."""
    *words, last = column.heading.split(" ")
    words.append(f"{last} {column.card.arrow}".strip())
    count = len(words)
    while count > 1 and text_width(plain(" ".join(words[:count])), 7.5, weight="bold") > room:
        count -= 1
    lines = (" ".join(words[:count]), " ".join(words[count:]))
    return "\n".join(fitted(line, room, 7.5, weight="bold") for line in lines if line.strip())


def _mark(axes: Axes, estimate: Estimate, height: float, look: Look, marker: str, *, small: bool) -> None:
    if estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [height, height], color=look.colour, linewidth=1.3, alpha=0.75)
    # A hollow mark rests on fewer clips than asked for.
    inside = look.colour if estimate.coverage == 1 else "white"
    style: dict[str, Any] = {"markerfacecolor": inside, "markeredgecolor": look.colour, "markeredgewidth": 0.9}
    axes.plot([estimate.value], [height], marker, markersize=2.6 if small else 3.6, zorder=3, clip_on=False, **style)


def legend(figure: Figure, settings: Sequence[str], *, width: float) -> None:
    """Which mark is which setting, above the panels; nothing where there is one."""
    from matplotlib.lines import Line2D

    if len(settings) < 2:
        return
    handles = [
        Line2D(
            [],
            [],
            color=INK,
            marker=MARKERS[i % len(MARKERS)],
            linestyle="",
            markersize=3.6,
            label=fitted(name, 2.5, 6.5),
        )
        for i, name in enumerate(settings)
    ]
    widest = max(text_width(str(handle.get_label()), 6.5) for handle in handles) + 0.45
    figure.legend(handles=handles, loc="outside upper right", ncols=max(1, min(len(settings), int(width / widest))))


def describe_intervals(table: pd.DataFrame) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    words = f"{table.attrs.get('basis', 'Means with intervals')}. Dashed: target."
    if (table["coverage"] < 1).any():
        words += " Hollow: fewer clips than asked for."
    if TRUTH in set(table["method"]):
        words += " Grey: the truth itself."
        columns = columns_of(table)
        estimates = estimates_of(table, columns)
        if any(truth_beyond(estimates, number) for number in range(len(columns))):
            words += " Arrow: the truth lies beyond the axis."
    return words
