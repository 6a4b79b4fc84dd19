"""The executor `local`: worker processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any, Generic

from bench.executors.base import DIED, Crew, Lost, News, R, Ready, T, check_options
from bench.executors.child import Child
from bench.executors.course import carry_out
from bench.store.device import usable_cores


class LocalExecutor(Generic[T, R]):
    """Runs tasks on processes of this machine.

    A task whose worker died is tried again after all others and alone: memory that was short for several may do for
    one.
    """

    def __init__(self, crew: Crew[T, R]) -> None:
        self._crew = crew

    def run(self, tasks: Iterable[T], *, done: Callable[[T, R], Iterable[T]], lost: Callable[[T, str], R]) -> None:
        """Run tasks to the end (`Executor.run`)."""
        carry_out(_Staff(self._crew), self._crew, tasks, done=done, lost=lost)


class _Staff:
    """The processes."""

    def __init__(self, crew: Crew[Any, Any]) -> None:
        self._crew = crew
        self._fresh: list[Child[Any, Any]] = []
        self._children: list[Child[Any, Any]] = []

    def hire(self) -> Child[Any, Any]:
        child = Child(self._crew)
        self._fresh.append(child)
        self._children.append(child)
        return child

    def give(self, worker: Child[Any, Any], task: Any) -> None:
        worker.give(task)

    def wait(self) -> Sequence[tuple[Child[Any, Any], News]]:
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            return [(child, Ready()) for child in fresh]
        limits = [left for child in self._children if (left := child.remaining()) is not None]
        wait([handle for child in self._children for handle in child.handles()], timeout=min(limits, default=None))
        return [(child, _alone(news)) for child in self._children if (news := child.poll()) is not None]

    def let_go(self) -> None:
        """There is nothing more to do: all leave, each in its own time."""
        for child in self._children:
            child.let_go()
        for child in self._children:
            child.end()

    def end(self) -> None:
        """End all processes, at once."""
        for child in self._children:
            child.drop()
        for child in self._children:
            child.end()


def _alone(news: News) -> News:
    return replace(news, alone=True) if isinstance(news, Lost) and news.why == DIED else news


def check(options: Mapping[str, str]) -> None:
    """Raises ConfigError: there are no options."""
    check_options("local", options, ())


def threads(workers: int, options: Mapping[str, str]) -> int:
    """The machine's cores, shared out."""
    return max(1, usable_cores() // workers)


def open_executor(crew: Crew[T, R]) -> LocalExecutor[T, R]:
    """The executor."""
    return LocalExecutor(crew)
