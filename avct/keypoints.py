"""The keypoint detector: where ten learnt points are in an image, and how the image is turned and stretched there.

Same network as in FOMM (Siarohin et al., NeurIPS 2019); AVCT also uses its feature map as the portrait's appearance.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avct.blocks import AntiAlias, Hourglass
from avct.config import DetectorConfig
from avct.errors import AvctError
from avct.geometry import Keypoints, grid

__all__ = ["Detection", "KeypointDetector", "Keypoints", "check_images"]

HEAD = 7
"""Kernel side of the two heads."""


class Detection(NamedTuple):
    """What the detector finds: keypoints; feature_map (B, expansion + 3, h, w); logits (B, K, h', w');
    jacobian_map (B, K, 4, h', w') or None where the detector has no Jacobian head.
    """

    keypoints: Keypoints
    feature_map: Tensor
    logits: Tensor
    jacobian_map: Tensor | None


class KeypointDetector(nn.Module):
    """Keypoints of images float (B, 3, H, W) RGB in [0, 1], H and W multiples of shrink * 2^blocks (full size: 128)."""

    def __init__(self, config: DetectorConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DetectorConfig()
        self.step = config.shrink * 2**config.blocks
        self.predictor = Hourglass(
            config.channels, expansion=config.expansion, blocks=config.blocks, max_features=config.max_features
        )
        features = self.predictor.outputs
        self.kp = nn.Conv2d(features, config.keypoints, HEAD, padding=config.pad)
        self.jacobian: nn.Conv2d | None = None
        if config.jacobian:
            self.jacobian = nn.Conv2d(features, 4 * config.keypoints, HEAD, padding=config.pad)
            # Training starts from identities, so that keypoints move before the picture is bent.
            nn.init.zeros_(self.jacobian.weight)
            with torch.no_grad():
                self.jacobian.bias.copy_(torch.eye(2).flatten().repeat(config.keypoints))  # type: ignore[union-attr]
        self.down = AntiAlias(config.channels, shrink=config.shrink)

    def forward(self, image: Tensor) -> Detection:
        check_images(image, self.config.channels, step=self.step)
        feature_map = self.predictor(self.down(image))
        # Half precision would round keypoints to half a pixel: the heads always work in full precision.
        with torch.autocast(image.device.type, enabled=False):
            return self._locate(feature_map.float())

    def _locate(self, feature_map: Tensor) -> Detection:
        logits = self.kp(feature_map)
        count, keypoints, height, width = logits.shape
        weight = torch.softmax(logits.flatten(2) / self.config.temperature, dim=-1)
        # The unpadded heads leave a 58-grid of the 64-grid, yet its coordinates are stretched over all of [-1, 1]:
        # a keypoint is reported up to 10 % further out than it is. The published weights rely on it.
        value = weight @ grid(height, width, like=logits).reshape(-1, 2)
        if self.jacobian is None:
            return Detection(Keypoints(value), feature_map, logits, None)
        maps = self.jacobian(feature_map).reshape(count, keypoints, 4, height, width)
        jacobian = (maps.flatten(3) @ weight[..., None]).reshape(count, keypoints, 2, 2)
        return Detection(Keypoints(value, jacobian), feature_map, logits, maps)


def check_images(image: Tensor, channels: int, *, step: int) -> None:
    """Nothing; raises AvctError unless image is (B, channels, H, W) with H and W multiples of step."""
    shape = tuple(image.shape)
    if len(shape) != 4 or shape[1] != channels or shape[2] % step or shape[3] % step or not all(shape):
        raise AvctError(f"images must be (B, {channels}, H, W) with H and W multiples of {step}, got {shape}")
