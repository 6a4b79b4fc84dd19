"""Faces by S3FD, the detector of SyncNet's pipelines: syncnet_python's network, at a quarter of the frame's size.

Each frame alone: reduced to SCALE bilinearly without antialiasing, its colours less their means; every face above SURE;
of two that overlap by more than OVERLAP (intersection over union) the surer. So a face under some 60 pixels is not
found. A frame whose reduced side is under 28 pixels has none: the network has nothing left to look at.

Source: Zhang et al., "S3FD: single shot scale-invariant face detector", ICCV 2017.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from metrics.clip import Frames
from metrics.faces import Found, tabulate
from metrics.stills import check, each

WEIGHTS = "s3fd"
SCALE, SURE, OVERLAP = 0.25, 0.9, 0.1
LEAST_SIDE = 28
# of red, green and blue, in the order in which syncnet_python takes them off: blue's mean is BGR's first
_MEANS = np.array([123.0, 117.0, 104.0], np.float32)


class S3fd:
    """S3FD as a face detector."""

    name = "s3fd"
    weights = (WEIGHTS,)

    def __init__(self, network: Any) -> None:
        self._network = network.eval()

    def find(self, frames: Frames) -> np.ndarray:
        """float64 (M, 6), see `FaceDetector`; scores are 0.9 to 1."""
        check(frames, self.name)
        return tabulate(each(frames, self.faces))

    def faces(self, image: np.ndarray) -> list[Found]:
        """Boxes and scores of every face in uint8 (H, W, 3) RGB, by falling score."""
        import cv2
        import torch

        height, width = image.shape[:2]
        if round(SCALE * min(height, width)) < LEAST_SIDE:
            return []
        small = cv2.resize(image, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_LINEAR)
        picture = torch.from_numpy((small.astype(np.float32) - _MEANS).transpose(2, 0, 1)[None].copy())
        with torch.inference_mode():
            # (1, background and face, candidates, score and four edges in parts of the frame), by falling score
            found = self._network(picture)[0, 1].numpy()
        found = found[found[:, 0] > SURE]
        boxes = found[:, 1:] * np.array([width, height, width, height], np.float32)
        return [(tuple(boxes[k].tolist()), float(found[k, 0])) for k in _kept(boxes.astype(np.float64))]


def _kept(boxes: np.ndarray) -> list[int]:
    """Which of (N, 4) boxes, surest first, overlap none that is kept before them."""
    from metrics.face_track import overlap

    kept: list[int] = []
    for k, box in enumerate(boxes):
        if not kept or overlap(box, boxes[kept]).max() <= OVERLAP:
            kept.append(k)
    return kept


def build_network() -> Any:
    """The untrained network `syncnet_python.detectors.s3fd.nets.S3FDNet`, on the processor."""
    from metrics.syncnet import part

    return part("detectors.s3fd.nets").S3FDNet(device="cpu")


@lru_cache(maxsize=1)
def load() -> S3fd:
    """The detector. Raises MissingWeights where its file is not here, MetricError for another file."""
    from metrics.weights import load_state

    state = load_state(WEIGHTS)
    network = build_network()
    network.load_state_dict(state)
    return S3fd(network)
