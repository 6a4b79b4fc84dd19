"""Which of the emitted frames are kept to be looked at: chosen by a seed that whoever makes them does not know.

Two kinds: a stretch of frames on end (what moves is seen only there), of the first request and of some others, and
frames scattered over all requests, the last of each among them, since the last batch is seldom a full one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from bench.perf.subject import Request

RUN = 64
"""Frames on end that are kept of a request, or all that it has."""
RUNS = 3
"""Requests of which a stretch is kept: the first (in the shortest of timings the only one that is made) and others."""
SCATTERED = 32
"""Frames that are compared besides, and kept of all requests together, at least two of each."""

Place = tuple[int, int]
"""A request's number and a frame's."""


def runs(requests: Sequence[Request], *, seed: int, run: int = RUN) -> dict[int, range]:
    """Request number -> frames on end to be kept, in the order in which the gate would have them.

    The first request comes last of them: that it is made is known to everybody.
    """
    others = [request for request in requests[1:] if request.frames > 0]
    drawn = np.random.default_rng([seed, 0]).permutation(len(others))[: RUNS - 1]
    chosen = [others[k] for k in drawn] + [request for request in requests[:1] if request.frames > 0]
    return {request.number: _stretch(request, seed, run) for request in chosen}


def scattered(requests: Sequence[Request], *, seed: int, count: int = SCATTERED) -> list[Place]:
    """Single frames to be kept, the last of each request first, then others in the order of a seed's draw."""
    share = max(1, -(-count // max(1, len(requests))) - 1)
    last, rest = [], []
    for request in requests:
        if request.frames < 1:
            continue
        last.append((request.number, request.frames - 1))
        drawn = _draw(request, seed).permutation(request.frames - 1)[:share]
        rest += [(request.number, int(frame)) for frame in drawn]
    order = np.random.default_rng([seed, 1])
    return [last[k] for k in order.permutation(len(last))] + [rest[k] for k in order.permutation(len(rest))]


class Keeper:
    """A tap that keeps copies of the chosen frames; of a frame that is emitted often, any one emission.

    Threads may tell it at the same time. frames: what was kept. reached: request number -> highest frame emitted.
    """

    def __init__(self, requests: Sequence[Request], *, seed: int, run: int = RUN, count: int = SCATTERED) -> None:
        self.frames: dict[Place, np.ndarray] = {}
        self.reached: dict[int, int] = {}
        self._wanted = set(scattered(requests, seed=seed, count=count))
        for number, stretch in runs(requests, seed=seed, run=run).items():
            self._wanted |= {(number, frame) for frame in stretch}
        self._seed, self._lock = seed, threading.Lock()
        self._seen: dict[Place, int] = {}

    def __call__(self, number: int, frame: int, picture: np.ndarray) -> None:
        place = (number, frame)
        with self._lock:
            if frame > self.reached.get(number, -1):
                self.reached[number] = frame
            if place not in self._wanted:
                return
            seen = self._seen[place] = self._seen.get(place, 0) + 1
            # the n-th emission takes the place of the kept one with a chance of 1/n: each is as likely in the end
            if seen == 1 or np.random.default_rng([self._seed, 2, number, frame, seen]).integers(seen) == 0:
                self.frames[place] = picture.copy()


def missing(
    requests: Sequence[Request],
    held: Mapping[Place, object],
    reached: Mapping[int, int],
    *,
    seed: int,
    run: int,
    count: int,
) -> list[Place]:
    """Chosen frames that were passed over: a later frame of their request was emitted, they were not."""
    wanted = set(scattered(requests, seed=seed, count=count))
    for number, stretch in runs(requests, seed=seed, run=run).items():
        wanted |= {(number, frame) for frame in stretch}
    return sorted(place for place in wanted if place[1] <= reached.get(place[0], -1) and place not in held)


def _stretch(request: Request, seed: int, run: int) -> range:
    length = min(run, request.frames)
    first = int(_draw(request, seed).integers(request.frames - length + 1))
    return range(first, first + length)


def _draw(request: Request, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 3, request.number])
