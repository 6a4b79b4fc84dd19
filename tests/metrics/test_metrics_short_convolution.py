"""Convolutions by fewer multiplications beside plain ones, of every size that is used and of sizes off the tile."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from metrics.short_convolution import ShortConvolution, bases


@pytest.mark.parametrize(("results", "places"), [(1, 1), (3, 1), (2, 3), (5, 3), (4, 5), (6, 7), (1, 7)])
def test_a_row_is_exact(results: int, places: int) -> None:
    rng = np.random.default_rng(results * 10 + places)
    values, kernel = rng.normal(size=results + places - 1), rng.normal(size=places)
    there, over, back = bases(results, places)
    found = back @ ((over @ kernel) * (there @ values))
    assert found == pytest.approx([values[i : i + places] @ kernel for i in range(results)], abs=1e-12)


@pytest.mark.parametrize(
    ("kernel", "padding", "tile"),
    [((1, 7), (0, 3), (1, 6)), ((7, 1), (3, 0), (6, 1)), ((5, 5), (2, 2), (4, 4)), ((3, 3), (1, 1), (5, 5)),
     ((3, 3), (0, 0), (5, 5)), ((1, 1), (0, 0), (1, 1))],
)  # fmt: skip
@pytest.mark.parametrize("size", [(17, 17), (15, 15), (8, 13), (7, 7)])
def test_as_a_plain_convolution(
    kernel: tuple[int, int], padding: tuple[int, int], tile: tuple[int, int], size: tuple[int, int]
) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn((3, 40, *size), generator=generator).contiguous(memory_format=torch.channels_last)
    weight = torch.randn((24, 40, *kernel), generator=generator) / (40 * kernel[0] * kernel[1]) ** 0.5
    bias = torch.randn(24, generator=generator)
    found = ShortConvolution(weight, bias, padding, tile, together=2)(x)
    wanted = F.conv2d(x.double(), weight.double(), bias.double(), padding=padding)
    assert found.dtype == torch.float32 and found.shape == wanted.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert float((found - wanted).abs().max() / wanted.square().mean().sqrt()) < 2e-4
