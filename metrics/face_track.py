"""Faces of single frames become tracks, and a track becomes the crops that SyncNet looks at.

As SyncNet's pipeline (Chung and Zisserman 2016, and its published code) does it, in process and frame by frame: no
folder, no second encoding, never more than some frames in memory.

A face continues a track when its box overlaps the track's last one by more than half (intersection over union), at most
25 frames after it; of several, the one that overlaps most. Frames between are filled in linearly. Half side and centre
of the boxes are smoothed by a median of 13 frames; the crop is a square of 2.8 half sides, a little lower than the box
(1 half side above its centre, 1.8 below), grey 110 where it leaves the frame, resized bilinearly without antialiasing.
Shots are not looked for: a cut ends a track where it moves the face by half a box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrics.clip import Frames
from metrics.sync_reading import calm

OVERLAP = 0.5
GAP = 25
"""Most frames between two sightings of one face; syncnet_python's `num_failed_det`."""
CALM = 13
MARGIN = 0.4
"""Part of a half side that is added left, right, and twice below; syncnet_python's `crop_scale`."""
GREY = 110


@dataclass(frozen=True)
class Track:
    """One face over time. first: its first frame. boxes: float64 (N, 4) left, top, right, bottom of that frame and
    those after it. found: frames of these in which it was detected, the others being filled in."""

    first: int
    boxes: np.ndarray
    found: int

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def side(self) -> float:
        """The larger of mean width and mean height in pixels."""
        return float(max((self.boxes[:, 2:] - self.boxes[:, :2]).mean(0)))


def tracks(faces: np.ndarray) -> list[Track]:
    """Every track in a clip's faces float64 (M, 6) (see `metrics.clip.Clip`): longest first, then largest, then first.

    Each face belongs to exactly one track; one that is seen once is a track of one frame.
    """
    open_ones: list[list[np.ndarray]] = []
    closed: list[list[np.ndarray]] = []
    starts = np.flatnonzero(np.diff(faces[:, 0])) + 1
    for lines in np.split(faces, starts) if len(faces) else []:
        now = lines[0, 0]
        closed += [sightings for sightings in open_ones if now - sightings[-1][0] > GAP]
        open_ones = [sightings for sightings in open_ones if now - sightings[-1][0] <= GAP]
        _continue(open_ones, lines)
    found = [_filled(np.array(sightings)) for sightings in closed + open_ones]
    return sorted(found, key=lambda track: (-len(track), -track.side, track.first))


def crops(frames: Frames, track: Track, side: int) -> Callable[[int, int], np.ndarray]:
    """What gives a track's crops first to last - 1, counted from its own first frame, uint8 (N, side, side, 3).

    frames: the whole clip's, of which only those asked for are read. The track must have 13 frames or more: the median
    takes what lies beyond its ends for zeros, as the published code does.
    """
    import cv2

    left, top, right, bottom = track.boxes.T
    half = calm(np.maximum(right - left, bottom - top) / 2, CALM)
    x, y = calm((left + right) / 2, CALM), calm((top + bottom) / 2, CALM)

    def give(first: int, last: int) -> np.ndarray:
        out = np.empty((last - first, side, side, 3), np.uint8)
        block = frames[track.first + first : track.first + last]
        for k, (frame, t) in enumerate(zip(block, range(first, last), strict=True)):
            out[k] = cv2.resize(cut(frame, x[t], y[t], half[t]), (side, side), interpolation=cv2.INTER_LINEAR)
        return out

    return give


def cut(frame: np.ndarray, x: float, y: float, half: float) -> np.ndarray:
    """The crop uint8 (h, w, 3), not yet resized, of a frame (H, W, 3) round a box's centre and half side in pixels."""
    wide, low = half * (1 + MARGIN), half * (1 + 2 * MARGIN)
    rows = _ends(y - half, y + low)
    columns = _ends(x - wide, x + wide)
    height, width = frame.shape[:2]
    out = np.full((rows[1] - rows[0], columns[1] - columns[0], 3), GREY, np.uint8)
    (top, bottom), (left, right) = _within(rows, height), _within(columns, width)
    if top < bottom and left < right:
        out[top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]] = frame[top:bottom, left:right]
    return out


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union float64 (M,) of a box (4,) with boxes (M, 4); 0 where both have no area."""
    corner, end = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(end - corner, 0, None).prod(1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(1) - shared
    return np.divide(shared, union, out=np.zeros(len(boxes)), where=union > 0)


def _continue(open_ones: list[list[np.ndarray]], lines: np.ndarray) -> None:
    """Give each face of one frame to the track that it overlaps most; what is left over begins tracks."""
    pairs = [
        (share, which, face)
        for which, sightings in enumerate(open_ones)
        for face, share in enumerate(overlap(sightings[-1][1:5], lines[:, 1:5]))
        if share > OVERLAP
    ]
    taken: set[int] = set()
    grown: set[int] = set()
    for _, which, face in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if which not in grown and face not in taken:
            open_ones[which].append(lines[face])
            grown.add(which)
            taken.add(face)
    open_ones += [[line] for face, line in enumerate(lines) if face not in taken]


def _filled(sightings: np.ndarray) -> Track:
    at = sightings[:, 0]
    every = np.arange(at[0], at[-1] + 1)
    boxes = np.stack([np.interp(every, at, sightings[:, k]) for k in range(1, 5)], 1)
    return Track(int(at[0]), boxes, len(sightings))


def _ends(low: float, high: float) -> tuple[int, int]:
    """Whole pixels, at least one, as int() cuts them in a frame that is padded far enough to have no negative ones."""
    first = int(np.floor(low))
    return first, max(first + 1, int(np.floor(high)))


def _within(ends: tuple[int, int], size: int) -> tuple[int, int]:
    return max(0, ends[0]), min(size, ends[1])
