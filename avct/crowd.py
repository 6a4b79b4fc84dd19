"""Several live talkers painted together: what each shows is what `avct.talker.Talker` alone shows, within rounding.

    crowd = Crowd(checkpoint.load())
    talker = crowd.join(portrait)
    crowd.hear(talker, piece, phones=phones)
    for talker, number, frame in crowd.step():
        show(talker, number, frame)

A step finds keypoints and paints for all talkers at once: tokens, windows and frames of a step are one batch, portraits
are stacked once for each change of the crowd, and frames are copied from the device once. Sound is heard in a step as
far as its frames need it, in threads where that was asked for. A batch of another size rounds otherwise, so a level may
differ by one from what the talker would show alone; nothing else passes from one talker to another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avct import audio2pose
from avct.audio2pose import PoseState
from avct.cues import Cue, Cues, Ear, Head, LookAhead, Triple, outside
from avct.delivery import carrier_for, deliver
from avct.engine import Engine, FaithfulEngine, Sitter, prepare
from avct.errors import AvctError, MissingWeights
from avct.gallery import Gallery
from avct.geometry import Keypoints
from avct.inference import FRONTAL, check_portrait
from avct.listening import LEVEL, Listener, Recording
from avct.model import Model
from avct.watch import UNWATCHED, Watch

Shown = tuple[int, int, np.ndarray]
"""A talker's number, the frame's number, the frame uint8 (S, S, 3)."""
HEADS = ("still", "given", "audio")


class Crowd:
    """Live talkers of one model, nobody at first.

    batch: frames that are painted at once at most. padded: batches are filled up to a power of two, so that what was
    compiled for a size is used again; None: where the engine's sizes are fixed. workers: threads that hear sound, 0 for
    none; trackers of pitch work side by side, which helps from four cores on and changes nothing that is shown.
    """

    def __init__(
        self,
        model: Model | Engine,
        *,
        precision: str = "float32",
        batch: int = 32,
        padded: bool | None = None,
        workers: int = 0,
    ) -> None:
        if batch < 1 or workers < 0:
            raise AvctError(f"crowd: expected a batch of 1 or more and 0 workers or more, got {batch} and {workers}")
        self.engine = prepare(model, precision=precision)
        self._batch = batch
        self._padded = self.engine.tuning.fixed if padded is None else padded
        self._carrier = carrier_for(self.engine.device)
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._gallery = Gallery()
        self._members: dict[int, _Member] = {}
        self._joined = self._turns = 0

    @property
    def look_ahead(self) -> LookAhead:
        """Frames of sound after a frame's own that must have come before it is shown, at most: of those present the
        most, of nobody what a talker with the ordinary settings needs."""
        if self._members:
            return max(member.cues.look_ahead for member in self._members.values())
        return self._cues(Listener(pitch=self._tracker(None)), None, "still", FRONTAL).look_ahead

    def join(
        self,
        image: np.ndarray,
        *,
        ear: Ear | None = None,
        head: str | Head = "still",
        portrait_pose: np.ndarray = FRONTAL,
        landmarks: np.ndarray | None = None,
        pitch: str | None = None,
        known: Recording | None = None,
        level: float = LEVEL,
        sitter: Sitter | None = None,
        watch: Watch = UNWATCHED,
    ) -> int:
        """A new talker's number, never given before. Everything is as in `avct.talker.Talker`.

        sitter: the portrait as `meet` made it ready, which takes as long as several frames: whoever meets it before
        anybody talks keeps nobody waiting.
        """
        listener = Listener(pitch=self._tracker(pitch), known=known, level=level)
        if not callable(head) and head not in HEADS:
            raise AvctError(f"head: expected 'still', 'given', 'audio' or a callable, got {head!r}")
        pose = np.asarray(portrait_pose, np.float32)
        nod = self._begun(pose) if head == "audio" else None
        if sitter is None:
            with watch.stage("portrait"):
                sitter = self.meet(image, portrait_pose=pose, landmarks=landmarks)
        number = self._joined
        self._joined += 1
        self._gallery.hang(number, sitter)
        self._members[number] = _Member(number, self._cues(listener, ear, head, pose), nod)
        return number

    @torch.inference_mode()
    def meet(
        self, image: np.ndarray, *, portrait_pose: np.ndarray = FRONTAL, landmarks: np.ndarray | None = None
    ) -> Sitter:
        """A portrait made ready for `join`, which may be given it again and again, with these same arguments beside."""
        check_portrait(image)
        engine, size = self.engine, self.engine.config.image_size
        if image.shape[0] != size:
            raise AvctError(f"portrait: this model wants {size}x{size} pixels, got {image.shape[1]}x{image.shape[0]}")
        with engine.exactly():
            return engine.meet(image, pose=np.asarray(portrait_pose, np.float32), landmarks=landmarks)

    def hear(
        self,
        talker: int,
        samples: np.ndarray,
        *,
        phones: Iterable[Triple] = (),
        poses: np.ndarray | None = None,
        last: bool = False,
        watch: Watch = UNWATCHED,
    ) -> None:
        """Takes what a talker says next, as `avct.talker.Talker.push` does; last: nothing follows, as with `end`."""
        cues = self._member(talker).cues
        with watch.stage("phonemes"):
            cues.give(samples, phones=phones, poses=poses)
        if last:
            cues.end()

    def end(self, talker: int) -> None:
        """Nothing follows of what a talker says, as `Talker.finish` says."""
        self._member(talker).cues.end()

    @torch.inference_mode()
    def step(self, most: int | None = None, *, watch: Watch = UNWATCHED) -> list[Shown]:
        """The next frame of every talker of whom one is known by now; [] where all wait for sound, phones or poses.

        most: no more frames than so many, of those who showed one longest ago. Frames lie in memory that is theirs.
        """
        with self.engine.exactly():
            while self._move(watch):
                pass
            ready = [member for member in self._members.values() if member.driving is not None]
            ready.sort(key=lambda member: member.turn)
            return self._painted(ready[:most], watch)

    def done(self, talker: int) -> bool:
        """Whether a talker has shown the last frame."""
        member = self._member(talker)
        return member.cues.over and member.driving is None

    def leave(self, talker: int) -> None:
        """Forgets a talker, of whom nothing is kept."""
        self._member(talker)
        del self._members[talker]
        self._gallery.take_down(talker)

    def _move(self, watch: Watch) -> bool:
        """Whether anybody without a frame to show went one frame on."""
        lacking = [member for member in self._members.values() if member.driving is None]
        self._listen([member.cues for member in lacking], watch)
        cued = [(member, cue) for member in lacking if (cue := member.cues.next(watch)) is not None]
        if not cued:
            return False
        members, cues = [member for member, _ in cued], self._nodded(cued, watch)
        with watch.stage("motion"):
            self._open([(member, cue) for member, cue in zip(members, cues, strict=True) if member.said is None])
            said, heard = self._tokens(members, cues)
            self._push(members, said, heard)
            speaking = [member for member in members if member.pushed > self.engine.half_window]
            if speaking:
                self._speak(speaking)
        return True

    def _listen(self, cues: Sequence[Cues], watch: Watch) -> None:
        if self._pool is None or len(cues) < 2:
            for some in cues:
                some.listen(watch)
        else:
            with watch.stage("features"):
                list(self._pool.map(Cues.listen, cues))

    def _nodded(self, cued: Sequence[tuple[_Member, Cue]], watch: Watch) -> list[Cue]:
        """The cues, their poses told by the head-pose network where that moves the head."""
        nodding = [(m, cue) for m, cue in cued if m.nod is not None and cue.sound is not None]
        if nodding:
            with watch.stage("pose"):
                states, sound = [member.nod for member, _ in nodding], np.stack([cue.sound for _, cue in nodding])
                poses, states = audio2pose.step_all(self.engine.model.audio2pose, states, sound)
            for (member, _), pose, state in zip(nodding, poses, states, strict=True):
                member.cues.pose, member.nod = pose, state
        return [cue if member.nod is None else cue._replace(pose=member.cues.pose) for member, cue in cued]

    def _open(self, beginning: Sequence[tuple[_Member, Cue]]) -> None:
        """Windows of those who begin, full of what lies outside of the clip."""
        if not beginning:
            return
        members = [member for member, _ in beginning]
        said, heard = self._tokens(members, [outside(cue.pose) for _, cue in beginning])
        width = self.engine.window
        for k, member in enumerate(members):
            member.said, member.heard = (part[k : k + 1, None].expand(-1, width, -1) for part in (said, heard))

    def _tokens(self, members: Sequence[_Member], cues: Sequence[Cue]) -> tuple[Tensor, Tensor]:
        """Encoder and decoder tokens (N, D) of a cue of each member, and what fills the batch up."""
        filled = [*cues, *[cues[-1]] * (self._size(len(cues)) - len(cues))]
        said = self.engine.say(np.array([cue.phone for cue in filled]), np.stack([cue.pose for cue in filled]))
        return said, self.engine.hear(np.stack([cue.rows for cue in filled]), self._sitters(members))

    def _push(self, members: Sequence[_Member], said: Tensor, heard: Tensor) -> None:
        """Moves windows on by a frame."""
        count = len(members)
        for name, tokens in (("said", said), ("heard", heard)):
            windows = torch.cat([getattr(member, name) for member in members])
            windows = torch.cat([windows[:, 1:], tokens[:count, None]], 1)
            for member, window in zip(members, windows.split(1), strict=True):
                setattr(member, name, window)
        for member in members:
            member.pushed += 1

    def _speak(self, members: Sequence[_Member]) -> None:
        """Keypoints that the portraits of members whose windows are full follow."""
        count = len(members)
        said, heard = (self._filled([getattr(m, name) for m in members]) for name in ("said", "heard"))
        spoken = self.engine.decode(said, heard)
        for member, own in zip(members, _rows(spoken), strict=False):
            if member.first is None:
                member.first = Keypoints(*(None if part is None else part.clone() for part in own))
        first = _stacked([member.first for member in members], self._filled)
        driving = self.engine.follow(self._sitters(members), spoken, first)
        for member, own in zip(members, _rows(driving)[:count], strict=True):
            member.driving = own

    def _painted(self, members: Sequence[_Member], watch: Watch) -> list[Shown]:
        if not members:
            return []
        painted = []
        for start in range(0, len(members), self._batch):
            some = members[start : start + self._batch]
            with watch.stage("render"):
                driving = _stacked([member.driving for member in some], self._filled)
                painted.append(self.engine.paint(self._sitters(some), driving)[: len(some)])
        whole = painted[0] if len(painted) == 1 else torch.cat(painted)
        [images] = deliver(iter([whole]), self.engine.pixels, carrier=self._carrier, watch=watch)
        shown = []
        for member, image in zip(members, images, strict=True):
            shown.append((member.number, member.shown, image))
            self._turns += 1
            member.shown, member.driving, member.turn = member.shown + 1, None, self._turns
        return shown

    def _sitters(self, members: Sequence[_Member]) -> Sitter:
        numbers = [member.number for member in members]
        return self._gallery.several((*numbers, *[numbers[-1]] * (self._size(len(numbers)) - len(numbers))))

    def _filled(self, rows: Sequence[Tensor]) -> Tensor:
        """Rows (1, ...) as one batch, the last of them repeated until it is full."""
        return torch.cat([*rows, *[rows[-1]] * (self._size(len(rows)) - len(rows))])

    def _size(self, count: int) -> int:
        return 1 << (count - 1).bit_length() if self._padded else count

    def _begun(self, pose: np.ndarray) -> PoseState:
        network = self.engine.model.audio2pose
        if network is None:
            raise MissingWeights("head 'audio': this checkpoint has no head-pose network; take 'still' or 'given'")
        return audio2pose.begin(network, pose)

    def _cues(self, listener: Listener, ear: Ear | None, head: str | Head, pose: np.ndarray) -> Cues:
        engine = self.engine
        return Cues(listener, engine.tune, ear=ear, head=head, pose=pose, half_window=engine.half_window)

    def _tracker(self, pitch: str | None) -> str:
        return pitch or ("harvest" if isinstance(self.engine, FaithfulEngine) else "dio")

    def _member(self, talker: int) -> _Member:
        if talker not in self._members:
            present = ", ".join(map(str, self._members)) or "nobody"
            raise AvctError(f"crowd: there is no talker {talker!r}; present: {present}")
        return self._members[talker]


@dataclass
class _Member:
    """One talker. said, heard: tokens (1, W, D) of the last window. driving: of the frame to be shown next, if
    that is known. pushed, shown: frames that went into windows and that were shown. turn: grows with each frame that
    anybody shows."""

    number: int
    cues: Cues
    nod: PoseState | None
    said: Tensor | None = None
    heard: Tensor | None = None
    first: Keypoints | None = None
    driving: Keypoints | None = None
    pushed: int = 0
    shown: int = 0
    turn: int = 0


def _rows(keypoints: Keypoints) -> list[Keypoints]:
    """Keypoints (B) as B of them (1)."""
    value, jacobian = keypoints
    jacobians = [None] * len(value) if jacobian is None else jacobian.split(1)
    return list(map(Keypoints, value.split(1), jacobians))


def _stacked(keypoints: Sequence[Keypoints], joined: Callable[[Sequence[Tensor]], Tensor]) -> Keypoints:
    """Keypoints (1) as one batch, by a function that joins rows."""
    first = keypoints[0]
    jacobian = None if first.jacobian is None else joined([some.jacobian for some in keypoints])
    return Keypoints(joined([some.value for some in keypoints]), jacobian)
