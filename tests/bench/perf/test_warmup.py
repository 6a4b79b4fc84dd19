"""Warming up: until it is stable, and no longer than it may."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from pretence import Time

from bench.perf.warmup import settle


def spend(time: Time, seconds: Iterable[float]) -> Iterator[float]:
    for one in seconds:
        time.pass_by(one)
        yield one


def test_it_stops_when_the_last_medians_are_alike():
    time = Time()
    falling = itertools.chain(np.linspace(1.0, 0.1, 40), itertools.repeat(0.1))
    warm = settle(spend(time, falling), unit="frame", block=10, limit=1000.0, now=time.now)
    # four blocks fall, then three are alike
    assert (warm.count, warm.stable, warm.spread, warm.reason) == (70, True, 0.0, "")
    assert warm.median == pytest.approx(0.1) and warm.seconds == pytest.approx(time.now())


def test_outliers_within_a_block_do_not_keep_it_going():
    time = Time()
    warm = settle(spend(time, itertools.cycle([0.1] * 9 + [2.0])), unit="frame", block=10, limit=1000.0, now=time.now)
    assert warm.stable and warm.count == 30


@pytest.mark.parametrize(("step", "stable"), [(0.019, True), (0.021, False)])
def test_two_per_cent_is_the_bar(step: float, stable: bool):
    time = Time()
    blocks = [1.0] * 4 + [1.0] * 4 + [1.0 + step] * 4
    warm = settle(spend(time, blocks), unit="frame", block=4, limit=1000.0, now=time.now)
    assert warm.stable is stable
    assert warm.spread == pytest.approx(step)


def test_it_gives_up_in_time_and_says_so():
    time = Time()
    drifting = (1.01**k for k in itertools.count())
    warm = settle(spend(time, drifting), unit="frame", block=5, limit=60.0, now=time.now)
    assert not warm.stable and warm.reason == "not within 2 % in 60 s"
    assert 60.0 <= warm.seconds < 62.0


def test_one_unit_at_least_even_where_it_takes_longer_than_all():
    time = Time()
    warm = settle(spend(time, itertools.repeat(500.0)), unit="clip", block=2, limit=10.0, now=time.now)
    assert (warm.count, warm.stable, warm.spread, warm.median) == (1, False, None, 500.0)


def test_work_that_ends_is_said():
    warm = settle(iter([]), unit="clip", block=2, limit=10.0, now=Time().now)
    assert (warm.count, warm.median, warm.reason) == (0, None, "there was no more work")
    with pytest.raises(ValueError, match="blocks"):
        settle(iter([]), unit="clip", block=2, blocks=1, limit=10.0)


def test_an_interrupt_is_not_held_up():
    def work() -> Iterator[float]:
        yield 1.0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        settle(work(), unit="clip", block=2, limit=10.0, now=Time().now)
