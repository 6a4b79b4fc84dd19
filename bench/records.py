"""The records that travel between rooms of `bench`: what a dataset gives, what an adapter makes, what a row holds.

A leaf module: it imports nothing of ours, so that io, datasets, adapters, runner, stats and report agree on shapes
without importing one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

FPS = 25
"""Frame rate of everything that is generated or scored; inputs are resampled to it by `bench.io`."""
RATE = 16_000
"""Sample rate of everything that is heard; inputs are resampled to it by `bench.io`."""

EVERY = "*"
"""Speaker, reference and driver of a row that speaks of all clips of a method together."""


@dataclass(frozen=True)
class Phone:
    """One phone: CMU symbol without stress (or SIL), start and end in seconds."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True)
class Speech:
    """A driver: what is said and how it sounds.

    samples: float32 (N,) mono at 16 kHz, range -1..1. phones: contiguous from 0 s, or None when unknown. phones_by:
    "file", "textgrid" or the way in which they were heard; None where nobody had to find them.
    """

    driver: str
    speaker: str
    samples: np.ndarray
    phones: tuple[Phone, ...] | None = None
    transcript: str | None = None
    phones_by: str | None = None


@dataclass(frozen=True)
class Portrait:
    """A reference identity's still image: uint8 (H, W, 3) RGB, square face crop.

    landmarks: float32 (68, 2) pixels (x right, y down) or None. pose: float32 (6,) Rx, Ry, Rz in radians and
    Tx, Ty, Tz in millimetres (OpenFace's convention) or None when unknown. photograph: a picture of a real person,
    whose landmarks (where given) come from a detector.
    """

    reference: str
    image: np.ndarray
    landmarks: np.ndarray | None = None
    pose: np.ndarray | None = None
    photograph: bool = False


@dataclass(frozen=True)
class Take:
    """The truth: one identity filmed saying one driver's speech.

    frames: uint8 (T, H, W, 3) RGB at 25 fps. landmarks: float32 (T, 68, 2) pixels, exact where the corpus is
    synthetic, else None. pose: float32 (T, 6) as in Portrait, else None.
    """

    frames: np.ndarray
    speech: Speech
    landmarks: np.ndarray | None = None
    pose: np.ndarray | None = None


class Dataset(Protocol):
    """What a protocol sweeps over. Identities and drivers are named by strings that are stable across revisions."""

    name: str
    revision: str

    def speakers(self) -> list[str]: ...
    def references(self) -> list[str]: ...
    def drivers(self, speaker: str) -> list[str]: ...
    def speech(self, driver: str) -> Speech: ...
    def portrait(self, reference: str) -> Portrait: ...
    def take(self, reference: str, driver: str) -> Take: ...
    def identities(self, references: Sequence[str]) -> dict[str, str]:
        """{reference: who is seen in it}; of films, the speaker."""
        ...


@dataclass(frozen=True)
class Setting:
    """One column of settings. device: "cpu", "cuda" or "cuda:N"; precision: "float32", "tf32", "bfloat16" or "float16".

    compile: "none" or a mode of torch.compile. size: side of the frames in pixels. pose: "truth", "still" or "audio".
    graphs: CUDA graphs of whole batches. channels_last: how pictures lie in memory, None: as is better. devices: how
    many of the device share the clips.
    """

    name: str
    device: str = "cpu"
    precision: str = "float32"
    batch: int = 8
    compile: str = "none"
    size: int = 256
    pose: str = "truth"
    graphs: bool = False
    channels_last: bool | None = None
    devices: int = 1


@dataclass(frozen=True)
class Cell:
    """One unit of work: a method makes one driver's speech come from one reference's face under one setting."""

    method: str
    speaker: str
    reference: str
    driver: str
    setting: Setting
    seed: int = 0


@dataclass(frozen=True)
class Job:
    """What an adapter is given. Adapters never see more than this.

    take is the truth and only `ground-truth`-like upper bounds may use its frames. pose (T, 6) is the pose rule's
    outcome: the truth's under rule "truth", None under rule "audio", where the method is to make its own. other_speech
    is another driver's speech of at least the same number of frames (for wrong-speech controls). frames is the number
    of frames to make.
    """

    portrait: Portrait
    speech: Speech
    frames: int
    setting: Setting
    seed: int
    pose: np.ndarray | None = None
    take: Take | None = None
    other_speech: Speech | None = None
    workdir: str = ""


@dataclass(frozen=True)
class Row:
    """One value of one metric on one cell, or the reason why there is none.

    status: "ok", "failed" (the cell broke: stage and reason say where and why), "unavailable" (weights or inputs
    that are not there), "undefined" (the formula has no value here, e.g. correlation with a constant), "pooled" (the
    clip entered a value of all clips, which has a row of its own: speaker, reference and driver are `EVERY`).
    coverage: share of the clip's frames that entered the value; of a pooled value, share of the clips that the
    protocol asks for. series: named per-frame curves for plots. notes: whatever else a metric found.
    """

    protocol: str
    cell: str
    method: str
    speaker: str
    reference: str
    driver: str
    setting: str
    seed: int
    metric: str
    value: float | None
    coverage: float
    frames: int
    status: str
    stage: str | None = None
    reason: str | None = None
    per_frame: tuple[float, ...] | None = None
    series: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    video_sha256: str | None = None
    truth_sha256: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready dict with every field, in declaration order."""
        out: dict[str, Any] = dict(self.__dict__)
        out["per_frame"] = None if self.per_frame is None else list(self.per_frame)
        out["series"] = {k: list(v) for k, v in self.series.items()}
        out["notes"] = dict(self.notes)
        return out
