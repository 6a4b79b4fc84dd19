"""Trembling of landmarks from frame to frame: their second difference over the distance of the eyes, lower is better.

For every three frames on end with a face: |p[t+1] - 2 p[t] + p[t-1]|, mean over points, over the median over frames of
the outer eye corners' distance; mean over frames. A steady movement adds nothing, one that changes adds little
(accelerations of a real head at 25 frames/s are about 0.1 % of that distance). Three families of choice:

- plain: the 19 points that neither speech nor blinks move (`metrics.head_pose.RIGID`), where they are in the picture,
  so that a shaking head or frame counts as much as features that swim on the face; a speaking mouth does not count.
- face68-procrustes: all 68 points, each frame's laid on the frame in the middle by the least-squares similarity: swims
  and speech alone. A mouth that does not speak scores better: for comparing videos of the same speech.
- jitter_ratio: plain of the video over plain of the truth, in the same frames, so that real movement and the detector's
  noise are in both; best at 1.

Measured with six corpus clips: plain 0.0008 by exact landmarks, 0.004 by puppet68, 0.022 by dlib68, whose points are
whole pixels: below that noise nothing shows.
Source: defined here; Umeyama 1991 (similarity).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, seen, too_few
from metrics.head_pose import RIGID
from metrics.landmarks import BACKENDS
from metrics.landmarks.scheme68 import OUTER_EYES
from metrics.lmd import align
from metrics.registry import Variant

STILL = 1e-4
"""Jitter of a truth under which there is no ratio to it: a hundredth of a pixel in a face of 100 between the eyes."""


def trembling(landmarks: np.ndarray, valid: np.ndarray, *, aligned: bool = False) -> np.ndarray:
    """Mean second difference over the eyes' distance, float64 (T,), of float64 (T, 68, 2) in `valid` bool (T,) frames.

    NaN where a frame or a neighbour is not valid. aligned: of all 68 points after alignment, not of the rigid ones.
    """
    out = np.full(len(landmarks), np.nan)
    left, right = (landmarks[valid][:, corner] for corner in OUTER_EYES)
    unit = float(np.median(np.linalg.norm(right - left, axis=1))) if valid.any() else 0.0
    three = np.flatnonzero(valid[:-2] & valid[1:-1] & valid[2:]) + 1
    if not len(three) or not unit > 0:
        return out
    before, here, after = landmarks[three - 1], landmarks[three], landmarks[three + 1]
    if aligned:
        before, after = align(before, here), align(after, here)
    else:
        before, here, after = (points[:, RIGID] for points in (before, here, after))
    out[three] = np.linalg.norm(after - 2 * here + before, axis=2).mean(1) / unit
    return out


def measure(clip: Clip, backend: str, *, aligned: bool) -> Result:
    """The mean over frames with a face on either side of them too."""
    points = clip.landmarks[backend]
    valid = seen(points)
    curve = trembling(points, valid, aligned=aligned)
    lacking = too_few(valid) or _lacking(curve, "")
    value = float(np.nanmean(curve)) if lacking is None else None
    return Result(value, float(valid.mean()), per_frame=curve, reason=lacking)


def measure_ratio(clip: Clip, backend: str) -> Result:
    """The video's trembling over the truth's, in frames where both have a face."""
    ours, theirs = clip.landmarks[backend], clip.truth_landmarks[backend]
    valid = seen(ours, theirs)
    first, second = (trembling(points, valid) for points in (ours, theirs))
    lacking, value = too_few(valid) or _lacking(first, "") or _lacking(second, " of the truth"), None
    if lacking is None:
        real = float(np.nanmean(second))
        if real >= STILL:
            value = float(np.nanmean(first)) / real
        else:
            lacking = f"a still truth: its jitter is {real:.2g}, under {STILL:g}"
    return Result(value, float(valid.mean()), reason=lacking, series={"jitter": first, "truth": second})


def _lacking(curve: np.ndarray, whose: str) -> str | None:
    if not np.isnan(curve).all():
        return None
    return f"no three frames on end with a face{whose} whose eyes are apart"


_FORMULA = (
    "mean over frames t of mean over {points} of |p[t+1] - 2 p[t] + p[t-1]|, over the median over frames of |p45 - p36|"
    "{how}; landmarks by {backend}; frames with a face and neighbours with one, a face in at least {least:.0%} of all"
)
_RIGID = "19 points that speech and blinks leave alone (0, 1, 2, 14, 15, 16, 27-36, 39, 42, 45)"
_FLOOR = "all that is below the detector's noise (0.004 by puppet68, 0.022 by dlib68, whose points are whole pixels)"


def _variants(backend: str, weights: tuple[str, ...]) -> tuple[Variant, ...]:
    ours = f"landmarks:{backend}"
    return tuple(
        Variant(
            id=f"{name}{backend}@1",
            title=f"{title} ({backend})",
            formula=formula + _FORMULA.format(points=points, how=how, backend=backend, least=MIN_COVERAGE),
            unit="1",
            direction=direction,
            target=target,
            bounds=(0.0, None),
            needs=needs,
            weights=weights,
            source="defined here",
            equals="no published code: defined here",
            blind_to=blind_to,
            legacy=False,
            measure=partial(call, backend=backend),
            promises=promises,
        )
        for name, title, formula, points, how, direction, target, needs, call, promises, blind_to in (
            (
                "jitter/", "Temporal jitter", "", _RIGID, "", "lower", None, (ours,), partial(measure, aligned=False),
                ("jitter",),
                f"{_FLOOR}; flicker of colour and texture; the mouth; a still picture scores best and "
                "repeated frames lower it by a noisy detector; real accelerations of the head count",
            ),
            (
                "jitter/face68-procrustes-", "Temporal jitter of the face's shape", "", "all 68 points",
                ", frames t-1 and t+1 first laid on frame t by the least-squares similarity", "lower", None, (ours,),
                partial(measure, aligned=True), (),
                f"{_FLOOR}; shaking of the whole head or frame, all taken out; flicker of colour and texture; speech "
                "counts as jitter, so a still mouth scores best",
            ),
            (
                "jitter_ratio/", "Temporal jitter over the truth's",
                "J(video) / J(truth), J in frames where both have a face: ", _RIGID, "", "target", 1.0,
                ("truth", ours, f"truth_landmarks:{backend}"), measure_ratio, ("jitter",),
                "jitter below the detector's noise, which is in both; where the trembling is; flicker of colour and "
                "texture; the mouth",
            ),
        )
    )  # fmt: skip


VARIANTS = tuple(variant for name, held in BACKENDS.items() for variant in _variants(name, tuple(held)))
