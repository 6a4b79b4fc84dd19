"""Verdicts on made-up curves: a planted broken metric must be found, and a good one must not be blamed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from bench.validity.verdicts import harm, judge, moved, spearman, usable

CLIPS = 8


def curve(means: list[float], *, spread: float = 0.02, seed: int = 0) -> np.ndarray:
    """Values (levels, clips): each clip has a bent of its own and a little noise."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 0.3, CLIPS)
    return np.array(means)[:, None] + own + rng.normal(0, spread, (len(means), CLIPS))


FALLING = curve([1.0, 0.9, 0.7, 0.5, 0.2, 0.0])
FLAT = curve([1.0] * 6, seed=1)
BENT = curve([1.0, 0.6, 0.9, 0.3, 0.8, 0.5])


@pytest.mark.parametrize(
    ("values", "direction", "target", "promised", "word"),
    [
        (FALLING, "higher", None, True, "holds"),
        (FALLING, "higher", None, False, "answers"),
        (FALLING, "lower", None, True, "FAILS"),  # planted: the sign is wrong
        (FALLING, "lower", None, False, "misled"),
        (BENT, "higher", None, True, "FAILS"),  # planted: moves, but not with harm
        (BENT, "higher", None, False, "mixed"),
        (FLAT, "higher", None, True, "FAILS"),  # planted: sees nothing
        (FLAT, "higher", None, False, "blind"),
        (FALLING, "target", 5.0, True, "holds"),  # away from the target
        (FALLING, "target", -5.0, False, "misled"),  # towards it
        (FALLING, "target", None, False, "answers"),  # describes: either direction
        (-FALLING, "target", None, True, "holds"),
    ],
)
def test_verdicts(values: np.ndarray, direction: str, target: float | None, promised: bool, word: str) -> None:
    assert judge(values, direction, target, promised=promised, scale=1.0).word == word


def test_noise_alone_seldom_passes_for_seeing() -> None:
    words = [judge(curve([1.0] * 6, seed=seed), "lower", None, promised=False, scale=0.02).word for seed in range(200)]
    assert words.count("blind") >= 196


def test_a_constant_that_moves_by_rounding_is_blind() -> None:
    values = np.full((6, CLIPS), 0.3) + 1e-15 * np.arange(6)[:, None]
    found = judge(values, "lower", None, promised=False, scale=1.0)
    assert found.word == "blind" and found.rho is None


def test_a_move_far_below_the_largest_is_blind_unless_promised() -> None:
    small = 0.01 * FALLING
    assert judge(small, "higher", None, promised=False, scale=1.0).word == "blind"
    assert judge(small, "higher", None, promised=True, scale=1.0).word == "holds"


def test_a_level_without_values_is_left_out_and_a_clip_without_one_too() -> None:
    values = FALLING.copy()
    values[5] = np.nan  # a still mouth has no correlation
    values[2, 0] = np.nan
    found = judge(values, "higher", None, promised=True, scale=1.0)
    assert found.word == "holds" and found.levels == (0, 1, 2, 3, 4) and found.clips == CLIPS - 1
    levels, clips = usable(values)
    assert levels.tolist() == [0, 1, 2, 3, 4] and 0 not in clips


def test_no_value_where_too_little_is_left() -> None:
    values = FALLING.copy()
    values[1:5] = np.nan
    assert judge(values, "higher", None, promised=True, scale=1.0).word == "no value"
    assert judge(np.full((6, 3), np.nan), "higher", None, promised=True, scale=1.0).word == "no value"
    values = FALLING.copy()
    values[0] = np.nan  # without the truth there is nothing to compare with
    assert judge(values, "higher", None, promised=False, scale=1.0).word == "no value"
    assert moved(values, "higher", None) == 0.0


def test_harm_by_direction() -> None:
    values = np.array([1.0, 2.0])
    assert harm(values, "higher", None).tolist() == [-1, -2] and harm(values, "lower", None).tolist() == [1, 2]
    assert harm(values, "target", 1.5).tolist() == [0.5, 0.5] and harm(values, "target", None).tolist() == [1, 2]


def test_rank_correlation_equals_scipy() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        values = rng.integers(0, 4, 6).astype(float)
        if np.ptp(values) == 0:
            continue
        assert spearman(np.arange(6), values, 1e-9) == pytest.approx(spearmanr(np.arange(6), values).statistic)
    assert spearman(np.array([0, 1, 3]), np.array([1.0, 2.0, 5.0]), 0) == pytest.approx(1.0)
    assert spearman(np.arange(3), np.ones(3), 0) is None


def test_one_clip_has_no_noise_to_hide_in() -> None:
    assert judge(FALLING[:, :1], "higher", None, promised=True, scale=1.0).word == "holds"
    assert judge(FALLING[:, :1] * 0 + 1, "higher", None, promised=True, scale=1.0).word == "FAILS"
