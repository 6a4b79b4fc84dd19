"""Values of all clips together: groups of clips in one fixed order, and an interval by leaving out each in turn.

Pure functions. A distance of distributions has no value for a clip, so clips cannot be resampled one by one cheaply,
and a bootstrap draws clips twice, which makes two samples look more alike than they are. The delete-a-group jackknife
(Efron and Stein 1981; Kott 2001) leaves out whole groups of clips: its spread holds what clips of one group share.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

GROUPS = 20
"""Most groups that are left out in turn: the interval needs no more, and each costs a distance (seconds for FID)."""
FEWEST = 4
"""Groups below which there is no interval: the variance would be that of three numbers."""


def make_groups(labels: Mapping[str, str]) -> list[list[str]]:
    """Clips in groups, both in an order that depends on the names alone. labels: clip -> cluster that is kept whole.

    Clusters in sorted order are dealt to at most GROUPS groups in turn.
    """
    clusters = sorted(set(labels.values()))
    at = {cluster: k % GROUPS for k, cluster in enumerate(clusters)}
    groups: list[list[str]] = [[] for _ in range(min(GROUPS, len(clusters)))]
    for clip in sorted(labels):
        groups[at[labels[clip]]].append(clip)
    return groups


def jackknife(value: float, without: Sequence[float], level: float) -> tuple[float, float] | None:
    """Lower and upper limit around a value from the values without each group; None with fewer than FEWEST groups.

    value ± t * sqrt((G - 1) / G * sum((v_g - mean)^2)), t of G - 1 degrees of freedom.
    """
    from scipy.stats import t

    groups = len(without)
    if groups < FEWEST or not np.isfinite(without).all():
        return None
    spread = float(np.square(np.asarray(without) - np.mean(without)).sum())
    reach = float(t.ppf(0.5 + level / 2, groups - 1)) * math.sqrt((groups - 1) / groups * spread)
    return value - reach, value + reach


def identify(rows: Iterable[Mapping[str, Any]]) -> str:
    """sha256 (hex) of the clips that a pooled value rests on, from their rows: a value of other clips is not theirs."""
    names = ("speaker", "reference", "driver", "seed", "video_sha256", "truth_sha256")
    content = sorted([str(row[name]) for name in names] for row in rows)
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
