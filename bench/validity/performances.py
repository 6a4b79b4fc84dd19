"""Harm done to the performance: the corpus's engine plays the scene again with one thing wrong, so the truth is known.

And harm done to the sound alone, which leaves every frame as it is.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from bench.datasets.puppets.corpus import REST, identity_rig, member, stream
from bench.datasets.puppets.gestures import Gestures
from bench.datasets.puppets.identity import Identity, sample
from bench.datasets.puppets.record import NOISE
from bench.datasets.puppets.rig import Rig
from bench.datasets.puppets.visemes import CONTROLS
from bench.records import FPS, RATE
from bench.validity.scenes import Shown, Stage

_OPENING = [CONTROLS.index(name) for name in ("jaw", "raise")]
_FADE = 3
"""Frames in which one speech's lips turn into the other's."""
_SWAY = 0.12
"""Seconds of the Gaussian that smooths pose errors: heads drift and nod, they do not tremble (that is jitter)."""
_PERSON = ("landmarks", "age", "masculine", "skin", "hair", "iris", "makeup", "freckles", "crown", "gum", "tooth")
"""What makes the person; the hair's cut, clothes, glasses, light and room stay, so that the face alone changes."""


def open_mouth(stage: Stage, scale: float) -> Shown:
    """Lips that open `scale` times as far as they should; rounding, spreading and pressing stay."""
    return stage.play(opened(stage.lips, scale), stage.moves)


def speak_otherwise(stage: Stage, share: float) -> Shown:
    """The last share of the frames with the lips of another speech; the sound stays."""
    return stage.play(exchanged(stage.lips, stage.instead, share), stage.moves)


def resemble(stage: Stage, share: float) -> Shown:
    """The same performance by a face that is so far on the way to another person."""
    return stage.play(stage.lips, stage.moves, between(stage.scene.reference, stage.scene.becomes, share))


def misplace(stage: Stage, degrees: float, *, draw: str = "pose") -> Shown:
    """Head pose with a smooth error of that standard deviation in pitch, yaw and roll."""
    return stage.play(stage.lips, swayed(stage.moves, degrees, stage.scene.name, draw=draw))


def delay(stage: Stage, frames: float) -> Shown:
    """The sound so many frames later (negative: earlier), as long as before; the pictures stay.

    What is missing is the noise floor of the corpus's recordings: silence without any has no logarithm.
    """
    return replace(stage.truth, samples=delayed(stage.truth.samples, int(frames), stage.scene.name))


def opened(lips: np.ndarray, scale: float) -> np.ndarray:
    """Controls float64 (T, 7) with jaw and upper lip `scale` times as far from rest."""
    out = lips.copy()
    out[:, _OPENING] = REST[_OPENING] + scale * (lips[:, _OPENING] - REST[_OPENING])
    return out


def exchanged(lips: np.ndarray, instead: np.ndarray, share: float) -> np.ndarray:
    """Controls float64 (T, 7) whose last share of frames is the other speech's, faded in over _FADE frames."""
    first = len(lips) * (1 - share)
    weight = np.clip((np.arange(len(lips)) - first + 1) / _FADE, 0, 1) if share < 1 else np.ones(len(lips))
    return (1 - weight[:, None]) * lips + weight[:, None] * instead


def swayed(moves: Gestures, degrees: float, name: str, *, draw: str = "pose") -> Gestures:
    """Gestures whose rotation has a smooth error of that standard deviation, one draw for every level."""
    raw = stream("validity", draw, name).standard_normal((len(moves.rotation) + 4 * FPS, 3))
    at = np.arange(-FPS, FPS + 1) / FPS
    kernel = np.exp(-0.5 * (at / _SWAY) ** 2)
    smooth = np.stack([np.convolve(axis, kernel, "same") for axis in raw.T], 1)[2 * FPS : -2 * FPS]
    return replace(moves, rotation=moves.rotation + degrees * (smooth - smooth.mean(0)) / smooth.std(0))


@lru_cache(maxsize=2)
def between(reference: str, other: str, share: float) -> Rig:
    """The rig of a person on the way from one identity to another."""
    one, two = (_identity(name) for name in (reference, other))
    mixed = {name: (1 - share) * getattr(one, name) + share * getattr(two, name) for name in _PERSON}
    return identity_rig(replace(one, **mixed))


def delayed(samples: np.ndarray, frames: int, name: str) -> np.ndarray:
    """Samples float32 (N,) moved by whole frames, with the recordings' noise floor where nothing is left."""
    step = frames * (RATE // FPS)
    floor = np.rint(NOISE * stream("validity", "floor", name).standard_normal(len(samples))) / 32768
    out = floor.astype(np.float32)
    if step >= 0:
        out[step:] = samples[: len(samples) - step]
    else:
        out[:step] = samples[-step:]
    return out


def _identity(name: str) -> Identity:
    seed = member(name).seed
    assert seed is not None, "the photograph has no parameters"
    return sample(seed)
