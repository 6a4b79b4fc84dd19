"""MS-SSIM: the formula from its parts, halving in closed form, sizes, and what torchmetrics does otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from faces68 import clip_of

from metrics.clip import Result
from metrics.ms_ssim import LEAST, WEIGHTS, halve
from metrics.registry import evaluate
from metrics.similarity import Similarity, gaussian_window

RGB, GREY, OTHER = "ms_ssim/gauss11-rgb@1", "ms_ssim/gauss11-grey@1", "ms_ssim/legacy-torchmetrics@1"
EVERY = pytest.mark.parametrize("id", [RGB, GREY, OTHER])


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def near(a: np.ndarray, seed: int, sigma: float) -> np.ndarray:
    return np.clip(a + np.random.default_rng(seed).normal(0, sigma, a.shape), 0, 255).astype(np.uint8)


def measured(id: str, a: np.ndarray, b: np.ndarray) -> Result:
    return evaluate(id, clip_of(a, b))


def test_weights_are_the_papers() -> None:
    assert WEIGHTS == (0.0448, 0.2856, 0.3001, 0.2363, 0.1333) and sum(WEIGHTS) == pytest.approx(1.0001)


def test_halving() -> None:
    planes = np.arange(15, dtype=np.uint8).reshape(1, 3, 5) * 17
    kept = halve(planes)
    assert kept.shape == (1, 2, 3)
    assert kept[0, 0].tolist() == [17 * 3.0, 17 * 5.0, 17 * 6.5] and kept[0, 1].tolist() == [
        17 * 10.5,
        17 * 12.5,
        238.0,
    ]
    assert halve(planes, keep=False).tolist() == [[[51.0, 85.0]]]
    assert halve(np.full((3, 8, 6), 255, np.uint8)).tolist() == np.full((3, 4, 3), 255.0).tolist()


@pytest.mark.parametrize("size", [(176, 208), (161, 183)])
def test_the_product_of_scales(size: tuple[int, int]) -> None:
    """From SSIM alone: on pictures without luminance differences, contrast and structure is SSIM itself."""
    a = noise(1, *size)
    want = 1.0
    x, y = a.astype(float), near(a, 2, 30).astype(float)
    b = y.astype(np.uint8)
    for scale, weight in enumerate(WEIGHTS):
        whole, second = Similarity(*x.shape, gaussian_window()).parts(x, y)[0]
        assert second >= whole
        want *= (whole if scale == 4 else second) ** weight
        x, y = (np.pad(p, [(0, n % 2) for n in p.shape], mode="edge") for p in (x, y))
        x, y = ((p[::2, ::2] + p[1::2, ::2] + p[::2, 1::2] + p[1::2, 1::2]) / 4 for p in (x, y))
    for id in (RGB, GREY):
        assert measured(id, a, b).value == pytest.approx(want, rel=1e-12)


def test_the_second_factor_in_plain_loops() -> None:
    a, b = noise(3, 13, 12), noise(4, 13, 12)
    row = np.array(gaussian_window().row)
    weights, c1, c2 = np.outer(row, row), (0.01 * 255) ** 2, (0.03 * 255) ** 2
    whole, second = [], []
    for top in range(3):
        for left in range(2):
            x, y = (p[top : top + 11, left : left + 11].astype(float) for p in (a, b))
            mx, my = (weights * x).sum(), (weights * y).sum()
            vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
            second.append((2 * (weights * (x - mx) * (y - my)).sum() + c2) / (vx + vy + c2))
            whole.append(second[-1] * (2 * mx * my + c1) / (mx**2 + my**2 + c1))
    found = Similarity(13, 12, gaussian_window()).parts(a, b)
    assert found == [pytest.approx((np.mean(whole), np.mean(second)), abs=1e-12)]


@EVERY
def test_the_truth_is_one_and_more_noise_is_less(id: str) -> None:
    a = noise(5, 180, 190, 3)
    assert measured(id, a, a.copy()).value == 1.0
    values = [measured(id, near(a, 6, sigma), a).value for sigma in (2, 10, 40, 90)]
    assert (np.diff(values) < 0).all() and values[0] < 1 and values[-1] > 0


@EVERY
def test_structure_turned_over_counts_as_nothing(id: str) -> None:
    a = noise(7, 176, 176, 3)
    assert measured(id, a, 255 - a).value == 0.0


def test_an_even_shift_of_luminance_costs_little() -> None:
    a = noise(8, 180, 180, 3) // 2 + np.uint8(20)
    shifted, ssim = (
        measured(RGB, a + np.uint8(60), a).value,
        evaluate("ssim/gauss11-rgb@1", clip_of(a + np.uint8(60), a)),
    )
    assert ssim.value < shifted < 1


@EVERY
def test_the_smallest_frames(id: str) -> None:
    least = 176 if id == OTHER else LEAST
    assert LEAST == 161
    assert measured(id, noise(9, least, 210, 3), noise(10, least, 210, 3)).value is not None
    result = measured(id, noise(9, 210, least - 1, 3), noise(10, 210, least - 1, 3))
    assert result.value is None and result.coverage == 0.0
    want = f"frames of {least - 1}x210: 5 scales of an 11x11 window need sides of {least} pixels"
    assert result.reason == want


def test_the_mean_of_frames() -> None:
    a, b = noise(11, 3, 161, 165, 3), noise(12, 3, 161, 165, 3)
    b[1] = a[1]
    result = measured(RGB, a, b)
    single = [measured(RGB, x, y).value for x, y in zip(a, b, strict=True)]
    assert result.per_frame.tolist() == single and single[1] == 1.0 and result.value == pytest.approx(np.mean(single))
