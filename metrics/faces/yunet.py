"""Faces by YuNet through OpenCV's FaceDetectorYN: frontal, turned and tilted ones, some 3 ms a frame of 256x256.

Each frame alone: a frame with a side above LONGEST is reduced (area average) so that its longer side is LONGEST, since
YuNet finds no faces above some 500 pixels; then every face of score SURE or more, of two that overlap by more than
OVERLAP (intersection over union) the surer. A box is as YuNet gives it, tight from brow to chin; it may reach beyond
the frame. The model file is the user's: nothing else is changed or fetched.

Source: Wu, Peng, Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 2023.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from metrics.clip import Frames
from metrics.faces import Found, tabulate
from metrics.stills import check, each

WEIGHTS = "yunet"
SURE = 0.7
"""Least score. Measured: faces of six real films score 0.93 and more, one squashed to 0.4 of its width 0.84, in a
fifteenth of its light 0.91; what is taken for a face in pictures of stars, a cat and noise 0.70 at most."""
OVERLAP = 0.3
LONGEST = 640
_CANDIDATES = 5000


class Yunet:
    """YuNet as a face detector."""

    name = "yunet"
    weights = (WEIGHTS,)

    def __init__(self, network: Any) -> None:
        self._network = network

    def find(self, frames: Frames) -> np.ndarray:
        """float64 (M, 6), see `FaceDetector`; scores are SURE to 1."""
        check(frames, self.name)
        return tabulate(each(frames, self.faces))

    def faces(self, image: np.ndarray) -> list[Found]:
        """Boxes and scores of every face in uint8 (H, W, 3) RGB, by falling score."""
        import cv2

        height, width = image.shape[:2]
        ratio = min(1.0, LONGEST / max(height, width))
        if ratio < 1:
            size = max(1, round(width * ratio)), max(1, round(height * ratio))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._network.setInputSize((image.shape[1], image.shape[0]))
        _, found = self._network.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        if found is None:
            return []
        scale = np.array([width / image.shape[1], height / image.shape[0]] * 2)
        # left, top, width, height of an area: its last column is one less than where it ends
        boxes = found[:, :4].astype(np.float64) * scale
        boxes[:, 2:] = boxes[:, :2] + np.maximum(boxes[:, 2:], 1) - 1
        order = np.argsort(-found[:, 14], kind="stable")
        return [(tuple(boxes[i].tolist()), float(found[i, 14])) for i in order]


@lru_cache(maxsize=1)
def load() -> Yunet:
    """The detector. Raises MissingWeights where its file is not here, MetricError for another file."""
    import cv2

    from metrics.weights import locate_intact

    path = str(locate_intact(WEIGHTS))
    # OpenCV 5 warns, at each start, of a setting that the detector itself makes
    logging = getattr(getattr(cv2, "utils", None), "logging", None)
    level = logging.getLogLevel() if logging else None
    try:
        if logging:
            logging.setLogLevel(logging.LOG_LEVEL_ERROR)
        return Yunet(cv2.FaceDetectorYN.create(path, "", (LONGEST, LONGEST), SURE, OVERLAP, _CANDIDATES))
    finally:
        if logging:
            logging.setLogLevel(level)
