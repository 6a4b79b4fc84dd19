"""One trial of a crowd: so many live talkers for so long, and how many of their frames came after their display time.

A talker's sound arrives in real time in pieces of 40 ms, each when its last sample has been spoken. A frame is due one
frame period after the last sound that it may need: its own piece's arrival, plus the crowd's declared look-ahead, plus
40 ms. What comes later, or never, is a miss. A seat's next clip begins when its last one was spoken, so all seats stay
live; seats begin as callers do (`bench.perf.arrivals`), and frames count from LEAD on, when all have.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.perf.arrivals import starts
from bench.perf.measurement import FPS, Conditions, compilations, invalid
from bench.perf.subject import Crowd, Request, Subject

PIECE = 640
"""Samples at 16 kHz that are heard at a time: those of one frame."""
PERIOD = 1.0 / FPS
ALLOWED = 0.01
"""Share of frames that may be late."""
WITHIN, LEAD = 2.0, 3.0
"""Seconds in which seats begin, and after which frames count: kernels of that many talkers have been chosen by then."""


@dataclass(frozen=True)
class Trial:
    """What came of so many talkers. due: frames that counted; missed: those that were late. delays: ms float64 (due,),
    in the order in which frames were due, from the instant at which a frame's sound and the look-ahead after it have
    been spoken: over 40 is late, under 0 are a clip's last frames, which wait for no more sound. hopeless: it was ended
    early, since more were late than a trial of this length may have; `due` and `missed` are of what there was.
    compiled: why it does not count, where something was compiled while frames counted.
    """

    talkers: int
    due: int
    missed: int
    seconds: float
    delays: np.ndarray
    hopeless: bool
    compiled: str = ""

    @property
    def share(self) -> float:
        """Of frames that were late."""
        return self.missed / self.due if self.due else 1.0

    @property
    def passed(self) -> bool:
        """Whether so many talkers can be live."""
        return not self.hopeless and self.due > 0 and self.share <= ALLOWED


@dataclass
class _Live:
    """A clip that is spoken at one seat. shown: instants of its frames, NaN for those that have not come."""

    request: Request
    talker: int
    begin: float
    samples: np.ndarray
    look_ahead: float
    heard: int = 0
    shown: np.ndarray = field(default_factory=lambda: np.empty(0))

    def known(self) -> np.ndarray:
        """When the last sound that each frame may need has arrived, float64 (frames,)."""
        return self.begin + PERIOD * np.arange(1, len(self.shown) + 1) + self.look_ahead


def run_trial(
    subject: Subject,
    conditions: Conditions,
    talkers: int,
    seconds: float,
    sound: Callable[[Request], np.ndarray],
) -> Trial:
    """The trial of so many talkers, whose frames count for so many seconds. sound: float32 (n,) at 16 kHz of a request;
    what it lacks of the request's frames is silence."""
    stage = _Stage(subject.crowd(), subject.requests, conditions, sound)
    zero = conditions.now()
    counts, end = zero + LEAD, zero + LEAD + seconds
    for seat, start in enumerate(starts(talkers, WITHIN, seed=conditions.seed)):
        stage.plan_start(zero + float(start), seat)
    allowed = ALLOWED * talkers * (FPS * seconds + 1)
    late, compiled_before = 0, None
    hopeless = False
    while (instant := conditions.now()) < end and not hopeless:
        if compiled_before is None and instant >= counts:
            compiled_before = compilations(subject)
        stage.hear_until(instant)
        shown = stage.crowd.step()
        done = conditions.now()
        for talker, number, frame in shown:
            due = stage.show(talker, number, frame, done)
            late += due is not None and counts <= due < min(done, end)
        hopeless = late > allowed
        if not shown and (pause := min(stage.next_instant(), end) - conditions.now()) > 0.0:
            conditions.sleep(pause)
    stop = min(end, conditions.now())
    compiled = invalid(compiled_before, compilations(subject))
    stage.empty(stop)
    return _count(stage.past, talkers, counts, stop, hopeless, compiled)


