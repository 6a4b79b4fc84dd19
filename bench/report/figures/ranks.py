"""Figure: critical-difference diagrams, methods by their mean rank over clips, those joined that no test tells apart.

As Demsar 2006 draws them (Journal of Machine Learning Research 7), with pairwise tests in place of Nemenyi's single
distance: a bar joins methods of which all pairs are alike, and dots on it say which, since methods that are alike need
not be neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.report.figures.columns import names_of
from bench.report.figures.style import (
    COLUMN,
    FULL,
    INK,
    NEUTRAL,
    Look,
    bare_figure,
    fitted,
    in_style,
    method_looks,
    text_width,
)
from bench.report.tables.cards import find_cards

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TITLE, _SCALE, _BAR, _NAME, _GAP = 0.22, 0.26, 0.075, 0.145, 0.16
"""Inches that a title, the scale of ranks, a bar, a name, and the gap between panels take."""
_EDGE = 0.06
_SIZE = 6.5


@dataclass(frozen=True)
class Diagram:
    """One panel. methods: (name, mean rank), best first. groups: names that are alike, each drawn as a bar."""

    title: str
    methods: tuple[tuple[str, float], ...]
    groups: tuple[tuple[str, ...], ...]

    @property
    def height(self) -> float:
        """Inches."""
        return _TITLE + _SCALE + _BAR * len(self.groups) + _NAME * (-(-len(self.methods) // 2) + 0.4)


@in_style
def draw_ranks(ranks: pd.DataFrame, contests: pd.DataFrame, *, width: float = FULL) -> Figure:
    """A diagram for each metric and setting, rank 1 at the left. ranks, contests: as `bench.frames` has them, or parts.

    ConfigError where nothing is ranked.
    """
    diagrams = find_diagrams(ranks, contests)
    if not diagrams:
        raise ConfigError("nothing to draw: expected ranks of methods that a test compares")
    across = min(1 if width <= COLUMN else 2, len(diagrams))
    rows = [diagrams[place : place + across] for place in range(0, len(diagrams), across)]
    heights = [max(diagram.height for diagram in row) for row in rows]
    total = sum(heights) + _GAP * (len(rows) - 1) + 2 * _EDGE
    figure = bare_figure(width, total)
    room = (width - 2 * _EDGE - 0.3 * (across - 1)) / across
    look, top = method_looks(ranks), total - _EDGE
    for row, height in zip(rows, heights, strict=True):
        for place, diagram in enumerate(row):
            left = _EDGE + place * (room + 0.3)
            axes = figure.add_axes((left / width, (top - height) / total, room / width, height / total))
            # A unit is an inch, so that text and lines can be placed by what they measure.
            axes.set(xlim=(0, room), ylim=(height, 0))
            axes.set_axis_off()
            _diagram(axes, diagram, look, room)
        top -= height + _GAP
    return figure


def describe_ranks(ranks: pd.DataFrame, contests: pd.DataFrame) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    counts = sorted(set(ranks["n"]))
    clips = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    few = " A clip without a value is a last place." if (ranks["completed"] < ranks["n"]).any() else ""
    if ranks.groupby(["metric", "setting"], observed=True)["methods"].first().nunique() > 1:
        few += " A method without any value is left out."
    return (
        f"Mean rank over {clips} clips (1 is best), methods that are given the truth apart. A bar joins methods, "
        f"marked by dots, of which no two are told apart (paired test, Holm over all pairs of a diagram; "
        f"{int(contests['alike'].sum())} of {len(contests)} pairs are alike).{few}"
    )


def find_diagrams(ranks: pd.DataFrame, contests: pd.DataFrame) -> list[Diagram]:
    """The panels of these frames, metric by metric, those of its settings side by side."""
    settings, cards = names_of(ranks, "setting"), find_cards(names_of(ranks, "metric"))
    diagrams = []
    for metric in names_of(ranks, "metric"):
        for setting in settings:
            mine = ranks[(ranks["metric"] == metric) & (ranks["setting"] == setting)]
            if not len(mine):
                continue
            tested = contests[(contests["metric"] == metric) & (contests["setting"] == setting)]
            order = sorted(zip(mine["method"], mine["mean_rank"], strict=True), key=lambda one: (one[1], one[0]))
            alike = {frozenset(pair) for *pair, same in _pairs(tested) if same}
            under = f", {setting}" if len(settings) > 1 else ""
            title = f"{mine['heading'].iloc[0]} {cards[metric].arrow}".strip() + under
            diagrams.append(Diagram(title, tuple(order), tuple(_groups([name for name, _ in order], alike))))
    return diagrams


def _pairs(tested: pd.DataFrame) -> Any:
    return zip(tested["method"], tested["other"], tested["alike"], strict=True)


def _groups(order: Sequence[str], alike: set[frozenset[str]]) -> list[tuple[str, ...]]:
    """Sets of methods that are all alike, such that every alike pair is in one: grown from the best on, none twice."""
    left = {pair: None for place, one in enumerate(order) for two in order[place + 1 :]
            if (pair := frozenset((one, two))) in alike}  # fmt: skip
    groups: list[tuple[str, ...]] = []
    for pair in list(left):
        if pair not in left:
            continue
        inside = set(pair)
        for name in order:
            if name not in inside and all(frozenset((name, other)) in alike for other in inside):
                inside.add(name)
        groups.append(tuple(name for name in order if name in inside))
        for one in inside:
            for two in inside - {one}:
                left.pop(frozenset((one, two)), None)
    return groups


def _diagram(axes: Axes, diagram: Diagram, look: Mapping[str, Look], room: float) -> None:
    count, methods = len(diagram.methods), diagram.methods
    texts = {name: f"{fitted(name, 0.27 * room, _SIZE)}  {rank:.2f}" for name, rank in methods}
    side = max(text_width(text, _SIZE) for text in texts.values()) + 0.08
    low, high = side + 0.12, room - side - 0.12
    step = (high - low) / max(count - 1, 1)
    places = {name: low + (rank - 1) * step for name, rank in methods}
    axes.text(0, 0.02, fitted(diagram.title, room, 7.5, weight="bold"), fontsize=7.5, weight="bold", va="top")
    base = _TITLE + _SCALE - 0.06
    axes.plot([low, high], [base, base], color=INK, linewidth=0.8)
    every = max(1, -(-count // max(2, int((high - low) / 0.2))))
    for rank in range(1, count + 1):
        major = (rank - 1) % every == 0
        axes.plot([low + (rank - 1) * step] * 2, [base - (0.05 if major else 0.03), base], color=INK, linewidth=0.6)
        if major:
            axes.text(low + (rank - 1) * step, base - 0.06, str(rank), fontsize=6, ha="center", va="bottom")
    _bars(axes, diagram.groups, places, base)
    below = base + 0.06 + _BAR * len(diagram.groups)
    half = -(-count // 2)
    for place, (name, _) in enumerate(methods):
        left = place < half
        # Outer names highest, so that no line crosses another.
        height = below + _NAME * ((place if left else count - 1 - place) + 0.6)
        end = side if left else room - side
        axes.plot([places[name], places[name], end], [base, height, height], color=look[name].colour, linewidth=0.9)
        axes.plot([places[name]], [base], "o", color=look[name].colour, markersize=3, zorder=4)
        gap = -0.04 if left else 0.04
        words: dict[str, Any] = {"ha": "right" if left else "left", "va": "center", "fontsize": _SIZE}
        axes.text(end + gap, height, texts[name], **words)


def _bars(axes: Axes, groups: Sequence[Sequence[str]], places: Mapping[str, float], base: float) -> None:
    for number, group in enumerate(groups):
        height = base + 0.06 + _BAR * (number + 0.25)
        ends = [min(places[name] for name in group) - 0.03, max(places[name] for name in group) + 0.03]
        axes.plot(ends, [height, height], color=NEUTRAL, linewidth=2.0, solid_capstyle="butt", zorder=3)
        axes.plot([places[name] for name in group], [height] * len(group), "o", color=INK, markersize=2.2, zorder=5)
