"""Figure: heat maps, each metric by two axes such as setting and method, the number in every cell.

Colour runs from light to dark in one hue, so that it is read in grey and with any colour vision; dark is better. A cell
without a value is hatched, and why it has none is said beneath.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import ConfigError
from bench.report.figures.columns import columns_of, known, names_of, require_values
from bench.report.figures.style import FULL, INK, NEUTRAL, fitted, in_style, new_figure, plain, text_width
from bench.report.folder import TRUTH
from bench.report.tables.digits import show
from bench.report.tables.table import Column

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LIGHT, _DARK = "#eef4f9", "#08446e"
_SIZE, _ROW = 6.0, 0.17
"""Points of a cell's number, inches of its height where the number lies flat."""
_LONGEST = 180
"""Characters of a reason beneath the figure."""
_WHITE_BELOW = 0.179
"""Luminance below which white letters have more contrast than black ones; either has at least 4.5, as WCAG asks."""
_NARROWEST = 0.1
"""Inches below which a column has no room for a number on its head."""
_MOST = 60
"""Names on an axis beyond which no page holds the figure."""


@dataclass(frozen=True)
class Grid:
    """A metric's cells. values: float64 (down, across), NaN where there is none. reasons: why, by place."""

    column: Column
    values: np.ndarray
    reasons: Mapping[tuple[int, int], str]


