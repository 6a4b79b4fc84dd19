"""Frames brought to a network's size by named conventions, which differ by more than a method's gain.

Each takes uint8 (N, H, W, 3) and gives float32 (N, 3, side, side) in 0..255, not rounded. Which one a number was made
with is part of its name: Parmar, Zhang, Zhu 2022, arXiv 2104.11222, show FID move by several units with it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def bilinear(frames: np.ndarray, side: int) -> torch.Tensor:
    """Two by two neighbours weighted by distance, pixel centres at halves, no low-pass when it shrinks: as torch's
    `interpolate(mode="bilinear", align_corners=False)`, which pytorch-fid uses.
    """
    import torch
    from torch.nn import functional as F

    pictures = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    return F.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False)


def bilinear_tf1(frames: np.ndarray, side: int) -> torch.Tensor:
    """Two by two neighbours weighted by distance, sampled at i * size / side: TensorFlow 1's resize, whose pixels are
    corners, so that the picture moves up and left by up to half a pixel. No low-pass when it shrinks.
    """
    import torch

    pictures = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    for axis in (2, 3):
        size = pictures.shape[axis]
        # in float32, as TensorFlow computed it: the weights' last digits are part of the convention
        place = torch.arange(side, dtype=torch.float32) * torch.tensor(size / side, dtype=torch.float32)
        low = place.long().clamp_max(size - 1)
        shape = [1, 1, 1, 1]
        shape[axis] = side
        weight = (place - low).view(shape)
        near = pictures.index_select(axis, low)
        far = pictures.index_select(axis, (low + 1).clamp_max(size - 1))
        pictures = near + (far - near) * weight
    return pictures


def bicubic_clean(frames: np.ndarray, side: int) -> torch.Tensor:
    """Keys' bicubic (a = -0.5), widened when it shrinks, each channel in float32 by Pillow, cut to 0..255: clean-fid's.

    Pillow's own uint8 resize rounds between its two passes and after; in float nothing is rounded.
    """
    import torch
    from PIL import Image

    out = np.empty((len(frames), 3, side, side), np.float32)
    for target, frame in zip(out, frames, strict=True):
        for channel in range(3):
            picture = Image.fromarray(np.ascontiguousarray(frame[:, :, channel], dtype=np.float32))
            target[channel] = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
    return torch.from_numpy(out.clip(0, 255))
