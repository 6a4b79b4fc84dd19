"""Fréchet distance between two sets of feature vectors, each taken for a normal distribution.

d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1^1/2 S2 S1^1/2)^1/2, covariances with n - 1 below the line, float64. What
papers call FID is this square. The last trace is the sum of the roots of a symmetric matrix's eigenvalues, real and
never negative, so that no general matrix root is taken: with S1 = R R', of R' S2 R. Where both sets have fewer vectors
than dimensions it is the nuclear norm of the product of their centred vectors, which no singular covariance disturbs,
and quick.

Does not measure: anything but means and covariances; two sets of one cloud's moments are the same to it.
Source: Dowson and Landau 1982, J. Multivariate Analysis 12(3), equation 4; Heusel et al. 2017, arXiv 1706.08500, eq. 6.
"""

from __future__ import annotations

import math

import numpy as np

from metrics.errors import MetricError
from metrics.moments import Moments

FORMULA = (
    "|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1^1/2 S2 S1^1/2)^1/2 of means and covariances (n - 1 below the line, "
    "float64) of all vectors of the videos and of all of their truths"
)
SOURCE = "Heusel et al. 2017, arXiv 1706.08500, equation 6; Dowson and Landau 1982, J. Multivariate Analysis 12(3)"
EXACT = 600
"""Vectors up to which singular values are computed as such. Beyond, their squares are: a sixth of the time, and still
right to 1e-8 of the traces.
"""
TOO_FEW = "fewer vectors than dimensions ({0}) make covariances singular and the distance too large"


def distance(ours: Moments, theirs: Moments) -> float | str:
    """The squared Fréchet distance, never negative, or why there is none."""
    if ours.dimensions != theirs.dimensions:
        raise MetricError(f"frechet: expected vectors of one length, got {ours.dimensions} and {theirs.dimensions}")
    least = min(ours.count, theirs.count)
    if least < 2:
        return f"a covariance needs two vectors, got {least}"
    step = ours.mean - theirs.mean
    value = float(step @ step) + ours.trace() + theirs.trace() - 2 * trace_of_root(ours, theirs)
    if not math.isfinite(value):
        return "the features are too large for float64"
    return max(value, 0.0)


def trace_of_root(ours: Moments, theirs: Moments) -> float:
    """tr (S1^1/2 S2 S1^1/2)^1/2, the same for either order of the two."""
    if ours.vectors is not None and theirs.vectors is not None:
        # with S1 = A'A and S2 = B'B the trace is the nuclear norm of A B'
        product = ours.centred() @ theirs.centred().T
        product = product if len(product) <= product.shape[1] else product.T
        scale = math.sqrt((ours.count - 1) * (theirs.count - 1))
        if len(product) <= EXACT:
            return float(np.linalg.svd(product, compute_uv=False).sum()) / scale
        return _sum_of_roots(product @ product.T) / scale
    few, other = (ours, theirs) if ours.vectors is not None else (theirs, ours)
    factor = _factor(few.covariance()) if few.vectors is None else few.centred().T / math.sqrt(few.count - 1)
    return _sum_of_roots(factor.T @ (other.covariance() @ factor))


def _sum_of_roots(matrix: np.ndarray) -> float:
    """The sum of the roots of a symmetric matrix's eigenvalues, none of which is negative but by rounding."""
    return float(np.sqrt(np.clip(np.linalg.eigvalsh(matrix), 0, None)).sum())


def _factor(covariance: np.ndarray) -> np.ndarray:
    """R float64 (D, rank) with R R' = the covariance: Cholesky's, a tenth of an eigendecomposition's time, or where
    the covariance is singular that of its eigenvectors, less those whose eigenvalues are rounding alone: each would
    add its root, a hundred million times as large.
    """
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        eigenvalues, vectors = np.linalg.eigh(covariance)
        kept = eigenvalues > len(eigenvalues) * np.finfo(np.float64).eps * max(eigenvalues[-1], 0.0)
        return vectors[:, kept] * np.sqrt(eigenvalues[kept])
