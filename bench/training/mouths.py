"""Talking mouths for sync experts: clips with sound and pictures of the mouth, in two casts that share nobody.

The one cast trains the expert that teaches the generator, the other the judge that measures it: other identities and
other voices, so that what the one has got wrong the other has not learnt too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import perform, stream
from bench.records import FPS, RATE, Phone, Speech
from bench.training.prepare import Progress, _folder, train_names

if TYPE_CHECKING:
    from avct.shards import ShardClip

SIDE = 112
"""Side in pixels of what is kept of a frame: the experts' crop of the widest face, and room to move it."""
HALF = 120
"""Training identities of each cast."""
TWICE = 2
"""Recordings that each identity says."""
PACE = 0.13
"""Largest logarithm by which a recording is played slower or faster. Pitch, formants and pace change together: few
voices become many."""


@dataclass(frozen=True)
class Cast:
    """Who learns from whom. voices: of the training split."""

    name: str
    identities: tuple[str, ...]
    voices: tuple[str, ...]


def casts() -> dict[str, Cast]:
    """`expert` with the trainer and two more voices, `judge` with the other six; each with half of the identities."""
    names, voices = train_names(), speech.voices("train")
    return {
        "expert": Cast("expert", tuple(names[:HALF]), voices[:3]),
        "judge": Cast("judge", tuple(names[HALF : 2 * HALF]), voices[3:]),
    }


def lines(cast: Cast) -> list[tuple[str, str]]:
    """Who says what, (identity, recording): every recording of the cast's voices about equally often."""
    said = [r.id for r in speech.recordings() if r.voice in cast.voices]
    order = [said[i] for i in stream("sync", cast.name).permutation(len(said))]
    return [(name, order[(TWICE * k + j) % len(order)]) for k, name in enumerate(cast.identities) for j in range(TWICE)]


def paced(said: Speech, factor: float) -> Speech:
    """The speech played `factor` times as long, phones with it, under a name of its own."""
    import soxr

    samples = soxr.resample(said.samples, RATE, RATE * factor).astype(np.float32)
    phones = tuple(Phone(p.symbol, p.start * factor, p.end * factor) for p in said.phones or ())
    return replace(said, driver=f"{said.driver}~{factor:.3f}", samples=np.clip(samples, -1, 1), phones=phones)


def mouth_clip(name: str, said: Speech) -> ShardClip:
    """A clip of one identity saying one recording: sound, and of each frame a square that follows the mouth.

    The square moves by whole pixels, so nothing is resampled; landmarks refer to it.
    """
    from avct.audio import features, frame_rows
    from avct.shards import ShardClip

    take = perform(name, said)
    rows = features(said.samples)
    frames = min(len(take.frames), len(rows) * FPS // 100)
    middle = take.landmarks[:frames, [48, 54]].mean(1) + [0, 6]  # the crop lies a little below the corners
    start = np.rint(middle - SIDE / 2).astype(int).clip(0, take.frames.shape[1] - SIDE)
    pictures = np.stack([take.frames[t, y : y + SIDE, x : x + SIDE] for t, (x, y) in enumerate(start)])
    landmarks = take.landmarks[:frames] - start[:, None].astype(np.float32)
    audio = frame_rows(rows, frames)
    return ShardClip(f"{name}-{said.driver}", name, SIDE, pictures, landmarks, None, None, audio)


def prepare_mouths(cast: Cast, *, progress: Progress) -> Path:
    """Folder of a cast's mouths, made once (about 1.3 s and 2.5 MB a clip)."""
    from avct.shards import INDEX, ShardWriter

    folder = _folder("mouths", cast.name, len(cast.identities), TWICE)
    if (folder / INDEX).is_file():
        return folder
    writer = ShardWriter(folder, about={"kind": "mouths", "voices": list(cast.voices), "identities": HALF})
    told = lines(cast)
    for k, (name, recording) in enumerate(told):
        progress("filming mouths", k, len(told))
        factor = float(np.exp(stream("pace", name, recording).uniform(-PACE, PACE)))
        writer.add(mouth_clip(name, paced(speech.speech(recording), factor)))
    writer.close()
    return folder
