"""Figure: identity against lip sync. Methods that trade one for the other lie on a front, the others behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.report.figures.columns import columns_of, known, names_of
from bench.report.figures.legends import legend, legend_height
from bench.report.figures.style import (
    COLUMN,
    FAINT,
    FULL,
    NEUTRAL,
    Look,
    fitted,
    in_style,
    method_looks,
    new_figure,
    plain,
    text_width,
)
from bench.report.tables.cards import Card
from bench.report.tables.table import Column

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IDENTITY = ("csim", "identity_distance")
SYNC = ("sync_confidence", "lse_c", "lip_opening_r")
"""Families of either axis, the first that there are values of is taken."""
_BETTER = "#009E73"
_PANELS = {COLUMN: 2, FULL: 4}


@dataclass(frozen=True)
class Point:
    """A method: (value, low, high) across and up, limits None where there are none. ranked: may be on the front."""

    method: str
    x: tuple[float, float | None, float | None]
    y: tuple[float, float | None, float | None]
    ranked: bool


def pick_tradeoff(table: pd.DataFrame) -> tuple[str, str] | None:
    """The ids of a metric of identity and of one of sync that at least two ranked methods have; None without them."""
    there = table[table["value"].notna() & table["ranked"] & table["direction"].isin(["higher", "lower"])]
    for one in _of_families(there, IDENTITY):
        for two in _of_families(there, SYNC):
            both = set(there.loc[there["metric"] == one, "method"]) & set(there.loc[there["metric"] == two, "method"])
            if len(both) > 1:
                return one, two
    return None


@in_style
def draw_tradeoff(
    table: pd.DataFrame, *, across: str | None = None, up: str | None = None, width: float = FULL
) -> Figure:
    """Each method by two metrics with intervals both ways, a panel for each setting, the front of ranked ones drawn.

    table: as `bench.frames` has it, or a part. across, up: metric ids, left out those of `pick_tradeoff`. ConfigError
    where there are none, or where a metric has no direction.
    """
    from matplotlib.lines import Line2D

    chosen = pick_tradeoff(table)
    ids = (across or (chosen and chosen[0]), up or (chosen and chosen[1]))
    found = {column.card.id: column for column in columns_of(table)}
    if any(name is None for name in ids):
        raise ConfigError("nothing to draw: expected estimates of identity and of lip sync, of two methods or more")
    for name in ids:
        if name not in found or found[str(name)].card.direction not in ("higher", "lower"):
            raise ConfigError(f"expected a metric of the frame that is better higher or lower, got {name!r}")
    axes_of = (found[str(ids[0])], found[str(ids[1])])
    settings = names_of(table, "setting")
    points = {setting: find_points(table[table["setting"] == setting], *map(str, ids)) for setting in settings}
    settings = [setting for setting in settings if points[setting]]
    shown = {point.method for some in points.values() for point in some}
    look = {name: style for name, style in method_looks(table).items() if name in shown}
    columns = min(_PANELS.get(width, 4), len(settings))
    down = -(-len(settings) // columns)
    each = min(2.6, width / columns)
    handles = [_handle(name, style) for name, style in look.items()]
    cards = (axes_of[0].card, axes_of[1].card)
    if any(len(find_front(some, cards)) > 1 for some in points.values()):
        handles.append(Line2D([], [], color=NEUTRAL, linewidth=0.8, linestyle=(0, (3, 2)), label="front"))
    words = [str(handle.get_label()) for handle in handles]
    figure = new_figure(width, down * max(1.9, each * 0.9) + legend_height(words, width=width) + 0.2)
    panels = list(figure.subplots(down, columns, sharex=True, sharey=True, squeeze=False).flat)
    for number, (axes, setting) in enumerate(zip(panels, settings, strict=False)):
        _panel(axes, points[setting], cards, look)
        if number >= len(settings) - columns:
            axes.set_xlabel(_axis_title(axes_of[0], width / columns - 0.35))
            axes.tick_params(labelbottom=True)
        if number % columns == 0:
            axes.set_ylabel(_axis_title(axes_of[1], 1.8))
        if len(settings) > 1:
            axes.set_title(fitted(setting, width / columns - 0.5, 7.5, weight="bold"))
    for axes in panels[len(settings) :]:
        axes.set_axis_off()
    legend(figure, handles, width=width)
    return figure


def describe_tradeoff(table: pd.DataFrame) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    chosen = pick_tradeoff(table)
    if chosen is None:
        return ""
    cards = {column.card.id: column.card for column in columns_of(table)}
    ahead = []
    settings = names_of(table, "setting")
    for setting in settings:
        points = find_points(table[table["setting"] == setting], *chosen)
        front = find_front(points, (cards[chosen[0]], cards[chosen[1]]))
        if front:
            under = f" under {setting}" if len(settings) > 1 else ""
            ahead.append(f"{', '.join(point.method for point in front)}{under}")
    apart = " Hollow: given the truth, not on the front." if any(not ranked for ranked in table["ranked"]) else ""
    return (
        f"{chosen[0]} against {chosen[1]}, means with intervals both ways; the shaded corner is better by both. "
        f"On the front, where no method is better by both: {'; '.join(ahead)}.{apart}"
    )


def find_points(lines: pd.DataFrame, across: str, up: str) -> list[Point]:
    """The methods of one setting that have a value of both metrics."""
    held: dict[str, dict[str, tuple[Any, ...]]] = {}
    ranked = {}
    for line in lines.to_dict("records"):
        if line["metric"] in (across, up) and known(line["value"]) is not None:
            limits = tuple(known(line[name]) for name in ("value", "ci_low", "ci_high"))
            held.setdefault(line["method"], {})[line["metric"]] = limits
            ranked[line["method"]] = bool(line["ranked"])
    return [
        Point(method, mine[across], mine[up], ranked[method])  # type: ignore[arg-type]
        for method, mine in held.items()
        if len(mine) == 2
    ]


def find_front(points: Sequence[Point], cards: tuple[Card, Card]) -> list[Point]:
    """Ranked methods that no other is at least as good as by both metrics and better by one, best across first."""
    harms = {p.method: (cards[0].badness(p.x[0]), cards[1].badness(p.y[0])) for p in points if p.ranked}
    front = [
        point
        for point in points
        if point.ranked
        and not any(
            other != harms[point.method] and all(a <= b for a, b in zip(other, harms[point.method], strict=True))
            for other in harms.values()
        )
    ]
    return sorted(front, key=lambda point: harms[point.method])


def _panel(axes: Axes, points: Sequence[Point], cards: tuple[Card, Card], look: Mapping[str, Look]) -> None:
    for point in points:
        style = look[point.method]
        (x, left, right), (y, low, high) = point.x, point.y
        if left is not None and right is not None:
            axes.plot([left, right], [y, y], color=style.colour, linewidth=1.0, alpha=0.7)
        if low is not None and high is not None:
            axes.plot([x, x], [low, high], color=style.colour, linewidth=1.0, alpha=0.7)
        axes.plot([x], [y], linestyle="", zorder=3, **_mark(style, point.ranked))
    front = find_front(points, cards)
    if len(front) > 1:
        axes.step(
            [point.x[0] for point in front],
            [point.y[0] for point in front],
            where="post",
            color=NEUTRAL,
            linewidth=0.8,
            linestyle=(0, (3, 2)),
            zorder=2,
        )
    axes.margins(0.12)
    axes.grid(color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.locator_params(nbins=4, steps=[1, 2, 5, 10])
    _corner(axes, right=cards[0].direction == "higher", upper=cards[1].direction == "higher")


def _corner(axes: Axes, *, right: bool, upper: bool) -> None:
    """A shaded corner with an arrow into it, beneath everything else."""
    from matplotlib.patches import Polygon

    x, y = float(right), float(upper)
    inward = (-1.0 if right else 1.0, -1.0 if upper else 1.0)
    ends = [(x + reach * inward[0], y + reach * inward[1]) for reach in (0.02, 0.11)]
    corner = [(x, y), (x + 0.2 * inward[0], y), (x, y + 0.2 * inward[1])]
    axes.add_patch(Polygon(corner, transform=axes.transAxes, color=_BETTER, alpha=0.16, linewidth=0, zorder=0))
    arrow = {"arrowstyle": "-|>", "color": _BETTER, "linewidth": 0.9, "alpha": 0.8, "shrinkA": 0, "shrinkB": 0}
    where: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "axes fraction"}
    axes.annotate("", xy=ends[0], xytext=ends[1], arrowprops=arrow, zorder=1, **where)


def _mark(style: Look, ranked: bool) -> dict[str, Any]:
    inside = style.colour if ranked else "white"
    return {
        "marker": style.marker,
        "markersize": 4.6,
        "markerfacecolor": inside,
        "markeredgecolor": style.colour,
        "markeredgewidth": 0.9,
    }


def _handle(name: str, style: Look) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=style.colour, marker=style.marker, markersize=4.2, linestyle="", label=name)


def _axis_title(column: Column, room: float) -> str:
    """Heading, unit and where it is better; the unit is left out where that is too long for one line."""
    better = "better →" if column.card.direction == "higher" else "← better"
    unit = f" ({column.unit})" if column.card.unit else ""
    rest = room - text_width(f", {better}", 7.0)
    if text_width(plain(column.heading + unit), 7.0) > rest:
        unit = ""
    return f"{fitted(column.heading + unit, rest, 7.0)}, {better}"


def _of_families(lines: pd.DataFrame, families: Sequence[str]) -> list[str]:
    there = names_of(lines, "metric")
    return [metric for family in families for metric in there if metric.partition("/")[0] == family]
