"""Which frames enter a number that rests on landmarks, and when too few do for it to count."""

from __future__ import annotations

import numpy as np

MIN_COVERAGE = 0.8
"""Share of frames that must have a face, in the video and in its truth: a method must not gain by unreadable faces."""


def seen(*landmarks: np.ndarray) -> np.ndarray:
    """bool (T,): frames in which every one of these float64 (T, 68, 2) has a face: the same frames count in all."""
    return np.logical_and.reduce([~np.isnan(points).any((1, 2)) for points in landmarks])


def too_few(valid: np.ndarray) -> str | None:
    """Why bool (T,) frames do not suffice, None where they do."""
    share = float(valid.mean())
    if share >= MIN_COVERAGE:
        return None
    return f"a face was found in {np.count_nonzero(valid)} of {len(valid)} frames, under {MIN_COVERAGE:.0%}"
