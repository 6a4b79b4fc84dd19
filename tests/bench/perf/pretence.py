"""A subject that costs what it is told to, in a time that passes only when somebody works or sleeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avct.watch import UNWATCHED, Watch
from bench.perf.clock import Clock
from bench.perf.measurement import Conditions
from bench.perf.plan import plan
from bench.perf.subject import Request, Tap


class Time:
    """Virtual seconds. limit: an endless wait fails a test and does not hang it."""

    def __init__(self, limit: float = 1e6) -> None:
        self.instant, self._limit = 0.0, limit

    def now(self) -> float:
        return self.instant

    def pass_by(self, seconds: float) -> None:
        assert seconds >= 0.0
        self.instant += seconds
        assert self.instant < self._limit, "virtual time ran away"


def requests(count: int = 6, frames: int = 30) -> list[Request]:
    """Clips of unlike, odd lengths."""
    return [
        Request(k, f"clip-{k}", Path(f"{k}.png"), Path(f"{k}.wav"), None, frames + 2 * k + 1)
        for k in range(count)
    ]  # fmt: skip


class Subject:
    """Every frame costs `cost` seconds, the first of a clip `first` more; encoding `encode`; `hidden` in no stage."""

    name = "pretence"

    def __init__(
        self,
        time: Time,
        *,
        cost: float = 0.01,
        first: float = 0.2,
        encode: float = 0.005,
        hidden: float = 0.0,
        clips: Sequence[Request] | None = None,
    ) -> None:
        self.time, self.cost, self.first, self.encode, self.hidden = time, cost, first, encode, hidden
        self.requests = requests() if clips is None else clips
        self.excluded: Mapping[str, Sequence[str]] = {}
        self.compiled = 0
        self.compile_at: float | None = None
        self.costs: Iterator[float] | None = None
        self.ready: list[int] = []
        self.calls: list[str] = []

    def prepare(self) -> float:
        return 0.0

    def synchronise(self) -> None:
        pass

    def recompiles(self) -> int:
        if self.compile_at is not None and self.time.now() >= self.compile_at:
            self.compiled, self.compile_at = self.compiled + 1, None
        return self.compiled

    def stream(self, request: Request, *, watch: Watch = UNWATCHED) -> Iterator[np.ndarray]:
        for number in range(request.frames):
            if number == 0:
                with watch.stage("decode"):
                    self.time.pass_by(self.first)
            self._frame(watch)
            yield np.full((4, 4, 3), number % 256, np.uint8)

    def _frame(self, watch: Watch) -> None:
        cost = self.cost if self.costs is None else next(self.costs)
        with watch.stage("motion"):
            self.time.pass_by(0.25 * cost)
        with watch.stage("render"):
            self.time.pass_by(0.75 * cost)
        self.time.pass_by(self.hidden)

    def make(self, request: Request, out: Path, *, tap: Tap | None = None, watch: Watch = UNWATCHED) -> int:
        out.write_bytes(b"film")
        for number, frame in enumerate(self.stream(request, watch=watch)):
            if tap is not None:
                tap(request.number, number, frame)
            with watch.stage("encode"):
                self.time.pass_by(self.encode)
        return request.frames

    def make_all(self, requests: Sequence[Request], folder: Path, *, tap: Tap | None = None) -> Iterator[int]:
        self.calls.append("A")
        assert len({request.number for request in requests}) == len(requests)
        for request in requests:
            yield self.make(request, folder / f"{request.number}.mkv", tap=tap)

    def paint(self, request: Request) -> int:
        self.calls.append(f"paint {request.number}")
        self.time.pass_by(self.cost * request.frames + (0.0 if request.number in self.ready else 50.0))
        self.ready.append(request.number)
        return request.frames

    def crowd(self) -> Crowd:
        return Crowd(self.time, self.cost)

    def plain(self, request: Request, frames: Sequence[int]) -> np.ndarray:
        return np.zeros((len(frames), 4, 4, 3), np.uint8)

    def describe(self) -> Mapping[str, Any]:
        return {}


class Crowd:
    """Paints what it has heard of at `cost` seconds a frame; knows a frame when `look_ahead` more has been heard."""

    def __init__(self, time: Time, cost: float, *, look_ahead: float = 0.08, drops: int = 0) -> None:
        self.time, self.cost, self._look_ahead, self._drops = time, cost, look_ahead, drops
        self.heard: dict[int, int] = {}
        self.shown: dict[int, int] = {}
        self.ended: dict[int, bool] = {}
        self.joined = 0

    @property
    def look_ahead(self) -> float:
        return self._look_ahead

    def join(self, request: Request) -> int:
        self.joined += 1
        self.heard[self.joined] = self.shown[self.joined] = 0
        self.ended[self.joined] = False
        return self.joined

    def hear(self, talker: int, samples: np.ndarray, *, last: bool = False) -> None:
        assert samples.shape == (640,) and samples.dtype == np.float32 and not self.ended[talker]
        self.heard[talker] += 1
        self.ended[talker] = last

    def step(self) -> list[tuple[int, int, np.ndarray]]:
        wait = round(25 * self._look_ahead)
        painted = []
        for talker in self.heard:
            known = self.heard[talker] if self.ended[talker] else self.heard[talker] - wait
            if self.shown[talker] < known:
                painted.append((talker, self.shown[talker], np.zeros((4, 4, 3), np.uint8)))
                self.shown[talker] += 1
        self.time.pass_by(self.cost * len(painted))
        if self._drops:
            painted = [shown for shown in painted if (shown[1] + 1) % self._drops]
        return painted

    def leave(self, talker: int) -> None:
        del self.heard[talker], self.shown[talker], self.ended[talker]


def conditions(time: Time, *, seconds: float = 10.0, frames: int = 1, **changes: Any) -> Conditions:
    """Quick ones in virtual time."""
    given = {
        "clock": lambda: Clock("cpu", now=time.now),
        "now": time.now,
        "sleep": time.pass_by,
        **changes,
    }
    return Conditions(plan("quick", seconds=seconds, frames=frames), seed=3, **given)
