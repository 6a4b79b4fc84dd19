"""Clips whose truth is known to the last landmark: held-out identities of the corpus saying held-out sentences.

One sentence of the corpus lasts two to three seconds, so a scene is two of one voice, end to end, cut to FRAMES. Voices
alternate; no sentence is said twice in a voice. All that moves a puppet is kept, so that a ladder can change one thing
and have the engine play the scene again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import PHOTOGRAPH, member, members, rig, stream
from bench.datasets.puppets.gestures import Gestures, gestures
from bench.datasets.puppets.rig import Rig
from bench.datasets.puppets.skeleton import Moment
from bench.datasets.puppets.visemes import controls
from bench.errors import ConfigError
from bench.records import FPS, RATE, Phone, Speech

FRAMES = 80
"""Frames of every scene: 3.2 s, as the offset's law is about clips of 3 s and longer."""
_STEP = RATE // FPS
_SPLIT = "test"


@dataclass(frozen=True)
class Scene:
    """One clip by names: who is seen, who it may become, what is said in which voice, and what else could be said."""

    reference: str
    becomes: str
    said: tuple[str, str]
    instead: tuple[str, str]

    @property
    def name(self) -> str:
        """The scene's name in journals and tables."""
        return f"{self.reference}_{'+'.join(self.said)}"


@dataclass(frozen=True)
class Shown:
    """A video with its sound. frames: uint8 (T, 256, 256, 3) RGB. samples: float32 (N,) at 16 kHz. points: float64
    (T, 68, 2), the landmarks exactly as they are in these frames."""

    frames: np.ndarray
    samples: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class Stage:
    """A scene ready to be played again. lips: float64 (T, 7) controls. instead: the controls of the other speech."""

    scene: Scene
    body: Rig
    speech: Speech
    lips: np.ndarray
    instead: np.ndarray
    moves: Gestures
    truth: Shown

    def play(self, lips: np.ndarray, moves: Gestures, body: Rig | None = None) -> Shown:
        """The scene with other lips, other gestures or another body; the sound stays."""
        return _play(body or self.body, lips, moves, self.scene.reference, self.speech.samples)


def scenes(count: int) -> tuple[Scene, ...]:
    """The first `count` scenes, always the same. Raises ConfigError where the corpus has not so many."""
    names = [m.name for m in members().values() if m.split == _SPLIT and m.name != PHOTOGRAPH]
    pairs = _pairs()
    most = min(len(names), len(pairs))
    if not 1 <= count <= most:
        raise ConfigError(f"validity: expected 1 to {most} clips, got {count}")
    # half the list away: neighbours in the corpus's order share nothing, but a fixed partner is easier to look up
    return tuple(
        Scene(names[k], names[(k + len(names) // 2) % len(names)], pairs[k], pairs[(k + 1) % len(pairs)])
        for k in range(count)
    )


def joined(first: str, second: str) -> Speech:
    """Two recordings of one voice end to end, cut to FRAMES, with phones."""
    one, two = speech.speech(first), speech.speech(second)
    samples = np.concatenate([one.samples, two.samples])[: FRAMES * _STEP]
    if len(samples) < FRAMES * _STEP or one.phones is None or two.phones is None:
        raise ConfigError(f"validity: {first} and {second} are shorter than {FRAMES} frames, or have no phones")
    at, end = len(one.samples) / RATE, len(samples) / RATE
    pause = Phone(one.phones[-1].symbol, one.phones[-1].start, at + two.phones[0].end)
    later = [Phone(p.symbol, p.start + at, p.end + at) for p in two.phones[1:]]
    whole = [*one.phones[:-1], pause, *later]
    phones = tuple(Phone(p.symbol, p.start, min(p.end, end)) for p in whole if p.start < end)
    return Speech(f"{first}+{second}", one.speaker, samples, phones)


@lru_cache(maxsize=4)
def stage(scene: Scene) -> Stage:
    """The scene with its truth rendered."""
    said, style = joined(*scene.said), member(scene.reference).style
    body = rig(scene.reference)
    instead = joined(*scene.instead)
    lips, other = (controls(s.phones or (), s.samples, style)[:FRAMES] for s in (said, instead))
    moves = gestures(said.samples, FRAMES, stream("gestures", scene.reference, said.driver))
    truth = _play(body, lips, moves, scene.reference, said.samples)
    return Stage(scene, body, said, lips, other, moves, truth)


def _play(body: Rig, lips: np.ndarray, moves: Gestures, reference: str, samples: np.ndarray) -> Shown:
    style = member(reference).style
    moments = (
        Moment(now, moves.rotation[t], moves.shift[t], float(moves.blink[t]), float(moves.brow[t]), moves.gaze[t])
        for t, now in enumerate(lips)
    )
    shown = [body.render(moment, style=style) for moment in moments]
    points = np.stack([s.landmarks for s in shown]).astype(np.float64)
    return Shown(np.stack([s.image for s in shown]), samples, points)


def _pairs() -> list[tuple[str, str]]:
    """Neighbouring recordings of a voice, voices in turn."""
    by_voice: list[Sequence[tuple[str, str]]] = []
    for voice in speech.voices(_SPLIT):
        held = [r.id for r in speech.recordings() if r.voice == voice and r.split == _SPLIT]
        by_voice.append(list(zip(held[::2], held[1::2], strict=False)))
    return [pair for turn in zip(*by_voice, strict=False) for pair in turn]
