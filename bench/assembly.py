"""Many videos at once: files are prepared, frames painted and files encoded side by side.

Preparing a second of speech takes 0.17 to 0.25 s of a core (Harvest's, which leaves Python's lock alone), encoding its
25 frames 0.05 s; so threads do both while the calling thread paints. Requests are taken up as they are needed and
every line is bounded: memory does not grow with their number or length.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.front import Composition, Measured, Request, compose, measure, read_files
from bench.io.encode import BrowserWriter, LosslessWriter
from bench.io.writer import Written

if TYPE_CHECKING:
    from avct.engine import Engine
    from avct.ensemble import Piece
    from avct.inference import Score

_WAITING = 1 << 25
"""Bytes of pixels that may wait for one encoder: 170 frames at 256x256, a third of a second of its work."""


@dataclass(frozen=True)
class Plan:
    """How the work is shared: threads that prepare, threads that encode, clips that are painted in turns.

    fill: batches that a clip's end leaves unfinished are filled from the next clip.
    """

    front: int
    encoders: int
    abreast: int
    fill: bool


@dataclass(frozen=True)
class Outcome:
    """One request's file, or the error that took its place. number: of the request, from 0."""

    number: int
    written: Written | None
    error: Exception | None = None


def plan_for(device: str, *, cores: int | None = None) -> Plan:
    """How the work is shared: on a processor painting is most of it, so one thread beside it does for each. For a card
    by arithmetic alone, tried on none: 1,000 frames a second would take 7 cores of preparing (6.6 ms a frame) and 2 of
    encoding (1.6 to 2.1 ms)."""
    if cores is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if device == "cpu":
        return Plan(front=1, encoders=1, abreast=1, fill=False)
    encoders = max(1, cores // 4)
    return Plan(front=max(1, cores * 5 // 8), encoders=encoders, abreast=encoders, fill=True)


def make_all(
    engine: Engine,
    requests: Iterable[Request],
    *,
    batch: int = 8,
    plan: Plan | None = None,
    tap: Callable[[int, int, np.ndarray], None] | None = None,
) -> Iterator[Outcome]:
    """The outcome of every request as it is known, in any order; requests are numbered from 0.

    Names that end in .mp4 are H.264, others lossless; a request's own checkpoint, device, precision and batch do not
    count. tap: told of every frame (number, frame's number, uint8 (S, S, 3)) as it is painted. Files appear whole or
    not at all; a request that cannot be made has an error and the others are made. What interrupts the caller ends
    everything.
    """
    from avct.ensemble import perform_all

    plan = plan or plan_for(engine.device.type)
    outcomes: SimpleQueue[Outcome] = SimpleQueue()
    size = engine.config.image_size
    waiting = max(2, _WAITING // (batch * size * size * 3))
    encoders = [_Encoder(outcomes, waiting) for _ in range(plan.encoders)]
    front = _Front(engine, requests, plan, outcomes)
    seats: dict[Hashable, _Encoder] = {}
    dropped: set[Hashable] = set()
    finished = False
    try:
        for pieces in perform_all(
            engine,
            front.scores(),
            batch=batch,
            abreast=plan.abreast,
            fill=plan.fill,
            wanted=lambda number: number not in dropped,
        ):
            for piece in pieces:
                if tap is not None:
                    for index, frame in enumerate(piece.frames, piece.first):
                        tap(piece.key, index, frame)
                if piece.first == 0:
                    seats[piece.key] = min(encoders, key=_Encoder.load)
                    seats[piece.key].begin(piece.key, *front.told.pop(piece.key))
                seats[piece.key].take(piece)
                if piece.last:
                    del seats[piece.key]
            for outcome in _known(outcomes):
                if outcome.error is not None:  # what went wrong need not be painted any further
                    dropped.add(outcome.number)
                yield outcome
        finished = True
    finally:
        front.close()
        for encoder in encoders:
            encoder.close(finished)
    yield from _known(outcomes)


def _known(outcomes: SimpleQueue[Outcome]) -> Iterator[Outcome]:
    while not outcomes.empty():
        yield outcomes.get()


class _Front:
    """What is performed, made from files on threads and in the order of the requests, a few ahead of the painter."""

    def __init__(self, engine: Engine, requests: Iterable[Request], plan: Plan, outcomes: SimpleQueue[Outcome]) -> None:
        self._engine, self._requests, self._outcomes = engine, enumerate(requests), outcomes
        self._pool = ThreadPoolExecutor(plan.front, thread_name_prefix="front")
        self._ahead = plan.front + plan.abreast
        self._line: deque[tuple[int, Request, Future[Measured]]] = deque()
        self.told: dict[Hashable, tuple[Path, Composition]] = {}

    def scores(self) -> Iterator[tuple[int, Score]]:
        """Number and score of each request that can be made; the others' errors are outcomes."""
        while True:
            while len(self._line) < self._ahead and (given := next(self._requests, None)) is not None:
                self._line.append((*given, self._pool.submit(self._measured, given[1])))
            if not self._line:
                return
            number, request, future = self._line.popleft()
            try:
                told = compose(request, future.result(), self._engine.model)
            except (BenchError, ValueError) as error:
                self._outcomes.put(Outcome(number, None, error))
                continue
            self.told[number] = (request.out, told)
            yield number, told.score

    def close(self) -> None:
        """Ends the threads; what they have not begun is left."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _measured(self, request: Request) -> Measured:
        engine = self._engine
        return measure(request, read_files(request), kind=engine.model.kind, side=engine.config.image_size)


class _Encoder:
    """A thread that encodes files' frames as they come. Files are its own from their first frame to their last."""

    def __init__(self, outcomes: SimpleQueue[Outcome], waiting: int) -> None:
        self._line: Queue[Callable[[], None] | None] = Queue(waiting)
        self._outcomes, self._open, self._files = outcomes, dict[Hashable, BrowserWriter | LosslessWriter](), 0
        self._thread = Thread(target=self._work, name="encoder", daemon=True)
        self._thread.start()

    def load(self) -> tuple[int, int]:
        """Files that are still being painted, and batches that wait."""
        return self._files, self._line.qsize()

    def begin(self, key: Hashable, path: Path, told: Composition) -> None:
        """A new file."""
        self._files += 1
        made = BrowserWriter if path.suffix.lower() == ".mp4" else LosslessWriter

        def start() -> None:
            writer = made(path, samples=told.samples, run_id=told.run_id)
            writer.__enter__()
            self._open[key] = writer

        self._line.put(lambda: self._try(key, start))

    def take(self, piece: Piece) -> None:
        """The next frames of a file; waits while too many are waiting."""
        self._files -= piece.last

        def add() -> None:
            writer = self._open.get(piece.key)
            if writer is None:  # it failed before
                return
            for frame in piece.frames:
                writer.add(frame)
            if piece.last:
                del self._open[piece.key]
                writer.__exit__(None, None, None)
                self._outcomes.put(Outcome(piece.key, writer.written))

        self._line.put(lambda: self._try(piece.key, add))

    def close(self, finished: bool) -> None:
        """Returns when all that was given is on disk, or, where it is not to be finished, gone."""
        if not finished:
            with contextlib.suppress(Empty):
                while True:
                    self._line.get_nowait()
        self._line.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (work := self._line.get()) is not None:
            work()
            del work  # pixels are not held while the next ones are waited for
        for writer in self._open.values():
            _abandon(writer, InterruptedError("not finished"))

    def _try(self, key: Hashable, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            writer = self._open.pop(key, None)
            if writer is not None:
                _abandon(writer, error)
            self._outcomes.put(Outcome(key, None, error))


def _abandon(writer: BrowserWriter | LosslessWriter, error: Exception) -> None:
    writer.__exit__(type(error), error, error.__traceback__)
