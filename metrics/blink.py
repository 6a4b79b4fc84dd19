"""Blinks a minute from the eye aspect ratio, against the clip's own open eyes.

EAR = (|p2 - p6| + |p3 - p5|) / (2 |p1 - p4|) of the six points of an eye, mean of both (Soukupová and Čech 2016). An
eye is shut where EAR < 0.7 of the clip's median, which is that of open eyes as long as they are open half the time:
the paper's 0.2 is two thirds of the usual 0.3, and eyes of 0.16 to 0.37 are seen in five real films. A blink is 2 to
12 shut frames on end (at 25 frames/s; at most half a second): one frame alone is the detector's slip, longer is a gaze
downwards or sleep. Stretches that the clip's ends or a frame without a face cut count as what is left of them.

Direction: a description. People in conversation blink some 10 to 25 times a minute, widely different from one to the
next and with the task; no single source is taken for it here.

Does not measure: whether lids shut fully, the blink's shape, one eye alone. What a backend does not close is not seen:
of 13 stretches that dlib68 finds in four real films, 12 are blinks to the eye and one is a gaze downwards; it follows
hardly any of the painted lids of the corpus. puppet68, which sees the face at 64 pixels, finds two of six.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, too_few
from metrics.landmarks import BACKENDS
from metrics.registry import Variant
from metrics.stretches import stretches

EYES = (36, 42)
"""First of the six landmarks of either eye: outer or inner corner, two of the upper lid, corner, two of the lower."""
SHUT = 0.7
LEAST, LONGEST = 2, 0.5
"""Frames, and seconds, of a blink."""
MIN_FRAMES = 25
"""Frames with a face: a second, of which a blink leaves half to know open eyes by. The rate of a clip of n seconds goes
in steps of 60 / n: it means something over many clips or in long ones."""


def eye_aspect_ratio(landmarks: np.ndarray) -> np.ndarray:
    """Mean of both eyes float64 (T,) of float64 (T, 68, 2); NaN without a face or where an eye has no width."""
    ratios = np.empty((2, len(landmarks)))
    for side, first in enumerate(EYES):
        p1, p2, p3, p4, p5, p6 = (landmarks[:, first + k] for k in range(6))
        width = np.linalg.norm(p1 - p4, axis=1)
        height = np.linalg.norm(p2 - p6, axis=1) + np.linalg.norm(p3 - p5, axis=1)
        ratios[side] = height / np.where(width > 0, 2 * width, np.nan)
    return ratios.mean(0)


def blinks(ratio: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Blinks (first frame, one past the last) in eye aspect ratios float64 (T,), NaN where there is none."""
    known = ~np.isnan(ratio)
    if not known.any():
        return []
    shut = np.zeros(len(ratio), bool)
    shut[known] = ratio[known] < SHUT * np.median(ratio[known])
    longest = max(LEAST, int(LONGEST * fps + 1e-9))
    return [(first, last) for first, last in stretches(shut) if LEAST <= last - first <= longest]


def measure(clip: Clip, backend: str) -> Result:
    """Blinks a minute of frames with a face."""
    ratio = eye_aspect_ratio(clip.landmarks[backend])
    valid = ~np.isnan(ratio)
    count = int(np.count_nonzero(valid))
    lacking = too_few(valid)
    if lacking is None and count < MIN_FRAMES:
        lacking = f"{count} frames with a face, expected at least {MIN_FRAMES}"
    if lacking is None and not np.median(ratio[valid]) > 0:
        lacking = "eyes of no height in half the frames or more: there are none open to compare with"
    found = blinks(ratio, clip.fps)
    marks = np.where(valid, 0.0, np.nan)
    for first, last in found:
        marks[first:last] = 1.0
    value = len(found) / (count / clip.fps / 60) if lacking is None else None
    return Result(value, float(valid.mean()), reason=lacking, series={"eye_aspect_ratio": ratio, "blink": marks})


def _variant(backend: str, weights: tuple[str, ...]) -> Variant:
    return Variant(
        id=f"blink_rate/{backend}@1",
        title=f"Blinks a minute ({backend})",
        formula=f"stretches of {LEAST} frames to {LONGEST:g} s with EAR < {SHUT:g} of its median over the clip, for "
        "each minute of frames with a face; EAR = mean of both eyes of (|p2 - p6| + |p3 - p5|) / (2 |p1 - p4|); "
        f"landmarks by {backend}; a face in at least {MIN_COVERAGE:.0%} of frames and in {MIN_FRAMES} or more",
        unit="1/min",
        direction="target",
        target=None,
        bounds=(0.0, None),
        needs=(f"landmarks:{backend}",),
        weights=weights,
        source="Soukupová and Čech 2016, Computer Vision Winter Workshop (EAR); rule relative to the clip defined here",
        equals="no published code: defined here",
        blind_to="whether lids shut fully; one eye alone; blinks that the backend does not close (dlib68: most of "
        "painted ones; puppet68: two thirds) and gazes downwards that look like them; steps of 60 / n in a clip of "
        "n seconds. How often people blink depends on task and person: no range is stated",
        legacy=False,
        measure=partial(measure, backend=backend),
    )


VARIANTS = tuple(_variant(name, tuple(weights)) for name, weights in BACKENDS.items())
