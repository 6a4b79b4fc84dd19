"""Landmarks of videos, each detected once by each backend, however many metrics and methods ask."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np

from bench.io.digest import sha256_json
from bench.places import source_sha256
from bench.runner.weights import backend_weights
from bench.store.arrays import keep_array, load_array
from metrics.errors import MetricError

_KEPT = 16
"""Curves kept in memory: a few clips' worth; each is some hundred kilobytes."""


class LandmarkStore:
    """Landmarks by content: in memory, and in a folder that outlives the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: OrderedDict[str, np.ndarray] = OrderedDict()

    def find(self, backend: str, frames: np.ndarray, frames_sha256: str) -> np.ndarray:
        """float64 (T, 68, 2) of uint8 (T, H, W, 3) frames; NaN where no face was found.

        Raises MissingWeights, and MetricError where the backend gives another shape.
        """
        key = sha256_json([backend, backend_weights(backend), source_sha256("metrics"), frames_sha256])
        found = self._memory.pop(key, None)
        if found is None:
            found = load_array(self._folder, key)
        if found is None:
            found = _detect(backend, frames)
            keep_array(self._folder, key, found)
        self._memory[key] = found
        while len(self._memory) > _KEPT:
            self._memory.popitem(last=False)
        return found


def _detect(name: str, frames: np.ndarray) -> np.ndarray:
    from metrics.landmarks import backend

    found = np.asarray(backend(name).detect(frames), dtype=np.float64)
    if found.shape != (len(frames), 68, 2):
        raise MetricError(f"landmark backend {name}: expected shape ({len(frames)}, 68, 2), got {found.shape}")
    return found
