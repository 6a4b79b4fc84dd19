"""What an executor is: tasks are run to their end on workers that may be lost, and a loss reads the same everywhere.

A method that fails gives a result like any other. What counts here as lost is a task whose worker died, whose node went
away, or which took longer than its time limit; it is tried again so often as the crew says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from bench.errors import ConfigError
from protocols.validation import nearest

T = TypeVar("T")
R = TypeVar("R")

DIED = "the worker process died (killed, out of memory, or a crash in native code)"
UNSTARTED = "the worker process could not be started"


@dataclass(frozen=True)
class Crew(Generic[T, R]):
    """Who works, and within which limits.

    `call(task)` runs in each of `workers` processes, after `start(*arguments)` once in each and with `threads` numeric
    threads. Functions, arguments, tasks and results can be pickled.
    retries: further tries of a task that was lost. time_limit_s: of one task, from when its worker takes it; its worker
    is then ended with all that it started. scratch: folder that every worker sees, with a working folder for each
    program that runs (`bench.adapters.process`). options: of the executor, such as a partition.
    """

    call: Callable[[T], R]
    start: Callable[..., None]
    arguments: tuple[Any, ...]
    workers: int
    threads: int
    retries: int = 1
    time_limit_s: float | None = None
    scratch: Path | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Executor(Protocol[T, R]):
    """Runs tasks on a crew."""

    def run(self, tasks: Iterable[T], *, done: Callable[[T, R], Iterable[T]], lost: Callable[[T, str], R]) -> None:
        """Run tasks to the end. `done(task, result)` is called here, in the parent; the tasks it gives come next.

        lost: the result of a task that was lost in every try, given the reason. On any exception, an interrupt
        included, running tasks are abandoned and the workers are gone before it rises.
        """


@dataclass(frozen=True)
class Ready:
    """A worker can take its first task."""


@dataclass(frozen=True)
class Answer(Generic[R]):
    """A task's result. gone: the worker takes no further task."""

    value: R
    gone: bool = False


@dataclass(frozen=True)
class Raised:
    """An error that `call` let through: a mistake of ours, which ends the run."""

    error: BaseException


@dataclass(frozen=True)
class Lost:
    """A worker's task was lost. gone: so is the worker. alone: to be tried again while nothing else runs."""

    why: str
    gone: bool = False
    alone: bool = False


News = Ready | Answer[Any] | Raised | Lost


def over_time(limit_s: float) -> str:
    """Why a task was lost that took too long."""
    return f"it took longer than the time limit of {limit_s:g} s"


def tell(why: str, tries: int) -> str:
    """The reason of a failure row."""
    return f"{why}; tried {'once' if tries == 1 else f'{tries} times'}"


def check_options(executor: str, given: Mapping[str, str], known: Sequence[str]) -> None:
    """Raises ConfigError, with a suggestion, for an option that an executor does not have."""
    for key in given:
        if key not in known:
            hint = nearest(key, known) if known else " It has none."
            raise ConfigError(f"--executor-option {key}: executor {executor!r} has no such option.{hint}")
