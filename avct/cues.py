"""What the frames of one live talker are made of, some frames after their sound: a phone, tuned sound and a head pose.

Everything of a talker that needs no network of the model. Sound is queued in blocks and heard one block at a time, when
asked to, which may be done in another thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import numpy as np

from avct.config import AUDIO_COLUMNS, AUDIO_ROWS
from avct.errors import AvctError
from avct.listening import FPS, FRAME, Listener, check_samples
from avct.phonemes import IDS, SIL, UNITS, from_seconds
from avct.vector_tokens import Voice
from avct.watch import UNWATCHED, Watch

Triple = tuple[str, float, float]
Head = Callable[[np.ndarray], np.ndarray]
"""From audio rows float32 (n, 4, 41) of the next frames to their head poses float32 (n, 6)."""
Tune = Callable[[np.ndarray, Voice], np.ndarray]
"""`avct.engine.Engine.tune`."""


class Ear(Protocol):
    """What finds phones in sound: `avct.livephones.LivePhones` is one. Triples are as `Cues.give` takes them."""

    ahead: float

    def hear(self, samples: np.ndarray) -> list[Triple]: ...

    def finish(self) -> list[Triple]: ...


class LookAhead(NamedTuple):
    """How much sound after a frame's own must have come before the frame is shown, at most; None where that is up to
    whoever gives phones or poses, besides what is stated."""

    frames: int

    @property
    def milliseconds(self) -> float:
        """The same in milliseconds."""
        return self.frames * 1000 / FPS


class Cue(NamedTuple):
    """One frame's phoneme id, tuned sound float32 (4, 41), the same unnormalised (None outside of the clip, where heads
    hold still), and the head pose (6,)."""

    phone: int
    rows: np.ndarray
    sound: np.ndarray | None
    pose: np.ndarray


class Cues:
    """Cues of one talker's frames, in order.

    head: "still" or "audio" (`pose` is then set from outside and held), "given", or a callable. pose: float32 (6,), the
    portrait's. half_window: frames that are cued after the last one, as outside of a clip: still, silent, held.
    """

    def __init__(
        self, listener: Listener, tune: Tune, *, ear: Ear | None, head: str | Head, pose: np.ndarray, half_window: int
    ) -> None:
        self._listener, self._tune, self._ear, self._head, self.pose = listener, tune, ear, head, pose
        self._half, self._left = half_window, half_window
        self._phones, self._poses = Phones(), deque[np.ndarray]()
        self._pending = deque[np.ndarray]()  # sound that was not heard yet
        self._heard = deque[tuple[np.ndarray, np.ndarray]]()  # sound of frames that wait for their phone or pose
        self._count = 0  # frames that were cued
        self._ended = self._silent = False

    @property
    def look_ahead(self) -> LookAhead:
        """Frames of sound after a frame's own that must have come before it can be shown, at most."""
        ahead = self._listener.ahead
        if self._ear is not None:
            ahead = max(ahead, -(-round(self._ear.ahead * 1000) * FPS // 1000))
        return LookAhead(self._half + ahead)

    @property
    def over(self) -> bool:
        """Whether no cue will ever follow."""
        return self._silent and not self._heard and not (self._count and self._left)

    def give(self, samples: np.ndarray, *, phones: Iterable[Triple] = (), poses: np.ndarray | None = None) -> None:
        """Takes sound, and phones and poses as far as they are known; see `avct.talker.Talker.push`."""
        if self._ended:
            raise AvctError("talker: expected no more sound after finish() or what was said to be the last")
        phones = list(phones)
        if phones and self._ear is not None:
            raise AvctError("talker: expected phones from the sound or from the ear, got both")
        check_samples(samples)
        given = None if poses is None else _checked(poses)
        self._phones.add(phones)
        if given is not None:
            self._poses.extend(given)
        # in pieces of a block: however long the sound is, its first frames come first
        step = self._listener.block * FRAME
        self._pending.extend(samples[i : i + step] for i in range(0, len(samples), step))

    def end(self) -> None:
        """The sound has ended. Without phones the lips are still (SIL), without poses the head holds the last one."""
        self._ended = True

    def listen(self, watch: Watch = UNWATCHED) -> None:
        """Hears on until a frame can be cued, or as far as there is sound."""
        while not self._ready() and self._advance(watch):
            pass

    def next(self, watch: Watch = UNWATCHED) -> Cue | None:
        """The next frame's cue; None where it waits for sound, a phone or a pose, or where all is over."""
        if not self._ready():
            return self._outside()
        phone = self._phones.at(self._count)
        assert phone is not None
        rows, sound = self._heard.popleft()
        self._count += 1
        if callable(self._head):
            with watch.stage("pose"):
                self.pose = np.asarray(self._head(sound[None]), np.float32)[0]
        elif self._head == "given" and self._poses:
            self.pose = self._poses.popleft()
        return Cue(phone, rows, sound, self.pose)

    def _ready(self) -> bool:
        known = bool(self._heard) and self._phones.at(self._count) is not None
        return known and (self._head != "given" or bool(self._poses) or self._silent)

    def _advance(self, watch: Watch) -> bool:
        """Whether there was more to hear; hears it."""
        if self._pending:
            samples = self._pending.popleft()
            with watch.stage("features"):
                self._listener.hear(samples)
                self._keep(self._listener.frames())
            if self._ear is not None:
                with watch.stage("phonemes"):
                    self._phones.add(self._ear.hear(samples))
            return True
        if not self._ended or self._silent:
            return False
        self._silent = True
        if self._ear is not None:
            with watch.stage("phonemes"):
                self._phones.add(self._ear.finish())
        self._phones.end()
        with watch.stage("features"):
            self._keep(self._listener.finish())
        return True

    def _keep(self, frames: Iterable[tuple[np.ndarray, Voice]]) -> None:
        self._heard.extend((self._tune(rows[None], voice)[0], rows) for rows, voice in frames)

    def _outside(self) -> Cue | None:
        """A cue of half a window after the end, where that was reached."""
        if not self._silent or self._heard or not self._count or not self._left:
            return None
        self._left -= 1
        return outside(self.pose)


def outside(pose: np.ndarray) -> Cue:
    """The cue of a frame outside of the clip: a pose that is held, and no sound."""
    # zeros, although silence has other features: the published weights were trained with them
    silence = np.zeros((AUDIO_ROWS, AUDIO_COLUMNS), np.float32)
    return Cue(SIL, silence, None, pose)


def _checked(poses: np.ndarray) -> np.ndarray:
    array = np.asarray(poses, np.float32)
    if array.ndim != 2 or array.shape[1] != 6 or not np.isfinite(array).all():
        raise AvctError(f"head poses: expected finite (n, 6), got {array.shape}")
    return array


class Phones:
    """Phoneme ids of frames, of phones that come in pieces: those of `avct.phonemes.ids_at_25fps` for all of them."""

    def __init__(self) -> None:
        self._triples: list[Triple] = []
        self._ends, self._ids, self._frames = np.zeros(0, np.int64), np.zeros(0, np.int64), 0
        self._asked, self._over = 0, False

    def add(self, triples: Iterable[Triple]) -> None:
        """Takes phones in seconds, in order. AvctError for unknown symbols and phones that run backwards."""
        triples = list(triples)
        if not triples:
            return
        # those that are over are of no use, but for the last: the next one may touch it
        over = sum(end * UNITS < self._asked * UNITS // FPS for _, _, end in self._triples)
        kept = self._triples[max(0, over - 1) :] + triples
        phones = [phone for word in from_seconds(kept, origin="talker") for phone in word.phones]
        self._triples = kept
        self._ends = np.array([phone.end for phone in phones])
        self._ids = np.array([IDS[phone.symbol] for phone in phones])
        # as the official code counts frames, whose float arithmetic loses one now and then
        self._frames = int(phones[-1].end / UNITS * FPS)

    def end(self) -> None:
        """No more phones will come."""
        self._over = True

    def at(self, frame: int) -> int | None:
        """The id of a frame, none before the one asked for last; None where it is not known yet. SIL after the end."""
        self._asked = frame
        if frame >= self._frames:
            return SIL if self._over else None
        place = int(np.searchsorted(self._ends, frame * (UNITS // FPS), side="right"))
        return int(self._ids[min(place, len(self._ids) - 1)])
