"""68 landmarks of photographed faces by dlib: HOG detector, then the regression-tree predictor. Extra `faces`.

Licence: the predictor was trained on 300-W (Sagonas et al. 2013), whose licence excludes commercial use; the author of
dlib asks not to use the file in a commercial product. It is read from the wheel `face_recognition_models`.

Each frame alone: HOG on the frame as it is; where that is sure of nothing, HOG on the frame enlarged twice (faces below
80 pixels); then what HOG was less sure of; where there is nothing at all, the CNN detector (max-margin, King 2015),
which costs 0.7 s a frame at 256x256 and therefore sees only those frames. The largest face counts. The predictor was
made for HOG's boxes; in the CNN's its points lie a little differently. Points are whole pixels; a box moved by 3 pixels
moves them by half a pixel, which is the noise floor of every distance between them.

Source: Dalal and Triggs 2005 (HOG); Kazemi and Sullivan 2014 (predictor); D. King, dlib.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from typing import Any

import numpy as np

from metrics.errors import MetricError, MissingWeights

PREDICTOR, CNN = "dlib68", "dlib_mmod"
SURE = 0.3
"""HOG's score from which a box is a face beyond doubt. Measured: faces of six real films score 0.68 to 3.1; what
it takes for one in a space suit, in a box larger than the wearer's face, 0.10 to 0.12."""
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two included; it may reach beyond the frame."""


class Dlib68:
    """dlib's detectors and predictor as a landmark backend."""

    name = "dlib68"
    weights = (PREDICTOR, CNN)

    def __init__(self) -> None:
        import dlib

        from metrics.weights import locate_intact

        self._dlib: Any = dlib
        self._hog = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(locate_intact(PREDICTOR)))
        self._cnn_file = str(locate_intact(CNN))
        self._cnn: Any = None

    def detect(self, frames: np.ndarray) -> np.ndarray:
        """float64 (T, 68, 2) pixels (x, y) of uint8 (T, H, W, 3) RGB frames; NaN where no face was found."""
        if frames.ndim != 4 or frames.dtype != np.uint8 or frames.shape[3] != 3:
            raise MetricError(f"dlib68: expected uint8 frames (T, H, W, 3), got {frames.dtype} {frames.shape}")
        found = np.full((len(frames), 68, 2), np.nan)
        for t, frame in enumerate(frames):
            # a still picture is the commonest control: what was found is found again
            same = t > 0 and np.array_equal(frame, frames[t - 1])
            found[t] = found[t - 1] if same else self._one(np.ascontiguousarray(frame))
        return found

    def largest_face(self, image: np.ndarray) -> Box | None:
        """The box of the largest face in uint8 (H, W, 3) RGB, None where there is none."""
        doubtful: list[Any] = []
        for doublings in (0, 1):
            found, scores, _ = self._hog.run(image, doublings, 0.0)
            boxes = [box for box, score in zip(found, scores, strict=True) if score >= SURE]
            if boxes:
                break
            doubtful = doubtful or list(found)
        boxes = boxes or doubtful or self._search(image)
        if not boxes:
            return None
        box = max(boxes, key=lambda b: b.area())
        return box.left(), box.top(), box.right(), box.bottom()

    def faces(self, image: np.ndarray, *, doublings: int = 0, least: float = 0.0) -> list[tuple[Box, float]]:
        """Boxes and scores of what HOG alone takes for faces in uint8 (H, W, 3) RGB, from a score of `least` up.

        Faces of 80 pixels and more are found, of 40 and more in a picture that is doubled once.
        """
        found, scores, _ = self._hog.run(np.ascontiguousarray(image), doublings, least)
        return [((b.left(), b.top(), b.right(), b.bottom()), s) for b, s in zip(found, scores, strict=True)]

    def points(self, image: np.ndarray, box: Box) -> np.ndarray:
        """The 68 landmarks float64 (68, 2) of the face in a box of uint8 (H, W, 3) RGB."""
        shape = self._predictor(np.ascontiguousarray(image), self._dlib.rectangle(*box))
        return np.array([(part.x, part.y) for part in shape.parts()], np.float64)

    def _one(self, image: np.ndarray) -> np.ndarray:
        box = self.largest_face(image)
        return np.full((68, 2), np.nan) if box is None else self.points(image, box)

    def _search(self, image: np.ndarray) -> list[Any]:
        if self._cnn is None:
            self._cnn = self._dlib.cnn_face_detection_model_v1(self._cnn_file)
        return [found.rect for found in self._cnn(image, 0)]


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
    if importlib.util.find_spec("dlib") is None:
        raise MissingWeights(
            "landmark backend dlib68 needs dlib: install the extra `faces` (pip install 'avct-bench[faces]')"
        )
    return Dlib68()
