"""Frames on end: where a curve's marks begin and end."""

from __future__ import annotations

import numpy as np


def stretches(marks: np.ndarray) -> list[tuple[int, int]]:
    """(first, one past the last) of every stretch of bool (T,) that is true on end, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
