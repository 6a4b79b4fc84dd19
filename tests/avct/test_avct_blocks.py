"""Blocks: shapes, the anti-alias kernel, the order of skips."""

from __future__ import annotations

import pytest
import torch
from tiny_networks import noise, seeded

from avct.blocks import AntiAlias, Down, DownRes, Hourglass, Res, Same, Up
from avct.geometry import grid, invert, warp


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        (Same(3, 5, kernel=7), (2, 5, 8, 12)),
        (Down(3, 5), (2, 5, 4, 6)),
        (Up(3, 5), (2, 5, 16, 24)),
        (Res(3), (2, 3, 8, 12)),
        (DownRes(3, 5), (2, 5, 4, 6)),
        (DownRes(3, 2), (2, 2, 4, 6)),
        (Hourglass(3, expansion=4, blocks=2, max_features=6), (2, 7, 8, 12)),
    ],
)
def test_shapes(block: torch.nn.Module, shape: tuple[int, ...]) -> None:
    assert seeded(block)(noise(2, 3, 8, 12)).shape == shape


def test_hourglass_ends_with_its_own_input() -> None:
    image = noise(1, 3, 8, 8)
    out = seeded(Hourglass(3, expansion=4, blocks=2, max_features=6))(image)
    assert torch.equal(out[:, 4:], image) and not torch.allclose(out[:, :3], image)


@pytest.mark.parametrize(("shrink", "side"), [(1, 1), (2, 5), (4, 13), (8, 29)])
def test_antialias_kernel_is_a_normalised_gaussian(shrink: int, side: int) -> None:
    kernel = AntiAlias(2, shrink=shrink).weight
    assert kernel.shape == (2, 1, side, side)
    assert kernel[1].sum() == pytest.approx(1, abs=1e-6)
    if shrink > 1:
        ratio = float(kernel[0, 0, side // 2, side // 2 + 1] / kernel[0, 0, side // 2, side // 2])
        assert ratio == pytest.approx(2.718281828 ** (-0.5 / ((shrink - 1) / 2) ** 2), rel=1e-5)


def test_antialias_keeps_every_fourth_pixel_from_the_first() -> None:
    image = torch.zeros(1, 1, 32, 32)
    image[0, 0, 12, 16] = 1
    out = AntiAlias(1, shrink=4)(image)[0, 0]
    assert out.shape == (8, 8)
    assert divmod(int(out.argmax()), 8) == (3, 4)
    # Symmetric about the kept pixel, so nothing is shifted by half a step.
    assert torch.allclose(out[2], out[4]) and torch.allclose(out[:, 3], out[:, 5])


def test_antialias_leaves_grey_alone_inside_and_darkens_borders() -> None:
    out = AntiAlias(1, shrink=4)(torch.ones(1, 1, 64, 64))[0, 0]
    assert out[8, 8] == pytest.approx(1, abs=1e-6) and out[0, 0] < 0.5


def test_residual_starts_from_its_input() -> None:
    block = seeded(Res(3))
    with torch.no_grad():
        block.conv2.weight.zero_(), block.conv2.bias.zero_()
    image = noise(1, 3, 4, 4)
    assert torch.equal(block(image), image)


def test_grid_reaches_the_corners_and_orders_x_before_y() -> None:
    points = grid(3, 5, like=torch.zeros(1, dtype=torch.float64))
    assert points.shape == (3, 5, 2) and points.dtype == torch.float64
    assert points[0, 4].tolist() == [1, -1] and points[2, 0].tolist() == [-1, 1] and points[1, 2].tolist() == [0, 0]


def test_warp_by_the_grid_stretches_by_half_a_pixel() -> None:
    image = noise(1, 1, 4, 4)
    warped = warp(image, grid(4, 4, like=image)[None])
    # The grid's corner is the outer edge of the corner pixel, where three quarters are already black.
    assert warped[0, 0, 0, 0] == pytest.approx(float(image[0, 0, 0, 0]) / 4, rel=1e-5)


def test_invert_agrees_with_linalg() -> None:
    matrices = noise(5, 4, 2, 2).double() + torch.eye(2)
    assert torch.allclose(invert(matrices), torch.linalg.inv(matrices))
