"""Feature extractors by name: each is one module `metrics/features/<name>.py` with a function `load()`.

Users' own lie in `DIR/metrics/features/<name>.py` for each DIR of AVCT_BENCH_PATH. An extractor
is a network that sees a video's frames once, for however many metrics: distances of distributions and of identities.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from metrics.clip import Frames
from metrics.shelf import Shelf


class FeatureExtractor(Protocol):
    """Turns frames into vectors. name: as in needs. weights: names in weights.toml that its answers rest on.

    landmarks: the landmark backend whose points `extract` is given, None where it looks at whole frames.
    """

    name: str
    weights: tuple[str, ...]
    landmarks: str | None

    def extract(self, frames: Frames, points: np.ndarray | None) -> np.ndarray:
        """float32 (N, D), one line a frame (or window, where the module says so), of uint8 (T, H, W, 3) RGB frames.

        points: float64 (T, 68, 2) of `landmarks`, NaN where no face was found: that frame's line is NaN throughout.
        """
        ...


_SHELF: Shelf[FeatureExtractor] = Shelf("features", "feature extractor")


def extractors() -> dict[str, Path]:
    """Name -> file of every extractor, sorted; those of AVCT_BENCH_PATH included. Nothing is imported."""
    return _SHELF.files()


def extractor(name: str) -> FeatureExtractor:
    """The extractor of that name, loaded. Raises MetricError with near names for an unknown one, MissingWeights where
    its package or weights are not here.
    """
    return _SHELF.load(name)
