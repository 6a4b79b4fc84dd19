"""Whether a value follows a ladder: rank correlation of level and harm, and one word for it. Pure functions.

Harm is what a metric says: minus the value where higher is better, the value where lower is, its distance from the
target where there is one, and the raw value of a metric that only describes. A promise holds where Spearman's rank
correlation of level and harm, of the means over clips, is at least HOLDS, and the harm is beyond noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.stats.bootstrap import Interval, derive_seed, interval

HOLDS = 0.95
BLIND = 0.02
"""Share of the largest move that any ladder causes, under which a move counts as none."""
QUORUM = 0.5
"""Share of clips that must have a value at a level for it to enter."""
CHANCE = 0.01
"""Share of blind variants that pass for seeing: small, as there are a thousand cells in the matrix."""
FEWEST = 4
"""Clips under which noise cannot be told from a move."""
RESAMPLES, LEVEL, SEED = 2_000, 0.95, 20_220_222
WORDS = ("holds", "FAILS", "answers", "misled", "mixed", "blind", "no value")
_ROUNDING = 1e-9
"""Differences below this share of the largest value are rounding, and levels so near are tied."""


@dataclass(frozen=True)
class Verdict:
    """word: of WORDS. rho: of means over clips, or None where nothing moves. rho_clips: median over clips of each
    clip's own. moved: largest change of the mean harm. levels: that entered, the truth being 0. clips: that entered."""

    word: str
    promised: bool
    rho: float | None
    rho_clips: float | None
    moved: float | None
    levels: tuple[int, ...]
    clips: int


def harm(values: np.ndarray, direction: str, target: float | None) -> np.ndarray:
    """How bad the values are by the metric's own card, float64 of the same shape; raw where it only describes."""
    if direction == "target":
        return values.astype(np.float64) if target is None else np.abs(values - target)
    return -values.astype(np.float64) if direction == "higher" else values.astype(np.float64)


def usable(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of levels that enough clips have a value at, and of clips with a value at all of these.

    values: float64 (levels, clips), NaN where there is none.
    """
    there = np.isfinite(values)
    levels = np.flatnonzero(there.mean(1) >= QUORUM) if values.shape[1] else np.array([], int)
    clips = np.flatnonzero(there[levels].all(0)) if len(levels) else np.array([], int)
    return levels, clips


def moved(values: np.ndarray, direction: str, target: float | None) -> float:
    """The largest change of the mean harm from level 0; 0 where level 0 has no value."""
    levels, clips = usable(values)
    if not len(clips) or not len(levels) or levels[0] != 0:
        return 0.0
    means = harm(values[np.ix_(levels, clips)], direction, target).mean(1)
    return float(np.abs(means - means[0]).max())


def judge(values: np.ndarray, direction: str, target: float | None, *, promised: bool, scale: float) -> Verdict:
    """The verdict on float64 (levels, clips), NaN where there is no value; level 0 is the truth.

    scale: the largest `moved` of this metric on any ladder.
    """
    levels, clips = usable(values)
    if len(levels) < 3 or levels[0] != 0 or not len(clips):
        return Verdict("no value", promised, None, None, None, tuple(levels.tolist()), len(clips))
    harms = harm(values[np.ix_(levels, clips)], direction, target)
    means = harms.mean(1)
    most = float(np.abs(means - means[0]).max())
    rounding = _ROUNDING * float(np.abs(harms).max(initial=0.0))
    describes = direction == "target" and target is None
    rho = spearman(levels, means, rounding)
    each = [r for k in range(len(clips)) if (r := spearman(levels, harms[:, k], rounding)) is not None]
    median = float(np.median(each)) if each else None
    follows = rho is not None and (abs(rho) if describes else rho) >= HOLDS
    real = rho is not None and beyond_noise(harms, rounding)
    if promised:
        word = "holds" if follows and real else "FAILS"
    elif not real or most < BLIND * scale:
        word = "blind"
    elif follows:
        word = "answers"
    else:
        word = "misled" if rho is not None and rho <= -HOLDS else "mixed"
    return Verdict(word, promised, rho, median, most, tuple(levels.tolist()), len(clips))


def spearman(levels: np.ndarray, values: np.ndarray, rounding: float) -> float | None:
    """Spearman's rank correlation (ties share their mean rank); None where all values are tied.

    Values nearer than `rounding` to their neighbour in order are tied.
    """
    order = np.sort(values)
    groups = np.concatenate([[0], np.cumsum(np.diff(order) > rounding)])
    tied = groups[np.searchsorted(order, values)]
    ranks = np.array([(np.count_nonzero(tied < g) + np.count_nonzero(tied <= g) + 1) / 2 for g in tied])
    if np.ptp(ranks) == 0 or len(ranks) < 2:
        return None
    places = np.argsort(np.argsort(levels)) + 1.0
    return float(np.corrcoef(places, ranks)[0, 1])


def beyond_noise(harms: np.ndarray, rounding: float) -> bool:
    """Whether some level's mean change over clips is more than chance: t test at CHANCE over all levels (Bonferroni).

    float64 (levels, clips). Fewer than FEWEST clips cannot tell noise: any change beyond rounding then counts.
    """
    changes = harms[1:] - harms[0]
    clips = changes.shape[1]
    means = np.abs(changes.mean(1))
    if clips < FEWEST:
        return bool((means > rounding).any())
    from scipy.stats import t  # type: ignore[import-untyped]

    errors = changes.std(1, ddof=1) / np.sqrt(clips)
    critical = float(t.ppf(1 - CHANCE / 2 / len(changes), clips - 1))
    return bool((means > np.maximum(critical * errors, rounding)).any())


def bounds(values: np.ndarray, *names: str) -> Interval:
    """Mean over clips with its bootstrap interval; float64 (n,), finite."""
    return interval(values, resamples=RESAMPLES, level=LEVEL, seed=derive_seed(SEED, *names))
