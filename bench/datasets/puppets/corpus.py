"""The embedded corpus: who is in which split, and takes of any identity saying any recording, with the truth beside.

Splits are disjoint in identity, sentence and voice. A take is fully determined by (identity, recording): gestures are
seeded by both names, style and looks by the identity. Portraits are the identity at rest, slightly turned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import numpy as np

from bench.datasets.puppets import speech
from bench.datasets.puppets.gestures import Gestures, gestures
from bench.datasets.puppets.identity import Identity, sample
from bench.datasets.puppets.rig import Look, Rig
from bench.datasets.puppets.skeleton import Moment, Skeleton
from bench.datasets.puppets.styles import STYLES, TRAINER, Style
from bench.datasets.puppets.visemes import TARGETS, controls, frame_count
from bench.datasets.puppets.zoom import zoomed_portrait, zoomed_take
from bench.errors import ConfigError
from bench.places import source_sha256
from bench.records import RATE, Portrait, Speech, Take

REVISION = "1"
"""Changes whenever a frame, a landmark or a split changes: part of every cell's inputs by their hashes anyway."""

_DRAWING = (
    "canvas", "expression", "features", "gestures", "hair", "identity", "mouth", "photo", "portrait", "relief", "rig",
    "scene", "skeleton", "skin", "styles", "visemes",
)  # fmt: skip

PHOTOGRAPH = "astronaut"
_TRAINER_SEED = 7
_RANGES = {"train": range(1000, 1240), "validation": range(2000, 2008), "test": range(3000, 3028)}
_PREFIX = {"train": "train", "validation": "val", "test": "test"}
REST = np.array(TARGETS["rest"])
"""Lip controls of a face at rest (visemes.CONTROLS)."""
_ZOOMS = (0.5, 2.0)
"""Sizes of face that a zoomed corpus may show: beyond, edges of the picture or of the pixels are all there is."""


@dataclass(frozen=True)
class Member:
    """One identity of the corpus: its name, seed, split and speaking style. seed is None for the photograph."""

    name: str
    seed: int | None
    split: str
    style: Style


@lru_cache(maxsize=1)
def members() -> Mapping[str, Member]:
    """Every identity by name: trainer, train-000…, val-000…, test-000…, and the photograph (test)."""
    found = {"trainer": Member("trainer", _TRAINER_SEED, "train", TRAINER)}
    for split, seeds in _RANGES.items():
        for k, seed in enumerate(seeds):
            name = f"{_PREFIX[split]}-{k:03d}"
            found[name] = Member(name, seed, split, STYLES[k % len(STYLES)])
    found[PHOTOGRAPH] = Member(PHOTOGRAPH, None, "test", STYLES[0])
    return found


