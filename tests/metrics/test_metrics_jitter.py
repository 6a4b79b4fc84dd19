"""Jitter: closed forms, what is taken out and what is not, and its growth with noise."""

from __future__ import annotations

import numpy as np
import pytest
from heads68 import head_clip, motion

from metrics.clip import Result
from metrics.registry import evaluate

STILL = motion.talking_head(np.zeros((40, 3)))
EYES = float(np.linalg.norm(STILL[0, 45] - STILL[0, 36]))


def jitter(points: np.ndarray, *, variant: str = "") -> Result:
    return evaluate(f"jitter/{variant}puppet68@1", head_clip(points))


def ratio(ours: np.ndarray, theirs: np.ndarray) -> Result:
    return evaluate("jitter_ratio/puppet68@1", head_clip(ours, theirs))


def noisy(sigma: float, seed: int = 0) -> np.ndarray:
    return STILL + np.random.default_rng(seed).normal(0, sigma, STILL.shape)


def test_a_shake_of_one_pixel() -> None:
    shaken = STILL + np.where(np.arange(40) % 2, 1.0, -1.0)[:, None, None] * (0.6, 0.8)
    result = jitter(shaken)
    assert result.value == pytest.approx(4 / EYES)
    assert np.isnan(result.per_frame[[0, -1]]).all() and result.per_frame[1:-1] == pytest.approx(np.full(38, 4 / EYES))
    # the whole face shakes: its shape does not
    assert jitter(shaken, variant="face68-procrustes-").value == pytest.approx(0, abs=1e-12)


def test_a_still_face_and_a_steady_one_do_not_tremble() -> None:
    assert jitter(STILL).value == 0
    steady = STILL + np.arange(40.0)[:, None, None] * (1.5, -0.5)
    assert jitter(steady).value == pytest.approx(0, abs=1e-12)


def test_it_grows_with_noise_and_knows_its_size() -> None:
    for variant in ("", "face68-procrustes-"):
        values = [jitter(noisy(s), variant=variant).value for s in (0.0, 0.1, 0.3, 1.0, 3.0)]
        assert (np.diff(values) > 0).all()
    # |second difference| of noise: Rayleigh of sigma sqrt(6)
    assert jitter(noisy(0.3)).value == pytest.approx(0.3 * np.sqrt(6 * np.pi / 2) / EYES, rel=0.05)


def test_speech_and_blinks_count_only_in_the_variant_that_says_so() -> None:
    spoken = motion.talking_head(np.zeros((40, 3)), shut=(5, 20), blinks=(12,))
    assert jitter(spoken).value == 0
    assert jitter(spoken, variant="face68-procrustes-").value > 0.001


def test_turning_and_growing_in_the_picture_is_taken_out_by_alignment() -> None:
    t = np.arange(40)
    turns, sizes = np.sin(t * 0.8) * 0.1, 1 + 0.1 * np.cos(t)
    planes = np.array([[np.cos(turns), -np.sin(turns)], [np.sin(turns), np.cos(turns)]]).transpose(2, 0, 1)
    moved = (STILL @ planes.transpose(0, 2, 1)) * sizes[:, None, None]
    assert jitter(moved, variant="face68-procrustes-").value == pytest.approx(0, abs=1e-12)
    assert jitter(moved).value > 0.01


def test_the_ratio_to_the_truth() -> None:
    assert ratio(noisy(0.6), noisy(0.3, 1)).value == pytest.approx(2, rel=0.1)
    assert ratio(noisy(0.3), noisy(0.3)).value == 1
    assert ratio(STILL, noisy(0.3)).value == 0
    still = ratio(noisy(0.3), STILL)
    assert still.value is None and still.reason == "a still truth: its jitter is 0, under 0.0001"


def test_only_frames_of_both_enter_the_ratio() -> None:
    ours, theirs = noisy(0.5), noisy(0.2, 1)
    want = ratio(ours[8:], theirs[8:]).value
    ours[:4], theirs[4:8] = np.nan, np.nan
    result = ratio(ours, theirs)
    assert result.coverage == 0.8 and result.value == pytest.approx(want)


def test_three_frames_on_end_are_needed() -> None:
    points = noisy(0.5)
    points[2::3] = np.nan
    apart = jitter(points)
    assert apart.value is None and "under 80%" in apart.reason
    two = jitter(noisy(0.5)[:2])
    assert two.value is None and two.reason == "no three frames on end with a face whose eyes are apart"
    assert jitter(noisy(0.5)[:3]).value is not None
    holed = noisy(0.5)
    holed[10] = np.nan
    result = jitter(holed)
    assert np.flatnonzero(np.isnan(result.per_frame)).tolist() == [0, 9, 10, 11, 39]


def test_eyes_without_a_distance() -> None:
    points = noisy(0.5)
    points[:, 45] = points[:, 36]
    assert jitter(points).value is None and "eyes are apart" in jitter(points).reason