@in_style
def draw_sweep(frame: pd.DataFrame, *, down: str = "method", across: str = "setting", width: float = FULL) -> Figure:
    """A heat map for each metric of a frame: the mean of its values by the columns `down` and `across`.

    frame: `table` or `rows` of `bench.frames`, or a part of either. Cells are means over the lines with a value.
    ConfigError where there is no value, a column is lacking or has too many names.
    """
    for name in (down, across):
        if name not in frame.columns or frame[name].nunique() > _MOST:
            raise ConfigError(f"expected a column {name!r} with at most {_MOST} names, got {_told(frame, name)}")
    drawn = require_values(frame, "value", "values")
    rows, columns = names_of(frame, down), names_of(frame, across)
    grids = [find_grid(drawn, column, down, across, rows, columns) for column in columns_of(drawn)]
    letters = _letters(grids)
    given = drawn.loc[~drawn["ranked"], "method"] if "ranked" in drawn.columns else ()
    apart = {TRUTH, *given} if "method" in (down, across) else set()
    texts = {id(grid): _texts(grid, letters) for grid in grids}
    names = [fitted(str(name), 0.28 * width, 7.0) for name in rows]
    side = max(text_width(name, 7.0) for name in names) + 0.12
    cell = max(text_width(text, _SIZE) for some in texts.values() for text in some.values()) + 0.08
    heads = [fitted(str(name), 0.9, 6.5) for name in columns]
    room = width - side - 0.1
    if room / len(columns) < _NARROWEST:
        raise ConfigError(f"{len(columns)} names of {across} do not fit across {width:g} in: put them down")
    flat = cell * len(columns) <= room
    # Numbers stand on their heads where they have no room to lie.
    tall, wide = (_ROW, max(cell, 0.32)) if flat else (cell, max(room / len(columns), 0.12))
    count = max(1, min(len(grids), int((room + 0.12) / (wide * len(columns) + 0.12))))
    each = (room - 0.12 * (count - 1)) / count
    slanted = max(text_width(head, 6.5) for head in heads) + 0.04 > min(each / len(columns), wide * 2)
    top = (max(text_width(head, 6.5) for head in heads) if slanted else 0.1) + 0.52
    lines = _footnotes(letters, width)
    height = -(-len(grids) // count) * (tall * len(rows) + top) + 0.12 * len(lines) + 0.1
    figure = new_figure(width, height)
    panels = list(figure.subplots(-(-len(grids) // count), count, sharey=True, squeeze=False).flat)
    for axes, grid in zip(panels, grids, strict=False):
        _panel(axes, grid, texts[id(grid)], _range(grid, apart, rows, columns), flat=flat)
        axes.set_title(_title(grid.column, each))
        axes.set_yticks(range(len(rows)), names)
        axes.set_xticks(range(len(columns)), heads, rotation=90 if slanted else 0)
    for axes in panels[len(grids) :]:
        axes.set_axis_off()
    if lines:
        figure.supxlabel("\n".join(map(plain, lines)), x=0.01, ha="left", fontsize=6, color=INK)
    return figure


def describe_sweep(frame: pd.DataFrame, *, what: str) -> str:
    """The figure in words. what: which values by which axes, such as "Means over clips by method and setting"."""
    hatched = " Hatched: no value, for the reason beneath." if frame["value"].isna().any() else ""
    return f"{what}; darker is better within a metric.{hatched}"


def find_grid(
    frame: pd.DataFrame, column: Column, down: str, across: str, rows: Sequence[Any], columns: Sequence[Any]
) -> Grid:
    """The cells of one metric, with the reason of those that have no value."""
    values, reasons = np.full((len(rows), len(columns)), np.nan), {}
    mine = frame[frame["metric"] == column.card.id]
    told = next((name for name in ("note", "reason") if name in mine.columns), None)
    for (one, two), part in mine.groupby([down, across], observed=True):
        place = rows.index(one), columns.index(two)
        values[place] = part["value"].mean()
        if told and np.isnan(values[place]):
            reasons[place] = next((str(text) for text in part[told].dropna()), "no value")
    for place in zip(*np.nonzero(np.isnan(values)), strict=True):
        reasons.setdefault((int(place[0]), int(place[1])), "not asked for")
    return Grid(column, values, reasons)


def _told(frame: pd.DataFrame, name: str) -> str:
    return f"{frame[name].nunique()}" if name in frame.columns else f"the columns {', '.join(map(str, frame.columns))}"


def _letters(grids: Sequence[Grid]) -> dict[str, str]:
    """reason -> a letter, in the order in which reasons come; the last letter stands for all that are left."""
    found = list(dict.fromkeys(reason for grid in grids for _, reason in sorted(grid.reasons.items())))
    return {reason: "abcdefghijklmnopqrstuvwxyz"[min(place, 25)] for place, reason in enumerate(found)}


def _footnotes(letters: Mapping[str, str], width: float) -> list[str]:
    lines = []
    for reason, letter in list(letters.items())[:26]:
        text = f"{letter}: {textwrap.shorten(reason, _LONGEST, placeholder=' …')}"
        lines += textwrap.wrap(text, max(20, int(width * 16)), subsequent_indent="   ")
    return lines


def _texts(grid: Grid, letters: Mapping[str, str]) -> dict[tuple[int, int], str]:
    out = {place: letters[reason] for place, reason in grid.reasons.items()}
    for place in zip(*np.nonzero(~np.isnan(grid.values)), strict=True):
        value = float(grid.values[place])
        out[int(place[0]), int(place[1])] = show(value, grid.column.form).replace("-", "−")
    return out


def _range(grid: Grid, apart: set[str], rows: Sequence[Any], columns: Sequence[Any]) -> tuple[float, float]:
    """Least and greatest badness that colours tell apart: those of methods that are given the truth would make all
    others look alike."""
    harms = _harms(grid)
    kept = [[name not in apart for name in names] for names in (rows, columns)]
    some = harms[np.ix_(*kept)]
    some = harms if not some.size or np.isnan(some).all() else some
    return float(np.nanmin(some)), float(np.nanmax(some))


def _harms(grid: Grid) -> np.ndarray:
    """float64 (down, across): grows as values get worse; where no direction is known, as they get smaller."""
    card = grid.column.card
    if not card.direction:
        return -grid.values
    return np.array([[card.badness(value) for value in line] for line in grid.values.tolist()])


def _panel(
    axes: Axes, grid: Grid, texts: Mapping[tuple[int, int], str], ends: tuple[float, float], *, flat: bool
) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    low, high = ends
    shades = LinearSegmentedColormap.from_list("sweep", [_DARK, _LIGHT])
    harms = _harms(grid)
    down, across = harms.shape
    axes.set(xlim=(-0.5, across - 0.5), ylim=(down - 0.5, -0.5))
    for (row, place), text in sorted(texts.items()):
        harm = known(harms[row, place])
        box: dict[str, Any] = {"facecolor": "white", "edgecolor": "#b0b0b0", "hatch": "//////", "linewidth": 0.4}
        colour = "black"
        if harm is not None:
            share = 0.5 if high <= low else min(max((harm - low) / (high - low), 0.0), 1.0)
            box = {"facecolor": shades(share), "edgecolor": "white", "linewidth": 0.8}
            colour = "white" if _luminance(shades(share)) < _WHITE_BELOW else "black"
        axes.add_patch(Rectangle((place - 0.5, row - 0.5), 1, 1, **box))
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": _SIZE, "color": colour}
        if harm is None:
            style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            style["color"] = NEUTRAL
        axes.text(place, row, text, rotation=0 if flat else 90, **style)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _luminance(colour: Sequence[float]) -> float:
    """Relative luminance of a colour, 0 to 1, as WCAG 2 counts contrast."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def _title(column: Column, room: float) -> str:
    """Heading and arrow, over two lines where one is too narrow."""
    text = f"{column.heading} {column.card.arrow}".strip()
    if text_width(plain(text), 7.0, weight="bold") <= room:
        return plain(text)
    lines = textwrap.wrap(text, max(6, int(room * 13)))
    first, rest = lines[0], " ".join(lines[1:])
    return "\n".join(fitted(line, room, 7.0, weight="bold") for line in (first, rest) if line)
