"""The executor `inline`: tasks in this very process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Generic

from bench.executors.base import Crew, R, T, check_options
from bench.store.device import usable_cores


class InlineExecutor(Generic[T, R]):
    """Runs tasks in this process, one after another: for a debugger, and where starting a worker costs more than work.

    There is no protection from a crash in native code here, and nobody who could end a task that takes too long.
    """

    def __init__(self, crew: Crew[T, R]) -> None:
        self._crew = crew

    def run(self, tasks: Iterable[T], *, done: Callable[[T, R], Iterable[T]], lost: Callable[[T, str], R]) -> None:
        """Run tasks to the end, in the order in which one worker would; `lost` is not called."""
        waiting: deque[T] = deque(tasks)
        self._crew.start(*self._crew.arguments)
        while waiting:
            task = waiting.popleft()
            waiting.extendleft(reversed(list(done(task, self._crew.call(task)))))


def check(options: Mapping[str, str]) -> None:
    """Raises ConfigError: there are no options."""
    check_options("inline", options, ())


def threads(workers: int, options: Mapping[str, str]) -> int:
    """All cores of the machine."""
    return usable_cores()


def open_executor(crew: Crew[T, R]) -> InlineExecutor[T, R]:
    """The executor."""
    return InlineExecutor(crew)
