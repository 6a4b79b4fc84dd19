"""What a scenario is timed under and what it gives, whatever the scenario."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bench.perf.clock import Clock, Reading
from bench.perf.plan import Plan
from bench.perf.subject import Request, Subject, Tap
from bench.stats.blocks import Estimate
from bench.store.speeds import Figure, StageTime

FPS = 25
CURVE = 2000
"""Points that a curve of order statistics has at most."""
STAGE_SHARE = 0.25
"""How long the pass stage by stage lasts, of the plan's time. It is apart from the timed run, since waiting for the
device after every stage costs time of its own."""

Advance = Callable[[str, float, float], None]
"""Told of progress: what is going on, how much is done, of how much."""


def quiet(note: str, done: float, total: float) -> None:
    """Tells nobody."""


class Looker(Protocol):
    """Who looks on while a scenario is timed: `bench.perf.monitor.Monitor`."""

    def __enter__(self) -> object: ...

    def __exit__(self, *raised: Any) -> None: ...

    def energy(self) -> float | None: ...

    def memory(self) -> dict[str, int | None]: ...

    def describe(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Conditions:
    """Under what a subject is timed.

    tap: told of every frame of the timed run. monitor: looks on while it runs. clock: makes the watch of the pass stage
    by stage. batch: what frames are painted in, to tell what share of them is in tails. now, sleep: the time itself,
    seconds; replaced in tests.
    """

    plan: Plan
    seed: int
    tap: Tap | None = None
    monitor: Looker | None = None
    clock: Callable[[], Clock] = Clock
    batch: int = 1
    advance: Advance = quiet
    now: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], None] = time.sleep

    def looking(self) -> AbstractContextManager[object]:
        """The block that is timed, for who looks on."""
        return self.monitor if self.monitor is not None else nullcontext()

    def energy(self) -> float | None:
        """Joules so far, None where nobody counts."""
        return None if self.monitor is None else self.monitor.energy()


@dataclass(frozen=True)
class Measurement:
    """What one scenario gave; figures, curves and the rest as `SpeedRow` has them.

    stages, aside, wall, unaccounted, adds_up: of the pass stage by stage, see `bench.perf.clock.Reading`; stage_frames:
    frames of that pass. remarks: what a reader should know besides. reason: why the run does not count, "" where it
    does.
    """

    scenario: str
    headline: str
    figures: Mapping[str, Figure]
    curves: Mapping[str, Sequence[float]]
    clips: int
    frames: int
    seconds: float
    warmups: Mapping[str, Any]
    memory: Mapping[str, int | None] = field(default_factory=dict)
    monitor: Mapping[str, Any] = field(default_factory=dict)
    stages: Sequence[StageTime] = ()
    aside: Sequence[StageTime] = ()
    wall: float | None = None
    unaccounted: float | None = None
    adds_up: bool | None = None
    stage_frames: int = 0
    remarks: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


def figure(estimate: Estimate, unit: str, *, scale: float = 1.0) -> Figure:
    """The estimate as rows keep it, in another unit."""
    value, low, high = (None if v is None else scale * v for v in (estimate.value, estimate.low, estimate.high))
    return Figure(value, unit, low, high, estimate.n)


def remark(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Of every figure how long its blocks were, or why it has no limits."""
    return {"intervals": {name: one.reason or f"blocks of {one.block}" for name, one in estimates.items()}}


def thin(values: Sequence[float] | np.ndarray) -> list[float]:
    """The values in rising order, at most CURVE of them: the least, the greatest, and evenly ranked ones between."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if ordered.size > CURVE:
        ordered = ordered[np.round(np.linspace(0, ordered.size - 1, CURVE)).astype(np.int64)]
    return [float(value) for value in ordered]


def seen(conditions: Conditions) -> dict[str, Any]:
    """`memory` and `monitor` of who looked on, after the timed block."""
    if conditions.monitor is None:
        return {"memory": {}, "monitor": {"source": None, "reason": "nobody was asked to look on"}}
    return {"memory": conditions.monitor.memory(), "monitor": conditions.monitor.describe()}


def staged(reading: Reading | None) -> dict[str, Any]:
    """The fields of a measurement that a pass stage by stage gives."""
    if reading is None:
        return {}
    return {
        "stages": reading.stages,
        "aside": reading.aside,
        "wall": reading.wall,
        "unaccounted": reading.unaccounted,
        "adds_up": reading.adds_up,
        "stage_frames": reading.frames,
    }


def stage_pass(
    conditions: Conditions, work: Callable[[Clock], Iterator[int]], *, note: str = "stage by stage"
) -> Reading | None:
    """What a clock saw of the work; None where it made no frame.

    work: goes through clips under the clock that it is given, and yields how many frames were made since it last did;
    it is left when STAGE_SHARE of the plan's time is over.
    """
    clock, limit = conditions.clock(), STAGE_SHARE * conditions.plan.seconds
    frames, begin = 0, conditions.now()
    going = work(clock)
    while (passed := conditions.now() - begin) < limit or frames == 0:
        conditions.advance(note, min(passed, limit), limit)
        with clock.timing():
            made = next(going, None)
        if made is None:
            break
        frames += made
    close(going)
    return clock.read(frames) if frames else None


def compilations(subject: Subject) -> int | None:
    """How often a subject compiled so far, where it counts: an optional method `recompiles`."""
    count = getattr(subject, "recompiles", None)
    return int(count()) if callable(count) else None


def invalid(before: int | None, after: int | None) -> str:
    """Why a run does not count for what was compiled in it; "" where nothing was or nobody counts."""
    if before is None or after is None or after == before:
        return ""
    return f"compiled again {after - before} times while it was timed"


def rounds(requests: Sequence[Request]) -> Iterator[Request]:
    """The requests in their order, again and again. ValueError where there are none."""
    if not requests:
        raise ValueError("expected at least one request")
    return itertools.cycle(requests)


def close(iterator: Iterator[Any]) -> None:
    """Nothing; a generator that is left early ends now and not when it is collected."""
    end = getattr(iterator, "close", None)
    if end is not None:
        end()
