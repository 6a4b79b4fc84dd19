"""Faces by dlib's HOG detector, frontal or nearly so. Extra `faces` for dlib; no weight file, the detector is in it.

Each frame alone: what HOG scores SURE or more in the frame as it is; where that is nothing, in the frame enlarged twice
(faces below 80 pixels, down to 40); where that is nothing either, what it scored 0 or more, in the frame before the
enlarged one. So a small face beside a large one is not found, nor a profile or a head on its side.

Source: Dalal and Triggs 2005; D. King, dlib (five trees: frontal, two turned, two tilted).
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import numpy as np

from metrics.clip import Frames
from metrics.errors import MissingWeights
from metrics.faces import Found, tabulate
from metrics.stills import check, each

SURE = 0.3
"""HOG's score from which a box is a face beyond doubt. Measured: faces of six real films score 0.68 to 3.1; what
it takes for one in a space suit, in a box larger than the wearer's face, 0.10 to 0.12."""

_REMEMBERED = 8192
"""Frames whose faces are remembered, a few hundred bytes each: five minutes of a video."""


class Hog:
    """dlib's HOG detector as a face detector."""

    name = "hog"
    weights: tuple[str, ...] = ()

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._known: OrderedDict[tuple[bytes, tuple[int, ...]], list[Found]] = OrderedDict()

    def find(self, frames: Frames) -> np.ndarray:
        """float64 (M, 6), see `FaceDetector`; scores are HOG's, mostly 0 to 4."""
        check(frames, self.name)
        return tabulate(each(frames, self.faces))

    def faces(self, image: np.ndarray) -> list[Found]:
        """Boxes and scores of every face in uint8 (H, W, 3) RGB by the rule above; empty where there is none.

        Landmarks and tracks ask for the same frames one after the other: what was found in the last ones is known.
        """
        key = (hashlib.sha256(np.ascontiguousarray(image).data).digest(), image.shape)
        if key not in self._known:
            self._known[key] = self._look(image)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return list(self._known[key])

    def _look(self, image: np.ndarray) -> list[Found]:
        doubtful: list[Found] = []
        for doublings in (0, 1):
            found = self.search(image, doublings=doublings)
            sure = [one for one in found if one[1] >= SURE]
            if sure:
                return sure
            doubtful = doubtful or found
        return doubtful

    def search(self, image: np.ndarray, *, doublings: int = 0, least: float = 0.0) -> list[Found]:
        """Boxes and scores in uint8 (H, W, 3) RGB enlarged twice `doublings` times, from a score of `least` up."""
        found, scores, _ = self._detector.run(np.ascontiguousarray(image), doublings, least)
        return [((b.left(), b.top(), b.right(), b.bottom()), s) for b, s in zip(found, scores, strict=True)]


@lru_cache(maxsize=1)
def load() -> Hog:
    """The detector. Raises MissingWeights without `faces`."""
    if importlib.util.find_spec("dlib") is None:
        raise MissingWeights(
            "face detector hog needs dlib: install the extra `faces` (pip install 'avct-bench[faces]')"
        )
    import dlib

    return Hog(dlib.get_frontal_face_detector())
