"""How vectors of lips and of sound become offset, distance and confidence: only the diagonals that count are taken.

Chung and Zisserman 2016: the distance of every window of lips to the sound k frames later, its mean over windows for
every k from -reach to reach; the least of these means (distance), where it lies (offset), and by how much it is below
their median (confidence). Memory grows with the clip's length times one vector, never with its square.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

REACH = 15
"""Offsets in frames that are tried either way: 0.6 s."""
EPSILON = 1e-6
"""Added to every difference, as torch's pairwise_distance does, whose values these equal."""
CALM = 9
"""Windows over whose median a confidence curve is smoothed."""
_CHUNK = 256


@dataclass(frozen=True)
class Curve:
    """What SyncNet's read-out gives. means: float64 (2 reach + 1,), mean distance of lips to sound -reach to reach
    frames later. own: float64 (N,), each window's distance at the best of these. confidences: float64 (N,), the median
    of `means` less `own`, smoothed by a median of nine windows.

    Windows whose sound would lie outside the clip are compared with zeros, as SyncNet's code does: the outer offsets
    of a short clip say how long its vectors are, not how well they fit.
    """

    means: np.ndarray
    own: np.ndarray
    confidences: np.ndarray

    @property
    def offset(self) -> int:
        """Frames by which the sound comes before its lips; negative: after. SyncNet's sign."""
        return len(self.means) // 2 - int(self.means.argmin())

    @property
    def distance(self) -> float:
        """The least mean distance."""
        return float(self.means.min())

    @property
    def confidence(self) -> float:
        """The median of the mean distances less the least."""
        return float(np.median(self.means)) - self.distance


def read_padded(seen: np.ndarray, heard: np.ndarray, *, reach: int = REACH) -> Curve:
    """SyncNet's reading of vectors of lips and of sound, (N, D) each, N at least 1."""
    padded = np.pad(heard, ((reach, reach), (0, 0)))
    lines = np.empty((2 * reach + 1, len(seen)))
    for first in range(0, len(seen), _CHUNK):
        lips = seen[first : first + _CHUNK].astype(np.float64) + EPSILON
        for k in range(2 * reach + 1):
            gap = lips - padded[first + k : first + k + len(lips)]
            lines[k, first : first + len(lips)] = np.sqrt(np.einsum("nd,nd->n", gap, gap))
    means = lines.mean(1)
    own = lines[int(means.argmin())]
    return Curve(means, own, calm(float(np.median(means)) - own, CALM))


def diagonals(
    seen: np.ndarray, heard: np.ndarray, distance: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> list[np.ndarray]:
    """For every k of -15 to 15 the distances of lips n to sound n + k, for each n that has such a sound, n rising.

    distance: of (M, D) and (M, D), float64 (M,).
    """
    lines = []
    for k in range(-REACH, REACH + 1):
        count = max(0, len(seen) - abs(k))
        a, b = max(0, -k), max(0, k)
        lines.append(distance(seen[a : a + count], heard[b : b + count]))
    return lines


def calm(values: np.ndarray, width: int) -> np.ndarray:
    """Medians float64 (N,) of `width` (odd) values around each of (N,), zeros beyond the ends: scipy's medfilt."""
    padded = np.pad(np.asarray(values, np.float64), width // 2)
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)


def spread_over_frames(values: np.ndarray, frames: int, *, first: int) -> np.ndarray:
    """float64 (frames,): values one by one from frame `first` on, NaN elsewhere."""
    out = np.full(frames, np.nan)
    kept = values[: max(0, frames - first)]
    out[first : first + len(kept)] = kept
    return out
