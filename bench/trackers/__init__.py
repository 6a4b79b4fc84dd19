"""Trackers: where a run's numbers are shown beside those of other runs. Each is one file, imported when asked for, with

check(options)                 ConfigError where an option is not its own or something that it needs is not installed
send(feed, folder, *, options) a `bench.trackers.base.Feed` brought there, as a `Sent`. folder: where what it writes
                               on this machine goes

Ours lie in this folder, users' in `DIR/trackers/<name>.py` for each DIR of the variable AVCT_BENCH_PATH. A file is a
tracker when it has a function `send`. Nothing leaves this machine unless an option says where to.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError, StorageError
from metrics.extension import folders, import_file, python_files, read_source, say
from protocols.validation import nearest

if TYPE_CHECKING:
    from bench.trackers.base import Sent

_HERE = Path(__file__).resolve().parent
_MARK = re.compile(r"^def send\(", re.MULTILINE)
FOLDER = "tracking"
"""Below a run folder: where trackers write that nobody tells where to."""


def names() -> list[str]:
    """The trackers that there are, sorted; those of AVCT_BENCH_PATH included. ConfigError where two have one name."""
    return sorted(_files())


def check(name: str, options: Mapping[str, str]) -> None:
    """Raises ConfigError: unknown tracker or option, with a suggestion, or an extra that is not installed."""
    _module(name).check(options)


def check_all(asked: Iterable[str]) -> list[str]:
    """The trackers asked for, each once. Raises as `check`, without options."""
    chosen = list(dict.fromkeys(asked))
    for name in chosen:
        check(name, {})
    return chosen


def send_run(
    run: Path,
    to: str,
    *,
    options: Mapping[str, str] | None = None,
    out: Path | None = None,
    name: str | None = None,
) -> Sent:
    """Where the rows of a run folder lie after they were brought to the tracker `to`.

    out: the folder of what is written on this machine, by default RUN/tracking/<tracker>. name: what the run is called
    there, by default its folder's name and the end of its run id. Raises as `check` and `read_feed` of
    `bench.trackers.feed`, StorageError where it cannot be brought there.
    """
    from bench.trackers.feed import read_feed

    tracker = _module(to)
    tracker.check(options or {})
    feed = read_feed(run, name=name)
    try:
        return tracker.send(feed, out or run / FOLDER / to, options=dict(options or {}))
    except OSError as error:
        raise StorageError(f"tracker {to!r}: {say(error)}") from None


def parse_options(given: Sequence[str]) -> dict[str, str]:
    """The options of a tracker from words such as "experiment=lips". ConfigError for what is not of that form."""
    options = {}
    for word in given:
        key, separator, value = word.partition("=")
        if not separator or not key.strip() or not value.strip():
            raise ConfigError(f"--option: expected key=value, got {word!r}")
        options[key.strip()] = value.strip()
    return options


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in (path for place in (_HERE, *folders("trackers")) for path in python_files(place)):
        if not _MARK.search(read_source(path)):
            continue
        if path.stem in found:
            raise ConfigError(f"tracker {path.stem!r} is defined twice: {found[path.stem]} and {path}")
        found[path.stem] = path
    return found


def _module(name: str) -> Any:
    known = _files()
    if name not in known:
        raise ConfigError(f"unknown tracker {name!r}.{nearest(name, sorted(known))}")
    if known[name].parent == _HERE:
        return importlib.import_module(f"bench.trackers.{name}")
    try:
        return import_file(known[name])
    except Exception as error:
        raise ConfigError(f"tracker {name!r} ({known[name]}) cannot be loaded: {say(error)}") from error
