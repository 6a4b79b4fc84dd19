"""Figure: where a frame's time goes, a bar for each setting, stage upon stage; what nobody accounts for is hatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.report.figures.legends import legend, legend_height
from bench.report.figures.style import FAINT, INK, NEUTRAL, fitted, new_figure, plain, text_width
from bench.report.speed.series import blank, find_kinds, grid, spread
from bench.report.speed.stages import StageTable, stage_tables
from bench.report.tables.digits import show_alone
from bench.store.speeds import SpeedRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "decode": "#882255", "crop": "#999933", "features": "#56B4E9", "phonemes": "#E69F00", "pose": "#117733",
    "portrait": "#CC79A7", "motion": "#009E73", "render": "#0072B2", "copy": "#332288", "encode": "#D55E00",
}  # fmt: skip
"""Stages in the order in which a frame meets them; neighbours differ in lightness too."""
_OTHER = "#AA4499"
_BAR = 0.5
"""Of a line's height; its name stands above."""
_MOST = 16
"""Bars; where there are more, each kind of setting keeps its quickest."""


def why_no_stack(rows: Sequence[SpeedRow]) -> str:
    """In words, why there is nothing to draw, else ""."""
    return "" if stage_tables(rows) else "No stages to draw: no row that counts was timed stage by stage."


def draw_stack(rows: Sequence[SpeedRow], *, width: float) -> Figure:
    """Milliseconds a frame by stage; shares of the wall time instead where settings are too far apart for one axis."""
    tables = _chosen(rows)
    if not tables:
        return blank(why_no_stack(rows), width=width)
    order = stage_order(tables)
    height = 0.55 + 0.3 * len(tables) + legend_height([*order, "unaccounted for"], width=width)
    figure = new_figure(width, height)
    axes = figure.subplots()
    shares = _by_share(tables)
    for place, table in enumerate(tables):
        _bar(axes, table, place, order, 100.0 / _whole(table) if shares else 1.0, width=width, tables=tables)
        # Above the bar: at a column's width no room is left beside it.
        name = fitted(_name(table, tables), width - 0.2, 6.5)
        axes.text(0.0, place - 0.27, name, va="bottom", fontsize=6.5)
    axes.set_yticks([])
    axes.set_ylim(len(tables) - 0.6, -0.75)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0.0, _extent(tables, shares=shares) * 1.13)
    if shares:
        axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("% of the wall time; in numbers: ms a frame" if shares else "milliseconds a frame")
    grid(axes, "x")
    legend(figure, _handles(order), width=width)
    return figure


def describe_stack(rows: Sequence[SpeedRow]) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    tables = _chosen(rows)
    bad = [table.title for table in tables if table.adds_up is False]
    told = f" Stages do not add up to the wall time within 5 %: {'; '.join(bad)}." if bad else ""
    few = " Of each kind of setting the quickest." if len(tables) < len(stage_tables(rows)) else ""
    return (
        "Milliseconds a frame in each stage, in the pass in which stages run one after another; hatched: wall time "
        f"that no stage accounts for.{few}{told}"
    )


def stage_order(tables: Sequence[StageTable]) -> list[str]:
    """The stages that are there, in the order in which a frame meets them; unknown ones last."""
    there = {stage.name for table in tables for stage in table.stages}
    return [name for name in COLOURS if name in there] + sorted(there - set(COLOURS))


def _chosen(rows: Sequence[SpeedRow]) -> list[StageTable]:
    tables = stage_tables(rows)
    if len(tables) <= _MOST:
        return tables
    kinds = find_kinds(rows)
    best: dict[str, StageTable] = {}
    for table in tables:
        name = kinds[table.rows[0].id].name
        if name not in best or _whole(table) < _whole(best[name]):
            best[name] = table
    return [table for table in tables if any(table is one for one in best.values())][:_MOST]


def _name(table: StageTable, tables: Sequence[StageTable]) -> str:
    parts = table.title.split(", ")
    if len({one.rows[0].method for one in tables}) == 1:
        parts = parts[1:]
    return ", ".join(parts)


def _whole(table: StageTable) -> float:
    """Milliseconds that the bar is long: the wall time, or the stages where they are more or there is none."""
    return max(table.wall or 0.0, sum(stage.host for stage in table.stages)) or 1.0


def _by_share(tables: Sequence[StageTable]) -> bool:
    return spread([_whole(table) for table in tables])


def _extent(tables: Sequence[StageTable], *, shares: bool) -> float:
    return 100.0 if shares else max(map(_whole, tables))


def _bar(
    axes: Axes, table: StageTable, place: int, order: Sequence[str], scale: float, *, width: float,
    tables: Sequence[StageTable],
) -> None:  # fmt: skip
    costs = {stage.name: stage.host for stage in table.stages}
    extent = _extent(tables, shares=_by_share(tables))
    inches = 0.8 * width / extent
    at = 0.0
    for name in order:
        long = costs.get(name, 0.0) * scale
        colour = COLOURS.get(name, _OTHER)
        axes.barh(place, long, left=at, height=_BAR, color=colour, edgecolor="white", linewidth=0.4)
        text = show_alone(costs.get(name))
        if text_width(text, 5.5) + 0.06 < long * inches:
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 5.5, "color": _ink_on(colour)}
            axes.text(at + long / 2, place, text, **style)
        at += long
    rest = (table.unaccounted or 0.0) * scale
    if rest > 0:
        axes.barh(place, rest, left=at, height=_BAR, color="white", edgecolor=NEUTRAL, linewidth=0.4, hatch="//////")
        at += rest
    whole = show_alone(table.wall) if table.wall is not None else "no wall time"
    flag = " !" if table.adds_up is False else ""
    axes.text(at + extent * 0.01, place, plain(whole + flag), va="center", fontsize=6, color=INK)


def _ink_on(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else INK


def _handles(order: Sequence[str]) -> list[Any]:
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=COLOURS.get(name, _OTHER), edgecolor=FAINT, label=name) for name in order]
    return [*handles, Patch(facecolor="white", edgecolor=NEUTRAL, hatch="//////", label="unaccounted for")]
