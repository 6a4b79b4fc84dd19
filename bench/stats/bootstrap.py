"""Percentile bootstrap of a mean over clips, or over whole groups of clips that belong together.

Pure functions: the same values give the same interval to the last bit, whatever order they come in.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_DRAWS_AT_ONCE = 1 << 22
"""Bounds memory (32 MiB of indices); a constant, because it must not change which draws are made."""


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence limits; n values entered. All but n are None where they are not defined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def interval(
    values: np.ndarray, *, resamples: int, level: float, seed: int, clusters: Sequence[str] | None = None
) -> Interval:
    """Mean of the values with a two-sided percentile bootstrap interval (Efron and Tibshirani 1993, section 13.3).

    values: float64 (n,), finite. clusters: a label for each value; whole clusters are then drawn with replacement and
    the mean is over all values drawn (Davison and Hinkley 1997, section 3.8), which is honest where values of one
    cluster are alike. n = 0 gives no value; a single value, or a single cluster, gives a value without limits.
    ValueError on non-finite values, wrong shapes, a level outside 0..1 or resamples below 1.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not np.isfinite(data).all():
        raise ValueError(f"expected finite values of shape (n,), got shape {data.shape}")
    if not 0.0 < level < 1.0 or resamples < 1:
        raise ValueError(f"expected 0 < level < 1 and resamples >= 1, got {level} and {resamples}")
    if data.size == 0:
        return Interval(None, None, None, 0)
    sums, sizes = cluster_sums(data, clusters)
    value = math.fsum(data) / data.size
    if sums.size == 1:
        return Interval(value, None, None, data.size)
    means = _resampled_means(sums, sizes, resamples=resamples, generator=np.random.default_rng(seed))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(value, float(low), float(high), data.size)


def derive_seed(seed: int, *names: str) -> int:
    """A seed of 64 bits that depends on the base seed and on the names alone, alike on every machine."""
    text = json.dumps([seed, *names], ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def cluster_sums(data: np.ndarray, clusters: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray]:
    """Sum and size of every unit that is drawn, in an order that does not depend on the order of the data."""
    if clusters is None:
        return np.sort(data), np.ones(data.size)
    if len(clusters) != data.size:
        raise ValueError(f"expected a cluster label for each of {data.size} values, got {len(clusters)}")
    groups: dict[str, list[float]] = {}
    for label, value in zip(clusters, data.tolist(), strict=True):
        groups.setdefault(label, []).append(value)
    ordered = [groups[label] for label in sorted(groups)]
    return np.array([math.fsum(group) for group in ordered]), np.array([float(len(group)) for group in ordered])


def _resampled_means(
    sums: np.ndarray, sizes: np.ndarray, *, resamples: int, generator: np.random.Generator
) -> np.ndarray:
    """float64 (resamples,): the mean over all values of as many units as there are, drawn with replacement."""
    units = sums.size
    rows = max(1, _DRAWS_AT_ONCE // units)
    means = np.empty(resamples)
    for start in range(0, resamples, rows):
        drawn = generator.integers(0, units, size=(min(rows, resamples - start), units))
        means[start : start + len(drawn)] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return means