def member(name: str) -> Member:
    """The identity called `name`; ConfigError with near names otherwise."""
    if name not in members():
        near = get_close_matches(name, members(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "test-000 to test-027, trainer, astronaut are some"
        raise ConfigError(f"puppets: no identity {name!r}; {hint}")
    return members()[name]


def drawing_digest() -> str:
    """SHA-256 over the modules that decide a frame's pixels and labels: the code part of every cached take's key."""
    return source_sha256(*(f"bench/datasets/puppets/{name}.py" for name in _DRAWING))


def stream(*names: str) -> np.random.Generator:
    """A random stream that belongs to a combination of names (SHA-256, so the same everywhere)."""
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


@lru_cache(maxsize=6)
def rig(name: str) -> Rig:
    """The rig of an identity, painted on first use (about a second)."""
    who = member(name)
    if who.seed is None:
        from bench.datasets.puppets.astronaut import astronaut_rig

        return astronaut_rig()
    identity = sample(who.seed)
    return identity_rig(identity)


@lru_cache(maxsize=64)
def skeleton(name: str) -> Skeleton:
    """The movable mesh of an identity without its paint."""
    who = member(name)
    if who.seed is None:
        return rig(name).skeleton
    identity = sample(who.seed)
    return Skeleton(identity.landmarks, age=identity.age)


def identity_rig(identity: Identity) -> Rig:
    """Paints an identity and makes it movable."""
    from bench.datasets.puppets.portrait import paint

    look = Look(identity.tooth, identity.gum, identity.skin)
    return Rig(paint(identity), Skeleton(identity.landmarks, age=identity.age), look)


def perform(name: str, said: Speech) -> Take:
    """The take of identity `name` saying `said`: every frame with exact landmarks and pose.

    ConfigError for speech without phones or shorter than one frame.
    """
    if said.phones is None:
        raise ConfigError(f"puppets: speech {said.driver!r} has no phones, which the puppet's lips need")
    frames = frame_count(len(said.samples) / RATE)
    if frames < 1:
        raise ConfigError(f"puppets: speech {said.driver!r} is shorter than one frame ({len(said.samples)} samples)")
    who, body = member(name), rig(name)
    lips = controls(said.phones, said.samples, who.style)
    moves = gestures(said.samples, frames, stream("gestures", name, said.driver))
    images = np.empty((frames, 256, 256, 3), np.uint8)
    landmarks, pose = np.empty((frames, 68, 2), np.float32), np.empty((frames, 6), np.float32)
    for t, moment in enumerate(_moments(lips, moves)):
        shown = body.render(moment, style=who.style)
        images[t], landmarks[t], pose[t] = shown.image, shown.landmarks, shown.pose
    return Take(images, said, landmarks, pose)


def _moments(lips: np.ndarray, moves: Gestures) -> list[Moment]:
    return [
        Moment(lips[t], moves.rotation[t], moves.shift[t], float(moves.blink[t]), float(moves.brow[t]), moves.gaze[t])
        for t in range(len(lips))
    ]


def perform_labels(name: str, said: Speech) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks float32 (T, 68, 2) and poses float32 (T, 6) of `perform(name, said)`, without painting anything."""
    who, body = member(name), skeleton(name)
    lips = controls(said.phones or (), said.samples, who.style)
    moves = gestures(said.samples, len(lips), stream("gestures", name, said.driver))
    shown = [body.place(moment, style=who.style) for moment in _moments(lips, moves)]
    return np.stack([s[0] for s in shown]), np.stack([s[1] for s in shown])


def rest_portrait(name: str, *, mouth: str = "rest") -> Portrait:
    """The identity's still: eyes open, turned by a few degrees, the mouth at rest or in another viseme's shape."""
    who, rng = member(name), stream("portrait", name)
    moment = Moment(np.array(TARGETS[mouth]), rng.uniform(-1, 1, 3) * [2.0, 3.0, 1.5], rng.normal(0, 1, 2))
    shown = rig(name).render(moment, style=who.style)
    return Portrait(name, shown.image, shown.landmarks, shown.pose, photograph=who.seed is None)


class Puppets:
    """The corpus as a dataset: speakers are voices, drivers their recordings, references identities of one split.

    scale: how large faces are against the usual (pictures are zoomed about the face). mouth: the portraits' viseme.
    """

    name = "puppets"
    revision = REVISION

    def __init__(self, split: str = "test", *, scale: float = 1.0, mouth: str = "rest") -> None:
        if split not in _RANGES:
            raise ConfigError(f"puppets: no split {split!r}; expected one of {', '.join(_RANGES)}")
        if type(scale) not in (int, float) or not _ZOOMS[0] <= scale <= _ZOOMS[1]:
            raise ConfigError(f"puppets: scale must be {_ZOOMS[0]} to {_ZOOMS[1]}, got {scale!r}")
        if mouth not in TARGETS:
            raise ConfigError(f"puppets: no mouth shape {mouth!r}; expected one of {', '.join(TARGETS)}")
        self.split, self.scale, self.mouth = split, float(scale), mouth

    def speakers(self) -> list[str]:
        return list(speech.voices(self.split))

    def references(self) -> list[str]:
        return [m.name for m in members().values() if m.split == self.split]

    def identities(self, references: Sequence[str]) -> dict[str, str]:
        """Every face is somebody of its own; the voices are others'."""
        return {name: name for name in references}

    def drivers(self, speaker: str) -> list[str]:
        found = [r.id for r in speech.recordings() if r.voice == speaker and r.split == self.split]
        if not found:
            raise ConfigError(
                f"puppets: no speaker {speaker!r} in split {self.split!r}; expected one of {', '.join(self.speakers())}"
            )
        return found

    def speech(self, driver: str) -> Speech:
        return speech.speech(driver)

    def portrait(self, reference: str) -> Portrait:
        held = rest_portrait(reference, mouth=self.mouth)
        return held if self.scale == 1 else zoomed_portrait(held, self.scale)

    def take(self, reference: str, driver: str) -> Take:
        from bench.datasets.puppets.cache import cached_take

        take = cached_take(reference, self.speech(driver))
        return take if self.scale == 1 else zoomed_take(take, self.scale)


def open_dataset(options: Mapping[str, Any]) -> Puppets:
    """The corpus for a dataset file's options (`split`)."""
    return Puppets(**options)
