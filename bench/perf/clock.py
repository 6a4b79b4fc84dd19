"""Two clocks on the stages of a pass: the processor's around every stage, the device's events around those on it.

Stages are summed for each thread, since what runs beside the pass is no part of its wall. In mode "serial" the device
has finished a stage before the next begins, so the stages of the thread that is timed must add up to the wall, by the
processor's clock and with the device's own times in place of it: `Reading.adds_up`. Mode "free" waits for nothing, so
device stages show on the processor's clock only as long as it takes to ask for them, and nothing can add up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, cast

from avct.watch import DEVICE_STAGES, STAGES
from bench.store.speeds import StageTime

MODES = ("serial", "free")
TOLERANCE = 0.05
"""How much of the wall may be unaccounted for."""
_POOL = 256
"""Pairs of events made at a time; those that the device has passed are read and used again, so memory is bounded."""


class Event(Protocol):
    """A mark in the device's queue, as torch.cuda.Event is."""

    def record(self) -> None: ...

    def query(self) -> bool: ...

    def elapsed_time(self, end_event: Event) -> float: ...


@dataclass(frozen=True)
class Reading:
    """What a clock saw, in milliseconds a frame. stages: of the timed thread, in the order of STAGES; aside: of other
    threads, at the same time. unaccounted: wall less the stages' host times. apart: host less device times of stages
    that have both. adds_up: both within TOLERANCE of the wall; None where the mode cannot tell."""

    frames: int
    wall: float
    stages: tuple[StageTime, ...]
    aside: tuple[StageTime, ...]
    unaccounted: float
    apart: float
    adds_up: bool | None


@dataclass
class _Ledger:
    """One thread's sums, seconds; the device's in milliseconds. Only its own thread writes to it, until the end."""

    host: dict[str, float] = field(default_factory=dict)
    device: dict[str, float] = field(default_factory=dict)
    spare: list[tuple[Event, Event]] = field(default_factory=list)
    asked: deque[tuple[str, Event, Event]] = field(default_factory=deque)
    inside: str | None = None

    def pair(self, make: Callable[[], Event]) -> tuple[Event, Event]:
        if not self.spare:
            self.collect()
        if not self.spare:
            self.spare.extend((make(), make()) for _ in range(_POOL))
        return self.spare.pop()

    def collect(self, *, all: bool = False) -> None:
        """Takes the times of stages that the device has passed, in their order; all: it has passed every one."""
        while self.asked and (all or self.asked[0][2].query()):
            name, begin, end = self.asked.popleft()
            self.device[name] = self.device.get(name, 0.0) + begin.elapsed_time(end)
            self.spare.append((begin, end))


class Clock:
    """A watch that takes times (see the module).

    device: "cpu", or "cuda" with or without a number. A device stage must be asked for in the stream in which its work
    is, since that is where its events go. now, synchronise, event: replaced in tests.
    """

    def __init__(
        self,
        device: str = "cpu",
        *,
        mode: str = "serial",
        now: Callable[[], float] = time.perf_counter,
        synchronise: Callable[[], None] | None = None,
        event: Callable[[], Event] | None = None,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"expected a mode of {', '.join(MODES)}, got {mode!r}")
        self._on_device = device.split(":")[0] == "cuda"
        self._waits = mode == "serial" and self._on_device
        self._tells = mode == "serial" or not self._on_device
        self._now = now
        if self._on_device and (synchronise is None or event is None):
            usual_wait, usual_event = _of_torch(device)
            synchronise, event = synchronise or usual_wait, event or usual_event
        self._synchronise = synchronise or _nothing
        self._event = event
        self._ledgers: dict[int, _Ledger] = {}
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._running = False
        self._wall = 0.0

    @contextmanager
    def timing(self) -> Iterator[None]:
        """A block that counts: its thread is the one that is timed, its time the wall. Again and again, not nested."""
        this = threading.get_ident()
        if self._running or self._owner not in (None, this):
            raise RuntimeError("a clock times one block of one thread at a time")
        self._owner = this
        self._synchronise()
        self._running = True
        begin = self._now()
        try:
            yield
        finally:
            if self._waits:
                self._synchronise()
            self._wall += self._now() - begin
            self._running = False

    def stage(self, name: str) -> AbstractContextManager[object]:
        """A block of the stage `name`; what is done outside of `timing` counts nowhere. ValueError on another name."""
        if name not in STAGES:
            raise ValueError(f"expected a stage of {', '.join(STAGES)}, got {name!r}")
        return self._stage(name) if self._running else nullcontext()

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        ledger = self._ledger()
        if ledger.inside is not None:
            raise RuntimeError(f"stages do not nest: {name!r} within {ledger.inside!r}")
        ledger.inside = name
        events = ledger.pair(self._event) if self._event is not None and name in DEVICE_STAGES else None
        begin = self._now()
        try:
            if events is not None:
                events[0].record()
            yield
            if events is not None:
                events[1].record()
                ledger.asked.append((name, *events))
                if self._waits:
                    self._synchronise()
        finally:
            ledger.host[name] = ledger.host.get(name, 0.0) + self._now() - begin
            ledger.inside = None

    def _ledger(self) -> _Ledger:
        this = threading.get_ident()
        found = self._ledgers.get(this)
        if found is None:
            with self._lock:
                found = self._ledgers.setdefault(this, _Ledger())
        return found

    def read(self, frames: int) -> Reading:
        """What was seen, shared out among so many frames. Stages of other threads must have ended."""
        if frames < 1 or self._running or self._owner is None:
            raise ValueError("expected at least one frame, and a block that was timed and has ended")
        self._synchronise()
        with self._lock:
            held = dict(self._ledgers)
        for ledger in held.values():
            ledger.collect(all=True)
        own = held.pop(self._owner, _Ledger())
        wall = 1000.0 * self._wall / frames
        stages = _times([own], frames)
        unaccounted = wall - sum(stage.host for stage in stages)
        apart = sum(stage.host - stage.device for stage in stages if stage.device is not None)
        allowed = TOLERANCE * wall
        agree = abs(unaccounted) <= allowed and abs(apart) <= allowed
        aside = _times(list(held.values()), frames)
        return Reading(frames, wall, stages, aside, unaccounted, apart, agree if self._tells else None)


def _times(ledgers: list[_Ledger], frames: int) -> tuple[StageTime, ...]:
    made = []
    for name in STAGES:
        host = [ledger.host[name] for ledger in ledgers if name in ledger.host]
        device = [ledger.device[name] for ledger in ledgers if name in ledger.device]
        if host:
            made.append(StageTime(name, 1000.0 * sum(host) / frames, sum(device) / frames if device else None))
    return tuple(made)


def _nothing() -> None:
    """What there is to wait for on a processor."""


def _of_torch(device: str) -> tuple[Callable[[], None], Callable[[], Event]]:
    import torch

    where = torch.device(device)

    class Mark:
        """Goes to the stream in which that device works now, whichever device is the thread's own."""

        def __init__(self) -> None:
            self.event = torch.cuda.Event(enable_timing=True)

        def record(self) -> None:
            self.event.record(torch.cuda.current_stream(where))

        def query(self) -> bool:
            return self.event.query()

        def elapsed_time(self, end_event: Event) -> float:
            return self.event.elapsed_time(cast(Mark, end_event).event)

    return lambda: torch.cuda.synchronize(where), Mark
