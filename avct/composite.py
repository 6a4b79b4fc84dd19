"""The composite generator: the portrait itself, warped, with two painters for what it cannot show.

A named departure from the paper's generator, which repaints every pixel and is blurred where it is small. Here the
warped portrait stays sharp; a coarse painter fills what a turned head uncovers, and a fine painter works in a window
around the mouth, where teeth, tongue and cavity have no source. Both blend by masks; the fine mask is supervised with
the inner lips (left free, it closes within a hundred steps and nothing is ever painted).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct.blocks import Down, Res, Same, Up
from avct.config import MotionConfig
from avct.errors import AvctError
from avct.facepoints import KEYPOINTS, LIPS
from avct.geometry import Keypoints, gaussians, grid
from avct.motion import DenseMotion, Motion


def _motion() -> MotionConfig:
    return MotionConfig(expansion=24, max_features=96, blocks=4, variance=0.004, jacobian=False)


@dataclass(frozen=True)
class CompositeConfig:
    """Sizes of the composite generator. window: side in pixels of the mouth window that the fine painter works in."""

    keypoints: int = KEYPOINTS
    channels: int = 3
    expansion: int = 16
    bottleneck_blocks: int = 2
    window: int = 96
    heat_variance: float = 0.003
    motion: MotionConfig = field(default_factory=_motion)

    def __post_init__(self) -> None:
        if self.window % 8 or self.window < 16:
            raise AvctError(f"CompositeConfig: window must be a multiple of 8 and at least 16, got {self.window}")
        if min(self.keypoints, self.channels, self.expansion) < 1 or self.bottleneck_blocks < 0:
            raise AvctError("CompositeConfig: keypoints, channels and expansion must be above 0")


class CompositeSource(NamedTuple):
    """A portrait made ready: image (B, 3, H, W), the same `doubled` to (B, 3, 2 H - 1, 2 W - 1), features at half and a
    quarter of its size, and the small source."""

    image: Tensor
    doubled: Tensor
    half: Tensor
    quarter: Tensor
    small: Tensor


class Composite(NamedTuple):
    """Frames and what they were made of, for the losses.

    prediction (B, 3, H, W) in [0, 1]; warped (B, 3, H, W); fill (B, 3, H, W) and fill_mask (B, 1, H, W) of the coarse
    painter; paint (B, 3, w, w) and paint_mask (B, 1, w, w) of the fine one; corners int64 (B, 2): the window's upper
    left pixel as x, y.
    """

    prediction: Tensor
    warped: Tensor
    fill: Tensor
    fill_mask: Tensor
    paint: Tensor
    paint_mask: Tensor
    corners: Tensor
    motion: Motion


def _sample(image: Tensor, coordinates: Tensor, *, mode: str = "bilinear") -> Tensor:
    # Corner-aligned, as `grid` is: zero motion gives back the portrait to the bit, which a warp that is shown must do.
    image = image.expand(coordinates.shape[0], -1, -1, -1)
    return F.grid_sample(image, coordinates, mode=mode, padding_mode="border", align_corners=True)


_TAPS = 6
"""Pixels on either side that a pixel between two others is made of."""


def double(image: Tensor) -> Tensor:
    """The image (B, C, H, W) with a pixel between every two: (B, C, 2 H - 1, 2 W - 1), its own pixels unchanged.

    Between lies the windowed sinc (Hann, twelve taps), which keeps what the pixels can hold nearly whole.
    """
    place = torch.arange(-_TAPS + 0.5, _TAPS, dtype=torch.float64)
    kernel = torch.sinc(place) * torch.cos(torch.pi * place / (2 * _TAPS)) ** 2
    kernel = (kernel / kernel.sum()).to(image)
    for dim in (2, 3):
        rows = image.transpose(2, 3) if dim == 2 else image
        padded = F.pad(rows, (_TAPS - 1, _TAPS - 1, 0, 0), mode="replicate")
        between = F.conv2d(padded.flatten(0, 1)[:, None], kernel[None, None, None])[:, 0].unflatten(0, rows.shape[:2])
        out = rows.new_empty(*rows.shape[:3], 2 * rows.shape[3] - 1)
        out[..., 0::2], out[..., 1::2] = rows, between
        image = out.transpose(2, 3) if dim == 2 else out
    return image


def _cut(x: Tensor, corners: Tensor, size: int) -> Tensor:
    """Squares (B, C, size, size) of x at integer corners (B, 2) x, y."""
    if _whole_on(x):
        return x[_places(corners, size)].permute(0, 3, 1, 2)
    return torch.stack([x[i, :, c[1] : c[1] + size, c[0] : c[0] + size] for i, c in enumerate(corners.tolist())])


def _pasted(x: Tensor, patch: Tensor, corners: Tensor) -> Tensor:
    """x with squares (B, C, size, size) in it at integer corners (B, 2) x, y."""
    x, size = x.clone(), patch.shape[-1]
    if _whole_on(x):
        x[_places(corners, size)] = patch.permute(0, 2, 3, 1)
        return x
    for i, (left, top) in enumerate(corners.tolist()):
        x[i, :, top : top + size, left : left + size] = patch[i]
    return x


def _whole_on(x: Tensor) -> bool:
    """Whether corners stay where they are: reading them would stop a GPU, and break a graph in two. Processors are
    faster with slices, and so are gradients."""
    return (x.is_cuda and not x.requires_grad) or torch.compiler.is_compiling()


def _places(corners: Tensor, size: int) -> tuple[Tensor | slice, ...]:
    """Index of squares at corners (B, 2) x, y into (B, C, H, W); what it gives is (B, size, size, C)."""
    steps = torch.arange(size, device=corners.device)
    frame = torch.arange(len(corners), device=corners.device)[:, None, None]
    return frame, slice(None), (corners[:, 1:] + steps)[:, :, None], (corners[:, :1] + steps)[:, None, :]


def mouth_window(value: Tensor, size: int, window: int) -> Tensor:
    """Corners int64 (B, 2) of square mouth windows for keypoints (B, K, 2) of a size x size frame, multiples of 4."""
    centre = (value[:, LIPS].mean(1) + 1) * ((size - 1) / 2)
    corner = torch.round((centre - window / 2) / 4).long() * 4
    return corner.clamp(0, size - window)


class _MotionAndFill(DenseMotion):
    """The paper's dense motion with small heads and one more: a coarse painting of what the portrait hides."""

    def __init__(self, config: MotionConfig, *, keypoints: int, channels: int) -> None:
        super().__init__(config, keypoints=keypoints, channels=channels)
        features = self.hourglass.outputs
        del self.down
        self.mask = nn.Conv2d(features, keypoints + 1, 3, padding=1)
        self.occlusion = nn.Conv2d(features, 1, 3, padding=1)
        self.fill = nn.Conv2d(features, channels + 1, 3, padding=1)
        with torch.no_grad():
            self.fill.bias[-1] = -3.0  # nearly silent at first

    def reduce(self, source: Tensor) -> Tensor:
        # plain averaging: centred where the paper's filter is not, and cheap
        return F.avg_pool2d(source, self.config.shrink)

    def estimate_and_fill(self, small: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> tuple[Motion, Tensor]:
        """Motion as `estimate` gives it, and the coarse painter's logits (B, 4, h, w): colours and their mask."""
        motion, features = self.estimate_with_features(small, kp_source, kp_driving)
        return motion, self.fill(features)


class CompositeGenerator(nn.Module):
    """Frames of a portrait float (B, 3, H, W) RGB in [0, 1] under keypoints without Jacobians."""

    def __init__(self, config: CompositeConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or CompositeConfig()
        e = c.expansion
        self.dense_motion_network = _MotionAndFill(c.motion, keypoints=c.keypoints, channels=c.channels)
        self.first, self.down = Down(c.channels, 2 * e), Down(2 * e, 4 * e)
        self.heat = nn.Conv2d(2 * c.keypoints, 4 * e, 3, padding=1)
        self.bottleneck = nn.Sequential(*(Res(4 * e) for _ in range(c.bottleneck_blocks)))
        self.up1, self.join1 = Up(4 * e, 2 * e), Same(4 * e, 2 * e)
        self.up2, self.join2 = Up(2 * e, e), Same(e + c.channels, e)
        self.fine = nn.Conv2d(e, c.channels + 1, 3, padding=1)
        with torch.no_grad():
            self.fine.bias[-1] = -1.0  # opened by its supervision

    def forward(self, source: Tensor, kp_source: Keypoints, kp_driving: Keypoints) -> Composite:
        return self.render(self.encode(source), kp_source, kp_driving)

    def encode(self, source: Tensor) -> CompositeSource:
        """The portrait made ready for `render`, once per clip."""
        small = self.dense_motion_network.reduce(source)
        half = self.first(source)
        return CompositeSource(source, double(source), half, self.down(half), small)

    def render(
        self,
        source: CompositeSource,
        kp_source: Keypoints,
        kp_driving: Keypoints,
        corners: Tensor | None = None,
        *,
        resampling: str = "doubled",
    ) -> Composite:
        """Frames of kp_driving's batch; source and kp_source may be one portrait (batch 1) for all of them.

        corners: mouth windows to paint in, int64 (B, 2); by default those around the driving mouth.
        resampling: of the portrait that is shown: "bilinear", "bicubic", or "doubled", bicubic in the doubled portrait.
        Bilinear takes up to all of the finest detail away (half a pixel off, an average of neighbours): of the gradient
        energy around one bearded mouth it kept .60, bicubic .83.
        """
        size, window = source.image.shape[-1], self.config.window
        motion, coarse = self.dense_motion_network.estimate_and_fill(source.small, kp_source, kp_driving)
        small = motion.deformation.shape[1:3]
        # contiguous: stretching two interleaved channels takes seven times as long
        moved = (motion.deformation - grid(*small, like=source.image)).permute(0, 3, 1, 2).contiguous()

        def flow(side: int) -> Tensor:
            fitted = F.interpolate(moved, size=(side, side), mode="bilinear", align_corners=True)
            return fitted.permute(0, 2, 3, 1) + grid(side, side, like=source.image)

        shown, mode = (source.doubled, "bicubic") if resampling == "doubled" else (source.image, resampling)
        warped = _sample(shown, flow(size), mode=mode).clamp(0, 1)  # bicubic overshoots at edges
        coarse = torch.sigmoid(F.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False))
        fill, fill_mask = coarse[:, :-1], coarse[:, -1:]
        base = warped + (fill - warped) * fill_mask
        if corners is None:
            corners = mouth_window(kp_driving.value, size, window)

        def near(step: int) -> Tensor:
            """Flow inside the windows at 1/step of the size."""
            return _cut(flow(size // step).permute(0, 3, 1, 2), corners // step, window // step).permute(0, 2, 3, 1)

        heat = _cut(self._heat(kp_source, kp_driving, size // 4), corners // 4, window // 4)
        seen = F.interpolate(motion.occlusion, size=(size // 4, size // 4), mode="bilinear", align_corners=True)
        x = _sample(source.quarter, near(4)) * _cut(seen, corners // 4, window // 4)
        x = self.up1(self.bottleneck(x + self.heat(heat)))
        x = self.up2(self.join1(torch.cat([x, _sample(source.half, near(2))], 1)))
        patch = _cut(base, corners, window)
        x = self.fine(self.join2(torch.cat([x, patch], 1)))
        paint, paint_mask = torch.sigmoid(x[:, :-1]), torch.sigmoid(x[:, -1:])
        # the mask ends before the window does: no seam where the painter stops
        patch = patch + (paint - patch) * (paint_mask * self._taper(window, x))
        prediction = _pasted(base, patch, corners)
        return Composite(prediction, warped, fill, fill_mask, paint, paint_mask, corners, motion)

    def _heat(self, kp_source: Keypoints, kp_driving: Keypoints, side: int) -> Tensor:
        """Where keypoints are and were, (B, 2K, side, side): the painters must know how far the lips stand apart."""
        points, variance = grid(side, side, like=kp_driving.value), self.config.heat_variance
        driving = gaussians(kp_driving.value, points, variance=variance)
        source = gaussians(kp_source.value, points, variance=variance)
        return torch.cat([driving, source.expand(driving.shape[0], -1, -1, -1)], 1)

    @staticmethod
    def _taper(window: int, like: Tensor) -> Tensor:
        edge = torch.arange(window, dtype=like.dtype, device=like.device)
        ramp = (torch.minimum(edge, window - 1 - edge) / 8).clamp(0, 1)
        return (ramp[:, None] * ramp[None, :])[None, None]
