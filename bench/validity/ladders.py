"""The ladders of harm, each with five rising amounts, chosen so that the first is slight and the last is plain to see.

Level 0 of every ladder is the truth itself. Amounts are constants: another one is another ladder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.errors import ConfigError
from bench.validity import performances, pictures
from bench.validity.performances import between, exchanged, opened, swayed
from bench.validity.scenes import Shown, Stage


@dataclass(frozen=True)
class Ladder:
    """One way to do harm. amounts: from slight to severe. alters: "pictures" or "sound"; the other stays untouched."""

    name: str
    title: str
    unit: str
    amounts: tuple[float, ...]
    harm: Callable[[Stage, float], Shown]
    alters: str = "pictures"

    def steps(self, levels: int) -> tuple[float, ...]:
        """Amounts of the levels 1 to `levels` - 1, spread over all, the severest included."""
        if not 3 <= levels <= len(self.amounts) + 1:
            raise ConfigError(f"validity: expected 3 to {len(self.amounts) + 1} levels (with the truth), got {levels}")
        last = len(self.amounts) - 1
        chosen = np.linspace(last / (levels - 1) if levels <= last else 0, last, levels - 1).round().astype(int)
        return tuple(self.amounts[k] for k in chosen)


def _picture(change: Callable[[Shown, float, str], Shown]) -> Callable[[Stage, float], Shown]:
    return partial(_on_truth, change)


def _on_truth(change: Callable[[Shown, float, str], Shown], stage: Stage, amount: float) -> Shown:
    return change(stage.truth, amount, stage.scene.name)


def _find(*ladders: Ladder) -> Mapping[str, Ladder]:
    return {ladder.name: ladder for ladder in ladders}


LADDERS = _find(
    Ladder("blur", "Gaussian blur", "sigma, px", (0.6, 1.0, 1.6, 2.5, 4.0), _picture(pictures.blur)),
    Ladder(
        "noise", "Gaussian noise", "sigma, of 255", (2.0, 4.0, 8.0, 14.0, 24.0), _picture(pictures.add_noise),
    ),
    Ladder("jpeg", "JPEG", "quality", (80.0, 50.0, 30.0, 15.0, 7.0), _picture(pictures.jpeg)),
    Ladder("h264", "H.264", "CRF", (18.0, 23.0, 28.0, 34.0, 40.0), _picture(pictures.h264)),
    Ladder(
        "colour", "Red up, blue down", "gain", (0.02, 0.04, 0.08, 0.13, 0.2), _picture(pictures.tint),
    ),
    Ladder("drop", "Frame repeated", "every n-th", (10.0, 6.0, 4.0, 3.0, 2.0), _picture(pictures.drop)),
    Ladder("freeze", "End frozen", "share", (0.1, 0.25, 0.45, 0.65, 0.85), _picture(pictures.freeze)),
    Ladder("jitter", "Frames shaken", "sd, px", (0.25, 0.5, 1.0, 2.0, 4.0), _picture(pictures.shake)),
    Ladder("mouth-smaller", "Mouth opens less", "times", (0.8, 0.6, 0.4, 0.2, 0.0), performances.open_mouth),
    Ladder("mouth-larger", "Mouth opens more", "times", (1.1, 1.2, 1.3, 1.4, 1.5), performances.open_mouth),
    Ladder("wrong-speech", "Other speech's lips", "share", (0.15, 0.3, 0.5, 0.75, 1.0), performances.speak_otherwise),
    Ladder("audio-delay", "Sound late", "frames", (1.0, 2.0, 4.0, 8.0, 12.0), performances.delay, alters="sound"),
    Ladder("identity", "Towards another face", "share", (0.2, 0.4, 0.6, 0.8, 1.0), performances.resemble),
    Ladder("pose-noise", "Head pose error", "sd, degrees", (0.25, 0.5, 1.0, 2.0, 3.0), performances.misplace),
)  # fmt: skip

OFFSETS = tuple(float(k) for k in range(-12, 13))
"""Frames by which the sound is moved for the offset's law."""


def stand_in_a(stage: Stage) -> Shown:
    """What a method might make: lips open 0.85 times as far, pose off by 1 degree, blurred by 0.8 px."""
    scene = stage.scene.name
    shown = stage.play(opened(stage.lips, 0.85), swayed(stage.moves, 1.0, scene, draw="stand-in-a"))
    return pictures.blur(shown, 0.8, scene)


def stand_in_b(stage: Stage) -> Shown:
    """What another might make: a fifth of the lips wrong, pose off by 1 degree in its own way, a fifth of the way to
    another face, H.264 at CRF 28."""
    scene = stage.scene
    shown = stage.play(
        exchanged(stage.lips, stage.instead, 0.2),
        swayed(stage.moves, 1.0, scene.name, draw="stand-in-b"),
        between(scene.reference, scene.becomes, 0.2),
    )
    return pictures.h264(shown, 28.0, scene.name)


STAND_INS: Mapping[str, Callable[[Stage], Shown]] = {"stand-in-a": stand_in_a, "stand-in-b": stand_in_b}
