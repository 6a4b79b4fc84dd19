"""Squared maximum mean discrepancy between two sets of feature vectors, by the polynomial kernel of KID.

k(x, y) = (x.y / D + 1)^3; MMD^2 = mean of k over pairs within the one set, plus that within the other, less twice that
across, a vector never paired with itself: unbiased for independent vectors, and so below 0 as often as above where both
sets come of one source. All pairs count, no random subsets: the published estimator draws subsets of 1,000 for time's
sake and has a value that hangs on the draw. Sums go over tiles of some thousand vectors, so that no matrix of all pairs
exists; sums of two parts of a corpus are kept, so that leaving one part out (a jackknife) costs nothing anew.

Source: Bińkowski, Sutherland, Arbel, Gretton 2018, arXiv 1801.01401, section 4; Gretton et al. 2012, JMLR 13, lemma 6.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence

import numpy as np

from metrics.errors import MetricError
from metrics.moments import by_thousands

TILE = 2048
"""Vectors of a tile's side: 34 MB each of kernel values and of vectors at 2,048 dimensions."""
FORMULA = (
    "mean of k over all pairs of different vectors of the videos, plus that of their truths, less twice the mean of k "
    "over all pairs across; k(x, y) = (x.y / D + 1)^3, float64, no subsets"
)
SOURCE = "Bińkowski et al. 2018, arXiv 1801.01401, section 4; Gretton et al. 2012, JMLR 13"


class Part:
    """Blocks float32 (N, D) of some clips, read as often as sums need them, and those sums once made."""

    def __init__(self, blocks: Sequence[np.ndarray]) -> None:
        self._blocks = blocks
        self._sums: weakref.WeakKeyDictionary[Part, float] = weakref.WeakKeyDictionary()
        self._within: float | None = None
        self.count = sum(len(block) for block in blocks)
        if not self.count:
            raise MetricError("mmd: expected one vector or more, got none")

    def within(self) -> float:
        """The sum of the kernel over pairs of different vectors of this part, either order."""
        if self._within is None:
            total = 0.0
            for i, rows in enumerate(self._tiles()):
                for j, others in enumerate(self._tiles()):
                    if j > i:
                        total += 2 * _kernel(rows, others)
                    elif j == i:
                        itself = np.einsum("nd,nd->n", rows, rows) / rows.shape[1] + 1
                        total += _kernel(rows, others) - float((itself**3).sum())
            self._within = total
        return self._within

    def across(self, other: Part) -> float:
        """The sum of the kernel over pairs of one vector of this part and one of the other."""
        if other not in self._sums:
            total = 0.0
            for rows in self._tiles():
                for others in other._tiles():
                    total += _kernel(rows, others)
            self._sums[other] = total
        return self._sums[other]

    def _tiles(self) -> Iterator[np.ndarray]:
        return (tile.astype(np.float64) for tile in by_thousands(self._blocks, TILE))


def summarise(blocks: Sequence[np.ndarray]) -> tuple[Part, ...]:
    """One part of these blocks, which are read when a distance is asked for."""
    return (Part(blocks),)


def merge(parts: Sequence[tuple[Part, ...]]) -> tuple[Part, ...]:
    """All parts in their order."""
    if not parts:
        raise MetricError("mmd: expected one part or more, got none")
    return tuple(part for several in parts for part in several)


def distance(ours: tuple[Part, ...], theirs: tuple[Part, ...]) -> float | str:
    """The unbiased MMD^2, which may be negative, or why there is none."""
    counts = [sum(part.count for part in parts) for parts in (ours, theirs)]
    if min(counts) < 2:
        return f"a mean over pairs needs two vectors, got {min(counts)}"
    own = [_within(parts) / (n * (n - 1)) for parts, n in zip((ours, theirs), counts, strict=True)]
    across = sum(a.across(b) for a in ours for b in theirs) / (counts[0] * counts[1])
    value = own[0] + own[1] - 2 * across
    return float(value) if np.isfinite(value) else "the features are too large for float64"


def _within(parts: tuple[Part, ...]) -> float:
    single = sum(part.within() for part in parts)
    return single + 2 * sum(a.across(b) for i, a in enumerate(parts) for b in parts[i + 1 :])


def _kernel(rows: np.ndarray, others: np.ndarray) -> float:
    values = rows @ others.T
    values /= rows.shape[1]
    values += 1
    return float((values * values * values).sum())
