"""IResNet-50 of ArcFace: the network that turns an aligned face of 112x112 into 512 numbers, and the alignment.

Written from the papers: residual blocks of pre-activation kind (He, Zhang, Ren, Sun 2016, "Identity mappings in deep
residual networks") with PReLU between two 3x3 convolutions and a normalisation at both ends, no pooling and a fully
connected end (Deng, Guo, Xue, Zafeiriou 2019, "ArcFace": 3, 4, 14 and 3 blocks). Names and shapes are those of the
state dicts that its authors publish, so that their files load; 43.6 million parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrics.alignment import similarity

if TYPE_CHECKING:
    import torch

SIDE, WIDTH = 112, 512
BLOCKS = ((64, 3), (128, 4), (256, 14), (512, 3))
"""Channels and blocks of each of the four stages; each halves the picture."""
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
"""Where the eyes, the tip of the nose and the corners of the mouth come to lie, in pixels of the 112x112 picture: the
five places that ArcFace's training faces were aligned to (those of SphereFace, Liu et al. 2017, with a margin)."""


def five_points(points: np.ndarray) -> np.ndarray:
    """Both eyes' centres, the tip of the nose and the corners of the mouth (5, 2) of 68 landmarks (68, 2)."""
    return np.stack([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]])


def cut_face(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The face uint8 (112, 112, 3) of uint8 (H, W, 3) with landmarks (68, 2), by the similarity that lays its five
    points on TEMPLATE best; bilinear, black outside the picture.
    """
    import cv2

    turn, scale, shift = similarity(five_points(points), TEMPLATE)
    return cv2.warpAffine(image, np.column_stack([scale * turn, shift]), (SIDE, SIDE), flags=cv2.INTER_LINEAR)


def build_network() -> torch.nn.Module:
    """The untrained network: `forward(float (B, 3, 112, 112), RGB less 127.5 over 127.5) -> (B, 512)`."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.bn1 = nn.BatchNorm2d(inputs)
            self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.prelu = nn.PReLU(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False)
            self.bn3 = nn.BatchNorm2d(outputs)
            self.downsample: nn.Module | None = None
            if stride > 1 or inputs != outputs:
                shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
                self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

        def forward(self, x: Tensor) -> Tensor:
            kept = x if self.downsample is None else self.downsample(x)
            return self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))) + kept

    class IResNet50(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            before = BLOCKS[0][0]
            self.conv1 = nn.Conv2d(3, before, 3, padding=1, bias=False)
            self.bn1, self.prelu = nn.BatchNorm2d(before), nn.PReLU(before)
            for stage, (channels, count) in enumerate(BLOCKS, start=1):
                blocks = [Block(before, channels, 2), *(Block(channels, channels, 1) for _ in range(count - 1))]
                self.add_module(f"layer{stage}", nn.Sequential(*blocks))
                before = channels
            self.bn2 = nn.BatchNorm2d(before)
            self.fc = nn.Linear(before * (SIDE // 16) ** 2, WIDTH)
            self.features = nn.BatchNorm1d(WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            x = self.prelu(self.bn1(self.conv1(x)))
            for stage in range(1, len(BLOCKS) + 1):
                x = self.get_submodule(f"layer{stage}")(x)
            return self.features(self.fc(self.bn2(x).flatten(1)))

    return IResNet50().eval()
