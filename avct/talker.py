"""A portrait that speaks while it is spoken to: sound in pieces in, frames out, some frames after their sound.

    talker = Talker(checkpoint.load(), portrait)
    for piece in microphone:
        for frame in talker.push(piece):
            show(frame)
    for frame in talker.finish():
        show(frame)

A frame needs the sound of half a window (five frames) after its own, whole blocks of sound (`avct.listening`) and,
where phones are found by ear, 0.2 s until they are settled (`avct.livephones`): 360 ms in all with given phones and
pitch by DIO, 480 ms with Harvest or by ear, as `Talker.look_ahead` says.
Frames do not depend on the pieces that the sound comes in, to the bit. From `avct.inference.perform` they differ as far
as features do that are measured against what was heard so far; with `known=study(samples, same=True)` and all phones
given they are the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch

from avct import audio2pose
from avct.audio2pose import Audio2Pose
from avct.engine import Engine, FaithfulEngine, prepare
from avct.errors import AvctError, MissingWeights
from avct.geometry import Keypoints
from avct.inference import FRONTAL, Windows, check_portrait
from avct.listening import FPS, FRAME, LEVEL, Frame, Listener, Recording, check_samples
from avct.model import Model
from avct.phonemes import IDS, SIL, UNITS, from_seconds

Triple = tuple[str, float, float]
Head = Callable[[np.ndarray], np.ndarray]
"""From audio rows float32 (n, 4, 41) of the next frames to their head poses float32 (n, 6)."""


class Ear(Protocol):
    """What finds phones in sound: `avct.livephones.LivePhones` is one. Triples are as `Talker.push` takes them."""

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


class Talker:
    """Frames uint8 (S, S, 3) of a portrait, of sound that comes in pieces.

    image: uint8 (S, S, 3) RGB. ear: what finds the phones; without one, phones are given with the sound. head: "still",
    "given" (poses come with the sound), "audio" (the model's own head-pose network) or a callable. pitch, known, level:
    as in `avct.listening.Listener`; the tracker is by default Harvest for the paper's configuration and DIO for
    `landmark`, whose lips hardly hear pitch. landmarks, portrait_pose: as in `avct.inference.Score`.
    Raises AvctError for a portrait or a setting that cannot be used, MissingWeights for "audio" without that network.
    """

    def __init__(
        self,
        model: Model | Engine,
        image: np.ndarray,
        *,
        ear: Ear | None = None,
        head: str | Head = "still",
        portrait_pose: np.ndarray = FRONTAL,
        landmarks: np.ndarray | None = None,
        pitch: str | None = None,
        known: Recording | None = None,
        level: float = LEVEL,
        precision: str = "float32",
    ) -> None:
        check_portrait(image)
        self._engine = engine = prepare(model, precision=precision)
        if image.shape[0] != engine.config.image_size:
            size = engine.config.image_size
            raise AvctError(f"portrait: this model wants {size}x{size} pixels, got {image.shape[1]}x{image.shape[0]}")
        tracker = pitch or ("harvest" if isinstance(engine, FaithfulEngine) else "dio")
        self._listener = Listener(pitch=tracker, known=known, level=level)
        self._ear, self._phones = ear, _Phones()
        self._pose = np.asarray(portrait_pose, np.float32)
        self._poses: deque[np.ndarray] = deque()
        self._head = self._mover(head)
        with torch.inference_mode(), engine.exactly():
            self._sitter = engine.meet(image, pose=self._pose, landmarks=landmarks)
        self._windows = Windows(engine, self._sitter)
        self._pending: deque[np.ndarray] = deque()  # sound that was not heard yet
        self._heard: deque[Frame] = deque()  # frames that wait for their phone or pose
        self._count = 0  # frames that went into windows
        self._known: deque[Keypoints] = deque()
        self._ended = self._silent = self._finished = False

    @property
    def look_ahead(self) -> LookAhead:
        """Frames of sound after a frame's own that must have come before it is shown, at most."""
        ahead = self._listener.ahead
        if self._ear is not None:
            ahead = max(ahead, -(-round(self._ear.ahead * 1000) * FPS // 1000))
        return LookAhead(self._engine.half_window + ahead)

    def push(
        self, samples: np.ndarray, *, phones: Iterable[Triple] = (), poses: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """The frames that can be shown by now; what is not taken from the iterator comes with the next one.

        samples: float (n,) mono at 16 kHz, any n. phones: (symbol, start s, end s) from the start of the sound, in
        order, as far as they are known. poses: float (n, 6) of the next frames.
        """
        if self._ended:
            raise AvctError("talker: expected no more sound after finish()")
        phones = list(phones)
        if phones and self._ear is not None:
            raise AvctError("talker: expected phones from the sound or from the ear, got both")
        check_samples(samples)
        self._phones.add(phones)
        if poses is not None:
            self._give(poses)
        # in pieces of a block: however long the sound is, its first frames come first
        step = self._listener.block * FRAME
        self._pending.extend(samples[i : i + step] for i in range(0, len(samples), step))
        return self._shown()

    def finish(self) -> Iterator[np.ndarray]:
        """The frames that remain: the sound has ended. Without phones the lips are still (SIL), without poses the head
        holds the last one."""
        self._ended = True
        return self._shown()

    def _shown(self) -> Iterator[np.ndarray]:
        while True:
            while (frame := self._next()) is not None:
                yield frame
            if not self._advance():
                return

    def _advance(self) -> bool:
        """Whether there was more to hear; hears it."""
        if self._pending:
            samples = self._pending.popleft()
            self._listener.hear(samples)
            if self._ear is not None:
                self._phones.add(self._ear.hear(samples))
            self._heard.extend(self._listener.frames())
            return True
        if not self._ended or self._silent:
            return False
        self._silent = True
        if self._ear is not None:
            self._phones.add(self._ear.finish())
        self._phones.end()
        self._heard.extend(self._listener.finish())
        return True

    @torch.inference_mode()
    def _next(self) -> np.ndarray | None:
        """The next frame, None where it waits for sound, a phone or a pose."""
        engine = self._engine
        with engine.exactly():
            while not self._known and self._move():
                pass
            if not self._known:
                return None
            return engine.levels(engine.paint(self._sitter, self._known.popleft()))[0]

    def _move(self) -> bool:
        """Whether one more frame went into windows, or their end was reached."""
        if self._heard:
            phone = self._phones.at(self._count)
            if phone is None:
                return False
            rows, voice = self._heard[0]
            pose = self._head(rows[None])
            if pose is None:
                return False
            self._heard.popleft()
            self._count += 1
            tuned = self._engine.tune(rows[None], voice)
            self._keep(self._windows.add(np.array([phone]), tuned, pose))
            return True
        if not self._silent or self._finished:
            return False
        self._finished = True
        self._keep(self._windows.finish())
        return True

    def _keep(self, known: Keypoints | None) -> None:
        if known is not None:
            jacobians = [None] * len(known.value) if known.jacobian is None else known.jacobian.split(1)
            self._known.extend(map(Keypoints, known.value.split(1), jacobians))

    def _give(self, poses: np.ndarray) -> None:
        array = np.asarray(poses, np.float32)
        if array.ndim != 2 or array.shape[1] != 6 or not np.isfinite(array).all():
            raise AvctError(f"head poses: expected finite (n, 6), got {array.shape}")
        self._poses.extend(array[:, None])

    def _mover(self, head: str | Head) -> Callable[[np.ndarray], np.ndarray | None]:
        """The head pose (1, 6) of a frame's rows (1, 4, 41); None where it is not known yet."""
        if callable(head):
            return head
        if head == "still":
            return lambda _: self._pose[None]
        if head == "given":
            return self._next_given
        if head != "audio":
            raise AvctError(f"head: expected 'still', 'given', 'audio' or a callable, got {head!r}")
        network = self._engine.model.audio2pose
        if network is None:
            raise MissingWeights("head 'audio': this checkpoint has no head-pose network; take 'still' or 'given'")
        return _Nodding(network, self._pose)

    def _next_given(self, rows: np.ndarray) -> np.ndarray | None:
        if self._poses:
            self._pose = self._poses.popleft()[0]
        elif not self._silent:
            return None
        return self._pose[None]


class _Nodding:
    """The head-pose network, frame by frame."""

    def __init__(self, network: Audio2Pose, first: np.ndarray) -> None:
        self._network, self._state = network, audio2pose.begin(network, first)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        poses, self._state = audio2pose.step(self._network, self._state, rows)
        return poses


class _Phones:
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
        self._triples = self._triples[max(0, over - 1) :] + triples
        phones = [phone for word in from_seconds(self._triples, origin="talker") for phone in word.phones]
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
