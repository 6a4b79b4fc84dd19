"""How many digits a column shows: as many as its intervals can bear, the same in every line."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

_MOST = 5
"""Decimals beyond this say more about float64 than about videos."""


def choose_format(values: Sequence[float], halves: Sequence[float]) -> str:
    """A format such as ".2f" for a column. values: what it shows. halves: half widths of its intervals.

    Three significant digits of the middle value, or as many decimals as make the middle interval's first digit show
    (and one more where that digit is 1 or 2, which alone would be coarse), whichever is more. Exponents where numbers
    are too large or too small for that.
    """
    sizes = sorted(abs(value) for value in values if value)
    if not sizes:
        return ".2f"
    middle = statistics.median(sizes)
    if sizes[-1] >= 1e6 or middle < 1e-4:
        return ".2e"
    wanted = 2 - math.floor(math.log10(middle))
    # An interval narrower than the last decimal is rounding noise of equal values; it must not add zeros to a column.
    widths = [half for half in halves if half >= 10.0**-_MOST]
    if widths:
        wanted = max(wanted, _decimals(statistics.median(widths)))
    return f".{min(max(wanted, 0), _MOST)}f"


def show(value: float, form: str) -> str:
    """The value in that format; a zero has no sign."""
    text = format(value, form)
    return text.removeprefix("-") if not any(c in "123456789" for c in text.partition("e")[0]) else text


def show_alone(value: float | None) -> str:
    """A value that stands in no column, with three significant digits or all before the point; "–" for None."""
    return "–" if value is None else show(value, choose_format([value], []))


def _decimals(width: float) -> int:
    place = math.floor(math.log10(width))
    return -place + (1 if width / 10.0**place < 3.0 else 0)
