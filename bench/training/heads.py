"""Long clips of sound and head pose: what head motion is learnt from.

A recording lasts for three seconds, in which a head hardly turns to one side and back. Recordings of a voice are
therefore said one after the other, and the head that goes with the whole is the corpus's own (`gestures`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import skeleton, stream
from bench.datasets.puppets.gestures import gestures
from bench.datasets.puppets.skeleton import rotation
from bench.records import FPS, RATE
from bench.training.prepare import FRAME, Progress, _folder, train_names

if TYPE_CHECKING:
    from avct.shards import ShardClip

IDENTITIES = 120
SECONDS = 20
"""Least length of a clip: the slowest sway of the corpus's heads takes ten."""


@lru_cache(maxsize=256)
def _heard(recording: str) -> tuple[np.ndarray, np.ndarray]:
    """Samples (640 T,) and audio rows (T, 4, 41) of the whole frames of one recording."""
    from avct.audio import features, frame_rows

    said = speech.speech(recording).samples
    rows = features(said)
    frames = min(len(rows) * FPS // 100, len(said) * FPS // RATE)
    return said[: frames * RATE // FPS], frame_rows(rows, frames)


def head_clip(name: str, recordings: list[str]) -> ShardClip:
    """A clip of one identity's head while recordings are said one after the other: sound and pose alone."""
    from avct.shards import ShardClip

    heard = [_heard(r) for r in recordings]
    samples, rows = (np.concatenate([h[k] for h in heard]) for k in (0, 1))
    body, label = skeleton(name), f"{recordings[0]}+{len(recordings) - 1}"
    moves = gestures(samples, len(rows), stream("gestures", name, label))
    turned = zip(moves.rotation, moves.shift, strict=True)
    pose = np.stack([body.pose(rotation(degrees), shift) for degrees, shift in turned])
    return ShardClip(f"{name}-{label}", name, FRAME, None, None, pose, None, rows)


def order(voice: str, name: str, *, split: str = "train") -> list[str]:
    """Recordings of a voice in an identity's own order, as many as SECONDS take."""
    said = [r for r in speech.recordings() if r.voice == voice and r.split == split]
    chosen, seconds = [], 0.0
    for k in stream("heads", name, voice).permutation(len(said)):
        if seconds >= SECONDS:
            break
        chosen.append(said[k].id)
        seconds += said[k].seconds
    return chosen


def prepare_heads(*, progress: Progress) -> Path:
    """Folder of head clips of training identities in all training voices, made once (about 0.6 s a recording)."""
    from avct.shards import INDEX, ShardWriter

    folder = _folder("heads", IDENTITIES, SECONDS)
    if (folder / INDEX).is_file():
        return folder
    voices, names = speech.voices("train"), train_names()[:IDENTITIES]
    writer = ShardWriter(folder, about={"kind": "heads", "clips": len(names), "voices": list(voices)})
    for k, name in enumerate(names):
        progress("turning heads", k, len(names))
        writer.add(head_clip(name, order(voices[k % len(voices)], name)))
    writer.close()
    return folder
