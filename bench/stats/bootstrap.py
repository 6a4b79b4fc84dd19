"""A mean over clips with its interval, where clips of one speaker (or face, or driver) may be alike.

Hierarchical bootstrap: whole clusters are drawn with replacement, then clips within each drawn cluster (Davison and
Hinkley 1997, section 3.8; Ren et al. 2010, J. Applied Statistics 37). By itself it is wrong twice: clips drawn within
clusters count their variance a second time (intervals 98 % wide where clusters do not matter), and few clusters give
too little spread (88 % for eight). So the draws decide the interval's shape alone, and its width is that of the
delete-a-cluster jackknife (Efron and Stein 1981) with Student's t in place of the normal, as Hesterberg 2015 (The
American Statistician 69(4), section 4.5) widens percentiles by t / z. Degrees of freedom: Kish's effective number of
clusters, (sum m)^2 / sum m^2 of cluster sizes m, less one.

Coverage of 95 % intervals by simulation (8, 12, 24, 30 clusters of 5 clips; intra-class correlation 0, 0.3, 0.6, 0.9;
3,000 repetitions each, so to 0.4 points): normal values 93.6 to 95.4; moderately skewed ones (log-normal, sigma 0.5)
93.2 to 95.0, save 92.0 to 92.9 where clips of a cluster are nearly copies (0.9) or clusters are 8 (0.6); unequal
clusters (1 to 12 clips), normal values, 94.3 to 95.8; single clips 94.3 to 94.7. Three clusters are the fewest: 94.2 to
94.8. Not held: exponential values in 12 or fewer clusters whose clips are alike (91 at 0.9; 24 clusters 93), which only
more clusters mend; two clusters that hold most of the clips (98, too wide). tests/bench/stats/test_coverage.py has it.

Pure functions: the same values give the same interval to the last bit, whatever order they come in.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

FEWEST = 5
"""Clips below which there is no interval, where a protocol does not say."""
FEWEST_UNITS = 3
"""Clusters (or clips, where they are drawn one by one) below which there is none: of two, t has one degree of freedom
and the interval is twelve times its spread."""
_DRAWS_AT_ONCE = 1 << 21
"""Bounds memory (about 100 MiB); a constant, because it must not change which draws are made."""


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence limits; n values entered. reason: why there are no limits, or no value."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None = None


def interval(
    values: np.ndarray,
    *,
    resamples: int,
    level: float,
    seed: int,
    clusters: Sequence[str] | None = None,
    fewest: int = FEWEST,
    unit: str = "cluster",
) -> Interval:
    """Mean of the values with a two-sided interval by hierarchical bootstrap (see the module).

    values: float64 (n,), finite. clusters: a label for each value; None draws values one by one. fewest: values below
    which there are no limits, but the reason; likewise below FEWEST_UNITS clusters, which the reason calls `unit`.
    ValueError on non-finite values, wrong shapes, a level outside 0..1 or resamples below 1.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not np.isfinite(data).all():
        raise ValueError(f"expected finite values of shape (n,), got shape {data.shape}")
    if not 0.0 < level < 1.0 or resamples < 1:
        raise ValueError(f"expected 0 < level < 1 and resamples >= 1, got {level} and {resamples}")
    if data.size == 0:
        return Interval(None, None, None, 0, "no clip has a value")
    ordered, sizes = _by_cluster(data, clusters)
    value = math.fsum(data) / data.size
    reason = too_few(data.size, sizes.size, fewest=fewest, unit="clip" if clusters is None else unit)
    if reason is not None:
        return Interval(value, None, None, data.size, reason)
    means = _resampled_means(ordered, sizes, resamples=resamples, generator=np.random.default_rng(seed))
    below, above = _shape(means, level)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    reach = standard_error(np.add.reduceat(ordered, starts), sizes) * student(0.5 + level / 2, effective(sizes) - 1)
    return Interval(value, value - below * reach, value + above * reach, data.size)


def too_few(clips: int, units: int, *, fewest: int, unit: str = "clip") -> str | None:
    """Why so many clips in so many units give neither interval nor test; None where they do."""
    if clips < fewest:
        return f"no interval from {_count(clips, 'clip')}, expected at least {fewest}"
    if units < FEWEST_UNITS:
        return f"no interval from clips of {_count(units, unit)}, expected at least {FEWEST_UNITS}"
    return None


def derive_seed(seed: int, *names: str) -> int:
    """A seed of 64 bits that depends on the base seed and on the names alone, alike on every machine."""
    text = json.dumps([seed, *names], ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def cluster_sums(data: np.ndarray, clusters: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray]:
    """Sum and size of every unit that is drawn, in an order that does not depend on the order of the data."""
    ordered, sizes = _by_cluster(data, clusters)
    ends = np.cumsum(sizes)
    sums = [math.fsum(ordered[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
    return np.array(sums, dtype=np.float64), sizes.astype(np.float64)


def standard_error(sums: np.ndarray, sizes: np.ndarray) -> float:
    """Of a mean over all values: delete-a-cluster jackknife. sums, sizes: float64 (units,), two units or more."""
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    units = sums.size
    return math.sqrt((units - 1) / units * float(np.square(without - without.mean()).sum()))


def effective(sizes: np.ndarray) -> float:
    """Kish's effective number of clusters: theirs where they are alike in size, less where few hold most values."""
    return float(sizes.sum()) ** 2 / float(np.square(sizes).sum())


def student(probability: float, freedom: float) -> float:
    """Quantile of Student's t; less than one degree of freedom counts as one."""
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    return float(stdtrit(max(1.0, freedom), probability))


def _by_cluster(data: np.ndarray, clusters: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray]:
    """Values sorted by label, then by size of the value, and the size of every cluster, int64 (units,)."""
    if clusters is None:
        return np.sort(data), np.ones(data.size, dtype=np.int64)
    if len(clusters) != data.size:
        raise ValueError(f"expected a cluster label for each of {data.size} values, got {len(clusters)}")
    _, numbers = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    return data[np.lexsort((data, numbers))], np.bincount(numbers)


def _resampled_means(
    ordered: np.ndarray, sizes: np.ndarray, *, resamples: int, generator: np.random.Generator
) -> np.ndarray:
    """float64 (resamples,): means over as many clusters as there are, and as many values as each has, all drawn with
    replacement; where every cluster is one value, over as many values as there are."""
    units, single = sizes.size, sizes.max() == 1
    starts = np.cumsum(sizes) - sizes
    rows = max(1, _DRAWS_AT_ONCE // (units * int(sizes.max())))
    means = np.empty(resamples)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = generator.integers(0, units, size=(count, units))
        if single:
            means[start : start + count] = ordered[drawn].mean(axis=1)
            continue
        taken = sizes[drawn]
        totals = taken.sum(axis=1)
        each = taken.ravel()
        place = np.repeat(starts[drawn].ravel(), each) + (generator.random(each.sum()) * np.repeat(each, each)).astype(
            np.int64
        )
        sums = np.add.reduceat(ordered[place], np.cumsum(totals) - totals)
        means[start : start + count] = sums / totals
    return means


def _shape(means: np.ndarray, level: float) -> tuple[float, float]:
    """How far the limits lie below and above the middle, in units of half a normal interval of the same spread."""
    spread = float(means.std())
    if spread == 0:
        return 0.0, 0.0
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    half, middle = NormalDist().inv_cdf(1.0 - tail) * spread, float(means.mean())
    return (middle - float(low)) / half, (float(high) - middle) / half


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
