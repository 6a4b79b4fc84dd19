"""The smallest difference between two methods that n clips can show, from how values vary over clips. Pure functions.

Two-sided t test at ALPHA, found with probability POWER. Paired (both methods on the same clips): d = delta s_d /
sqrt(n), n - 1 degrees of freedom, s_d the standard deviation over clips of the difference. Unpaired (each method on n
clips of its own): d = delta s sqrt(2 / n), 2 n - 2 degrees of freedom, s pooled over both methods. delta is the
noncentrality at which P(|t'| > t_crit) = POWER.
Source: Owen 1965, JASA 60(309), "The power of Student's t-test"; Cohen 1988, ch. 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

ALPHA, POWER = 0.05, 0.8
CLIPS = (8, 16, 28, 64, 128)
"""Numbers of clips of the table."""


@lru_cache(maxsize=64)
def noncentrality(freedom: int) -> float:
    """The noncentrality at which a two-sided t test with so many degrees of freedom has POWER at ALPHA."""
    from scipy.optimize import brentq  # type: ignore[import-untyped]
    from scipy.stats import nct, t  # type: ignore[import-untyped]

    critical = float(t.ppf(1 - ALPHA / 2, freedom))

    def lacking(delta: float) -> float:
        # the other tail is not asked for: at this power it is below 1e-5, and SciPy has no number for it at times
        return float(nct.sf(critical, freedom, delta)) - POWER

    # in small steps: far above the answer SciPy's distribution is NaN
    high = 1.0
    while lacking(high) < 0:
        high += 0.5
    return float(brentq(lacking, high - 0.5, high, xtol=1e-6))


def detectable(spread: float, clips: int, *, paired: bool) -> float:
    """The smallest true difference of means that a test on so many clips (each) finds with probability POWER.

    spread: standard deviation over clips, of the difference where paired, else of one method's values.
    """
    if clips < 2:
        raise ValueError(f"expected 2 clips or more, got {clips}")
    if paired:
        return noncentrality(clips - 1) * spread / math.sqrt(clips)
    return noncentrality(2 * clips - 2) * spread * math.sqrt(2 / clips)


def spreads(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """(of the difference, of one method's values): standard deviations over clips of float64 (n,) each, same clips."""
    single = math.sqrt((float(np.var(ours, ddof=1)) + float(np.var(theirs, ddof=1))) / 2)
    return float(np.std(ours - theirs, ddof=1)), single


def within(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The standard deviation of a clip's difference that its own two halves tell of; float64 (n, 2) each.

    The halves are taken as independent, so that the variance of their mean is a quarter of that of their difference.
    """
    gaps = ours - theirs
    return math.sqrt(float(np.mean((gaps[:, 0] - gaps[:, 1]) ** 2)) / 4)


def pseudo_values(whole: float, without: Sequence[float]) -> np.ndarray:
    """Values that clips would have had in a number of all clips together, float64 (n,), by leaving each out in turn.

    n whole - (n - 1) without (Efron and Stein 1981): their standard deviation plays the part of that over clips.
    """
    n = len(without)
    return n * whole - (n - 1) * np.asarray(without, np.float64)
