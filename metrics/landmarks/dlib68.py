"""68 landmarks of photographed faces by dlib: HOG detector, then the regression-tree predictor. Extra `faces`.

Licence: the predictor was trained on 300-W (Sagonas et al. 2013), whose licence excludes commercial use; the author of
dlib asks not to use the file in a commercial product. It is read from the wheel `face_recognition_models`.

Each frame alone: HOG on the frame as it is; where that is sure of nothing, HOG on the frame enlarged twice (faces below
80 pixels); then what HOG was less sure of (`metrics.faces.hog`); where there is nothing at all, the CNN detector
(max-margin, King 2015), which costs 0.7 s a frame at 256x256 and therefore sees only those frames. The largest face
counts. The predictor was made for HOG's boxes; in the CNN's its points lie a little differently.

Source: Dalal and Triggs 2005 (HOG); Kazemi and Sullivan 2014 (predictor); D. King, dlib.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from metrics.clip import Frames
from metrics.errors import MetricError
from metrics.faces import Box, Found, largest
from metrics.faces import hog as hog_detector
from metrics.faces.hog import Hog
from metrics.landmarks.predictor68 import NOWHERE, PREDICTOR, Predictor68, open_predictor
from metrics.stills import check, each

CNN = "dlib_mmod"
_LEAST = 40
"""Side in pixels of the smallest picture that the CNN is shown: it cannot compute far smaller ones, and HOG in a
doubled picture finds faces of 40 pixels at least."""


class Dlib68:
    """dlib's detectors and predictor as a landmark backend."""

    name = "dlib68"
    weights = (PREDICTOR, CNN)

    def __init__(self, hog: Hog, predictor: Predictor68, cnn_file: str) -> None:
        self._hog, self._predictor, self._cnn_file = hog, predictor, cnn_file
        self._cnn: Any = None

    def detect(self, frames: Frames) -> np.ndarray:
        """float64 (T, 68, 2) pixels (x, y) of uint8 (T, H, W, 3) RGB frames; NaN where no face was found."""
        check(frames, self.name)
        return np.array(list(each(frames, self._one))).reshape(-1, 68, 2)

    def largest_face(self, image: np.ndarray) -> Box | None:
        """The box of the largest face in uint8 (H, W, 3) RGB, None where there is none."""
        box = largest(self._hog.faces(image) or self._search(image))
        return None if box is None else (int(box[0]), int(box[1]), int(box[2]), int(box[3]))

    def faces(self, image: np.ndarray, *, doublings: int = 0, least: float = 0.0) -> list[Found]:
        """Boxes and scores of what HOG alone takes for faces in uint8 (H, W, 3) RGB, from a score of `least` up.

        Faces of 80 pixels and more are found, of 40 and more in a picture that is doubled once.
        """
        return self._hog.search(image, doublings=doublings, least=least)

    def points(self, image: np.ndarray, box: Box) -> np.ndarray:
        """The 68 landmarks float64 (68, 2) of the face in a box of uint8 (H, W, 3) RGB."""
        return self._predictor.points(image, box)

    def _one(self, image: np.ndarray) -> np.ndarray:
        box = self.largest_face(image)
        return NOWHERE if box is None else self.points(image, box)

    def _search(self, image: np.ndarray) -> list[Found]:
        if min(image.shape[:2]) < _LEAST:
            return []
        if self._cnn is None:
            import dlib

            self._cnn = dlib.cnn_face_detection_model_v1(self._cnn_file)
        found = [(one.rect, one.confidence) for one in self._cnn(image, 0)]
        return [((b.left(), b.top(), b.right(), b.bottom()), score) for b, score in found]


def largest_face(image: np.ndarray) -> Box | None:
    """The box (left, top, right, bottom) of the largest face in uint8 (H, W, 3) RGB, None where there is none.

    Raises MissingWeights where the extra `faces` is not installed.
    """
    if image.ndim != 3 or image.dtype != np.uint8 or image.shape[2] != 3:
        raise MetricError(f"dlib68: expected a uint8 image (H, W, 3), got {image.dtype} {image.shape}")
    return load().largest_face(np.ascontiguousarray(image))


@lru_cache(maxsize=1)
def load() -> Dlib68:
    """The backend, its files compared with weights.toml once a process. Raises MissingWeights without `faces`."""
    from metrics.weights import locate_intact

    predictor = open_predictor(Dlib68.name)
    return Dlib68(hog_detector.load(), predictor, str(locate_intact(CNN)))
