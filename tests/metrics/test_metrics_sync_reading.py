"""SyncNet's read-out against golden vectors, planted shifts, and in memory that grows with the length only."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from metrics.sync_reading import calm, diagonals, read_padded, spread_over_frames


def vectors(windows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (windows, 32)).astype(np.float32)


def test_golden_vectors(read_golden: Callable) -> None:
    expected, arrays = read_golden("syncnet")
    names = [name for name in expected if name.startswith("post")]
    assert len(names) >= 3
    for name in names:
        want = expected[name]
        found = read_padded(arrays[f"{name}__lip"], arrays[f"{name}__aud"], reach=want["vshift"])
        assert found.offset == want["offset"]
        if "planted_shift" in want and want["T"] >= 45:
            assert found.offset == want["planted_shift"]
        assert found.confidence == pytest.approx(want["conf"], abs=1e-4)
        assert found.distance == pytest.approx(want["min_dist"], abs=1e-4)
        assert found.means == pytest.approx(np.array(want["mdist"]), abs=1e-4)
        assert found.confidences == pytest.approx(np.array(want["framewise_conf_medfilt9"]), abs=1e-4)


@pytest.mark.parametrize("early", range(-12, 13))
def test_the_offset_is_by_how_much_the_sound_comes_before_its_lips(early: int) -> None:
    lips = vectors(60)
    sound = np.roll(lips, -early, 0)  # what lips say at n is heard at n - early
    found = read_padded(lips, sound)
    assert found.offset == early
    assert found.own.shape == found.confidences.shape == (60,) and found.means.shape == (31,)


def test_what_lies_beyond_the_ends_counts_as_zeros() -> None:
    lips, sound = vectors(9), vectors(9, seed=1)
    found = read_padded(lips, sound)
    norms = np.linalg.norm(lips.astype(np.float64) + 1e-6, axis=1)
    assert found.means[[0, 5, 25, 30]] == pytest.approx(norms.mean(), abs=1e-9)
    one = read_padded(lips[:1], sound[:1])
    assert one.means[15] == pytest.approx(np.linalg.norm(lips[0] - sound[0]), abs=1e-4) and one.own.shape == (1,)


def test_the_first_of_equal_distances_counts() -> None:
    same = np.ones((40, 4), np.float32)
    assert read_padded(np.zeros((40, 4)), np.zeros((40, 4))).offset == 15
    assert read_padded(same, same).offset == 0


def test_memory_grows_with_the_length_only() -> None:
    lips, sound = vectors(6000), vectors(6000, seed=1)
    tracemalloc.start()
    read_padded(lips, sound)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # one matrix of 6,000 x 6,000 is 288 MB


def test_diagonals_pair_each_window_with_what_it_hears() -> None:
    lips, sound = vectors(20), vectors(20, seed=1)
    lines = diagonals(lips, sound, lambda a, b: np.linalg.norm(a - b, axis=1))
    assert [len(line) for line in lines] == [20 - abs(k) for k in range(-15, 16)]
    assert lines[15 + 4][3] == pytest.approx(np.linalg.norm(lips[3] - sound[7]))
    assert lines[15 - 4][3] == pytest.approx(np.linalg.norm(lips[7] - sound[3]))
    assert [len(line) for line in diagonals(lips[:2], sound[:2], lambda a, b: a[:, 0])][13:18] == [0, 1, 2, 1, 0]


@pytest.mark.parametrize("length", [1, 4, 9, 30])
def test_calm_is_a_running_median_with_zeros_beyond_the_ends(length: int) -> None:
    from scipy.ndimage import median_filter

    values = np.random.default_rng(length).normal(3, 1, length)
    assert calm(values, 9) == pytest.approx(median_filter(values, 9, mode="constant"))


def test_curves_are_laid_on_frames() -> None:
    assert spread_over_frames(np.array([1.0, 2.0]), 5, first=2) == pytest.approx(
        [np.nan] * 2 + [1, 2, np.nan], nan_ok=True
    )
    assert spread_over_frames(np.arange(9.0), 4, first=3)[3] == 0
    assert np.isnan(spread_over_frames(np.arange(3.0), 2, first=5)).all()
