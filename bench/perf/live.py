"""Live talkers of requests' files, and what the plain loop makes of what a live talker knows.

Phones and poses are read and given with the first sound; the sound itself is heard as it comes, measured against what
was heard so far, so that live frames are not those of the whole recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import MediaError
from bench.front import Met, Request, meet
from bench.perf.subject import Request as Asked

if TYPE_CHECKING:
    from avct.engine import Engine, Sitter
    from avct.inference import Score

Triple = tuple[str, float, float]
CROWD = 32
"""Frames that a crowd paints at once at least."""


def sizes(most: int) -> list[int]:
    """Sizes of batches that a crowd of up to so many frames at once fills up to, where shapes are fixed."""
    return [1 << power for power in range((most - 1).bit_length() + 1)]


@dataclass(frozen=True)
class Ready:
    """All that a talker needs to join, made before anybody talks. poses: float32 (frames, 6) where they are given."""

    image: np.ndarray
    sitter: Sitter
    head: Any
    own: np.ndarray
    landmarks: np.ndarray | None
    phones: list[Triple]
    poses: np.ndarray | None


class LiveCrowd:
    """A `bench.perf.subject.Crowd` of `avct.crowd`. wanted: from a request to be timed to one of `bench.front`.

    ready: what is kept of requests from one crowd to the next, by their number. Those of `requests` are made ready at
    once: a face that is to talk is known to whoever serves it, and its preparing would keep the others waiting.
    """

    def __init__(
        self,
        engine: Engine,
        wanted: Callable[[Asked], Request],
        requests: Sequence[Asked],
        *,
        batch: int,
        ready: dict[int, Ready],
    ) -> None:
        import os

        from avct.crowd import Crowd

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # from four cores on, pitch is tracked beside the painter
        self._crowd = Crowd(engine, batch=max(batch, 32), workers=cores // 2 if cores >= 4 else 0)
        self._engine, self._wanted, self._ready = engine, wanted, ready
        self._first: dict[int, Ready] = {}
        for request in requests:
            self._prepared(request)

    @property
    def look_ahead(self) -> float:
        """Seconds of sound after a frame's own that a frame needs at most."""
        return self._crowd.look_ahead.milliseconds / 1000

    def join(self, request: Asked) -> int:
        """A new talker's number."""
        ready = self._prepared(request)
        talker = self._crowd.join(
            ready.image, head=ready.head, landmarks=ready.landmarks, portrait_pose=ready.own, sitter=ready.sitter
        )
        self._first[talker] = ready
        return talker

    def _prepared(self, request: Asked) -> Ready:
        if request.number not in self._ready:
            wanted = self._wanted(request)
            met, head, poses = _met(self._engine, wanted, request.frames)
            own = _own_pose(met, poses)
            image, landmarks = met.portrait.image, met.portrait.landmarks
            sitter = self._crowd.meet(image, portrait_pose=own, landmarks=landmarks)
            self._ready[request.number] = Ready(image, sitter, head, own, landmarks, _phones(wanted), poses)
        return self._ready[request.number]

    def hear(self, talker: int, samples: np.ndarray, *, last: bool = False) -> None:
        """Takes what a talker says next; last: nothing follows."""
        first = self._first.pop(talker, None)
        phones, poses = ((), None) if first is None else (first.phones, first.poses)
        self._crowd.hear(talker, samples, phones=phones, poses=poses, last=last)

    def step(self) -> list[tuple[int, int, np.ndarray]]:
        """Talker, frame's number and frame uint8 (S, S, 3) of each whose next frame is known by now."""
        return self._crowd.step()

    def done(self, talker: int) -> bool:
        """Whether a talker has shown the last frame."""
        return self._crowd.done(talker)

    def leave(self, talker: int) -> None:
        """Forgets a talker."""
        self._first.pop(talker, None)
        self._crowd.leave(talker)


def live_score(engine: Engine, wanted: Request) -> tuple[Score, np.ndarray]:
    """The score of a live talker who is told a request's sound, and its rows float32 (T, 4, 41) as networks want them:
    what the plain loop needs to make the same frames."""
    from avct import audio2pose
    from avct.engine import FaithfulEngine
    from avct.inference import Score
    from avct.listening import Listener
    from avct.phonemes import SIL, from_seconds, ids_at_25fps
    from bench.io.audio import read_audio

    listener = Listener(pitch="harvest" if isinstance(engine, FaithfulEngine) else "dio")
    listener.hear(read_audio(wanted.audio))
    heard = [*listener.frames(), *listener.finish()]
    rows = np.stack([frame.rows for frame in heard])
    tuned = np.concatenate([engine.tune(frame.rows[None], frame.voice) for frame in heard])
    ids = ids_at_25fps(from_seconds(_phones(wanted), origin=wanted.phonemes.name))
    met, head, poses = _met(engine, wanted, len(heard))
    own = _own_pose(met, poses)
    if head == "audio":
        poses = audio2pose.head_poses(engine.model.audio2pose, own, rows)
    elif poses is None:
        poses = np.repeat(np.asarray(own)[None], len(heard), 0)
    said = np.array((ids + [SIL] * len(heard))[: len(heard)], np.int64)
    return Score(met.portrait.image, said, rows, poses, own, met.portrait.landmarks), tuned


def _met(engine: Engine, wanted: Request, frames: int) -> tuple[Met, Any, np.ndarray | None]:
    """The portrait, how its head moves, and the poses float32 (frames, 6) where they are given."""
    from pathlib import Path

    from bench.faces import prepare
    from bench.headmotion import read_pose
    from bench.io.image import read_image

    picture = prepare(read_image(wanted.image), wanted.image, side=engine.config.image_size)
    met = meet(wanted, picture, engine.model)
    if wanted.pose in ("audio", "still"):
        return met, wanted.pose, None
    return met, "given", read_pose(Path(wanted.pose), frames)


def _own_pose(met: Met, poses: np.ndarray | None) -> np.ndarray:
    """The portrait's own head pose float (6,), as far as it is known."""
    from avct.inference import FRONTAL

    if met.pose is not None:
        return met.pose
    return FRONTAL if poses is None else poses[0]


def _phones(wanted: Request) -> list[Triple]:
    from avct.phonemes import read, spans

    if wanted.phonemes is None:
        raise MediaError(f"{wanted.audio}: live talkers are timed with phones that are given, and none are known")
    return list(spans(read(wanted.phonemes)))
