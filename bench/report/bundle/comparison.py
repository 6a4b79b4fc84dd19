"""Two tables that should be one: equal by bytes, equal but for rounding, or which cell differs."""

from __future__ import annotations

import csv
import io
import math
import re
from itertools import zip_longest

_CLOSE = 1e-6
"""Relative: sums in another order move a mean by 1e-15, another numpy's percentiles by little more."""
_KEYS = ("method", "setting", "metric", "speaker", "reference", "driver", "baseline")
"""Columns that name a line, in the order in which it is called by them."""
_NUMBER = re.compile(r"-?\d+\.?\d*(?:[eE][-+]?\d+)?")


def find_difference(name: str, theirs: bytes, ours: bytes) -> tuple[str, bool]:
    """Where a bundle's table and the one of its rows differ, in words, and whether that can be rounding.

    A CSV is compared by cells, any other text by lines; numbers are alike within a millionth.
    """
    try:
        given, made = theirs.decode("utf-8"), ours.decode("utf-8")
    except UnicodeDecodeError:
        return f"{name} is no text", False
    found = _cells(given, made) if name.endswith(".csv") else _lines(given, made)
    if found is None:
        return f"{name} differs by rounding alone", True
    return f"{name}: {found}", False


def _cells(given: str, made: str) -> str | None:
    theirs, ours = (list(csv.reader(io.StringIO(text))) for text in (given, made))
    if not theirs or not ours or theirs[0] != ours[0]:
        return "its columns are not those that the rows give"
    header = ours[0]
    for number, (a, b) in enumerate(zip_longest(theirs[1:], ours[1:]), 2):
        if a is None or b is None:
            return f"{len(theirs) - 1} lines, the rows give {len(ours) - 1}"
        for column, (x, y) in zip_longest(header, zip_longest(a, b)):
            if x is None or y is None or not _alike(x, y):
                return f"line {number} ({_called(header, b)}), {column} is {x!r}, the rows give {y!r}"
    return None


def _called(header: list[str], line: list[str]) -> str:
    held = dict(zip(header, line, strict=False))
    return ", ".join(held[key] for key in _KEYS if held.get(key)) or line[0]


def _lines(given: str, made: str) -> str | None:
    for number, (a, b) in enumerate(zip_longest(given.split("\n"), made.split("\n")), 1):
        if a is None or b is None:
            return f"its {number}th line and what follows are on one side only"
        if a != b and not _alike_text(a, b):
            return f"line {number} is {_around(a, b)!r}, the rows give {_around(b, a)!r}"
    return None


def _alike(x: str, y: str) -> bool:
    if x == y:
        return True
    try:
        a, b = float(x), float(y)
    except ValueError:
        return False
    return math.isfinite(a) and math.isfinite(b) and math.isclose(a, b, rel_tol=_CLOSE, abs_tol=1e-12)


def _alike_text(a: str, b: str) -> bool:
    """Whether lines are the same words with numbers that are alike."""
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return False
    return all(_alike(x, y) for x, y in zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True))


def _around(text: str, other: str) -> str:
    """What is at and after the first character in which a line departs from the other."""
    at = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return text[max(0, at - 30) : at + 40]
