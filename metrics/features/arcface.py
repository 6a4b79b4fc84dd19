"""ArcFace's 512 numbers of a face, every frame, by IResNet-50 with weights that the user gives ("arcface_r50").

The face is cut by five points from the 68 landmarks of `dlib68` (`metrics.arcface`), 112x112 RGB, less 127.5 over
127.5, not mirrored; a line is as the network gives it, not normalised. Insightface's published weights are for
research only. Extra `faces` for the landmarks.

Source: Deng, Guo, Xue, Zafeiriou, "ArcFace: additive angular margin loss for deep face recognition", CVPR 2019.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from metrics.arcface import WIDTH, build_network, cut_face
from metrics.clip import Frames
from metrics.errors import MetricError
from metrics.stills import check

WEIGHTS = "arcface_r50"
_BATCH = 16


class ArcFace:
    """IResNet-50 as a feature extractor."""

    name = "arcface"
    weights = (WEIGHTS,)
    landmarks = "dlib68"

    def __init__(self, network: Any) -> None:
        self._network = network.eval().float()

    def extract(self, frames: Frames, points: np.ndarray | None) -> np.ndarray:
        """float32 (T, 512) of uint8 (T, H, W, 3) RGB frames and their landmarks (T, 68, 2)."""
        check(frames, self.name)
        if points is None or len(points) != len(frames):
            raise MetricError(f"arcface: expected landmarks of each of {len(frames)} frames")
        out = np.full((len(frames), WIDTH), np.nan, np.float32)
        seen = np.flatnonzero(~np.isnan(points).any((1, 2)))
        for start in range(0, len(seen), _BATCH):
            some = seen[start : start + _BATCH]
            # a face that was cut before, in a still picture, is not looked at again
            cuts, inverse = np.unique(
                np.stack([cut_face(np.ascontiguousarray(frames[int(t)]), points[t]) for t in some]),
                axis=0,
                return_inverse=True,
            )
            out[some] = self._embed(cuts)[inverse.ravel()]
        return out

    def _embed(self, cuts: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            pictures = torch.from_numpy(cuts).permute(0, 3, 1, 2).float()
            return self._network((pictures - 127.5) / 127.5).numpy()


@lru_cache(maxsize=1)
def load() -> ArcFace:
    """The extractor. Raises MissingWeights where its file is not here, MetricError for one of another layout."""
    import torch

    from metrics.weights import load_state, locate

    state = load_state(WEIGHTS)
    with torch.device("meta"):  # 43.6 million numbers need not be drawn to be replaced
        network = build_network()
    try:
        network.load_state_dict(state, assign=True)
    except RuntimeError as error:
        said = " ".join(str(error).split())[:200]
        raise MetricError(f"{locate(WEIGHTS)}: expected the state dict of an IResNet-50: {said}") from None
    return ArcFace(network)
