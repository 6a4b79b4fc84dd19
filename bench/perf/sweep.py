"""What a sweep costs beside its work: expanding, journaling, resuming and writing rows, in milliseconds a cell.

    python -m bench.perf.sweep --cells 10000

Nothing is generated and nothing measured: a made-up worker answers at once, with a curve for every metric. Each size
runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bench.errors import MissingError
from bench.io.digest import sha256_json
from bench.records import Cell, Portrait, Speech, Take
from bench.runner.expand import cells, expand, settings
from bench.runner.methods import open_methods
from bench.runner.overwrite import DEFAULT
from bench.runner.prepare import Digests
from bench.runner.run import find_variants
from bench.runner.session import Session
from bench.runner.tasks import Generate, Made, Measured, Pair, Prepare, Prepared, Result, Source, Task
from bench.store.files import make_folder
from bench.store.journal import FILE as JOURNAL
from bench.store.journal import Journal
from bench.store.rows import FILE as ROWS
from bench.store.rows import write_sorted
from protocols.schema import Protocol

METHODS = ("ground-truth", "still")
METRICS = (
    *("psnr/mean-of-frames@1", "ssim/gauss11-rgb@1", "ms_ssim/gauss11-rgb@1", "cpbd/sobel-grey@1"),
    *("lmd/mouth20-centred-px-puppet68@1", "lvd/mouth20-px-puppet68@1", "lip_opening_r/puppet68@1"),
    *("jitter/puppet68@1", "pose_error/puppet68@1"),
)
FRAMES = 90
SPEAKERS = 10


@dataclass(frozen=True)
class Cost:
    """ms: stage -> milliseconds a cell, answers of the made-up worker apart; busy_ms: those of them on the processor,
    which other programs cannot lengthen. fsync_ms: of one, on this disk.

    journal_mb: of rows.jsonl. grown_mb: largest resident set beyond that before the first cell, in 10^6 bytes.
    """

    cells: int
    metrics: int
    frames: int
    ms: dict[str, float]
    busy_ms: dict[str, float]
    fsync_ms: float
    journal_mb: float
    grown_mb: float


@dataclass
class Clock:
    """Seconds by stage, and those of them on the processor; what `apart` takes is left out of the stage that runs."""

    seconds: dict[str, float] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    _apart: np.ndarray = field(default_factory=lambda: np.zeros(2))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block as one stage, or as more of it."""
        begin, self._apart = _now(), np.zeros(2)
        yield
        for known, spent in zip((self.seconds, self.busy), _now() - begin - self._apart, strict=True):
            known[name] = known.get(name, 0.0) + float(spent)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Leave a block out."""
        begin = _now()
        yield
        self._apart += _now() - begin


def _now() -> np.ndarray:
    return np.array([time.perf_counter(), time.process_time()])


class Names:
    """A data set of names alone: `count` references, and one driver of each of ten speakers."""

    name, revision = "sweep", "1"

    def __init__(self, count: int) -> None:
        self._count = count

    def speakers(self) -> list[str]:
        return [f"speaker{k}" for k in range(SPEAKERS)]

    def references(self) -> list[str]:
        return [f"reference{k:05d}" for k in range(self._count)]

    def drivers(self, speaker: str) -> list[str]:
        return [f"{speaker}-said"]

    def identities(self, references: Sequence[str]) -> dict[str, str]:
        return {name: name for name in references}

    def speech(self, driver: str) -> Speech:
        raise MissingError("there is nothing behind the names")

    def portrait(self, reference: str) -> Portrait:
        raise MissingError("there is nothing behind the names")

    def take(self, reference: str, driver: str) -> Take:
        raise MissingError("there is nothing behind the names")


class Answers:
    """A made-up worker: inputs and videos are hashes of their names, values come from one generator."""

    def __init__(self, frames: int) -> None:
        self._frames, self._random = frames, np.random.default_rng(5)

    def __call__(self, task: Task) -> Result:
        if isinstance(task, Prepare):
            assert isinstance(task.source, Pair)
            names = [name for name in Digests.__dataclass_fields__ if name != "frames"]
            known = {name: sha256_json([name, task.source.__dict__]) for name in names}
            return Prepared(Digests(frames=self._frames, **known))
        if isinstance(task, Generate):
            return Made(task.key, self._frames, {"process": 0.1})
        curves = self._random.random((len(task.metrics), self._frames))
        outcomes = {
            name: {
                "value": float(curve.mean()),
                "coverage": 1.0,
                "status": "ok",
                "stage": None,
                "reason": None,
                "per_frame": curve.tolist(),
                "series": {},
                "notes": {},
            }
            for name, curve in zip(task.metrics, curves, strict=True)
        }
        return Measured(outcomes, dict.fromkeys(task.metrics, 0.1))


def sweep(folder: Path, count: int, *, metrics: Sequence[str], frames: int = FRAMES) -> Clock:
    """Expand, journal, resume and write about `count` cells in a folder; the seconds of each stage."""
    clock, answer = Clock(), Answers(frames)
    make_folder(folder)
    dataset = Names(-(-count // (SPEAKERS * len(METHODS))))
    protocol = Protocol(id="sweep@1", dataset="sweep", size=32, metrics=list(metrics), methods=list(METHODS))
    variants, methods = find_variants(metrics), open_methods(METHODS, settings(protocol))
    with clock.stage("expanding"):
        planned = _plan(expand(protocol, dataset))
    total = sum(map(len, planned.values()))

    def course(stage: str) -> Session:
        with clock.stage(stage):
            session = Session(
                protocol_id=protocol.id,
                methods=methods,
                variants=variants,
                journal=journal,
                folder=folder,
                total=total,
                overwrite=DEFAULT,
            )
            _drive(session, planned, answer, clock)
        return session

    with Journal(folder / JOURNAL) as journal:
        course("journaling")
    with clock.stage("resuming"):
        journal = Journal(folder / JOURNAL)
    with journal:
        session = course("resuming")
        if session.tally.reused != total:
            raise RuntimeError(f"expected {total} cells to be known, {session.tally.reused} were")
        with clock.stage("writing rows"):
            write_sorted(folder / ROWS, session.tally.rows())
    return clock


def _plan(protocol: Protocol) -> dict[Source, list[Cell]]:
    planned: dict[Source, list[Cell]] = {}
    for cell in cells(protocol):
        source = Pair(cell.speaker, cell.reference, cell.driver, cell.setting.size, cell.setting.pose)
        planned.setdefault(source, []).append(cell)
    return planned


def _drive(session: Session, planned: dict[Source, list[Cell]], answer: Callable[[Task], Result], clock: Clock) -> None:
    """As the inline executor does."""
    waiting: deque[Task] = deque(session.begin(planned))
    while waiting:
        task = waiting.popleft()
        with clock.apart():
            result = answer(task)
        waiting.extendleft(reversed(list(session.advance(task, result))))


def cost(count: int, *, metrics: Sequence[str] = METRICS, frames: int = FRAMES) -> Cost:
    """What so many cells cost in this process, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="avct-sweep-") as place:
        folder = Path(place)
        sweep(folder / "first", 20, metrics=metrics, frames=frames)  # all is imported, all caches are warm
        before = _resident()
        clock = sweep(folder / "all", count, metrics=metrics, frames=frames)
        size = (folder / "all" / JOURNAL).stat().st_size
        return Cost(
            cells=count,
            metrics=len(metrics),
            frames=frames,
            ms={name: 1000 * seconds / count for name, seconds in clock.seconds.items()},
            busy_ms={name: 1000 * seconds / count for name, seconds in clock.busy.items()},
            fsync_ms=_fsync(folder / "one", size // count),
            journal_mb=size / 1e6,
            grown_mb=_resident() - before,
        )


def _resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _fsync(path: Path, size: int) -> float:
    """Milliseconds that bringing a line of `size` bytes to this disk takes, the median of 100."""
    spent = []
    with path.open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(b"x" * size)
            begin = time.perf_counter()
            os.fsync(file.fileno())
            spent.append(1000 * (time.perf_counter() - begin))
    return sorted(spent)[len(spent) // 2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the cost at a tenth of the cells and at all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.perf.sweep", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cells", type=int, default=10_000, help="cells of the larger sweep (default 10000)")
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"frames of every curve (default {FRAMES})")
    parser.add_argument("--json", action="store_true", help="as JSON")
    asked = parser.parse_args(arguments)
    if asked.cells < 200 or asked.frames < 1:
        print(f"error: expected --cells of 200 or more and --frames of 1 or more, got {asked.cells} and {asked.frames}",
              file=sys.stderr)  # fmt: skip
        return 2
    found = []
    for count in (asked.cells // 10, asked.cells):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found.append(pool.submit(cost, count, frames=asked.frames).result())
        if not asked.json:
            _show(found[-1])
    if asked.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    return 0


def _show(one: Cost) -> None:
    print(f"{one.cells} cells, {one.metrics} metrics with curves of {one.frames} frames; ms a cell, on the processor:")
    for name, ms in one.ms.items():
        print(f"  {name:14}{ms:8.3f}{one.busy_ms[name]:8.3f}")
    print(f"  journal {one.journal_mb:.1f} MB, one fsync {one.fsync_ms:.3f} ms, memory grew by {one.grown_mb:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
