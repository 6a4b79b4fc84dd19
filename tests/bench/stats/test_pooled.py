"""Groups of clips and their bootstrap: order does not matter, coverage is what it says, known cases by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.bootstrap import interval
from bench.stats.pooled import FEWEST, GROUPS, bootstrap_groups, identify, make_groups
from metrics import frechet, mmd, moments


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


def limits(value: float, without: list[float], seed: int = 0) -> tuple[float, float]:
    return bootstrap_groups(value, without, level=0.95, resamples=400, seed=seed)


def test_of_a_mean_it_is_the_interval_of_a_mean():
    values = np.random.default_rng(2).normal(3, 2, 12)
    made = interval(values, resamples=400, level=0.95, seed=7)
    found = limits(values.mean(), [np.delete(values, k).mean() for k in range(12)], seed=7)
    assert found == pytest.approx((made.low, made.high), rel=1e-9)


def test_intervals_of_a_mean_over_clusters_cover_as_they_say():
    """Clips of a speaker are alike: leaving out whole speakers covers the truth, leaving out clips would not."""
    rng, hits, blind = np.random.default_rng(7), 0, 0
    for _ in range(400):
        values = rng.normal(0, 1, 12)[:, None] + rng.normal(0, 0.3, (12, 6))
        low, high = limits(values.mean(), [np.delete(values, k, 0).mean() for k in range(12)])
        hits += low <= 0 <= high
        flat = values.ravel()
        low, high = limits(flat.mean(), [np.delete(flat, k).mean() for k in range(72)])
        blind += low <= 0 <= high
    assert 0.92 <= hits / 400 <= 0.98 and blind / 400 < 0.75


@pytest.mark.parametrize("metric", [frechet, mmd])
def test_intervals_of_distances_cover_their_expectation(metric):
    """FID and KID in two dimensions: 10 speakers of 5 clips of 6 frames, films and truths of the same scenes."""
    rng, made = np.random.default_rng(11), []
    made_of = moments if metric is frechet else mmd
    for trial in range(300):
        scene = 0.7 * rng.normal(size=(10, 1, 2)) + 0.5 * rng.normal(size=(10, 30, 2))
        films = 0.6 * scene + 0.3 * rng.normal(size=(10, 1, 2)) + 0.5 * rng.normal(size=(10, 30, 2)) + 0.5
        sides = [[made_of.summarise([block.astype(np.float32)]) for block in side] for side in (films, scene)]

        def distance(left_out: int | None, sides=sides) -> float:
            kept = [[part for k, part in enumerate(side) if k != left_out] for side in sides]
            return metric.distance(made_of.merge(kept[0]), made_of.merge(kept[1]))

        value = distance(None)
        made.append((value, *limits(value, [distance(k) for k in range(10)], seed=trial)))
    expected = np.mean([value for value, _, _ in made])
    assert 0.91 <= np.mean([low <= expected <= high for _, low, high in made]) <= 0.985


def test_no_interval_from_few_groups_or_without_numbers():
    assert "from 3 groups" in limits(1.0, [1.0] * (FEWEST - 1))
    assert "there is no value" in limits(1.0, [1.0, 2.0, float("nan"), 1.5])


def test_the_name_of_the_clips_follows_their_pixels_and_not_their_order():
    rows = [
        {"speaker": "s", "reference": f"r{k}", "driver": "d", "seed": 0, "video_sha256": f"v{k}", "truth_sha256": "t"}
        for k in range(3)
    ]
    assert identify(rows) == identify(rows[::-1]) != identify(rows[:2])
    assert identify([{**rows[0], "video_sha256": "w"}, *rows[1:]]) != identify(rows)
