"""Dense motion: from keypoints of two frames to one flow field and one map of what the portrait cannot show.

Same network as in FOMM (Siarohin et al., NeurIPS 2019). Every keypoint proposes an affine motion, a fixed candidate
proposes to stay; an hourglass looks at the portrait warped by each candidate and mixes them pixel by pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avct.blocks import AntiAlias, Hourglass
from avct.config import GeneratorConfig, MotionConfig
from avct.geometry import Keypoints, gaussians, grid, invert, warp
from avct.keypoints import check_images


class Motion(NamedTuple):
    """Motion of B frames at the small size (h, w), M = K + 1 candidates, the first of which stays where it is.

    sparse_deformed (B, M, 3, h, w): the small source under each candidate; mask (B, M, h, w): shares, summing to 1;
    deformation (B, h, w, 2): where each pixel is read from, x and y; occlusion (B, 1, h, w): 1 where it can be seen.
    """

    sparse_deformed: Tensor
    mask: Tensor
    deformation: Tensor
    occlusion: Tensor


class DenseMotion(nn.Module):
    """Motion from kp_source to kp_driving of images float (B, 3, H, W), H and W multiples of shrink * 2^blocks."""

    def __init__(self, config: MotionConfig | None = None, *, keypoints: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.config = config = config or MotionConfig()
        self.channels, self.step = channels, config.shrink * 2**config.blocks
        candidates = keypoints + 1
        self.hourglass = Hourglass(
            candidates * (channels + 1),
            expansion=config.expansion,
            blocks=config.blocks,
            max_features=config.max_features,
        )
        self.mask = nn.Conv2d(self.hourglass.outputs, candidates, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.outputs, 1, 7, padding=3)
        self.down = AntiAlias(channels, shrink=config.shrink)

    def forward(self, source: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> Motion:
        return self.estimate(self.reduce(source), kp_source, kp_driving)

    def reduce(self, source: Tensor) -> Tensor:
        """The small source (B, 3, h, w): constant for a clip, hence apart from `estimate`."""
        check_images(source, self.channels, step=self.step)
        return self.down(source)

    def estimate(self, small: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> Motion:
        """Motion of the driving keypoints' B frames; small and kp_source may be one portrait (batch 1) for all."""
        return self.estimate_with_features(small, kp_source, kp_driving)[0]

    def estimate_with_features(
        self, small: Tensor, kp_source: Keypoints, kp_driving: Keypoints
    ) -> tuple[Motion, Tensor]:
        """Motion as `estimate` gives it, and the hourglass's features (B, C, h, w) that it was read from."""
        frames, (height, width) = kp_driving.value.shape[0], small.shape[2:]
        small = small.expand(frames, -1, -1, -1)
        # like the keypoints, not the picture: places stay in float32 when pictures are in half precision
        points = grid(height, width, like=kp_driving.value)
        candidates = self.candidates(kp_source, kp_driving, points)
        count = candidates.shape[1]
        # One sampling of a tall grid instead of `count` copies of the source.
        tall = warp(small.to(candidates.dtype), candidates.reshape(frames, count * height, width, 2))
        deformed = tall.reshape(frames, -1, count, height, width).transpose(1, 2)
        heat = self.heatmaps(kp_source, kp_driving, points)
        # Candidate by candidate: heat map first, then the warped colours.
        features = self.hourglass(torch.cat([heat[:, :, None], deformed], dim=2).flatten(1, 2))
        mask = torch.softmax(self.mask(features).to(points.dtype), dim=1)
        deformation = (mask[..., None] * candidates).sum(dim=1)
        return Motion(deformed, mask, deformation, torch.sigmoid(self.occlusion(features))), features

    def candidates(self, kp_source: Keypoints, kp_driving: Keypoints, points: Tensor) -> Tensor:
        """Where each candidate reads points (h, w, 2) from, (B, K + 1, h, w, 2):
        J_s J_d^-1 (z - p_d) + p_s per keypoint after z itself (FOMM, equation 4).
        """
        offset = points - kp_driving.value[:, :, None, None]
        linear = self._linear(kp_source, kp_driving)
        if linear is not None:
            batch, keypoints, height, width, _ = offset.shape
            # Rows of points: z^T A^T is (A z)^T.
            moved = offset.flatten(2, 3) @ linear.expand(batch, -1, -1, -1).transpose(-1, -2)
            offset = moved.reshape(batch, keypoints, height, width, 2)
        moving = offset + kp_source.value[:, :, None, None]
        return torch.cat([points.expand(moving.shape[0], 1, -1, -1, -1), moving], dim=1)

    def heatmaps(self, kp_source: Keypoints, kp_driving: Keypoints, points: Tensor) -> Tensor:
        """Gaussians at the driving keypoints minus those at the source's, (B, K + 1, h, w); zero for the candidate
        that stays.
        """
        driving = gaussians(kp_driving.value, points, variance=self.config.variance)
        heat = driving - gaussians(kp_source.value, points, variance=self.config.variance)
        return torch.cat([torch.zeros_like(heat[:, :1]), heat], dim=1)

    def _linear(self, kp_source: Keypoints, kp_driving: Keypoints) -> Tensor | None:
        source, driving = kp_source.jacobian, kp_driving.jacobian
        if not self.config.jacobian or (source is None and driving is None):
            return None
        if driving is None:
            return source
        inverse = invert(driving)
        return inverse if source is None else source @ inverse


def build_motion(config: GeneratorConfig) -> DenseMotion:
    """The dense motion network that a generator of this configuration holds."""
    return DenseMotion(config.motion, keypoints=config.keypoints, channels=config.channels)
