"""What figures of speed share: a look for each kind of setting, legends that fit, words where nothing is to draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.report.figures.style import FAINT, INK, NEUTRAL, Look, looks, new_figure, plain
from bench.report.speed.order import natural, setting_name
from bench.store.speeds import SpeedRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SWEPT = ("batch", "devices")
"""What is varied within a kind: the x axes of two figures."""
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (7, 2)), (0, (2, 2, 5, 2)))
MARKERS = ("o", "s", "^", "D", "v", "p", "<", ">")
"""Shapes that can be told apart filled and hollow, which the report's own list cannot all."""
LOG_FROM = 12.0
"""The largest value over the smallest from which an axis has equal steps for equal factors."""
_UNSAID = ("name", *SWEPT)


@dataclass(frozen=True)
class Kind:
    """Rows of a method whose settings differ in batch and number of devices alone."""

    name: str
    look: Look
    marker: str


def find_kinds(rows: Sequence[SpeedRow]) -> dict[str, Kind]:
    """The kind of each row by the row's id. Names say what tells the kinds apart and nothing else.

    Looks go by names, so all figures of a report must be drawn from the same rows to agree.
    """
    keys = sorted({key for row in rows for key in row.setting if key not in _UNSAID})
    telling = [key for key in keys if len({str(row.setting.get(key)) for row in rows}) > 1]
    order = [key for key in ("device", "precision") if key in telling]
    order += [key for key in telling if key not in order]
    several = len({row.method for row in rows}) > 1
    names = {}
    for row in rows:
        words = [row.method] if several or not telling else []
        names[row.id] = " ".join([*words, *filter(None, (_word(key, row.setting.get(key)) for key in order))])
    found = looks(sorted(set(names.values()), key=natural))
    kinds = {name: Kind(name, look, MARKERS[place % len(MARKERS)]) for place, (name, look) in enumerate(found.items())}
    return {id_: kinds[name] for id_, name in names.items()}


def by_kind(rows: Iterable[SpeedRow], kinds: Mapping[str, Kind], apart: str) -> list[tuple[Kind, Any, list[SpeedRow]]]:
    """(kind, value of the setting's key `apart`, rows), the rows of a kind that share that value."""
    held: dict[tuple[str, Any], list[SpeedRow]] = {}
    for row in rows:
        held.setdefault((kinds[row.id].name, row.setting.get(apart, 1)), []).append(row)
    ordered = sorted(held.items(), key=lambda item: (natural(item[0][0]), item[0][1]))
    return [(kinds[some[0].id], value, some) for (_, value), some in ordered]


def full_name(row: SpeedRow, rows: Sequence[SpeedRow]) -> str:
    """Method and setting, the method alone left out where all rows have the same."""
    return f"{row.method} {setting_name(row)}" if len({one.method for one in rows}) > 1 else setting_name(row)


def blank(words: str, *, width: float) -> Figure:
    """A figure that says why it shows nothing."""
    import textwrap

    figure = new_figure(width, 0.9)
    lines = textwrap.wrap(words, max(20, int(width * 15)))
    figure.text(0.5, 0.5, "\n".join(map(plain, lines)), ha="center", va="center", color=NEUTRAL, fontsize=8)
    return figure


def spread(values: Iterable[float]) -> bool:
    """Whether values span so much that an axis should have equal steps for equal factors."""
    known = [value for value in values if value > 0]
    return bool(known) and max(known) / min(known) >= LOG_FROM


def log_ticks(axes: Axes, which: str, values: Iterable[float]) -> None:
    """An axis with equal steps for equal factors, its ticks plain numbers, 1, 2 and 5 of a power where few fit."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    known = [value for value in values if value > 0]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    subs = (1.0, 2.0, 5.0) if max(known) / min(known) < 300 else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def count_ticks(axes: Axes, counts: Iterable[int]) -> None:
    """An x axis on which doubling takes the same room everywhere, each count a tick."""
    from matplotlib.ticker import FixedLocator, NullLocator

    held = sorted(set(counts))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(held))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(held, [str(count) for count in held])
    axes.set_xlim(held[0] / 1.25, held[-1] * 1.25)


def grid(axes: Axes, which: Any = "both") -> None:
    """Faint lines behind what is drawn."""
    axes.grid(axis=which, color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)


def line_of(kind: Kind, name: str, *, dashes: Any = "-", marker: bool = True, hollow: bool = False) -> Any:
    """A legend's entry."""
    from matplotlib.lines import Line2D

    inside = "white" if hollow else kind.look.colour
    style: dict[str, Any] = {"color": kind.look.colour, "linestyle": dashes, "label": name, "markersize": 3.6}
    style |= {"markerfacecolor": inside, "markeredgecolor": kind.look.colour}
    return Line2D([], [], marker=kind.marker if marker else "", **style)


def note_line(text: str, *, dashes: Any = (0, (3, 2))) -> Any:
    """A legend's entry for a line that belongs to no kind."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=INK, linewidth=0.7, linestyle=dashes, label=text)


def _word(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return key.replace("_", "-") if value else ""
    if value is None or (key == "compile" and value == "none"):
        return ""
    if key == "compile":
        return f"compile {value}"
    return f"{value} px" if key == "size" else str(value) if key in ("device", "precision") else f"{key} {value}"
