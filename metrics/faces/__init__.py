"""Face detectors by name: each is one module `metrics/faces/<name>.py` with a function `load()`.

Users' own lie in `DIR/metrics/faces/<name>.py` for each DIR of the environment variable AVCT_BENCH_PATH. A detector
gives every face of every frame, each frame alone; which of them is whose is a matter for a tracker.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np

from metrics.clip import Frames
from metrics.shelf import Shelf

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two included; it may reach beyond the frame."""
Found = tuple[tuple[float, float, float, float], float]
"""A face's box (as `Box`, or in parts of pixels) and score."""


class FaceDetector(Protocol):
    """Finds faces. name: as in metric ids. weights: names in weights.toml that its answers rest on."""

    name: str
    weights: tuple[str, ...]

    def find(self, frames: Frames) -> np.ndarray:
        """float64 (M, 6), one line a face: frame, left, top, right, bottom (pixels of uint8 (T, H, W, 3) RGB frames,
        edges inclusive), score; by frame, then by falling score.
        """
        ...


_SHELF: Shelf[FaceDetector] = Shelf("faces", "face detector")


def detectors() -> dict[str, Path]:
    """Name -> file of every detector, sorted; those of AVCT_BENCH_PATH included. Nothing is imported."""
    return _SHELF.files()


def detector(name: str) -> FaceDetector:
    """The detector of that name, loaded. Raises MetricError with near names for an unknown one, MissingWeights where
    its package or weights are not here.
    """
    return _SHELF.load(name)


def tabulate(frames: Iterable[Iterable[Found]]) -> np.ndarray:
    """Every frame's faces as a detector gives them: float64 (M, 6), by frame, then by falling score."""
    lines = [
        (t, *box, score) for t, found in enumerate(frames) for box, score in sorted(found, key=lambda one: -one[1])
    ]
    return np.array(lines, np.float64).reshape(-1, 6)


def largest(found: Iterable[Found]) -> tuple[float, float, float, float] | None:
    """The box of the largest area, the first of several; None where there is none."""
    return max((box for box, _ in found), key=lambda b: (b[2] - b[0] + 1) * (b[3] - b[1] + 1), default=None)
