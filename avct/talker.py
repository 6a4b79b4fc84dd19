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
given they are the same. Several talkers at once are a `avct.crowd.Crowd`; this is a crowd of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from avct.crowd import Crowd
from avct.cues import Ear as Ear
from avct.cues import Head as Head
from avct.cues import LookAhead as LookAhead
from avct.cues import Triple as Triple
from avct.engine import Engine
from avct.inference import FRONTAL
from avct.listening import LEVEL, Recording
from avct.model import Model
from avct.watch import UNWATCHED, Watch


class Talker:
    """Frames uint8 (S, S, 3) of a portrait, of sound that comes in pieces.

    image: uint8 (S, S, 3) RGB. ear: what finds the phones; without one, phones are given with the sound. head: "still",
    "given" (poses come with the sound), "audio" (the model's own head-pose network) or a callable. pitch, known, level:
    as in `avct.listening.Listener`; the tracker is by default Harvest for the paper's configuration and DIO for
    `landmark`, whose lips hardly hear pitch. landmarks, portrait_pose: as in `avct.inference.Score`. watch: told of the
    stages portrait, features, phonemes, pose, motion, render and copy, the portrait's before this returns.
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
        watch: Watch = UNWATCHED,
    ) -> None:
        self._crowd, self._watch = Crowd(model, precision=precision), watch
        self._number = self._crowd.join(
            image,
            ear=ear,
            head=head,
            portrait_pose=portrait_pose,
            landmarks=landmarks,
            pitch=pitch,
            known=known,
            level=level,
            watch=watch,
        )

    @property
    def look_ahead(self) -> LookAhead:
        """Frames of sound after a frame's own that must have come before it is shown, at most."""
        return self._crowd.look_ahead

    def push(
        self, samples: np.ndarray, *, phones: Iterable[Triple] = (), poses: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """The frames that can be shown by now; what is not taken from the iterator comes with the next one.

        samples: float (n,) mono at 16 kHz, any n. phones: (symbol, start s, end s) from the start of the sound, in
        order, as far as they are known. poses: float (n, 6) of the next frames.
        """
        self._crowd.hear(self._number, samples, phones=phones, poses=poses, watch=self._watch)
        return self._shown()

    def finish(self) -> Iterator[np.ndarray]:
        """The frames that remain: the sound has ended. Without phones the lips are still (SIL), without poses the head
        holds the last one."""
        self._crowd.end(self._number)
        return self._shown()

    def _shown(self) -> Iterator[np.ndarray]:
        while shown := self._crowd.step(watch=self._watch):
            yield shown[0][2]
