"""Long clips of sound and head pose: what head motion is learnt from.

A recording lasts for three seconds, in which a head hardly turns to one side and back. Recordings of a voice are
therefore said one after the other, and the head that goes with the whole is the corpus's own (`gestures`).

    python -m bench.training.heads    # how the shipped network moves heads beside the truth, held-out ones
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
    from avct.audio2pose import Audio2Pose
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


def order(voice: str, name: str, *, split: str = "train", seconds: float = SECONDS) -> list[str]:
    """Recordings of a voice in an identity's own order, as many as the seconds take or as there are."""
    said = [r for r in speech.recordings() if r.voice == voice and r.split == split]
    chosen, taken = [], 0.0
    for k in stream("heads", name, voice).permutation(len(said)):
        if taken >= seconds:
            break
        chosen.append(said[k].id)
        taken += said[k].seconds
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


def held_out(*, seconds: int = 20, identities: int = 16) -> list[ShardClip]:
    """Clips of heads that were not learnt from, of held-out sentences in held-out voices."""
    from bench.datasets.puppets.corpus import Puppets

    found = Puppets("test")
    names, voices = [r for r in found.references() if r.startswith("test-")][:identities], found.speakers()
    chosen = enumerate(names)
    return [head_clip(n, order(voices[k % len(voices)], n, split="test", seconds=seconds)) for k, n in chosen]


def evaluate_heads(network: Audio2Pose, clips: list[ShardClip]) -> dict[str, dict[str, float]]:
    """How the network's heads move beside the truth's, by axis, as `compare_motion` says."""
    from avct.audio2pose import head_poses
    from avct.training.pose import compare_motion

    made = [head_poses(network, c.pose[0], c.audio) for c in clips]
    return compare_motion(made, [c.pose for c in clips])


def main() -> int:
    """Prints the shipped head-pose network's figures on held-out clips, and on a few of over a minute."""
    from avct.checkpoint import load

    network = load().audio2pose
    if network is None:
        raise SystemExit("the shipped checkpoint has no head-pose network")
    for clips in (held_out(), held_out(seconds=62, identities=4)):
        print(f"{len(clips)} clips, {min(len(c.pose) for c in clips) / FPS:.0f} s or more; shares of the truth's")
        for axis, found in evaluate_heads(network, clips).items():
            print(f"  {axis:<6}" + "".join(f" {name} {value:.2f} " for name, value in found.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
