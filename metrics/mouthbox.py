"""The square around the truth's mouth in each frame, in which mouths are compared pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metrics.clip import Clip
from metrics.coverage import MIN_COVERAGE
from metrics.landmarks.scheme68 import MOUTH

GROWTH = 1.5
"""Side of the square in larger extents (width or height) of the 20 mouth points: lips and the skin that moves."""
SMALLEST = 8
"""Sides in pixels of the smallest box that is compared; what a frame's border leaves below it is no mouth."""
BACKENDS = (("exact68", "exact", ()), ("dlib68", "dlib68", ("dlib68", "dlib_mmod")))
"""Whose landmarks place the box: part of a variant's name, key in Clip.truth_landmarks, weights."""
Box = tuple[slice, slice]


def mouth_boxes(landmarks: np.ndarray, height: int, width: int) -> list[Box | None]:
    """(rows, columns) of each frame's mouth square, None where there are no landmarks or no mouth in the frame.

    landmarks: float64 (T, 68, 2) pixels of frames (T, height, width). The square is centred on the middle of the mouth
    points' bounding box; its side is GROWTH times the larger extent, rounded up; borders of the frame cut it.
    """
    mouth = landmarks[:, MOUTH.start : MOUTH.stop]
    low, high = mouth.min(1), mouth.max(1)
    return [_box(a, b, height, width) for a, b in zip(low, high, strict=True)]


def clip_boxes(clip: Clip, backend: str) -> list[Box | None]:
    """The boxes of a clip by its truth's landmarks of that backend."""
    return mouth_boxes(clip.truth_landmarks[backend], *clip.frames.shape[1:3])


def lacking_boxes(boxes: Sequence[Box | None], backend: str) -> str | None:
    """Why these boxes do not suffice for a value, None where they do.

    Landmarks that a corpus knows are missing only where there is no mouth, so one box is enough; a detector's must be
    there in most frames.
    """
    share = np.mean([box is not None for box in boxes])
    if share == 0:
        return "no frame has landmarks of a mouth that lies within the picture"
    if backend != "exact" and share < MIN_COVERAGE:
        found = sum(box is not None for box in boxes)
        return f"the truth's mouth was found in {found} of {len(boxes)} frames, under {MIN_COVERAGE:.0%}"
    return None


def box_text(backend: str) -> str:
    """How a card names the box."""
    rule = "" if backend == "exact" else f" (found in at least {MIN_COVERAGE:.0%} of frames)"
    return (
        f"the square centred on the bounding box of the truth's {backend} landmarks 48-67{rule}, side {GROWTH:g} times "
        "its larger extent"
    )


def _box(low: np.ndarray, high: np.ndarray, height: int, width: int) -> Box | None:
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return None
    side = int(np.ceil(GROWTH * (high - low).max()))
    # floor(x + 1/2) rounds halves up everywhere; numpy's own rounding goes to even
    left, top = (int(np.floor(v + 0.5)) for v in (low + high) / 2 - (side - 1) / 2)
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    if min(rows.stop - rows.start, columns.stop - columns.start) < SMALLEST:
        return None
    return rows, columns
