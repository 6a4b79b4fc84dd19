"""Methods against a baseline, clip by clip: difference, interval, effect, test, and what could have been found at all.

A difference that is not significant is no proof that two methods are alike; `detectable` says how large it would have
had to be. Clips that only one of the two has a value for do not enter, and are named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from bench.stats.bootstrap import (
    FEWEST,
    Interval,
    cluster_sums,
    derive_seed,
    effective,
    interval,
    standard_error,
    student,
    too_few,
)
from bench.stats.summary import Clip, clip_values, clips, cluster_labels, pooled_rows

COLUMNS = (
    *("protocol", "setting", "metric", "method", "baseline", "difference", "ci_low", "ci_high", "n", "missing"),
    *("higher", "lower", "ties", "p", "p_holm", "detectable"),
    *("mean", "mean_baseline", "wins", "losses", "effect", "clusters", "verdict", "reason", "missing_clips"),
)
POWER = 0.8
"""Chance to find the detectable difference: the usual choice (Cohen 1988)."""
_EXACT_UNITS = 14
"""Up to here all 2^14 sign patterns are counted; beyond, patterns are drawn."""


class Card(Protocol):
    """What is asked of a metric: direction "higher", "lower", "target" or ""; badness grows as a value gets worse."""

    @property
    def direction(self) -> str: ...
    @property
    def target(self) -> float | None: ...
    def badness(self, value: float) -> float: ...


def compare(
    rows: Iterable[Mapping[str, Any]],
    protocol: Mapping[str, Any],
    *,
    baseline: str,
    cards: Mapping[str, Card] | None = None,
    wanted: Sequence[Clip] | None = None,
) -> list[dict[str, Any]]:
    """A dict of COLUMNS for each setting, metric and method other than the baseline, in the protocol's order.

    difference: mean over clips of method minus baseline, with the interval of `bench.stats.bootstrap` by the protocol's
    cluster; by a metric that has a target, differences are of distances from it. mean, mean_baseline: of the n clips
    that both have. higher, lower: clips on which the method's value is so; wins, losses: on which it is better or
    worse by the metric's card (None without one); ties: on which the difference is 0. effect: `rank_biserial`.
    p: two-sided sign-flip test of no difference (Fisher 1935; whole clusters are flipped). p_holm: p corrected for all
    lines of this comparison (Holm 1979). detectable: the smallest true difference that is found with a chance of POWER
    beside as many other tests (Bonferroni). verdict: "better", "worse", "different" (no direction known), "open"
    (cannot be told apart) or None (no test, for the `reason`). missing_clips: {"speaker", "reference", "driver",
    "seed", "without": [methods]}. A metric of all clips together has both values and no test. wanted: the clips to
    pair, in place of the protocol's own. ValueError where the protocol does not name the baseline.
    """
    if baseline not in protocol["methods"]:
        raise ValueError(f"expected a baseline among {', '.join(protocol['methods'])}, got {baseline!r}")
    rows = list(rows)
    values, pooled = clip_values(rows), pooled_rows(rows)
    wanted = clips(protocol) if wanted is None else wanted
    level = protocol["statistics"]["level"]
    lines: list[dict[str, Any]] = []
    for setting in protocol["settings"]:
        for metric in protocol["metrics"]:
            for method in protocol["methods"]:
                if method == baseline:
                    continue
                keys = [(name, setting["name"], metric) for name in (method, baseline)]
                head = (protocol["id"], setting["name"], metric, method, baseline)
                line: dict[str, Any] = dict.fromkeys(COLUMNS) | dict(zip(COLUMNS, head, strict=False))
                if any(key in pooled for key in keys):
                    line |= _together([pooled.get(key) for key in keys])
                else:
                    ours, theirs = (values.get(key, {}) for key in keys)
                    line |= _line(ours, theirs, (cards or {}).get(metric), protocol, wanted, head[1:])
                lines.append(line)
    tests = sum(line["p"] is not None for line in lines)
    for line, corrected in zip(lines, holm([line["p"] for line in lines]), strict=True):
        line["p_holm"] = corrected
        line["verdict"] = _judge(line, (cards or {}).get(line["metric"]), level)
        if line["detectable"] is not None:
            line["detectable"] = detectable(*line["detectable"], level=1 - (1 - level) / tests)
    return lines


def _line(
    ours: Mapping[Clip, float],
    theirs: Mapping[Clip, float],
    card: Card | None,
    protocol: Mapping[str, Any],
    wanted: Sequence[Clip],
    names: tuple[str, str, str, str],
) -> dict[str, Any]:
    """The columns that the values of two methods decide. names: setting, metric, method, baseline."""
    setting, metric, method, baseline = names
    chosen = protocol["statistics"]
    shared = [clip for clip in wanted if clip in ours and clip in theirs]
    a, b = (np.array([side[clip] for clip in shared], dtype=np.float64) for side in (ours, theirs))
    differences = _distances(a, card) - _distances(b, card)
    seed = derive_seed(chosen["seed"], "compare", method, baseline, setting, metric)
    labels = cluster_labels(shared, chosen["cluster"])
    made = interval(
        differences,
        resamples=chosen["resamples"],
        level=chosen["level"],
        seed=seed,
        clusters=labels,
        fewest=chosen.get("fewest", FEWEST),
        unit=chosen["cluster"],
    )
    line: dict[str, Any] = {
        "mean": math.fsum(a) / len(a) if len(a) else None,
        "mean_baseline": math.fsum(b) / len(b) if len(b) else None,
        "difference": made.value,
        "ci_low": made.low,
        "ci_high": made.high,
        "n": made.n,
        "missing": len(wanted) - made.n,
        "higher": int((a > b).sum()),
        "lower": int((a < b).sum()),
        "ties": int((differences == 0).sum()),
        "effect": rank_biserial(differences),
        "missing_clips": _missing(wanted, {method: ours, baseline: theirs}),
        "reason": _say(made),
    }
    if card is not None and directed(card):
        harms = [[card.badness(v) for v in side.tolist()] for side in (a, b)]
        line["wins"] = sum(x < y for x, y in zip(*harms, strict=True))
        line["losses"] = sum(x > y for x, y in zip(*harms, strict=True))
    sums, sizes = cluster_sums(differences, labels)
    line["clusters"], line["p"] = sums.size, probe(differences, labels, chosen, seed=seed)
    line["detectable"] = None if line["p"] is None else (sums, sizes)  # a number once the tests are counted
    return line


def probe(
    differences: np.ndarray, labels: Sequence[str] | None, chosen: Mapping[str, Any], *, seed: int
) -> float | None:
    """The sign-flip test's p of paired differences, float64 (n,), or None where they, or their clusters, are too few.

    chosen: a protocol's statistics.
    """
    sums, _ = cluster_sums(differences, labels)
    if too_few(differences.size, sums.size, fewest=chosen.get("fewest", FEWEST)) is not None:
        return None
    return sign_flip(sums, resamples=chosen["resamples"], seed=seed)


def directed(card: Card | None) -> bool:
    """Whether it is known which of two values of a metric is the better one."""
    return card is not None and (
        card.direction in ("higher", "lower") or (card.direction == "target" and card.target is not None)
    )


def least_p(units: int, resamples: int) -> float:
    """The smallest p that the sign-flip test of so many units can have."""
    return 2.0 / 2.0**units if units <= _EXACT_UNITS else 1.0 / (1 + resamples)


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

    (t of 1 - alpha / 2 + t of POWER) times the standard error of the mean, both over clusters where there are any.
    """
    if sums.size < 2:
        return None
    freedom = effective(sizes) - 1
    return (student(0.5 + level / 2, freedom) + student(POWER, freedom)) * standard_error(sums, sizes)


