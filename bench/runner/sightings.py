"""What networks saw in videos: landmarks, faces and features, each found once, however many metrics and methods ask."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np

from bench.io.digest import sha256_json
from bench.runner.source import looker_source
from bench.runner.weights import looker_weights
from bench.store.arrays import keep_array, load_array
from metrics.clip import Frames
from metrics.errors import MetricError
from metrics.landmarks import backend as landmark_backend

_KEPT = 1 << 27
"""Bytes of findings kept in memory: a few clips' worth; each is some hundred kilobytes."""


class SightingStore:
    """Findings by content: in memory, and in a folder that outlives the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: OrderedDict[str, np.ndarray] = OrderedDict()
        self._bases: dict[tuple[str, str], str] = {}

    def find(self, kind: str, name: str, frames: Frames, frames_sha256: str) -> np.ndarray:
        """What `name` finds in uint8 (T, H, W, 3) frames.

        kind "landmarks": float64 (T, 68, 2), NaN where no face was found; "faces": float64 (M, 6); "features": float32
        (N, D). Raises MissingWeights, and MetricError where a shape is another.
        """
        key = self._key(kind, name, frames_sha256)
        found = self._memory.pop(key, None)
        if found is None:
            found = load_array(self._folder, key)
        if found is None:
            found = _look(self, kind, name, frames, frames_sha256)
            keep_array(self._folder, key, found)
        self._memory[key] = found
        while len(self._memory) > 1 and sum(values.nbytes for values in self._memory.values()) > _KEPT:
            self._memory.popitem(last=False)
        return found

    def known(self, kind: str, name: str, frames_sha256: str) -> np.ndarray | None:
        """What was found before, None where nobody looked or the file is gone; it stays on disk until it is read."""
        return load_array(self._folder, self._key(kind, name, frames_sha256), lazily=True)

    def holds(self, kind: str, name: str, frames_sha256: str) -> bool:
        """Whether a finding lies in the folder."""
        return (self._folder / f"{self._key(kind, name, frames_sha256)}.npy").is_file()

    def _key(self, kind: str, name: str, frames_sha256: str) -> str:
        """sha256 (hex) over the pixels, and over the weights and the code of what looks at them."""
        looker = (kind, name)
        if looker not in self._bases:
            self._bases[looker] = sha256_json([kind, name, looker_weights(kind, name), looker_source(kind, name)])
        return sha256_json([self._bases[looker], frames_sha256])


def _look(store: SightingStore, kind: str, name: str, frames: Frames, frames_sha256: str) -> np.ndarray:
    if kind == "landmarks":
        found = _detect(name, frames)
        if found.shape != (len(frames), 68, 2):
            raise MetricError(f"landmark backend {name}: expected shape ({len(frames)}, 68, 2), got {found.shape}")
        return found
    if kind == "faces":
        from metrics.faces import detector

        found = np.asarray(detector(name).find(frames), dtype=np.float64)
        if found.ndim != 2 or found.shape[1] != 6:
            raise MetricError(f"face detector {name}: expected shape (M, 6), got {found.shape}")
        return found
    from metrics.features import extractor

    network = extractor(name)
    points = None
    if network.landmarks is not None:
        points = store.find("landmarks", network.landmarks, frames, frames_sha256)
    found = np.asarray(network.extract(frames, points), dtype=np.float32)
    if found.ndim != 2:
        raise MetricError(f"feature extractor {name}: expected shape (N, D), got {found.shape}")
    return found


def _detect(name: str, frames: Frames) -> np.ndarray:
    return np.asarray(landmark_backend(name).detect(frames), dtype=np.float64)
