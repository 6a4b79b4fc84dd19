"""Executors: where the tasks of a run are done. Each is one file of this folder, imported when it is asked for, with

check(options)             ConfigError where an option is not its own or something that it needs is not installed
threads(workers, options)  the numeric threads of a worker, where nobody says how many
open_executor(crew)        the `bench.executors.base.Executor`
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import ConfigError
from bench.executors.base import Crew, Executor, R, T
from protocols.validation import nearest

_PARTS = {"__init__", "base", "child", "course", "host", "mailbox", "squeue"}
"""Files of this folder that are no executors, but what these are made of."""


def names() -> list[str]:
    """The executors that there are, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _PARTS)


def open_executor(name: str, crew: Crew[T, R]) -> Executor[T, R]:
    """The executor of that name. Raises ConfigError as `check` does."""
    check(name, crew.options)
    return _module(name).open_executor(crew)


def check(name: str, options: Mapping[str, str]) -> None:
    """Raises ConfigError: unknown executor or option, with a suggestion, or an extra that is not installed."""
    if name not in names():
        raise ConfigError(f"unknown executor {name!r}.{nearest(name, names())}")
    _module(name).check(options)


def threads(name: str, workers: int, options: Mapping[str, str]) -> int:
    """The numeric threads that each worker gets where nobody says how many."""
    return _module(name).threads(workers, options)


def parse_options(given: Sequence[str]) -> dict[str, str]:
    """The options of an executor from words such as "partition=gpu". ConfigError for what is not of that form."""
    options = {}
    for word in given:
        key, separator, value = word.partition("=")
        if not separator or not key.strip() or not value.strip():
            raise ConfigError(f"--executor-option: expected key=value, got {word!r}")
        options[key.strip()] = value.strip()
    return options


def _module(name: str) -> Any:
    return importlib.import_module(f"bench.executors.{name}")
