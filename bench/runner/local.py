"""The local executors: tasks on worker processes of this machine, or in this very process.

Workers are started afresh (spawn), so that no CUDA context, lock or thread is copied into them. Each holds one end of
a leash; when the parent lets go of it, or dies in whatever way, every worker ends itself and what it started.
"""

from __future__ import annotations

import concurrent.futures as futures
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from bench.adapters.process import end_all

T = TypeVar("T")
R = TypeVar("R")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Read by the numeric libraries when they are loaded, hence set before a worker starts."""


class LocalExecutor(Generic[T, R]):
    """Runs `call(task)` in worker processes after `start(*arguments)` once in each.

    A worker that dies takes its pool with it. The tasks that were running are then tried one at a time in pools of
    their own: the one that kills its worker again is reported through `lost`, the others finish as if nothing happened.
    `recover()` is called after each such death: workers that go this way end nothing that they started.
    """

    def __init__(
        self,
        call: Callable[[T], R],
        *,
        start: Callable[..., None],
        arguments: tuple[Any, ...],
        workers: int,
        threads: int,
        recover: Callable[[], None] = lambda: None,
    ) -> None:
        self._call, self._start, self._arguments, self._recover = call, start, arguments, recover
        self._workers, self._threads = workers, threads

    def run(self, tasks: Iterable[T], *, done: Callable[[T, R], Iterable[T]], lost: Callable[[T], R]) -> None:
        """Run tasks to the end. `done(task, result)` is called here, in the parent; the tasks it gives come next.

        On any exception, an interrupt included, running tasks are abandoned and the workers are gone before it rises.
        """
        waiting: deque[T] = deque(tasks)
        with _threads_limited(self._threads):
            while waiting:
                suspects = self._run_pool(waiting, done, workers=self._workers)
                for task in suspects:
                    self._recover()
                    if self._run_pool(deque([task]), done, workers=1, follow=waiting):
                        self._recover()
                        waiting.extendleft(reversed(list(done(task, lost(task)))))

    def _run_pool(
        self,
        waiting: deque[T],
        done: Callable[[T, R], Iterable[T]],
        *,
        workers: int,
        follow: deque[T] | None = None,
    ) -> list[T]:
        """Run what waits in one pool; the tasks that were running when a worker died, else nothing.

        follow: takes the tasks that follow; by default they are run next, in front of those that wait.
        """
        after = waiting if follow is None else follow
        running: dict[futures.Future[R], T] = {}
        with self._pool(workers) as pool:
            while waiting or running:
                # No more than there are workers: what is running when one dies is then what was submitted.
                while waiting and len(running) < workers:
                    task = waiting.popleft()
                    try:
                        with _interrupts_held():
                            running[pool.submit(self._call, task)] = task
                    except BrokenProcessPool:
                        if not running:  # a worker that cannot even start: without a suspect there would be no end
                            return [task]
                        waiting.appendleft(task)
                        return list(running.values())
                finished, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
                whole = [future for future in running if future in finished and not _broken(future)]
                for future in whole:
                    after.extendleft(reversed(list(done(running.pop(future), future.result()))))
                if len(whole) < len(finished):
                    return list(running.values())
        return []

    @contextmanager
    def _pool(self, workers: int) -> Iterator[futures.ProcessPoolExecutor]:
        context = get_context("spawn")
        theirs, ours = context.Pipe(duplex=False)
        pool = futures.ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_begin,
            initargs=(theirs, self._start, self._arguments),
        )
        try:
            yield pool
        except BaseException:
            ours.close()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
            ours.close()
            theirs.close()


class InlineExecutor(Generic[T, R]):
    """Runs tasks in this process, one after another: for a debugger, and where starting a worker costs more than work.

    There is no protection from a crash in native code here.
    """

    def __init__(self, call: Callable[[T], R], *, start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._call, self._start, self._arguments = call, start, arguments

    def run(self, tasks: Iterable[T], *, done: Callable[[T, R], Iterable[T]], lost: Callable[[T], R]) -> None:
        """Run tasks to the end, in the order in which one worker would; `lost` is not called."""
        waiting: deque[T] = deque(tasks)
        self._start(*self._arguments)
        while waiting:
            task = waiting.popleft()
            waiting.extendleft(reversed(list(done(task, self._call(task)))))


def _broken(future: futures.Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _begin(leash: Connection, start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """A worker's first act: hold the leash, leave interrupts to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_hold, args=(leash,), name="leash", daemon=True).start()
    start(*arguments)


def _hold(leash: Connection) -> None:
    """Wait until the parent's end of the leash is closed, then leave at once, with everything that was started."""
    try:
        leash.recv_bytes()
    except (EOFError, OSError):
        end_all()
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
