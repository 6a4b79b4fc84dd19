"""Keypoints with their local linear maps, coordinate grids and warps: the conventions that all networks share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Keypoints(NamedTuple):
    """Keypoints of B frames: value float (B, K, 2) as x, y in [-1, 1]; jacobian float (B, K, 2, 2) or None.

    jacobian is the linear part of the map from the canonical pose to the frame; None stands for identities.
    """

    value: Tensor
    jacobian: Tensor | None = None


def grid(height: int, width: int, *, like: Tensor) -> Tensor:
    """Coordinates of the pixels, float (height, width, 2) as x, y, of like's dtype and device.

    Corner pixels lie at exactly -1 and 1, whereas `warp` counts -1 and 1 as the outer edges of the corner pixels. This
    half-pixel disagreement comes from FOMM; the published weights were trained with it, so it stays.
    """
    x = torch.linspace(-1.0, 1.0, width, dtype=like.dtype, device=like.device)
    y = torch.linspace(-1.0, 1.0, height, dtype=like.dtype, device=like.device)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def gaussians(value: Tensor, points: Tensor, *, variance: float) -> Tensor:
    """Bells of height 1 around keypoints (B, K, 2) at the points (H, W, 2) of a `grid`: (B, K, H, W).

    A bell is the product of its profiles along x and along y: H + W exponentials for each instead of H * W.
    """
    x = torch.exp(-0.5 * (points[0, :, 0] - value[..., 0:1]) ** 2 / variance)
    y = torch.exp(-0.5 * (points[:, 0, 1] - value[..., 1:2]) ** 2 / variance)
    return y[..., :, None] * x[..., None, :]


def warp(image: Tensor, coordinates: Tensor) -> Tensor:
    """image (B, C, H, W) read at coordinates (B, h, w, 2): (B, C, h, w), bilinear, black outside the image."""
    # align_corners=False disagrees with `grid`, on purpose: see there.
    return F.grid_sample(image, coordinates, mode="bilinear", padding_mode="zeros", align_corners=False)


def invert(matrices: Tensor) -> Tensor:
    """Inverses of 2x2 matrices (..., 2, 2) by the closed formula; not finite where a matrix is singular."""
    a, b, c, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    determinant = a * d - b * c
    adjugate = torch.stack([d, -b, -c, a], dim=-1).reshape(matrices.shape)
    return adjugate / determinant[..., None, None]
