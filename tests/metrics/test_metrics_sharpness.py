"""Sharpness of the mouth: what lowers it, what raises it, closed forms, and no value without a mouth."""

from __future__ import annotations

import numpy as np
import pytest
from faces68 import clip_of

from metrics.clip import Result
from metrics.registry import evaluate
from metrics.sharpness import gradient_energy

SIDE, FRAMES = 48, 3


@pytest.fixture
def exact() -> np.ndarray:
    """Mouths 16 pixels wide around (23.5, 23.5): the box is rows and columns 12 to 35."""
    points = np.full((FRAMES, 68, 2), 23.5)
    points[:, 48], points[:, 54] = (15.5, 23.5), (31.5, 23.5)
    return points


@pytest.fixture
def truth() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (FRAMES, SIDE, SIDE, 3)).astype(np.uint8)


def sharpness(frames: np.ndarray, truth: np.ndarray, exact: np.ndarray) -> Result:
    return evaluate("sharpness/mouthbox-gradient-exact68@1", clip_of(frames, truth, exact=exact))


def test_energy_has_closed_forms() -> None:
    ramp = np.repeat(np.arange(0, 30, 3, dtype=np.uint8)[None, :, None], 4, 0).repeat(3, 2)  # 4 rows of 10, steps of 3
    assert gradient_energy(ramp) == 4 * 9 * 9
    assert gradient_energy(ramp.swapaxes(0, 1)) == 4 * 9 * 9
    assert gradient_energy(np.full((5, 5, 3), 200, np.uint8)) == 0
    steps = np.zeros((2, 2, 3), np.uint8)
    steps[0, 0] = 255
    assert gradient_energy(steps) == 2 * 255**2  # bytes do not wrap


def test_the_truth_scores_one(truth: np.ndarray, exact: np.ndarray) -> None:
    result = sharpness(truth, truth, exact)
    assert result.value == 1.0 and result.coverage == 1.0 and (result.per_frame == 1).all()


def test_blur_lowers_and_noise_raises(truth: np.ndarray, exact: np.ndarray) -> None:
    from scipy.ndimage import gaussian_filter

    ratios = [sharpness(gaussian_filter(truth, (0, s, s, 0)), truth, exact).value for s in (0.5, 1.0, 2.0)]
    assert 1 > ratios[0] > ratios[1] > ratios[2] > 0
    noise = np.random.default_rng(1).normal(0, 30, truth.shape)
    assert sharpness(np.clip(truth + noise, 0, 255).astype(np.uint8), truth, exact).value > 1.05


def test_half_the_contrast_is_a_quarter_of_the_energy(truth: np.ndarray, exact: np.ndarray) -> None:
    even = truth // 2 * 2
    even = np.repeat(even[..., :1], 3, -1)  # grey, so that halving is exact
    assert sharpness(even // 2, even, exact).value == 0.25
    assert sharpness(even // 2 + np.uint8(20), even, exact).value == 0.25


def test_only_the_mouth_counts(truth: np.ndarray, exact: np.ndarray) -> None:
    outside = truth.copy()
    outside[:, :12], outside[:, 36:], outside[:, :, :12], outside[:, :, 36:] = 0, 0, 0, 0
    assert sharpness(outside, truth, exact).value == 1.0
    inside = truth.copy()
    inside[:, 12:36, 12:36] = 0
    assert sharpness(inside, truth, exact).value == 0.0


def test_the_ratio_of_sums_not_the_mean_of_ratios(truth: np.ndarray, exact: np.ndarray) -> None:
    dull = truth.copy()
    dull[0] = 100
    dull[0, 24, 24] = 101  # its ratio is huge
    result = sharpness(truth, dull, exact)
    boxes = [sum(gradient_energy(f[12:36, 12:36]) for f in video) for video in (truth, dull)]
    assert result.value == pytest.approx(boxes[0] / boxes[1])
    assert result.per_frame[0] > 1000 and result.value < 2


def test_a_flat_truth_has_no_value(truth: np.ndarray, exact: np.ndarray) -> None:
    result = sharpness(truth, np.full_like(truth, 7), exact)
    assert result.value is None and result.reason == "the truth's mouth is of one colour in every frame"
    assert result.coverage == 1.0


def test_frames_without_landmarks_do_not_enter(truth: np.ndarray, exact: np.ndarray) -> None:
    exact[1] = np.nan
    blank = truth.copy()
    blank[1] = 0
    result = sharpness(blank, truth, exact)
    assert result.value == 1.0 and result.coverage == pytest.approx(2 / 3) and np.isnan(result.per_frame[1])
    exact[:] = np.nan
    assert sharpness(blank, truth, exact).value is None
