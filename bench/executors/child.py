"""One worker process of this machine.

It is started afresh (spawn), so that no CUDA context, lock or thread is copied into it, and holds one end of a leash:
when the other end is let go of, on purpose or because its holder died in whatever way, the worker ends itself and what
it started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, Generic

from bench.adapters.process import end_all, end_leftovers
from bench.executors.base import DIED, UNSTARTED, Answer, Crew, Lost, News, R, Raised, Ready, T, over_time

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Read by the numeric libraries when they are loaded, hence set before a worker starts."""
_GRACE = 3.0
"""Seconds between asking a worker to leave and ending it."""


class Child(Generic[T, R]):
    """A worker process that is started with its first task, and anew with the next one after it was lost."""

    def __init__(self, crew: Crew[T, R], *, bare: bool = False) -> None:
        """bare: it gets nothing of the program that runs here, which it would otherwise import once more."""
        self._crew, self._bare = crew, bare
        self._process: Any = None
        self._task: T | None = None
        self._busy = self._started = False
        self._deadline: float | None = None

    def give(self, task: T) -> None:
        """Have a task performed; `poll` tells of the end."""
        if self._process is not None and self._process.exitcode is not None:
            self.end()  # it died while it had nothing to do, which is not this task's fault
        self._task, self._busy = task, True
        if self._process is None:
            self._open()
        else:
            self._begin()

    def handles(self) -> list[Any]:
        """What to wait for (`multiprocessing.connection.wait`) before polling again."""
        return [self._line, self._process.sentinel] if self._busy else []

    def remaining(self) -> float | None:
        """Seconds that the task still has; None without a limit."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def poll(self) -> News | None:
        """How the task ended, if it did. A worker that takes too long is ended here."""
        if not self._busy:
            return None
        dead = self._process.exitcode is not None  # asked first: what it said before it died still counts
        while self._line.poll():
            try:
                said: News = self._line.recv()
            except (EOFError, OSError):
                break
            if not isinstance(said, Ready):
                self._busy, self._deadline = False, None
                return said
            self._started = True
            self._begin()
        if dead:
            return self._lose(DIED if self._started else UNSTARTED)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            assert self._crew.time_limit_s is not None
            return self._lose(over_time(self._crew.time_limit_s))
        return None

    def let_go(self) -> None:
        """Tell a worker that has nothing to do that there is nothing more; it leaves in its own time."""
        if self._process is not None and not self._busy:
            self._line.close()

    def drop(self) -> None:
        """Let go of the leash: the worker leaves now, in whatever it is; `end` waits for that."""
        if self._process is not None:
            self._leash.close()

    def end(self) -> None:
        """End the worker and everything that it started; one that was let go of is waited for."""
        if self._process is None:
            return
        if self._line.closed and not self._leash.closed:
            self._process.join(_GRACE)
        self._leash.close()
        self._process.join(_GRACE)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self._line.close()
        self._process.close()
        self._process, self._busy, self._deadline = None, False, None
        if self._crew.scratch is not None:
            end_leftovers(self._crew.scratch)

    def _lose(self, why: str) -> Lost:
        self.end()
        return Lost(why)

    def _open(self) -> None:
        context, crew = get_context("spawn"), self._crew
        (leash, self._leash), (self._line, line) = context.Pipe(duplex=False), context.Pipe()
        self._started = False
        self._process = context.Process(target=_work, args=(line, leash, crew.call, crew.start, crew.arguments))
        with _threads_limited(crew.threads), _interrupts_held(), _main_hidden(self._bare):
            self._process.start()
        leash.close()
        line.close()

    def _begin(self) -> None:
        if self._crew.time_limit_s is not None:
            self._deadline = time.monotonic() + self._crew.time_limit_s
        with contextlib.suppress(BrokenPipeError):  # its death is seen by the next poll
            self._line.send(self._task)


def _work(
    line: Connection, leash: Connection, call: Callable[[T], R], start: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """A worker's life: hold the leash, leave interrupts to the parent, then one task after another."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with contextlib.suppress(OSError):
        os.setsid()
    threading.Thread(target=_hold, args=(leash,), name="leash", daemon=True).start()
    start(*arguments)
    line.send(Ready())
    while True:
        try:
            task = line.recv()
        except (EOFError, OSError):
            return
        try:
            news: News = Answer(call(task))
        except BaseException as error:
            error.add_note(traceback.format_exc())
            news = Raised(error)
        try:
            line.send(news)
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:  # pickle has no error of its own for this
            line.send(Raised(RuntimeError(f"a result of type {type(news).__name__} cannot be sent: {error}")))


def _hold(leash: Connection) -> None:
    """Wait until the other end of the leash is closed, then leave at once, with everything that was started."""
    try:
        leash.recv_bytes()
    except (EOFError, OSError):
        end_all()
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """SIGINT waits until the block ends, and a process that is started meanwhile starts with it blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _main_hidden(hidden: bool) -> Iterator[None]:
    """A process that is started meanwhile does not import the program that runs here, where that is asked for."""
    before = sys.modules["__main__"]
    if hidden:
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = before


@contextmanager
def _threads_limited(threads: int) -> Iterator[None]:
    """The environment in which workers start: so many threads in each numeric library."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
