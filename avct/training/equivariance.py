"""Random smooth bendings of the picture plane: keypoints found without supervision must bend along (FOMM, section 3).

A bending is affine plus a thin-plate spline (Bookstein, 1989): z -> A z + t + sum_i w_i U(|z - c_i|), U(r) = r^2 log r,
over a 5x5 grid of control points. Its Jacobian is known in closed form.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avct.geometry import Keypoints, grid, invert

CONTROL = 5
"""Control points along each side."""


class Bending:
    """Bendings of B pictures. linear: (B, 2, 3). spline: (B, CONTROL^2, 2), the weights of the control points."""

    def __init__(self, linear: Tensor, spline: Tensor) -> None:
        self.linear, self.spline = linear, spline
        self.control = grid(CONTROL, CONTROL, like=linear).reshape(-1, 2)

    @classmethod
    def random(cls, rng: np.random.Generator, batch: int, *, affine: float = 0.05, spline: float = 0.005) -> Bending:
        """Bendings whose affine part departs from rest by `affine`, whose spline weights by `spline` (both sigmas)."""
        rest = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        linear = rest + rng.normal(0, affine, (batch, 2, 3))
        weights = rng.normal(0, spline, (batch, CONTROL**2, 2))
        return cls(torch.from_numpy(linear).float(), torch.from_numpy(weights).float())

    def to(self, like: Tensor) -> Bending:
        """The same bendings on another tensor's device."""
        return Bending(self.linear.to(like), self.spline.to(like))

    def points(self, z: Tensor) -> Tensor:
        """Where points (B, N, 2) go."""
        moved = z @ self.linear[:, :, :2].transpose(1, 2) + self.linear[:, None, :, 2]
        radial, _ = self._radial(z)
        return moved + radial @ self.spline

    def jacobian(self, z: Tensor) -> Tensor:
        """The linear part (B, N, 2, 2) of the bendings at points (B, N, 2)."""
        _, slope = self._radial(z)  # d U / d z
        return self.linear[:, None, :, :2] + torch.einsum("bnkj,bki->bnij", slope, self.spline)

    def picture(self, image: Tensor) -> Tensor:
        """Images (B, 3, H, W) whose pixel z shows what was at points(z); reflected where that lies outside."""
        batch, _, height, width = image.shape
        where = self.points(grid(height, width, like=image).reshape(1, -1, 2).expand(batch, -1, -1))
        where = where.reshape(batch, height, width, 2)
        return F.grid_sample(image, where, padding_mode="reflection", align_corners=False)

    def _radial(self, z: Tensor) -> tuple[Tensor, Tensor]:
        away = z[:, :, None] - self.control  # (B, N, C, 2)
        square = (away**2).sum(-1)
        log = 0.5 * torch.log(square + 1e-8)
        return square * log, (2 * log + 1)[..., None] * away


def equivariance(found: Keypoints, bent: Keypoints, bending: Bending) -> tuple[Tensor, Tensor]:
    """How far keypoints of a picture lie from those of its bent version, bent back: (value, Jacobian) losses.

    |p - T(p')| and |1 - J^-1 T'(p') J'|, means (FOMM, equations 9 to 11); the second is 0 without Jacobians.
    """
    value = (found.value - bending.points(bent.value)).abs().mean()
    if found.jacobian is None or bent.jacobian is None:
        return value, value.new_zeros(())
    turned = invert(found.jacobian) @ bending.jacobian(bent.value) @ bent.jacobian
    return value, (torch.eye(2).to(turned) - turned).abs().mean()
