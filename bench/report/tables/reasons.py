"""Reasons that differ by their numbers alone, said once: "standard deviation 0.01 to 0.3 %, under 0.5"."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

# Numbers that stand alone: not those within names, hashes and versions.
_NUMBER = re.compile(r"(?<![\w.@/-])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w@/]|\.\d)")


def fold(reasons: Mapping[Item, str]) -> dict[str, list[Item]]:
    """Text -> the items it is the reason of, in their order; numbers that differ become "low to high"."""
    groups: dict[str, list[Item]] = {}
    for item, text in reasons.items():
        groups.setdefault(_NUMBER.sub("#", text), []).append(item)
    return {_joined([reasons[item] for item in items]): items for items in groups.values()}


def _joined(texts: list[str]) -> str:
    """One text for all; they are equal but for their numbers."""
    columns = zip(*(_NUMBER.findall(text) for text in texts), strict=True)
    said = iter([_range(set(column)) for column in columns])
    return _NUMBER.sub(lambda _: next(said), texts[0])


def _range(numbers: set[str]) -> str:
    # By value first, then by spelling, so that the order of rows does not matter.
    ordered = sorted(numbers, key=lambda number: (float(number), number))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"
