"""The occlusion-aware generator: a portrait, moved from one set of keypoints to another, painted.

Same network as in FOMM (Siarohin et al., NeurIPS 2019). `encode` does the work that is constant for a clip, `render`
the work of each frame.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct.blocks import Down, Res, Same, Up
from avct.config import GeneratorConfig
from avct.geometry import Keypoints, warp
from avct.keypoints import check_images
from avct.motion import Motion, build_motion

Move = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From features, deformation and occlusion to what the painters see: `occlude`, or a kernel that does the same."""


class EncodedSource(NamedTuple):
    """A portrait made ready: image (B, 3, H, W); features (B, C, H / 2^down, W / 2^down); small (B, 3, h, w)."""

    image: Tensor
    features: Tensor
    small: Tensor


class Rendering(NamedTuple):
    """Painted frames: prediction float (B, 3, H, W) RGB in [0, 1] and the motion that they follow."""

    prediction: Tensor
    motion: Motion


class OcclusionAwareGenerator(nn.Module):
    """Frames of a source image float (B, 3, H, W) RGB in [0, 1] under given keypoints."""

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GeneratorConfig()
        depth = config.down_blocks
        width = [min(config.max_features, config.expansion * 2**i) for i in range(depth + 1)]
        self.dense_motion_network = build_motion(config)
        self.first = Same(config.channels, width[0], kernel=7)
        self.down_blocks = nn.ModuleList(Down(width[i], width[i + 1]) for i in range(depth))
        self.up_blocks = nn.ModuleList(Up(width[i + 1], width[i]) for i in reversed(range(depth)))
        self.bottleneck = nn.Sequential(
            OrderedDict((f"r{i}", Res(width[depth])) for i in range(config.bottleneck_blocks))
        )
        self.final = nn.Conv2d(width[0], config.channels, 7, padding=3)
        self.move: Move = occlude

    def forward(self, source: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> Rendering:
        return self.render(self.encode(source), kp_source, kp_driving)

    def encode(self, source: Tensor) -> EncodedSource:
        """The source made ready for `render`, once per portrait. Raises AvctError for a size that cannot be halved."""
        check_images(source, self.config.channels, step=2**self.config.down_blocks)
        features = self.first(source)
        for block in self.down_blocks:
            features = block(features)
        return EncodedSource(source, features, self.dense_motion_network.reduce(source))

    def render(self, encoded: EncodedSource, kp_source: Keypoints, kp_driving: Keypoints) -> Rendering:
        """Frames of kp_driving's batch; encoded and kp_source may be one portrait (batch 1) for all of them."""
        motion = self.dense_motion_network.estimate(encoded.small, kp_source, kp_driving)
        # Occlusion only darkens features; what is hidden is painted by the bottleneck, with no skip from the source.
        x = self.move(encoded.features, motion.deformation, motion.occlusion)
        x = self.bottleneck(x)
        for block in self.up_blocks:
            x = block(x)
        return Rendering(torch.sigmoid(self.final(x)), motion)


def occlude(features: Tensor, deformation: Tensor, occlusion: Tensor) -> Tensor:
    """Features (B or 1, C, H, W) moved by the deformation (B, h, w, 2), then darkened by the occlusion (B, 1, h, w),
    both resized where they have another size: (B, C, H, W)."""
    features = features.to(deformation.dtype).expand(deformation.shape[0], -1, -1, -1)
    return warp(features, resize_flow(deformation, features)) * _fit(occlusion, features)


def deform(source: Tensor, motion: Motion) -> Tensor:
    """The source (B, 3, H, W) moved without being painted: a training read-out that no frame needs."""
    source = source.expand(motion.deformation.shape[0], -1, -1, -1)
    return warp(source, resize_flow(motion.deformation, source))


def resize_flow(deformation: Tensor, like: Tensor) -> Tensor:
    """deformation (B, h, w, 2) at the size of like (B, C, H, W): (B, H, W, 2)."""
    return _fit(deformation.permute(0, 3, 1, 2), like).permute(0, 2, 3, 1)


def _fit(x: Tensor, like: Tensor) -> Tensor:
    if x.shape[2:] == like.shape[2:]:
        return x
    # pixel centres, as `warp` counts them; at full size flow and features are equally large and nothing comes here
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)
