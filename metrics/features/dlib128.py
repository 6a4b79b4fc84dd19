"""dlib's 128 numbers of a face, by its ResNet of 29 layers: every STRIDE-th frame, frames 0, STRIDE, 2 STRIDE, …

N = ceil(T / STRIDE) lines: an embedding costs some 90 ms on a core, and a face's identity does not change in a fifth of
a second. The face is turned upright and cut as `dlib.get_face_chip` does, by the 68 landmarks of `dlib68`: 150x150
pixels, a quarter of padding, no jitter. A line is as the network gives it, not normalised (length 1.4 to 1.6); by its
author two faces are one person's where their distance is under 0.6. Extra `faces`.

Source: D. King, dlib_face_recognition_resnet_model_v1 (2017); He, Zhang, Ren, Sun 2016 (residual networks).
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from typing import Any

import numpy as np

from metrics.clip import Frames
from metrics.errors import MetricError, MissingWeights
from metrics.stills import check

WEIGHTS = "dlib_resnet"
STRIDE = 5
WIDTH = 128
_CHIP, _PADDING = 150, 0.25


class Dlib128:
    """dlib's face-recognition network as a feature extractor."""

    name = "dlib128"
    weights = (WEIGHTS,)
    landmarks = "dlib68"

    def __init__(self, network: Any) -> None:
        self._network = network

    def extract(self, frames: Frames, points: np.ndarray | None) -> np.ndarray:
        """float32 (ceil(T / STRIDE), 128) of uint8 (T, H, W, 3) RGB frames and their landmarks (T, 68, 2)."""
        check(frames, self.name)
        if points is None or len(points) != len(frames):
            raise MetricError(f"dlib128: expected landmarks of each of {len(frames)} frames")
        lines: list[np.ndarray] = []
        before: tuple[np.ndarray, np.ndarray] | None = None
        for t in range(0, len(frames), STRIDE):
            seen = np.ascontiguousarray(frames[t]), points[t]
            repeated = before is not None and all(map(_same, before, seen))
            lines.append(lines[-1] if repeated else self._one(*seen))
            before = seen
        return np.array(lines, np.float32).reshape(-1, WIDTH)

    def _one(self, image: np.ndarray, points: np.ndarray) -> np.ndarray:
        if np.isnan(points).any():
            return np.full(WIDTH, np.nan, np.float32)
        return np.array(self._network.compute_face_descriptor(chip(image, points)), np.float32)


def chip(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The upright face uint8 (150, 150, 3) of uint8 (H, W, 3) RGB with landmarks (68, 2), black outside the picture."""
    import dlib

    parts = [dlib.point(round(x), round(y)) for x, y in points.tolist()]
    # the box is not used: the 68 points alone decide
    face = dlib.full_object_detection(dlib.rectangle(0, 0, 1, 1), parts)
    return dlib.get_face_chip(image, face, _CHIP, _PADDING)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


@lru_cache(maxsize=1)
def load() -> Dlib128:
    """The extractor. Raises MissingWeights without `faces`, MetricError for another file."""
    if importlib.util.find_spec("dlib") is None:
        remedy = "install the extra `faces` (pip install 'avct-bench[faces]')"
        raise MissingWeights(f"feature extractor dlib128 needs dlib: {remedy}")
    import dlib

    from metrics.weights import locate_intact

    return Dlib128(dlib.face_recognition_model_v1(str(locate_intact(WEIGHTS))))
