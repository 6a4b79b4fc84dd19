"""The course of the work on any kind of workers: who gets which task next, and what becomes of one that was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from bench.executors.base import Answer, Crew, Lost, News, R, Raised, Ready, T, tell

W = TypeVar("W")


class Staff(Protocol[W]):
    """Workers of one kind, each with one task at a time."""

    def hire(self) -> W:
        """A new worker, which says `Ready` when it can take a task."""

    def give(self, worker: W, task: Any) -> None:
        """Have a worker that has nothing to do perform a task."""

    def wait(self) -> Sequence[tuple[W, News]]:
        """What workers have to say; comes back after a while where nobody says anything."""

    def let_go(self) -> None:
        """Have workers that have nothing to do leave by themselves."""

    def end(self) -> None:
        """End whoever is still there, whatever he does."""


@dataclass
class _Attempt(Generic[T]):
    task: T
    tries: int = 0


class Course(Generic[T, R]):
    """State of the work: what waits, who is free, who does what."""

    def __init__(
        self,
        staff: Staff[Any],
        *,
        workers: int,
        retries: int,
        done: Callable[[T, R], Iterable[T]],
        lost: Callable[[T, str], R],
    ) -> None:
        self._staff, self._workers, self._retries = staff, workers, retries
        self._done, self._lost = done, lost
        self._waiting: deque[_Attempt[T]] = deque()
        self._alone: deque[_Attempt[T]] = deque()
        self._starting: list[Any] = []
        self._idle: list[Any] = []
        self._busy: dict[Any, _Attempt[T]] = {}

    def run(self, tasks: Iterable[T]) -> None:
        """Run tasks, and those that follow from them, to the end."""
        self._waiting.extend(_Attempt(task) for task in tasks)
        while self._waiting or self._alone or self._busy:
            if self._alone and not self._waiting and not self._busy:
                self._waiting.append(self._alone.popleft())
            self._assign()
            for worker, news in self._staff.wait():
                self._take(worker, news)

    def _assign(self) -> None:
        wanted = min(self._workers, len(self._waiting) + len(self._busy))
        while len(self._starting) + len(self._idle) + len(self._busy) < wanted:
            self._starting.append(self._staff.hire())
        while self._waiting and self._idle:
            # Who became free last: tasks that follow from its own come first, and it has their inputs open.
            worker, attempt = self._idle.pop(), self._waiting.popleft()
            self._busy[worker] = attempt
            self._staff.give(worker, attempt.task)

    def _take(self, worker: Any, news: News) -> None:
        if isinstance(news, Raised):
            raise news.error
        attempt, began = self._busy.pop(worker, None), worker in self._starting
        for some in (self._starting, self._idle):
            if worker in some:
                some.remove(worker)
        if isinstance(news, Ready) or not news.gone:
            self._idle.append(worker)
        if isinstance(news, Answer):
            assert attempt is not None
            self._follow(attempt.task, news.value)
        elif isinstance(news, Lost):
            if attempt is None and began and self._waiting:
                # A worker that cannot even start is held against the task it would have got, so that there is an end.
                attempt = self._waiting.popleft()
            if attempt is not None:
                self._lose(attempt, news)

    def _lose(self, attempt: _Attempt[T], news: Lost) -> None:
        attempt.tries += 1
        if attempt.tries > self._retries:
            self._follow(attempt.task, self._lost(attempt.task, tell(news.why, attempt.tries)))
        else:
            (self._alone if news.alone else self._waiting).append(attempt)

    def _follow(self, task: T, result: R) -> None:
        followers = [_Attempt(task) for task in self._done(task, result)]
        self._waiting.extendleft(reversed(followers))


def carry_out(
    staff: Staff[Any],
    crew: Crew[T, R],
    tasks: Iterable[T],
    *,
    done: Callable[[T, R], Iterable[T]],
    lost: Callable[[T, str], R],
) -> None:
    """Run tasks to the end by a staff (`Executor.run`), of whom nobody is left, on any exception too."""
    course = Course(staff, workers=crew.workers, retries=crew.retries, done=done, lost=lost)
    try:
        course.run(tasks)
        staff.let_go()
    finally:
        staff.end()
