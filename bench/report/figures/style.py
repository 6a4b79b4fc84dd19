"""How figures look: one typeface, sizes for two column widths, and a colour for each method in every figure.

Figures are drawn on matplotlib's objects, never through pyplot, whose global state a caller may be using. What draws a
figure is wrapped in `in_style`, so that it looks the same in a notebook as in a report.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from bench.report.folder import TRUTH

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

COLUMN, FULL = 3.4, 7.0
"""Inches: one column, and both, of a two-column paper."""
DPI = 200
INK, FAINT, NEUTRAL = "#222222", "#d0d0d0", "#7a7a7a"
"""Text, lines that only guide the eye, and the truth."""
_PINNED = {
    "avct": "#0072B2", "wrong-speech": "#D55E00", "loudness": "#E69F00", "silence": "#56B4E9", "still": "#009E73",
    "reconstruction": "#CC79A7",
}  # fmt: skip
"""Methods that come with the instrument look the same in every run."""
_FREE = (
    *("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"),
    *("#882255", "#332288", "#999933", "#44AA99", "#AA4499", "#117733"),
)
"""Okabe and Ito (2008) without black and yellow, then Tol's "muted" (2021): told apart with any colour vision."""
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Settings, in the protocol's order."""
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 7.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": NEUTRAL,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": NEUTRAL,
    "ytick.color": NEUTRAL,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 7.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.1,
    # TrueType outlines: text in the PDF stays text, and publishers refuse matplotlib's default Type 3.
    "pdf.fonttype": 42,
    "svg.hashsalt": "avct-bench",
    "path.simplify": False,
    "savefig.dpi": DPI,
}


@dataclass(frozen=True)
class Look:
    """Colour and dashes of a method's lines, and its mark where marks do not stand for settings."""

    colour: str
    dashes: Any = "-"
    marker: str = "o"


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """A look for every method; the truth is neutral, built-in methods have their own, others take what is left."""
    taken = {_PINNED[name] for name in methods if name in _PINNED}
    free = [colour for colour in _FREE if colour not in taken] or list(_FREE)
    out, used = {}, 0
    for name in methods:
        if name == TRUTH:
            out[name] = Look(NEUTRAL, marker="*")
        elif name in _PINNED:
            out[name] = Look(_PINNED[name], marker=MARKERS[list(_PINNED).index(name)])
        else:
            again = used // len(free)
            # One mark further in every round of colours, so that no colour meets a mark twice.
            mark = MARKERS[(used + again) % len(MARKERS)]
            out[name] = Look(free[used % len(free)], _DASHES[again % len(_DASHES)], mark)
            used += 1
    return out


def method_looks(*frames: pd.DataFrame) -> dict[str, Look]:
    """A look for every method of the frames. Frames that were loaded know all of the protocol's, filtered or not."""
    names: list[str] = []
    for frame in frames:
        column = frame["method"]
        names += list(column.cat.categories if hasattr(column, "cat") else column.unique())
    return looks(list(dict.fromkeys(names)))


def in_style(draw: Callable[P, T]) -> Callable[P, T]:
    """The function, run within `styled`."""

    @wraps(draw)
    def dressed(*args: P.args, **kwargs: P.kwargs) -> T:
        with styled():
            return draw(*args, **kwargs)

    return dressed


@contextmanager
def styled() -> Iterator[None]:
    """The style for the block, whatever the user's own matplotlibrc says, so that figures are alike everywhere."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, which arranges its panels by itself."""
    from bench.report.figures.canvas import Drawing

    return Drawing(figsize=(width, height), layout="constrained", facecolor="white")


def bare_figure(width: float, height: float) -> Figure:
    """The same without arrangement, for panels that are placed by hand."""
    from bench.report.figures.canvas import Drawing

    return Drawing(figsize=(width, height), facecolor="white")


def as_png(figure: Figure) -> bytes:
    """The figure as PNG, without date and software version."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def as_pdf(figure: Figure) -> bytes:
    """The figure as PDF with vectors and text, without date and software version."""
    buffer = io.BytesIO()
    nameless = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(buffer, format="pdf", dpi=DPI, metadata=nameless)
    return buffer.getvalue()


def plain(text: str) -> str:
    """Text that matplotlib draws as it is: a dollar sign would start a formula, unknown letters would all be boxes."""
    known = _letters()
    drawn = "".join(c if ord(c) in known else ascii(c)[1:-1] for c in " ".join(text.split()))
    return drawn.replace("$", r"\$")


def text_width(text: str, size: float, *, weight: str = "normal") -> float:
    """Inches that plain text takes at a font size in points."""
    from matplotlib.font_manager import get_font

    font = get_font(_font_file(weight))
    # At ten times a point's size, so that rounding to pixels does not matter.
    font.set_size(size, 720)
    font.set_text(text.replace(r"\$", "$"))
    return float(font.get_width_height()[0] / 64 / 720)


def fitted(text: str, room: float, size: float, *, weight: str = "normal") -> str:
    """Plain text in at most `room` inches, cut in the middle where it is longer: names differ at both ends."""
    shown = plain(text)
    kept = len(text)
    while kept > 2 and text_width(shown, size, weight=weight) > room:
        kept -= 1
        shown = plain(f"{text[: -(-kept // 2)]}…{text[len(text) - kept // 2 :]}")
    return shown


@cache
def _letters() -> frozenset[int]:
    """What the typeface has a letter for; asking it takes longer than drawing a word."""
    from matplotlib.font_manager import get_font

    return frozenset(get_font(_font_file("normal")).get_charmap())


@cache
def _font_file(weight: str) -> str:
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
