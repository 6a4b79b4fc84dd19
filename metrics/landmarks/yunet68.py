"""68 landmarks by YuNet's largest face and dlib's predictor: faster than `dlib68`, and it sees turned and dark faces.

Needs the extra `faces` for dlib and YuNet's model file. Licence: the predictor was trained on 300-W, which excludes
commercial use (see `metrics.landmarks.predictor68`).

YuNet's box is tight, from brow to chin, and the predictor was made for HOG's squares: in raw boxes its points move by
2.8 % of the eyes' distance. So the box becomes a square, its centre moved by SHIFT of the box's width and height, its
side the mean of SIDE times them; fitted to HOG's boxes of the same faces, whose points it meets to 1.0 %. Over 240
frames of six films: 1.3 % on average, 14 % in the worst. A frame without a face has no landmarks; the largest face
counts. A head on its side is seen, but its landmarks are wrong: the predictor knows upright ones (some 30 degrees).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from metrics.clip import Frames
from metrics.faces import Box, largest
from metrics.faces import yunet as yunet_detector
from metrics.faces.yunet import Yunet
from metrics.landmarks.predictor68 import NOWHERE, PREDICTOR, Predictor68, open_predictor
from metrics.stills import check, each

SHIFT = (-0.008, 0.079)
SIDE = (1.115, 0.802)


class Yunet68:
    """YuNet and dlib's predictor as a landmark backend."""

    name = "yunet68"
    weights = (yunet_detector.WEIGHTS, PREDICTOR)

    def __init__(self, detector: Yunet, predictor: Predictor68) -> None:
        self._detector, self._predictor = detector, predictor

    def detect(self, frames: Frames) -> np.ndarray:
        """float64 (T, 68, 2) pixels (x, y) of uint8 (T, H, W, 3) RGB frames; NaN where no face was found."""
        check(frames, self.name)
        return np.array(list(each(frames, self._one))).reshape(-1, 68, 2)

    def _one(self, image: np.ndarray) -> np.ndarray:
        box = largest(self._detector.faces(image))
        return NOWHERE if box is None else self._predictor.points(image, square(box))


def square(box: tuple[float, float, float, float]) -> Box:
    """The square that HOG would draw around the face in a box of YuNet, both with edges inclusive."""
    left, top, right, bottom = box
    width, height = right - left + 1, bottom - top + 1
    x = (left + right) / 2 + SHIFT[0] * width
    y = (top + bottom) / 2 + SHIFT[1] * height
    reach = ((SIDE[0] * width + SIDE[1] * height) / 2 - 1) / 2
    return round(x - reach), round(y - reach), round(x + reach), round(y + reach)


@lru_cache(maxsize=1)
def load() -> Yunet68:
    """The backend. Raises MissingWeights without `faces` or YuNet's file."""
    return Yunet68(yunet_detector.load(), open_predictor(Yunet68.name))
