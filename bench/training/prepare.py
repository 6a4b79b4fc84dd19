"""Turns the embedded corpus into training shards: practice clips for the pictures, spoken ones for the speech."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import drawing_digest, members, perform_labels, rig, stream
from bench.datasets.puppets.skeleton import Moment
from bench.datasets.puppets.visemes import TARGETS
from bench.places import cache_folder
from bench.records import FPS, Speech

if TYPE_CHECKING:
    from avct.shards import ShardClip

Progress = Callable[[str, int, int], None]
VERSION = "v1"
"""Of what is prepared and how: change it with the clips' make-up, so that old shards are not taken for new ones."""
FRAME = 256
PRACTICE_FRAMES = 24
SPOKEN_IDENTITIES = 120
"""Identities beside the trainer that speak one recording each in the training set."""


def _folder(kind: str, *options: object) -> Path:
    """Where shards of a kind lie: the name holds what they were made of and the code that drew them."""
    return cache_folder() / "shards" / "-".join([kind, *map(str, options), VERSION, drawing_digest()[:12]])


def train_names() -> list[str]:
    """Every training identity but the trainer."""
    return [m.name for m in members().values() if m.split == "train" and m.name != "trainer"]


def practice_clip(name: str, frames: int) -> ShardClip:
    """A clip of one identity making random mouths, poses and blinks: what a renderer must be able to draw."""
    from avct.shards import ShardClip

    who, body, rng = members()[name], rig(name), stream("practice", name)
    shapes = np.array(list(TARGETS.values()))
    rest, shut = TARGETS["rest"], TARGETS["bilabial"]
    images, marks, poses = [], [], []
    for k in range(frames):
        a, b, share = rng.integers(len(shapes)), rng.integers(len(shapes)), rng.random()
        lips = shapes[a] * share + shapes[b] * (1 - share)
        if k < 2 or rng.random() < 0.2:  # closed mouths are what portraits show and what viewers check
            lips = np.array(rest if rng.random() < 0.5 else shut)
        lips = lips * [rng.uniform(0.7, 1.4), rng.uniform(0.7, 1.3), 1, 1, 1, 1, 1]
        turn = np.clip(rng.normal(0, 1, 3) * [4, 6, 2.5], [-10, -14, -7], [10, 14, 7])
        blink, brow = float(rng.choice([0, 0, 0, 0, 0, 0.6, 1])), float(rng.uniform(0, 3))
        moment = Moment(lips, turn * (1 if k else 0.4), rng.normal(0, 2, 2), blink, brow, rng.normal(0, 0.5, 2))
        shown = body.render(moment, style=who.style)
        images.append(shown.image)
        marks.append(shown.landmarks)
        poses.append(shown.pose)
    return ShardClip(f"practice-{name}", name, FRAME, np.stack(images), np.stack(marks), np.stack(poses))


def prepare_practice(names: list[str], *, frames: int = PRACTICE_FRAMES, progress: Progress) -> Path:
    """Folder of practice shards of the named identities, made once (about 1.2 s and 4.7 MB an identity)."""
    from avct.shards import INDEX, ShardWriter

    folder = _folder("practice", names[0], len(names), frames)
    if (folder / INDEX).is_file():
        return folder
    writer = ShardWriter(folder, about={"kind": "practice", "identities": len(names), "frames": frames})
    for k, name in enumerate(names):
        progress("painting faces", k, len(names))
        writer.add(practice_clip(name, frames))
    writer.close()
    return folder


def spoken_clip(name: str, said: Speech) -> ShardClip:
    """A clip of one identity saying one recording: labels only, no pictures."""
    from avct.audio import features, frame_rows
    from avct.phonemes import from_seconds, ids_at_25fps
    from avct.shards import ShardClip

    landmarks, pose = perform_labels(name, said)
    ids = ids_at_25fps(from_seconds([(p.symbol, p.start, p.end) for p in said.phones or ()]))
    rows = features(said.samples)
    frames = min(len(ids), len(rows) * FPS // 100, len(landmarks))
    audio = frame_rows(rows, frames).astype(np.float32)
    return ShardClip(
        f"{name}-{said.driver}",
        name,
        FRAME,
        None,
        landmarks[:frames],
        pose[:frames],
        np.array(ids[:frames], np.int64),
        audio,
    )


def spoken_cast() -> list[tuple[str, str]]:
    """Who says what in training, (identity, recording): the trainer all of its voice, others one recording each."""
    train = [r for r in speech.recordings() if r.split == "train"]
    own = [r.id for r in train if r.voice == "trainer"]
    others = [r.id for r in train if r.voice != "trainer"]
    cast = [("trainer", r) for r in own]
    return cast + [(name, others[k % len(others)]) for k, name in enumerate(train_names()[:SPOKEN_IDENTITIES])]


def prepare_spoken(cast: list[tuple[str, str]], *, progress: Progress) -> Path:
    """Folder of spoken shards of a cast, made once (half a second a recording, nearly all of it pitch tracking)."""
    from avct.shards import INDEX, ShardWriter

    folder = _folder("spoken", cast[0][0], len(cast))
    if (folder / INDEX).is_file():
        return folder
    writer = ShardWriter(folder, about={"kind": "spoken", "clips": len(cast)})
    for k, (name, recording) in enumerate(cast):
        progress("speaking sentences", k, len(cast))
        writer.add(spoken_clip(name, speech.speech(recording)))
    writer.close()
    return folder


TALKING_FRAMES = 50
"""Frames of each talking clip of an identity beside the trainer: two seconds, so that many faces fit on a disk."""


def talking_clip(name: str, said: Speech, frames: int) -> ShardClip:
    """A clip of one identity saying one recording, with pictures: `frames` of it from a seeded place (0: all)."""
    from avct.shards import ShardClip
    from bench.datasets.puppets.corpus import perform

    labels, take = spoken_clip(name, said), perform(name, said)
    total = len(labels.phonemes)
    length = min(frames or total, total)
    first = int(stream("talking", name, said.driver).integers(total - length + 1))
    part = slice(first, first + length)
    return ShardClip(
        labels.name,
        name,
        FRAME,
        take.frames[part],
        labels.landmarks[part],
        labels.pose[part],
        labels.phonemes[part],
        labels.audio[part],
    )


def prepare_talking(cast: list[tuple[str, str]], *, progress: Progress, frames: int = TALKING_FRAMES) -> Path:
    """Folder of talking shards of a cast, made once: the trainer's clips whole, others' cut to `frames`."""
    from avct.shards import INDEX, ShardWriter

    folder = _folder("talking", cast[0][0], len(cast), frames)
    if (folder / INDEX).is_file():
        return folder
    writer = ShardWriter(folder, about={"kind": "talking", "clips": len(cast), "frames": frames})
    for k, (name, recording) in enumerate(cast):
        progress("filming sentences", k, len(cast))
        writer.add(talking_clip(name, speech.speech(recording), 0 if name == "trainer" else frames))
    writer.close()
    return folder
