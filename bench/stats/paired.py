"""Methods against a baseline, clip by clip: difference, interval, test, and what could have been detected at all.

A difference that is not significant is no proof that two methods are alike; `detectable` says how large it would have
had to be. Clips that only one of the two has a value for do not enter, and are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from bench.stats.bootstrap import cluster_sums, derive_seed, interval
from bench.stats.summary import clip_values, clips, cluster_labels

COLUMNS = (
    *("protocol", "setting", "metric", "method", "baseline", "difference", "ci_low", "ci_high", "n", "missing"),
    *("higher", "lower", "ties", "p", "p_holm", "detectable"),
)
POWER = 0.8
"""Chance to find the detectable difference: the usual choice (Cohen 1988)."""
_EXACT_UNITS = 14
"""Up to here all 2^14 sign patterns are counted; beyond, patterns are drawn."""


def compare(rows: Iterable[Mapping[str, Any]], protocol: Mapping[str, Any], *, baseline: str) -> list[dict[str, Any]]:
    """A dict of COLUMNS for each setting, metric and method other than the baseline, in the protocol's order.

    difference: mean over clips of method minus baseline, with a bootstrap interval by clip or by the protocol's
    cluster. higher, lower, ties: clips on which the method's value is so. p: two-sided sign-flip test of no
    difference (Fisher 1935; whole clusters are flipped). p_holm: p corrected for all lines of this comparison
    (Holm 1979). detectable: the smallest true difference found with a chance of POWER at the protocol's level.
    ValueError where the protocol does not name the baseline.
    """
    if baseline not in protocol["methods"]:
        raise ValueError(f"expected a baseline among {', '.join(protocol['methods'])}, got {baseline!r}")
    values, expected, chosen = clip_values(rows), len(clips(protocol)), protocol["statistics"]
    lines = []
    for setting in protocol["settings"]:
        for metric in protocol["metrics"]:
            theirs = values.get((baseline, setting["name"], metric), {})
            for method in protocol["methods"]:
                if method == baseline:
                    continue
                ours = values.get((method, setting["name"], metric), {})
                shared = sorted(ours.keys() & theirs.keys())
                differences = np.array([ours[clip] - theirs[clip] for clip in shared], dtype=np.float64)
                seed = derive_seed(chosen["seed"], "compare", method, baseline, setting["name"], metric)
                clusters = cluster_labels(shared, chosen["cluster"])
                line = _line(differences, chosen, seed=seed, clusters=clusters)
                head = (protocol["id"], setting["name"], metric, method, baseline)
                lines.append({**dict(zip(COLUMNS, head, strict=False)), **line, "missing": expected - len(shared)})
    for line, corrected in zip(lines, holm([line["p"] for line in lines]), strict=True):
        line["p_holm"] = corrected
    return [{name: line[name] for name in COLUMNS} for line in lines]


def _line(
    differences: np.ndarray, chosen: Mapping[str, Any], *, seed: int, clusters: Sequence[str] | None
) -> dict[str, Any]:
    """The columns that one set of paired differences decides."""
    resamples, level = chosen["resamples"], chosen["level"]
    made = interval(differences, resamples=resamples, level=level, seed=seed, clusters=clusters)
    sums, sizes = cluster_sums(differences, clusters)
    return {
        "difference": made.value,
        "ci_low": made.low,
        "ci_high": made.high,
        "n": made.n,
        "higher": int((differences > 0).sum()),
        "lower": int((differences < 0).sum()),
        "ties": int((differences == 0).sum()),
        "p": sign_flip(sums, resamples=resamples, seed=seed),
        "detectable": detectable(sums, sizes, level=level),
    }


def sign_flip(sums: np.ndarray, *, resamples: int, seed: int) -> float | None:
    """Two-sided p of the hypothesis that each unit's sum is as likely with the other sign; None below two units.

    sums: float64 (units,). Exact up to 14 units; beyond, `resamples` patterns are drawn and the observed one counts
    among them, so that p is never 0 (Phipson and Smyth 2010).
    """
    units = sums.size
    if units < 2:
        return None
    # Sums that differ by rounding alone count as equal: a pattern must not win or lose by the order of addition.
    observed = abs(math.fsum(sums)) * (1 - 1e-12)
    if units <= _EXACT_UNITS:
        patterns = 1.0 - 2.0 * ((np.arange(2**units)[:, None] >> np.arange(units)) & 1)
        return float((np.abs(patterns @ sums) >= observed).mean())
    signs = np.random.default_rng(seed).integers(0, 2, size=(resamples, units), dtype=np.int8)
    return float((1 + (np.abs((1.0 - 2.0 * signs) @ sums) >= observed).sum()) / (1 + resamples))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Each p corrected for all of them by Holm's step-down rule, in the given order; None stays None."""
    tested = sorted((p, index) for index, p in enumerate(values) if p is not None)
    out: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, index) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        out[index] = highest
    return out


def detectable(sums: np.ndarray, sizes: np.ndarray, *, level: float) -> float | None:
    """The true mean difference that a two-sided test at 1 - level finds with probability POWER; None below two units.

    Normal approximation: (z of 1 - alpha / 2 + z of POWER) times the standard error of the mean, which is taken over
    clusters where there are any.
    """
    units, total = sums.size, float(sizes.sum())
    if units < 2:
        return None
    mean = math.fsum(sums) / total
    residual = math.fsum(((sums - sizes * mean) ** 2).tolist())
    error = math.sqrt(units / (units - 1) * residual) / total
    normal = NormalDist()
    return (normal.inv_cdf(1 - (1 - level) / 2) + normal.inv_cdf(POWER)) * error