def _count(clips: Sequence[_Live], talkers: int, counts: float, stop: float, hopeless: bool, compiled: str) -> Trial:
    known = np.concatenate([clip.known() for clip in clips] or [np.empty(0)])
    shown = np.concatenate([clip.shown for clip in clips] or [np.empty(0)])
    due = known + PERIOD
    # a frame that is due at the very end has had its chance
    chosen = (due >= counts) & (due <= stop)
    known, shown, due = known[chosen], shown[chosen], due[chosen]
    order = np.argsort(due, kind="stable")
    late = ~(shown <= due)  # what never came is late
    delays = 1000.0 * (np.where(np.isnan(shown), stop, shown) - known)
    return Trial(talkers, len(due), int(late.sum()), stop - counts, delays[order], hopeless, compiled)


class _Stage:
    """The crowd with what is spoken to it and when. Whatever happens at an instant is in one heap."""

    def __init__(
        self,
        crowd: Crowd,
        requests: Sequence[Request],
        conditions: Conditions,
        sound: Callable[[Request], np.ndarray],
    ) -> None:
        self.crowd = crowd
        self.past: list[_Live] = []
        self._conditions, self._sound = conditions, sound
        self._coming = itertools.cycle(requests)
        self._live: dict[int, _Live] = {}
        self._events: list[tuple[float, int, int, _Live | None]] = []
        self._order = itertools.count()

    def plan_start(self, instant: float, seat: int) -> None:
        """A clip begins at a seat."""
        heapq.heappush(self._events, (instant, next(self._order), seat, None))

    def next_instant(self) -> float:
        """When something is spoken next."""
        return self._events[0][0]

    def hear_until(self, instant: float) -> None:
        """Whatever was spoken by now is heard, in its order."""
        while self._events and self._events[0][0] <= instant:
            when, _, seat, live = heapq.heappop(self._events)
            if live is None:
                live = self._join(when)
            else:
                self._hear(live)
            if live.heard < live.request.frames:
                # from the begin, since sums of 0.04 drift
                spoken = live.begin + PERIOD * (live.heard + 1)
                heapq.heappush(self._events, (spoken, next(self._order), seat, live))
            else:
                self.plan_start(when, seat)

    def show(self, talker: int, number: int, frame: np.ndarray, instant: float) -> float | None:
        """When the frame was due; None for one that nobody waits for. A clip's last frame sends its talker away."""
        live = self._live.get(talker)
        if live is None or not 0 <= number < live.request.frames or not np.isnan(live.shown[number]):
            return None
        live.shown[number] = instant
        if self._conditions.tap is not None:
            self._conditions.tap(live.request.number, number, frame)
        if not np.isnan(live.shown).any():
            self._leave(talker)
        return live.begin + PERIOD * (number + 1) + live.look_ahead + PERIOD

    def empty(self, instant: float) -> None:
        """Everybody leaves. What would have been spoken until then, had the crowd listened, counts as never shown."""
        look_ahead = self.crowd.look_ahead
        for when, _, _, live in self._events:
            begin = when if live is None else live.begin + PERIOD * live.request.frames
            while begin < instant:
                request = next(self._coming)
                shown = np.full(request.frames, np.nan)
                self.past.append(_Live(request, -1, begin, np.empty(0, np.float32), look_ahead, shown=shown))
                begin += PERIOD * request.frames
        for talker in list(self._live):
            self._leave(talker)

    def _join(self, instant: float) -> _Live:
        request = next(self._coming)
        talker = self.crowd.join(request)
        shown = np.full(request.frames, np.nan)
        live = _Live(request, talker, instant, self._sound(request), self.crowd.look_ahead, shown=shown)
        self._live[talker] = live
        return live

    def _hear(self, live: _Live) -> None:
        piece = live.samples[live.heard * PIECE : (live.heard + 1) * PIECE]
        if len(piece) < PIECE:
            piece = np.concatenate([piece, np.zeros(PIECE - len(piece), np.float32)])
        live.heard += 1
        self.crowd.hear(live.talker, piece, last=live.heard == live.request.frames)

    def _leave(self, talker: int) -> None:
        self.crowd.leave(talker)
        self.past.append(self._live.pop(talker))
