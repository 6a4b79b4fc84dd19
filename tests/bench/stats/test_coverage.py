"""Simulation: intervals that say 95 % cover 93 to 97 %, whatever clips of one speaker have in common."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.bootstrap import interval

TRIALS = 1500
"""Monte Carlo error at 95 %: sqrt(0.95 * 0.05 / 1500) = 0.56 points."""
EVEN = {f"{count} speakers of 5 clips": (5,) * count for count in (8, 12, 24, 30)}
UNEVEN = {
    "8 speakers of 1 to 8 clips": (1, 2, 3, 4, 5, 6, 7, 8),
    "12 of 1 to 12": (2, 2, 3, 4, 5, 8, 10, 12, 1, 3, 5, 5),
}
DESIGNS = {**EVEN, **UNEVEN}
CHOSEN = (
    ("8 speakers of 5 clips", 0.0, "normal"),
    ("8 speakers of 5 clips", 0.9, "normal"),
    ("12 speakers of 5 clips", 0.3, "normal"),
    ("24 speakers of 5 clips", 0.0, "normal"),
    ("24 speakers of 5 clips", 0.6, "normal"),
    ("30 speakers of 5 clips", 0.6, "skewed"),
    ("24 speakers of 5 clips", 0.3, "skewed"),
    ("12 of 1 to 12", 0.6, "normal"),
    ("8 speakers of 1 to 8 clips", 0.3, "skewed"),
)


def draw(generator: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Numbers of mean 0 and variance 1; skewed: log-normal as distances of landmarks are, skewness 1.75."""
    if kind == "normal":
        return generator.normal(size=shape)
    square = np.exp(0.25)
    return (generator.lognormal(sigma=0.5, size=shape) - np.sqrt(square)) / np.sqrt((square - 1) * square)


def simulate(sizes: tuple[int, ...], alike: float, kind: str, trials: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """float64 (trials, clips) of true mean 0 and intra-class correlation `alike`, and each clip's speaker."""
    generator = np.random.default_rng(seed)
    speaker = np.repeat(np.arange(len(sizes)), sizes)
    shared, own = draw(generator, (trials, len(sizes)), kind), draw(generator, (trials, len(speaker)), kind)
    return np.sqrt(alike) * shared[:, speaker] + np.sqrt(1 - alike) * own, [f"speaker {k:02}" for k in speaker]


def covered(values: np.ndarray, labels: list[str] | None, level: float = 0.95) -> float:
    """Share of lines whose interval holds the true mean, 0."""
    made = [interval(line, resamples=300, level=level, seed=k, clusters=labels) for k, line in enumerate(values)]
    return sum(one.low <= 0.0 <= one.high for one in made) / len(made)


@pytest.mark.parametrize(("design", "alike", "kind"), CHOSEN)
def test_intervals_of_clustered_clips_cover_as_they_say(design: str, alike: float, kind: str):
    values, labels = simulate(DESIGNS[design], alike, kind, TRIALS, seed=20)
    assert 0.93 <= covered(values, labels) <= 0.97


@pytest.mark.parametrize("clips", [5, 10, 30])
def test_intervals_of_single_clips_cover_as_they_say(clips: int):
    values, _ = simulate((1,) * clips, 0.0, "normal", TRIALS, seed=21)
    assert 0.93 <= covered(values, None) <= 0.97


def test_other_levels_hold_too():
    values, labels = simulate((5,) * 12, 0.5, "normal", TRIALS, seed=22)
    assert 0.875 <= covered(values, labels, level=0.9) <= 0.925


def test_three_clusters_are_enough_for_an_honest_interval():
    values, labels = simulate((5,) * 3, 0.5, "normal", TRIALS, seed=23)
    assert 0.93 <= covered(values, labels) <= 0.97


def test_without_clusters_alike_clips_would_deceive():
    values, _ = simulate((5,) * 12, 0.6, "normal", 500, seed=24)
    assert covered(values, None) < 0.75
