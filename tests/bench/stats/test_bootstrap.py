"""The bootstrap: defined cases, determinism, independence of order, and coverage in simulation."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.bootstrap import Interval, derive_seed, interval


def test_no_value_and_one_value():
    assert interval(np.array([]), resamples=200, level=0.95, seed=0) == Interval(None, None, None, 0)
    assert interval(np.array([3.5]), resamples=200, level=0.95, seed=0) == Interval(3.5, None, None, 1)


def test_one_cluster_has_a_mean_but_no_limits():
    made = interval(np.array([1.0, 2.0, 6.0]), resamples=200, level=0.95, seed=0, clusters=["a", "a", "a"])
    assert made == Interval(3.0, None, None, 3)


def test_two_values_against_the_exact_distribution():
    # Means of two draws from {0, 1}: 0 (1/4), 1/2 (1/2), 1 (1/4), so the 90 % limits are 0 and 1.
    made = interval(np.array([0.0, 1.0]), resamples=2000, level=0.9, seed=1)
    assert made == Interval(0.5, 0.0, 1.0, 2)
    inner = interval(np.array([0.0, 1.0]), resamples=2000, level=0.2, seed=1)
    assert (inner.low, inner.high) == (0.5, 0.5)


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


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    # The percentile interval of n = 30 normal values is known to cover a little less than stated (about 94 %).
    generator = np.random.default_rng(2024)
    covered = 0
    for trial in range(600):
        made = interval(generator.normal(loc=2.0, size=30), resamples=400, level=0.95, seed=trial)
        assert made.low is not None and made.high is not None
        covered += made.low <= 2.0 <= made.high
    assert 0.91 <= covered / 600 <= 0.97


def test_clusters_keep_coverage_where_clips_are_alike():
    # 30 speakers with 4 clips each, half of the variance between speakers: clip by clip, coverage is far too low.
    generator = np.random.default_rng(7)
    labels = [f"speaker {i // 4}" for i in range(120)]
    whole = single = 0
    for trial in range(300):
        values = np.repeat(generator.normal(size=30), 4) + generator.normal(size=120)
        by_cluster = interval(values, resamples=300, level=0.95, seed=trial, clusters=labels)
        by_clip = interval(values, resamples=300, level=0.95, seed=trial)
        whole += by_cluster.low <= 0.0 <= by_cluster.high
        single += by_clip.low <= 0.0 <= by_clip.high
    assert whole / 300 >= 0.89
    assert single / 300 <= 0.85


def test_derived_seeds_are_stable_and_distinct():
    assert derive_seed(0, "avct", "float32", "psnr/x@1") == 0x59D982DAB65D3E90
    assert len({derive_seed(s, m) for s in range(5) for m in "abc"}) == 15
    assert derive_seed(0, "a", "bc") != derive_seed(0, "ab", "c")
