"""What n clips can show: the formula against simulated experiments."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from bench.validity.sensitivity import POWER, detectable, pseudo_values, spreads, within

TRIALS = 4_000


def test_a_paired_test_finds_the_stated_difference_as_often_as_stated() -> None:
    rng = np.random.default_rng(1)
    for clips in (8, 28):
        effect = detectable(2.0, clips, paired=True)
        clip = rng.normal(0, 5, (TRIALS, clips))  # what clips share does not matter
        ours, theirs = clip + rng.normal(effect, 1.2, clip.shape), clip + rng.normal(0, 1.6, clip.shape)
        found = ttest_rel(ours, theirs, axis=1).pvalue < 0.05
        assert found.mean() == pytest.approx(POWER, abs=0.025)


def test_an_unpaired_test_finds_the_stated_difference_as_often_as_stated() -> None:
    rng = np.random.default_rng(2)
    for clips in (8, 28):
        effect = detectable(2.0, clips, paired=False)
        ours, theirs = rng.normal(effect, 2.0, (TRIALS, clips)), rng.normal(0, 2.0, (TRIALS, clips))
        assert (ttest_ind(ours, theirs, axis=1).pvalue < 0.05).mean() == pytest.approx(POWER, abs=0.025)


def test_many_clips_meet_the_normal_approximation() -> None:
    assert detectable(1.0, 4_000, paired=True) == pytest.approx((1.959964 + 0.841621) / np.sqrt(4_000), rel=1e-3)
    assert detectable(1.0, 8, paired=True) > 1.1 * (1.959964 + 0.841621) / np.sqrt(8)
    with pytest.raises(ValueError, match="2 clips"):
        detectable(1.0, 1, paired=True)


def test_spreads_tell_what_clips_share_from_what_they_do_not() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 5, 4_000)
    ours, theirs = shared + rng.normal(0, 1, 4_000), shared + rng.normal(0, 1, 4_000)
    paired, single = spreads(ours, theirs)
    assert paired == pytest.approx(np.sqrt(2), rel=0.05) and single == pytest.approx(np.sqrt(26), rel=0.05)


def test_halves_tell_the_noise_of_a_clip() -> None:
    rng = np.random.default_rng(4)
    own = rng.normal(0, 3, (4_000, 1))  # differs between clips, the same in both halves
    gaps = own + rng.normal(0, 1, (4_000, 2))
    assert within(gaps, np.zeros_like(gaps)) == pytest.approx(1 / np.sqrt(2), rel=0.05)


def test_jackknife_values_of_a_mean_are_the_clips_own() -> None:
    values = np.array([1.0, 4.0, 2.0, 7.0])
    without = [float(np.delete(values, k).mean()) for k in range(4)]
    assert pseudo_values(float(values.mean()), without) == pytest.approx(values)
