"""What a tracker is given: a feed of entries made of rows, and nothing that it would have to work out itself.

A tracker draws; it decides nothing. What is missing is left out here, with its reason in a text, so that no tracker can
turn it into a 0 or a NaN. A feed says the same whenever the rows are the same, its times included: sending it again
leaves what one sending leaves.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from bench.errors import ConfigError
from protocols.validation import nearest

Fact = str | int | float | bool
_LONGEST = 120
"""Characters of a folder's name, well below what file systems take once they are encoded."""


@dataclass(frozen=True)
class Grid:
    """A table: one cell for each column in each row, None where there is no value."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Entry:
    """What a tracker shows as one of its runs: the run as a whole, a method under a setting, or how fast that was.

    path: () for the whole, (method, setting), or ("speed", method, setting). facts: what was fixed before it ran.
    scalars: numbers by name, such as "psnr/mean-of-frames@1/value". series: (place, value) of each clip or frame that
    has one, in order. grid: a row for each clip. texts: Markdown by name. figures: PNG files by name.
    """

    path: tuple[str, ...]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    grid: Grid | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Feed:
    """All that is sent of a run folder. name: what it is called there; what was sent under that name is replaced.

    group: the protocol's id. moment: when the run ended, in seconds since 1970: the time of every point. entries: the
    run as a whole first.
    """

    name: str
    group: str
    moment: float
    entries: tuple[Entry, ...]

    @cached_property
    def digest(self) -> str:
        """sha256 over everything that is sent."""
        held = [
            [one.path, one.facts, one.scalars, one.series, one.grid and [one.grid.columns, one.grid.rows], one.texts,
             {name: hashlib.sha256(png).hexdigest() for name, png in one.figures.items()}]
            for one in self.entries
        ]  # fmt: skip
        text = json.dumps([self.name, self.group, self.moment, held], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Sent:
    """Where a feed lies now. look: the command that shows it. fresh: False where all of it was there before."""

    place: str
    look: str
    fresh: bool


def check_options(tracker: str, given: Mapping[str, str], known: Sequence[str]) -> None:
    """Raises ConfigError, with a suggestion, for an option that a tracker does not have."""
    for key in given:
        if key not in known:
            hint = nearest(key, known) if known else " It has none."
            raise ConfigError(f"--option {key}: tracker {tracker!r} has no such option.{hint}")


def require(tracker: str, packages: Mapping[str, str], *, extra: str) -> None:
    """Raises ConfigError for the first package that is not installed. packages: {module: package}."""
    for module, package in packages.items():
        if importlib.util.find_spec(module) is None:
            raise ConfigError(
                f"tracker {tracker!r} needs the package {package} (extra `{extra}`), which is not installed: "
                f"`uv run --extra {extra} …`"
            )


def folder_name(text: str) -> str:
    """A name that any text has as a folder's, its own where that is harmless; different texts have different ones."""
    name = re.sub(r"^\.+", lambda dots: "%2E" * len(dots[0]), quote(text, safe=" @+,=()")) or "%"
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 17]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
