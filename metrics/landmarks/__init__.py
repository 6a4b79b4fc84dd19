"""Landmark backends by name: each is one module `metrics/landmarks/<name>.py` with a function `load()`.

Users' own lie in `DIR/metrics/landmarks/<name>.py` for each DIR of the environment variable AVCT_BENCH_PATH. All give
the 68 points of `scheme68`. Two names are no backends: "exact", landmarks that a synthetic corpus knows, and "file",
landmarks that lie beside a video.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from metrics.clip import Frames
from metrics.shelf import Shelf

BACKENDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"puppet68": ("puppet68",), "dlib68": ("dlib68", "dlib_mmod"), "yunet68": ("yunet", "dlib68"), "file": ()}
)
"""Whose landmarks our metrics use, and the weights that each rests on: every metric of landmarks has a variant each."""
LEGACY_BACKENDS = ("puppet68", "dlib68")
"""Those that conventions of others' code ("legacy-…") are offered with."""
GIVEN = ("exact", "file")
"""Landmarks that are given, not found: no backend is loaded for them, and a file's may come from anywhere."""


class LandmarkBackend(Protocol):
    """Finds 68 landmarks. name: as in metric ids. weights: names in weights.toml that its answers rest on."""

    name: str
    weights: tuple[str, ...]

    def detect(self, frames: Frames) -> np.ndarray:
        """float64 (T, 68, 2) pixels (x, y) of uint8 (T, H, W, 3) RGB frames; NaN where no face was found."""
        ...


_SHELF: Shelf[LandmarkBackend] = Shelf("landmarks", "landmark backend")


def backends() -> dict[str, Path]:
    """Name -> file of every backend, sorted; those of AVCT_BENCH_PATH included. Nothing is imported."""
    return _SHELF.files()


def backend(name: str) -> LandmarkBackend:
    """The backend of that name, loaded. Raises MetricError with near names for an unknown one, MissingWeights where
    its package or weights are not here.
    """
    return _SHELF.load(name)
