"""dlib's predictor of 68 landmarks in a box: what the backends `dlib68` and `yunet68` share. Extra `faces`.

Licence: the predictor was trained on 300-W (Sagonas et al. 2013), whose licence excludes commercial use; the author of
dlib asks not to use the file in a commercial product. It is read from the wheel `face_recognition_models`.

Points are whole pixels; a box moved by 3 pixels moves them by half a pixel, which is the noise floor of every distance
between them. Source: Kazemi and Sullivan 2014; D. King, dlib.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from typing import Any

import numpy as np

from metrics.errors import MissingWeights
from metrics.faces import Box

PREDICTOR = "dlib68"
NOWHERE = np.full((68, 2), np.nan)
"""The landmarks of a frame without a face."""
NOWHERE.flags.writeable = False


class Predictor68:
    """The predictor: made for the boxes of dlib's HOG detector."""

    def __init__(self, predictor: Any, rectangle: Any) -> None:
        self._predictor, self._rectangle = predictor, rectangle

    def points(self, image: np.ndarray, box: Box) -> np.ndarray:
        """The 68 landmarks float64 (68, 2) of the face in a box of uint8 (H, W, 3) RGB."""
        shape = self._predictor(np.ascontiguousarray(image), self._rectangle(*box))
        return np.array([(part.x, part.y) for part in shape.parts()], np.float64)


def open_predictor(backend: str) -> Predictor68:
    """The predictor, its file compared with weights.toml. Raises MissingWeights, naming the backend that asks."""
    if importlib.util.find_spec("dlib") is None:
        raise MissingWeights(
            f"landmark backend {backend} needs dlib: install the extra `faces` (pip install 'avct-bench[faces]')"
        )
    from metrics.weights import locate_intact

    return _open(str(locate_intact(PREDICTOR)))


@lru_cache(maxsize=1)
def _open(path: str) -> Predictor68:
    """Once a process, whoever asks: it is 100 MB."""
    import dlib

    return Predictor68(dlib.shape_predictor(path), dlib.rectangle)
