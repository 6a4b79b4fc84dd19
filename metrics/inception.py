"""The Inception network of 2015 that FID is made of: 2,048 numbers a picture, and the ways a picture is brought to it.

Its graph is TensorFlow's of 2015-12-05, not torchvision's Inception v3, and the blocks that differ are `pytorch_fid`'s;
put together here, since its own constructor downloads. Weights are a file that the user has (`weights ls`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics import resize
from metrics.clip import Frames

if TYPE_CHECKING:
    import torch

WEIGHTS = "inception2015"
SIDE = 299
DIMENSIONS = 2048
_CLASSES = 1008
_BATCH = 16
"""Pictures at once: 0.5 GB at the widest layer, and no faster with more."""


@dataclass(frozen=True)
class Convention:
    """How uint8 frames become the network's input: resized to 299x299 in 0..255, less `centre`, over `scale`."""

    resize: Callable[[np.ndarray, int], torch.Tensor]
    centre: float
    scale: float


PYTORCHFID = Convention(resize.bilinear, 127.5, 127.5)
CLEAN = Convention(resize.bicubic_clean, 128.0, 128.0)
TF = Convention(resize.bilinear_tf1, 128.0, 128.0)


def build_network() -> torch.nn.Module:
    """The untrained network with its classifier, whose names are those of the published file of weights."""
    from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
    from torchvision.models.inception import BasicConv2d, Inception3, InceptionAux, InceptionB, InceptionD

    blocks = [BasicConv2d, FIDInceptionA, InceptionB, FIDInceptionC, InceptionD, FIDInceptionE_1, InceptionAux]
    network = Inception3(num_classes=_CLASSES, aux_logits=False, inception_blocks=blocks, init_weights=False)
    network.Mixed_7c = FIDInceptionE_2(DIMENSIONS)  # the last block pools by maximum, the one before by mean
    return network


def build_trunk(state: dict[str, Any]) -> torch.nn.Module:
    """The network with those weights up to its last mean over places: float (N, 3, 299, 299), -1..1 -> (N, 2048)."""
    from metrics import inception_trunk

    return inception_trunk.build(state)


@lru_cache(maxsize=1)
def load_trunk() -> torch.nn.Module:
    """The trunk with the published weights, one for all conventions. Raises MissingWeights where they are not here."""
    from metrics.weights import load_state

    return build_trunk(load_state(WEIGHTS))


class Inception:
    """The trunk as a feature extractor that looks at whole frames, a line each."""

    weights = (WEIGHTS,)
    landmarks = None

    def __init__(self, name: str, convention: Convention, trunk: torch.nn.Module) -> None:
        self.name = name
        self._convention = convention
        self._trunk = trunk

    def extract(self, frames: Frames, points: np.ndarray | None = None) -> np.ndarray:
        """float32 (T, 2048) of uint8 (T, H, W, 3) RGB frames of any size."""
        import torch

        out = np.empty((len(frames), DIMENSIONS), np.float32)
        rule = self._convention
        with torch.inference_mode():
            for start in range(0, len(frames), _BATCH):
                pictures = rule.resize(frames[start : start + _BATCH], SIDE)
                pictures = ((pictures - rule.centre) / rule.scale).contiguous(memory_format=torch.channels_last)
                out[start : start + _BATCH] = self._trunk(pictures).numpy()
        return out
