"""Groups of clips and the jackknife: order does not matter, coverage is what it says, known cases by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.pooled import FEWEST, GROUPS, identify, jackknife, make_groups


def test_groups_hold_every_clip_once_and_clusters_whole():
    labels = {f"clip{k:02}": f"speaker{k % 7}" for k in range(40)}
    groups = make_groups(labels)
    assert len(groups) == 7 and sorted(clip for group in groups for clip in group) == sorted(labels)
    for group in groups:
        assert len({labels[clip] for clip in group}) == 1
    assert len(make_groups({str(k): str(k) for k in range(99)})) == GROUPS


def test_groups_do_not_depend_on_the_order_given():
    labels = {f"clip{k}": f"s{k % 5}" for k in range(17)}
    turned = dict(reversed(labels.items()))
    assert make_groups(labels) == make_groups(turned)


def test_the_jackknife_of_a_mean_is_the_t_interval():
    from scipy import stats

    values = np.random.default_rng(2).normal(3, 2, 12)
    without = [np.delete(values, k).mean() for k in range(12)]
    low, high = jackknife(values.mean(), without, 0.95)
    expected = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(expected, rel=1e-12)


def test_intervals_of_a_mean_over_clusters_cover_as_they_say():
    """Clips of a speaker are alike: leaving out whole speakers covers the truth, leaving out clips would not."""
    rng, hits, blind = np.random.default_rng(7), 0, 0
    for _ in range(400):
        values = rng.normal(0, 1, 12)[:, None] + rng.normal(0, 0.3, (12, 6))
        low, high = jackknife(values.mean(), [np.delete(values, k, 0).mean() for k in range(12)], 0.95)
        hits += low <= 0 <= high
        flat = values.ravel()
        low, high = jackknife(flat.mean(), [np.delete(flat, k).mean() for k in range(72)], 0.95)
        blind += low <= 0 <= high
    assert 0.92 <= hits / 400 <= 0.98 and blind / 400 < 0.75


def test_no_interval_from_few_groups_or_without_numbers():
    assert jackknife(1.0, [1.0] * (FEWEST - 1), 0.95) is None
    assert jackknife(1.0, [1.0, 2.0, float("nan"), 1.5], 0.95) is None


def test_the_name_of_the_clips_follows_their_pixels_and_not_their_order():
    rows = [
        {"speaker": "s", "reference": f"r{k}", "driver": "d", "seed": 0, "video_sha256": f"v{k}", "truth_sha256": "t"}
        for k in range(3)
    ]
    assert identify(rows) == identify(rows[::-1]) != identify(rows[:2])
    assert identify([{**rows[0], "video_sha256": "w"}, *rows[1:]]) != identify(rows)