def rank_biserial(differences: np.ndarray) -> float | None:
    """Sum of ranks of the sizes of positive differences less that of negative ones, over their total: -1 to 1.

    Matched-pairs rank-biserial correlation (Kerby 2014): ranks keep one odd clip from deciding it. It describes these
    clips, alike or not: clusters do not enter. Zeros are left out, equal sizes share their mean rank; 0 where all are
    zero, None where there are none.
    """
    if not differences.size:
        return None
    moved = differences[differences != 0]
    if not moved.size:
        return 0.0
    _, place, counts = np.unique(np.abs(moved), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks * np.sign(moved)).sum() / ranks.sum())


def _say(made: Interval) -> str | None:
    """Why there is neither interval nor test."""
    if not made.n:
        return "no clip that both have a value on"
    return made.reason and made.reason.replace("no interval", "no interval or test", 1)


def _distances(values: np.ndarray, card: Card | None) -> np.ndarray:
    """The values, or how far they are from the metric's target where it has one."""
    if card is None or card.direction != "target" or card.target is None:
        return values
    return np.abs(values - card.target)


def _judge(line: Mapping[str, Any], card: Card | None, level: float) -> str | None:
    if line["p_holm"] is None:
        return None
    if line["p_holm"] > 1 - level or line["difference"] == 0:
        return "open"
    if not directed(card):
        return "different"
    assert card is not None
    return "better" if (line["difference"] > 0) == (card.direction == "higher") else "worse"


def _together(sides: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """The columns of a metric that all clips have together. sides: the rows of method and baseline."""
    ours, theirs = (None if side is None else side["value"] for side in sides)
    return {
        "mean": ours,
        "mean_baseline": theirs,
        "difference": None if ours is None or theirs is None else ours - theirs,
        "n": 0,
        "missing": 0,
        "missing_clips": [],
        "reason": "one value of all clips together: there are no pairs",
    }


def _missing(wanted: Sequence[Clip], sides: Mapping[str, Mapping[Clip, float]]) -> list[dict[str, Any]]:
    """Clips that not both methods have a value on, in the protocol's order, with those that lack it."""
    out = []
    for clip in wanted:
        without = [name for name, values in sides.items() if clip not in values]
        if without:
            out.append(dict(zip(("speaker", "reference", "driver", "seed"), clip, strict=True)) | {"without": without})
    return out
