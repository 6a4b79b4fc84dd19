"""PSNR against scikit-image, closed forms, and code whose faults the legacy variants keep."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faces68 import clip_of

from metrics.clip import Result
from metrics.greyscale import grey_pillow
from metrics.psnr import CAP, decibels, mean_squared_error
from metrics.registry import evaluate

PAIRS = Path(__file__).parents[1] / "golden" / "metrics"
MEAN, POOLED, BOX = "psnr/mean-of-frames@1", "psnr/pooled@1", "psnr/mouthbox-exact68@1"
RANGE, WRAPPED = "psnr/legacy-reference-range@1", "psnr/legacy-atvgnet-grey@1"


def level(value: int, *, frames: int = 1, side: int = 8) -> np.ndarray:
    return np.full((frames, side, side, 3), value, np.uint8)


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def psnr(id: str, frames: np.ndarray, truth: np.ndarray, exact: np.ndarray | None = None) -> Result:
    return evaluate(id, clip_of(frames, truth, exact=exact))


def test_pairs_as_scikit_image(read_golden: Callable) -> None:
    expected, arrays = read_golden("image_pairs")
    names = [name for name in expected if not name.startswith("_")]
    assert len(names) >= 10
    for name in names:
        a, b = arrays[f"{name}__a"], arrays[f"{name}__b"]
        want = expected[name]["uint8"]
        assert mean_squared_error(a, b) == pytest.approx(want["mse"], rel=1e-12), name
        value, told = float(decibels(mean_squared_error(a, b))), want["psnr"]
        assert value == (np.inf if told == "inf" else pytest.approx(told, abs=1e-6)), name
        capped = CAP if want["psnr"] == "inf" else want["psnr"]
        for id in (MEAN, POOLED):
            assert psnr(id, a, b).value == pytest.approx(capped, abs=1e-6), name
        if a.ndim == 3 and "gray_pilL_uint8" in expected[name]:
            grey = float(decibels(mean_squared_error(grey_pillow(a), grey_pillow(b))))
            told = expected[name]["gray_pilL_uint8"]["psnr"]
            assert grey == (np.inf if told == "inf" else pytest.approx(told, abs=1e-6)), name


def test_clips_as_scikit_image(read_golden: Callable) -> None:
    expected, arrays = read_golden("image_pairs")
    if "_clip_aggregate" not in expected:
        small = json.loads((PAIRS / "pairs.json").read_text())
        with np.load(PAIRS / "pairs.npz") as held:
            a, b = held["shift__a"], held["shift__b"]
        mean = (small["shift"]["psnr"] + float(decibels(81.0))) / 2
        pooled = float(decibels((small["shift"]["mse"] + 81.0) / 2))
        frames, truth = np.stack([a, np.full_like(a, 9)]), np.stack([b, np.zeros_like(b)])
    else:
        want = expected["_clip_aggregate"]
        mean, pooled = want["mean_of_psnr_excluding_inf"], want["psnr_of_pooled_mse"]
        colour = [[arrays[f"{n}__{s}"] for n in want["members"]] for s in "ab"]
        frames, truth = (np.stack([np.dstack([x] * 3) if x.ndim == 2 else x for x in side]) for side in colour)
    assert psnr(MEAN, frames, truth).value == pytest.approx(mean, abs=1e-6)
    assert psnr(POOLED, frames, truth).value == pytest.approx(pooled, abs=1e-6)


@pytest.mark.parametrize("gap", [1, 7, 100, 255])
def test_constant_difference_has_a_closed_form(gap: int) -> None:
    want = 20 * np.log10(255 / gap)
    for id in (MEAN, POOLED):
        assert psnr(id, level(gap), level(0)).value == pytest.approx(want, abs=1e-12)
        assert psnr(id, level(0), level(gap)).value == pytest.approx(want, abs=1e-12)


def test_pooling_is_ruled_by_the_worst_frame() -> None:
    frames = np.concatenate([level(1), level(100)])
    assert psnr(MEAN, frames, level(0, frames=2)).value == pytest.approx(10 * np.log10(255**4 / 1e4) / 2)
    assert psnr(POOLED, frames, level(0, frames=2)).value == pytest.approx(10 * np.log10(255**2 / 5000.5))


def test_identical_frames_count_at_the_cap_and_are_counted() -> None:
    frames = np.concatenate([level(5), level(9), level(10)])
    result = psnr(MEAN, frames, level(9, frames=3))
    below, above = 20 * np.log10(255 / 4), 20 * np.log10(255)
    assert result.per_frame == pytest.approx([below, CAP, above]) and result.coverage == 1
    assert result.value == pytest.approx((below + CAP + above) / 3)
    assert result.series["capped"].tolist() == [0, 1, 0]


def test_symmetry_and_what_does_not_matter() -> None:
    a, b = noise(1, 3, 12, 14, 3), noise(2, 3, 12, 14, 3)
    for id in (MEAN, POOLED):
        value = psnr(id, a, b).value
        assert psnr(id, b, a).value == value
        assert psnr(id, a[:, ::-1], b[:, ::-1]).value == pytest.approx(value, rel=1e-12)
        assert psnr(id, a[..., ::-1], b[..., ::-1]).value == pytest.approx(value, rel=1e-12)
        assert psnr(id, 255 - a, 255 - b).value == pytest.approx(value, rel=1e-12)


def test_bytes_do_not_wrap() -> None:
    assert mean_squared_error(level(0), level(255)) == 255.0**2


def test_the_range_of_the_reference() -> None:
    truth = level(100)
    truth[0, 0, 0] = 150
    assert psnr(RANGE, truth + np.uint8(5), truth).value == pytest.approx(20 * np.log10(50 / 5))
    flat = psnr(RANGE, level(9), level(7))
    assert flat.value is None and "range is 0" in flat.reason
    half = psnr(RANGE, np.concatenate([level(9), truth + np.uint8(5)]), np.concatenate([level(7), truth]))
    assert half.coverage == 0.5 and half.value == pytest.approx(20 * np.log10(50 / 5))


def test_atvgnet_wraps_as_its_code_does() -> None:
    import cv2

    a, b = noise(3, 10, 12, 3), noise(4, 10, 12, 3)
    one, two = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (a, b))
    with np.errstate(over="ignore"):
        wrapped = float(np.mean((one - two) ** 2))
    assert psnr(WRAPPED, a, b).value == pytest.approx(20 * np.log10(255 / np.sqrt(wrapped)), abs=1e-9)
    # a difference of 16 squares to 256, which is 0 in a byte
    assert psnr(WRAPPED, level(16), level(0)).value == 100
    assert psnr(WRAPPED, level(0), level(255)).value == pytest.approx(20 * np.log10(255))


def test_the_mouth_box_sees_the_mouth_alone() -> None:
    truth, exact = noise(5, 2, 64, 64, 3), np.full((2, 68, 2), 5.0)
    exact[:, 48:68] = np.random.default_rng(0).uniform((24, 30), (40, 38), (2, 20, 2))
    exact[:, 48], exact[:, 54] = (24, 34), (40, 34)  # 16 wide, so a box of 24 around (32, 34)
    outside = truth.copy()
    outside[:, :20] ^= 255
    assert psnr(BOX, outside, truth, exact).value == CAP
    inside = truth.copy()
    inside[:, 30:38, 28:36] ^= 255
    wrong = np.square(inside.astype(float) - truth)
    box = wrong[:, 23:47, 21:45]
    assert box.sum() == wrong.sum()
    # boxes' rows follow the points' heights; their size does not
    want = np.mean(10 * np.log10(255**2 / (wrong.sum((1, 2, 3)) / (24 * 24 * 3))))
    assert psnr(BOX, inside, truth, exact).value == pytest.approx(want, abs=1e-9)


def test_the_mouth_box_needs_a_mouth() -> None:
    truth, exact = level(9, frames=4, side=64), np.full((4, 68, 2), np.nan)
    assert psnr(BOX, truth, truth, exact).value is None
    exact[:3] = 32.0
    exact[:3, 48] = (20.0, 30.0)
    result = psnr(BOX, truth, truth, exact)
    assert result.value == CAP and result.coverage == 0.75 and np.isnan(result.per_frame[3])
