"""The bootstrap: defined cases, determinism, independence of order; coverage is in test_coverage.py."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.bootstrap import Interval, derive_seed, interval


def test_no_value_and_too_few_values_say_why():
    assert interval(np.array([]), resamples=200, level=0.95, seed=0) == Interval(
        None, None, None, 0, "no clip has a value"
    )
    assert interval(np.array([3.5]), resamples=200, level=0.95, seed=0) == Interval(
        3.5, None, None, 1, "no interval from 1 clip, expected at least 5"
    )
    four = np.array([1.0, 2.0, 3.0, 6.0])
    made = interval(four, resamples=200, level=0.95, seed=0)
    assert (made.value, made.low, made.n) == (3.0, None, 4) and "from 4 clips, expected at least 5" in made.reason
    made = interval(four, resamples=200, level=0.95, seed=0, fewest=4)
    assert made.low < 3.0 < made.high and made.reason is None
    assert "expected at least 3" in interval(four[:2], resamples=200, level=0.95, seed=0, fewest=2).reason


def test_few_clusters_have_a_mean_but_no_limits():
    values = np.array([1.0, 2.0, 6.0, 1.0, 2.0, 6.0])
    made = interval(values, resamples=200, level=0.95, seed=0, clusters=["a", "b"] * 3, unit="speaker")
    assert made == Interval(3.0, None, None, 6, "no interval from clips of 2 speakers, expected at least 3")


def test_the_width_is_that_of_student():
    # One by one, and without skewness, the stretched bootstrap is Student's interval but for the draws' own noise.
    from scipy import stats

    values = stats.norm.ppf((np.arange(12) + 0.5) / 12)
    made = interval(values, resamples=50_000, level=0.95, seed=1)
    assert (made.low, made.high) == pytest.approx(stats.t.interval(0.95, 11, 0.0, stats.sem(values)), rel=0.02)


def test_clips_that_are_copies_say_no_more_than_one():
    values = np.random.default_rng(3).normal(size=10)
    one = interval(values, resamples=50_000, level=0.95, seed=1)
    labels = [f"s{k // 5}" for k in range(50)]
    copies = interval(np.repeat(values, 5), resamples=50_000, level=0.95, seed=1, clusters=labels)
    assert (copies.low, copies.high) == pytest.approx((one.low, one.high), rel=0.03)


def test_skewed_values_have_lopsided_limits():
    values = np.array([1.0] * 9 + [2.0, 3.0, 9.0])
    made = interval(values, resamples=5000, level=0.95, seed=1)
    assert made.high - made.value > 1.2 * (made.value - made.low)


def test_order_does_not_matter_to_the_last_bit():
    generator = np.random.default_rng(5)
    values = generator.normal(size=40) * 1e3
    labels = [f"s{i % 7}" for i in range(40)]
    for clusters in (None, labels):
        first = interval(values, resamples=500, level=0.95, seed=9, clusters=clusters)
        for _ in range(5):
            order = generator.permutation(40)
            moved = None if clusters is None else [clusters[i] for i in order]
            assert interval(values[order], resamples=500, level=0.95, seed=9, clusters=moved) == first


def test_the_seed_decides_the_limits_but_not_the_mean():
    values = np.random.default_rng(0).normal(size=20)
    one, two = (interval(values, resamples=300, level=0.95, seed=seed) for seed in (1, 2))
    assert one == interval(values, resamples=300, level=0.95, seed=1)
    assert one.value == two.value and (one.low, one.high) != (two.low, two.high)


def test_a_constant_has_limits_equal_to_itself():
    made = interval(np.full(10, 0.1), resamples=200, level=0.95, seed=0)
    assert made.low == pytest.approx(0.1) and made.high == pytest.approx(0.1)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="finite"):
        interval(np.array([1.0, np.nan]), resamples=200, level=0.95, seed=0)
    with pytest.raises(ValueError, match="level"):
        interval(np.array([1.0]), resamples=200, level=95, seed=0)
    with pytest.raises(ValueError, match="cluster label"):
        interval(np.array([1.0, 2.0]), resamples=200, level=0.95, seed=0, clusters=["a"])


def test_derived_seeds_are_stable_and_distinct():
    assert derive_seed(0, "avct", "float32", "psnr/x@1") == 0x59D982DAB65D3E90
    assert len({derive_seed(s, m) for s in range(5) for m in "abc"}) == 15
    assert derive_seed(0, "a", "bc") != derive_seed(0, "ab", "c")
