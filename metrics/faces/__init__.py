"""Face detectors by name: each is one module `metrics/faces/<name>.py` with a function `load()`.

Users' own lie in `DIR/metrics/faces/<name>.py` for each DIR of the environment variable AVCT_BENCH_PATH. A detector
gives every face of every frame, each frame alone; which of them is whose is a matter for a tracker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from metrics.clip import Frames
from metrics.shelf import Shelf


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
