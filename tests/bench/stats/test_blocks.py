"""Intervals of series in time: they hold where neighbours are alike, where draws of single values do not."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.stats import blocks
from bench.stats.bootstrap import interval

TRIALS = 400
"""Monte Carlo error at 93 %: 1.3 points."""


def series(alike: float, n: int, *, trials: int = TRIALS, seed: int = 1) -> np.ndarray:
    """float64 (trials, n): normal, mean 0, variance 1, correlation `alike` from one to the next (AR(1))."""
    generator = np.random.default_rng(seed)
    fresh = generator.normal(size=(trials, n)) * np.sqrt(1 - alike**2)
    made = np.empty((trials, n))
    made[:, 0] = generator.normal(size=trials)
    for k in range(1, n):
        made[:, k] = alike * made[:, k - 1] + fresh[:, k]
    return made


def covered(made: list[blocks.Estimate], truth: float) -> float:
    return sum(one.low <= truth <= one.high for one in made) / len(made)


@pytest.mark.parametrize(
    ("alike", "n", "least"), [(0.0, 40, 0.92), (0.3, 400, 0.91), (0.6, 400, 0.89), (0.9, 800, 0.87)]
)
def test_means_are_covered_as_they_say(alike: float, n: int, least: float):
    made = [blocks.mean(line, seed=k, resamples=200) for k, line in enumerate(series(alike, n))]
    assert least <= covered(made, 0.0) <= 0.98


@pytest.mark.parametrize("alike", [0.6, 0.9])
def test_draws_of_single_values_would_not_be(alike: float):
    naive = [interval(line, resamples=200, level=0.95, seed=k) for k, line in enumerate(series(alike, 400)[:200])]
    assert sum(one.low <= 0 <= one.high for one in naive) / len(naive) < 0.75


@pytest.mark.parametrize(
    ("alike", "n", "probability", "least"),
    [
        (0.0, 400, 0.5, 0.93),
        (0.6, 400, 0.5, 0.9),
        (0.3, 1000, 0.9, 0.9),
        (0.6, 1000, 0.9, 0.89),
        (0.0, 1000, 0.99, 0.9),
    ],
)
def test_quantiles_of_skewed_times_are_covered(alike: float, n: int, probability: float, least: float):
    made = [blocks.quantile(np.exp(line), probability) for line in series(alike, n)]
    assert least <= covered(made, float(np.exp(NormalDist().inv_cdf(probability)))) <= 0.99


def test_rates_are_covered_where_slow_spells_last():
    seconds = np.exp(0.3 * series(0.6, 300))
    truth = 25.0 / float(np.exp(0.3**2 / 2))
    made = [blocks.rate(np.full(300, 25.0), line, seed=k, resamples=200) for k, line in enumerate(seconds)]
    assert 0.89 <= covered(made, truth) <= 0.98


def test_what_disturbs_both_ways_cancels_in_their_ratio():
    load = np.exp(series(0.6, 24, trials=1)[0])
    both = blocks.rates_ratio(([100.0] * 24, load * 1.5), ([100.0] * 24, load))
    alone = blocks.rate([100.0] * 24, load * 1.5, seed=0)
    assert both.value == pytest.approx(1 / 1.5)
    assert both.high - both.low < 1e-9 < alone.high - alone.low


def test_ratios_of_few_turns_are_covered():
    noise = np.exp(0.1 * np.random.default_rng(2).normal(size=(1000, 2, 4)))
    made = [blocks.rates_ratio(([70.0] * 4, a), ([100.0] * 4, b)) for a, b in noise]
    assert 0.93 <= covered(made, 0.7) <= 0.97
    assert blocks.rates_ratio(([1.0] * 3, [1.0] * 3), ([2.0] * 3, [1.0] * 3)).low is None
    with pytest.raises(ValueError, match="every turn"):
        blocks.rates_ratio(([1.0], [0.0]), ([1.0], [1.0]))


def test_blocks_are_longer_where_neighbours_are_alike():
    loose, tight = (np.median([blocks.block_length(line) for line in series(a, 1000)[:50]]) for a in (0.0, 0.9))
    assert loose == 20  # 2 n^(1/3)
    assert tight > 3 * loose


def test_small_series_say_why_there_are_no_limits():
    assert blocks.mean([], seed=0) == blocks.Estimate(None, None, None, 0, None, "nothing was measured")
    few = blocks.mean([1.0, 2.0, 3.0], seed=0)
    assert (few.value, few.low, few.reason) == (2.0, None, "no interval from 3, expected at least 8")
    tail = blocks.quantile(np.arange(999.0), 0.99)
    assert tail.low is None and tail.reason == "no interval from 999, expected at least 1000"
    assert blocks.quantile(np.arange(1000.0), 0.99).high is not None
    with pytest.raises(ValueError, match="seconds"):
        blocks.rate([1.0] * 9, [0.0] * 9, seed=0)
    with pytest.raises(ValueError, match="finite"):
        blocks.mean([1.0, float("nan")], seed=0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=120), st.sampled_from([0.5, 0.9]))
def test_limits_hold_the_value_and_come_again(values: list[float], probability: float):
    for make in (
        lambda: blocks.mean(values, seed=3, resamples=50),
        lambda: blocks.quantile(values, probability),
        lambda: blocks.rate(values, values[::-1], seed=3, resamples=50),
    ):
        made = make()
        assert made == make()
        assert made.n == len(values)
        if made.low is not None:
            assert made.low <= made.value <= made.high
