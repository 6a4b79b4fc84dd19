"""Many portraits that speak at once: frames of several scores, painted in turns or together in full batches.

Frames are those of `avct.inference.perform` for each score. Scores are taken up as they are needed, so that memory is
that of those that are abreast.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from avct.delivery import carrier_for, deliver
from avct.engine import Engine, Sitter, stack
from avct.geometry import Keypoints
from avct.inference import Score, Windows

_SPAN = 32
"""Frames whose keypoints are found at once, as in `avct.inference`."""


class Piece(NamedTuple):
    """Frames uint8 (n, S, S, 3) of one score, from its frame number `first` on; last: nothing follows."""

    key: Hashable
    first: int
    frames: np.ndarray
    last: bool


class _Part(NamedTuple):
    key: Hashable
    first: int
    count: int
    last: bool


def perform_all(
    engine: Engine,
    scores: Iterable[tuple[Hashable, Score]],
    *,
    batch: int = 8,
    abreast: int = 1,
    fill: bool = False,
    wanted: Callable[[Hashable], bool] = lambda _: True,
) -> Iterator[list[Piece]]:
    """Batches of frames of all scores, each as pieces in a score's own order.

    abreast: scores that are taken in turns, a batch each. fill: a batch that a score's end leaves unfinished is filled
    with another's frames (what a device is given is then always of one size, and no frame waits for a batch of its
    own). wanted: asked before each batch; a score that is not is left where it is. Portraits have the model's size.
    """
    told: deque[list[_Part]] = deque()
    painted = _painted(engine, iter(scores), batch, abreast, fill, wanted, told)
    for frames in deliver(painted, engine.pixels, carrier=carrier_for(engine.device)):
        pieces, at = [], 0
        for part in told.popleft():
            pieces.append(Piece(part.key, part.first, frames[at : at + part.count], part.last))
            at += part.count
        yield pieces


@torch.inference_mode()
def _painted(
    engine: Engine,
    scores: Iterator[tuple[Hashable, Score]],
    batch: int,
    abreast: int,
    fill: bool,
    wanted: Callable[[Hashable], bool],
    told: deque[list[_Part]],
) -> Iterator[Tensor]:
    """Batches float32 (n, 3, S, S); whose frames they are is put into `told` before each."""
    active: deque[_Performer] = deque()

    def join() -> None:
        while len(active) < abreast and (given := next(scores, None)) is not None:
            active.append(_Performer(engine, *given))

    while True:
        for gone in [one for one in active if not wanted(one.key)]:
            active.remove(gone)
        join()
        parts: list[_Part] = []
        drawn: list[tuple[Sitter, Keypoints]] = []
        free = batch
        while active and free:
            one = active[0]
            keypoints, last = one.take(free)
            if keypoints is not None:
                count = len(keypoints.value)
                parts.append(_Part(one.key, one.count - count, count, last))
                drawn.append((one.sitter, keypoints))
                free -= count
            if last:
                active.popleft()
                join()
            if drawn and not fill:
                break
        if not drawn:
            return
        active.rotate(-1)
        told.append(parts)
        with engine.exactly():
            painted = engine.paint(*_together(drawn), batch=batch)
        yield painted


def _together(drawn: list[tuple[Sitter, Keypoints]]) -> tuple[Sitter, Keypoints]:
    """One portrait for all frames, or one for each."""
    if len(drawn) == 1:
        return drawn[0]
    sitters = [sitter for sitter, keypoints in drawn for _ in range(len(keypoints.value))]
    return stack(sitters), _joined([keypoints for _, keypoints in drawn])


class _Performer:
    """One score's keypoints, some at a time. count: frames that were taken."""

    def __init__(self, engine: Engine, key: Hashable, score: Score) -> None:
        self.key, self.count = key, 0
        self._engine, self._score, self._frames = engine, score, len(score.phonemes)
        with engine.exactly():
            self.sitter = engine.meet(score.image, pose=score.portrait_pose, landmarks=score.landmarks)
        self._windows, self._rows = Windows(engine, self.sitter), engine.tune(score.audio)
        self._heard, self._held = 0, deque[Keypoints]()

    def take(self, most: int) -> tuple[Keypoints | None, bool]:
        """Keypoints of the next frames, at most so many, and whether these were the last."""
        while self._heard <= self._frames and sum(len(some.value) for some in self._held) < most:
            known = self._hear()
            if known is not None:
                self._held.append(known)
        if not self._held:
            return None, True
        held = _joined(list(self._held))
        given, left = (Keypoints(*(None if p is None else p[part] for p in held)) for part in _split(most))
        self._held = deque([left] if len(left.value) else [])
        self.count += len(given.value)
        return given, self.count == self._frames

    def _hear(self) -> Keypoints | None:
        with self._engine.exactly():
            if self._heard == self._frames:
                self._heard += 1
                return self._windows.finish()
            span = slice(self._heard, min(self._heard + _SPAN, self._frames))
            self._heard = span.stop
            return self._windows.add(self._score.phonemes[span], self._rows[span], self._score.poses[span])


def _split(at: int) -> tuple[slice, slice]:
    return slice(at), slice(at, None)


def _joined(pieces: list[Keypoints]) -> Keypoints:
    if len(pieces) == 1:
        return pieces[0]
    value = torch.cat([piece.value for piece in pieces])
    jacobians = [piece.jacobian for piece in pieces]
    return Keypoints(value, None if jacobians[0] is None else torch.cat(jacobians))
