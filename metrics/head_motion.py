"""How much the head turns: mean over pitch, yaw and roll of the standard deviation over frames, in degrees.

Angles are `metrics.head_pose`'s, of the video alone. A description: neither more nor less is better by itself. It is
not the "diversity" of SadTalker and its successors, the deviation of Hopenet's head-motion features over generated
frames: that has no unit and another network, and numbers do not compare. A detector's noise counts: the deviation of a
head at rest is about 0.5 degrees by puppet68 and 1 by dlib68.

Does not measure: whether the movement fits, shifts without a turn, how fast the head moves.
Source: defined here.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, too_few
from metrics.head_pose import AXES, angles_of
from metrics.landmarks import BACKENDS
from metrics.registry import Variant

MIN_FRAMES = 25
"""Frames with a face: in less than a second a head has hardly moved."""


def continuous(angles: np.ndarray) -> np.ndarray:
    """The angles float64 (T, 3) in degrees without jumps of a whole turn between known frames; NaN stays."""
    out = angles.copy()
    known = ~np.isnan(angles).any(1)
    out[known] = np.unwrap(angles[known], period=360, axis=0)
    return out


def lacking(valid: np.ndarray) -> str | None:
    """Why bool (T,) frames do not suffice for a number of movement, None where they do."""
    count = np.count_nonzero(valid)
    few = f"{count} frames with a face, expected at least {MIN_FRAMES}" if count < MIN_FRAMES else None
    return too_few(valid) or few


def measure(clip: Clip, backend: str) -> Result:
    """The mean over axes of the deviation over frames with a face."""
    angles = angles_of(clip, backend)
    valid = ~np.isnan(angles).any(1)
    reason = lacking(valid)
    value = float(continuous(angles)[valid].std(0).mean()) if reason is None else None
    series = {axis: angles[:, k] for k, axis in enumerate(AXES)}
    return Result(value, float(valid.mean()), reason=reason, series=series)


def _variant(backend: str, weights: tuple[str, ...]) -> Variant:
    return Variant(
        id=f"head_motion_std/{backend}@1",
        title=f"Spread of head pose ({backend})",
        formula="(std pitch + std yaw + std roll) / 3 over frames (division by n), jumps of a whole turn taken out; "
        "angles of a rigid head of 19 points under scaled orthography (see pose_error); landmarks by "
        f"{backend}; a face in at least {MIN_COVERAGE:.0%} of frames and in {MIN_FRAMES} or more",
        unit="degrees",
        direction="target",
        target=None,
        bounds=(0.0, None),
        needs=(f"landmarks:{backend}",),
        weights=weights,
        source="defined here",
        equals='no published code: defined here; not the "diversity" of SadTalker (Zhang et al. 2023), the deviation '
        "of Hopenet's features",
        blind_to="whether the movement is right: it only says how much there is, noise of the landmarks included "
        "(0.5 degrees by puppet68, 1 by dlib68, of a head at rest); shifts without a turn; how fast",
        legacy=False,
        measure=partial(measure, backend=backend),
    )


VARIANTS = tuple(_variant(name, tuple(weights)) for name, weights in BACKENDS.items())
