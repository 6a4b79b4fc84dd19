"""When live talkers begin: independently of one another, as callers do."""

from __future__ import annotations

import numpy as np


def starts(talkers: int, within: float, *, seed: int) -> np.ndarray:
    """Seconds float64 (talkers,), rising, from 0 to `within`: a Poisson process that is known to have had so many.

    Given their number, arrivals of a Poisson process lie independently and uniformly in the interval (Kingman 1993,
    Poisson Processes, section 2.4), so all of them are live at its end whatever the seed. The seed alone decides them.
    """
    if talkers < 0 or not within >= 0.0:
        raise ValueError(f"expected 0 talkers or more within 0 s or more, got {talkers} within {within}")
    return np.sort(np.random.default_rng([seed, talkers]).uniform(0.0, within, talkers))
