"""The inflated Inception network (I3D) that FVD is made of: 400 logits of Kinetics' classes for 16 frames.

Written from the paper's figure 3 and Inception v1's table of widths; parts bear the names of pytorch-i3d's published
state dict `rgb_imagenet.pt`, which carries DeepMind's weights over. Padding is TensorFlow's "SAME": what is lacking for
a whole number of strides, the odd pixel at the end.

Source: Carreira and Zisserman 2017, arXiv 1705.07750; Szegedy et al. 2015, arXiv 1409.4842, table 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.clip import Frames
from metrics.resize import bilinear_tf1

if TYPE_CHECKING:
    import torch

WEIGHTS = "i3d"
CLASSES = 400
WINDOW = 16
"""Frames that one line of features sees; windows follow one another without overlap, a rest at the end is left out."""
SIDE = 224
_BATCH = 2
"""Windows at once: 0.4 GB at the widest layer."""
_STEM = (
    ("Conv3d_1a_7x7", 64, 7, 2), ("MaxPool3d_2a_3x3", 0, (1, 3, 3), (1, 2, 2)), ("Conv3d_2b_1x1", 64, 1, 1),
    ("Conv3d_2c_3x3", 192, 3, 1), ("MaxPool3d_3a_3x3", 0, (1, 3, 3), (1, 2, 2)),
)  # fmt: skip
_MIXED = (
    ("Mixed_3b", (64, 96, 128, 16, 32, 32)), ("Mixed_3c", (128, 128, 192, 32, 96, 64)),
    ("MaxPool3d_4a_3x3", 3),
    ("Mixed_4b", (192, 96, 208, 16, 48, 64)), ("Mixed_4c", (160, 112, 224, 24, 64, 64)),
    ("Mixed_4d", (128, 128, 256, 24, 64, 64)), ("Mixed_4e", (112, 144, 288, 32, 64, 64)),
    ("Mixed_4f", (256, 160, 320, 32, 128, 128)),
    ("MaxPool3d_5a_2x2", 2),
    ("Mixed_5b", (256, 160, 320, 32, 128, 128)), ("Mixed_5c", (384, 192, 384, 48, 128, 128)),
)  # fmt: skip
"""Widths of a mixed block's branches: 1x1; 1x1, 3x3; 1x1, 3x3 (drawn as 5x5 in Inception v1); 1x1 after pooling."""


def build_network() -> torch.nn.Module:
    """The untrained network: `forward(float (N, 3, T, H, W) in [-1, 1]) -> logits (N, 400)`, T and H, W as large as
    16 and 193 or more: a mean over time of what 2 x 7 x 7 places and the classifier give.
    """
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F

    def triple(value: Any) -> tuple[int, int, int]:
        return value if isinstance(value, tuple) else (value, value, value)

    def pad_same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
        edges: list[int] = []
        for size, k, s in reversed(list(zip(x.shape[2:], kernel, stride, strict=True))):
            lacking = max(k - (size % s or s), 0)
            edges += [lacking // 2, lacking - lacking // 2]
        # zeros serve pooling as well: what is pooled has passed a rectifier
        return F.pad(x, edges)

    class Unit(nn.Module):
        def __init__(self, inputs: int, outputs: int, kernel: Any = 1, stride: Any = 1, *, bare: bool = False) -> None:
            super().__init__()
            self.kernel, self.stride, self.bare = triple(kernel), triple(stride), bare
            self.conv3d = nn.Conv3d(inputs, outputs, self.kernel, self.stride, bias=bare)
            if not bare:
                self.bn = nn.BatchNorm3d(outputs, eps=1e-3)  # DeepMind's, not torch's 1e-5

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv3d(pad_same(x, self.kernel, self.stride))
            return x if self.bare else F.relu(self.bn(x))

    class Pool(nn.Module):
        def __init__(self, kernel: Any, stride: Any) -> None:
            super().__init__()
            self.kernel, self.stride = triple(kernel), triple(stride)

        def forward(self, x: Tensor) -> Tensor:
            return F.max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)

    class Mixed(nn.Module):
        def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
            super().__init__()
            a, b, c, d, e, f = widths
            self.b0 = Unit(inputs, a)
            self.b1a, self.b1b = Unit(inputs, b), Unit(b, c, 3)
            self.b2a, self.b2b = Unit(inputs, d), Unit(d, e, 3)
            self.b3a, self.b3b = Pool(3, 1), Unit(inputs, f)

        def forward(self, x: Tensor) -> Tensor:
            branches = (self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x)))
            return torch.cat(branches, 1)

    class I3D(nn.Sequential):
        def __init__(self) -> None:
            super().__init__()
            width = 3
            for name, outputs, kernel, stride in _STEM:
                self.add_module(name, Unit(width, outputs, kernel, stride) if outputs else Pool(kernel, stride))
                width = outputs or width
            for name, shape in _MIXED:
                if isinstance(shape, int):
                    self.add_module(name, Pool(shape, 2))
                else:
                    self.add_module(name, Mixed(width, shape))
                    width = shape[0] + shape[2] + shape[4] + shape[5]
            self.add_module("avg_pool", nn.AvgPool3d((2, 7, 7), 1))
            self.add_module("logits", Unit(width, CLASSES, bare=True))

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).mean((2, 3, 4))

    return I3D()


def build_trunk(state: dict[str, Any]) -> torch.nn.Module:
    """The network with those weights, ready to be read."""
    import torch

    with torch.device("meta"):  # no first weights are drawn only to be thrown away
        network = build_network()
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


@lru_cache(maxsize=1)
def load_trunk() -> torch.nn.Module:
    """The network with the published weights. Raises MissingWeights where they are not here."""
    from metrics.weights import load_state

    return build_trunk(load_state(WEIGHTS))


class Windows:
    """The network as a feature extractor that looks at whole frames, a line for every WINDOW of them."""

    name = "i3d"
    weights = (WEIGHTS,)
    landmarks = None

    def __init__(self, trunk: torch.nn.Module) -> None:
        self._trunk = trunk

    def extract(self, frames: Frames, points: np.ndarray | None = None) -> np.ndarray:
        """float32 (T // 16, 400) of uint8 (T, H, W, 3) RGB frames of any size; no line of fewer than 16 frames."""
        import torch

        count = len(frames) // WINDOW
        out = np.empty((count, CLASSES), np.float32)
        with torch.inference_mode():
            for start in range(0, count, _BATCH):
                some = min(_BATCH, count - start)
                pictures = bilinear_tf1(frames[start * WINDOW : (start + some) * WINDOW], SIDE) / 127.5 - 1
                windows = pictures.reshape(some, WINDOW, 3, SIDE, SIDE).transpose(1, 2)
                out[start : start + some] = self._trunk(windows).numpy()
        return out
