"""Mean and covariance of feature vectors that come clip by clip, in a form that parts of a corpus can be merged in.

While there are fewer vectors than dimensions D the vectors themselves are kept, for they are smaller than a D x D
matrix and know their covariance's null space exactly, which the matrix has lost to rounding. From D vectors on the
statistics are count, mean and scatter (the sum of outer products of what is left after the mean), merged as Chan,
Golub and LeVeque 1979 do; all in float64. Vectors are folded in by thousands, whatever the clips they come in: how a
group is cut into clips changes no bit of it, how a corpus is cut into groups changes its rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from metrics.errors import MetricError

FOLD = 1024
"""Vectors that are folded in at once: 17 MB of float64 at 2,048 dimensions."""


@dataclass(frozen=True)
class Moments:
    """Statistics of `count` vectors. mean: float64 (D,). Of the two others one is held, the other None.

    vectors: float32 (count, D) themselves, while count < D. scatter: float64 (D, D), from count = D on.
    """

    count: int
    mean: np.ndarray
    vectors: np.ndarray | None
    scatter: np.ndarray | None

    @property
    def dimensions(self) -> int:
        """Length D of a vector."""
        return len(self.mean)

    def centred(self) -> np.ndarray:
        """float64 (count, D): the vectors less their mean. Only while they are held."""
        assert self.vectors is not None
        return self.vectors - self.mean

    def trace(self) -> float:
        """The covariance's trace, with count - 1 below the line."""
        total = np.square(self.centred()).sum() if self.scatter is None else np.trace(self.scatter)
        return float(total) / (self.count - 1)

    def covariance(self) -> np.ndarray:
        """float64 (D, D), with count - 1 below the line."""
        if self.scatter is not None:
            return self.scatter / (self.count - 1)
        centred = self.centred()
        return centred.T @ centred / (self.count - 1)


def summarise(blocks: Sequence[np.ndarray]) -> Moments:
    """The statistics of float32 (N, D) blocks, read once, in their order. Raises MetricError where all are empty."""
    pool = _Pool()
    for vectors in by_thousands(blocks):
        pool.add_vectors(vectors)
    return pool.settle()


def merge(parts: Sequence[Moments]) -> Moments:
    """The statistics of all parts together, in their order. Raises MetricError for none, or for unlike dimensions."""
    if not parts:
        raise MetricError("moments: expected one part or more, got none")
    if len({part.dimensions for part in parts}) > 1:
        raise MetricError(f"moments: expected vectors of one length, got {sorted({p.dimensions for p in parts})}")
    if len(parts) == 1:
        return parts[0]
    pool = _Pool()
    for _, run in groupby(parts, key=lambda part: part.scatter is None):
        several = list(run)
        # vectors of neighbours together, by thousands: few matrix products, however small the parts
        for vectors in by_thousands(part.vectors for part in several if part.vectors is not None):
            pool.add_vectors(vectors)
        for part in several:
            if part.scatter is not None:
                pool.add_scatter(part.count, part.mean, part.scatter)
    return pool.settle()


def from_covariance(count: int, mean: np.ndarray, covariance: np.ndarray) -> Moments:
    """Statistics that are known by float64 mean (D,) and covariance (D, D) of `count` vectors, two or more."""
    return Moments(count, np.asarray(mean, np.float64), None, np.asarray(covariance, np.float64) * (count - 1))


def by_thousands(blocks: Iterable[np.ndarray], size: int = FOLD) -> Iterator[np.ndarray]:
    """The blocks' lines in their order, in arrays of `size` lines, the last one shorter."""
    waiting: list[np.ndarray] = []
    held = 0
    for block in blocks:
        start = 0
        while start < len(block):
            piece = block[start : start + size - held]
            waiting.append(piece)
            held, start = held + len(piece), start + len(piece)
            if held == size:
                yield np.concatenate(waiting)
                waiting, held = [], 0
    if waiting:
        yield np.concatenate(waiting)


class _Pool:
    """Statistics that grow: vectors while they are fewer than their dimensions, then a scatter."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []
        self._count = 0
        self._mean: np.ndarray | None = None
        self._scatter: np.ndarray | None = None

    def add_vectors(self, vectors: np.ndarray) -> None:
        """Take float32 (N, D) in."""
        if self._scatter is None:
            self._kept.append(vectors)
            if sum(map(len, self._kept)) >= vectors.shape[1]:
                self._fold_kept()
        else:
            self._fold(vectors)

    def add_scatter(self, count: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        """Take statistics in, by the pairwise update of Chan, Golub and LeVeque."""
        if self._kept:
            self._fold_kept()
        if self._mean is None or self._scatter is None:
            self._count, self._mean, self._scatter = count, mean, scatter.copy()
            return
        total = self._count + count
        step = mean - self._mean
        lever = step * np.sqrt(self._count * (count / total))
        self._scatter += scatter
        self._scatter += np.outer(lever, lever)  # of one vector with itself: symmetric to the last bit
        self._mean = self._mean + step * (count / total)
        self._count = total

    def settle(self) -> Moments:
        """What has been taken in."""
        if self._mean is not None:
            return Moments(self._count, self._mean, None, self._scatter)
        if not self._kept:
            raise MetricError("moments: expected one vector or more, got none")
        vectors = np.concatenate(self._kept).astype(np.float32, copy=False)
        return Moments(len(vectors), vectors.mean(0, dtype=np.float64), vectors, None)

    def _fold_kept(self) -> None:
        kept, self._kept = self._kept, []
        for vectors in kept:
            self._fold(vectors)

    def _fold(self, vectors: np.ndarray) -> None:
        exact = vectors.astype(np.float64)
        mean = exact.mean(0)
        exact -= mean
        self.add_scatter(len(exact), mean, exact.T @ exact)
