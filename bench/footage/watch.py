"""Follows the faces of a film from frame to frame: where each is, from when to when, and where shots change.

A face is looked for in the whole picture now and then, and in between only around where it last was, in a window scaled
to its size: that is fast for films of any size, and a face of any size is read with the same care. Memory is that of
the landmarks (0.5 kB a face and frame), never of the frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from bench.errors import MissingError
from bench.framing import Box, cut

GAP = 5
"""Frames (0.2 s) for which a face may be lost (a hand, a blurred turn) and still be the same one."""
SMALLEST = 48
"""Pixels of a face's box below which it is not followed: enlarged fivefold it has no lips."""
_SCAN = 12  # frames between two searches of the whole picture while a face is followed: newcomers wait half a second
_SEARCH = 5  # the same while no face is known
_MOST = 3  # faces followed at once
_WIDE = 960  # longer side to which a picture is reduced before it is searched: dlib's HOG then takes 40 ms
_WINDOW = 480  # side of the window around a known face, twice as wide as the face: its points are read at half a pixel
_SHIFTS = ((0, 0), (10, 0), (-10, 0), (0, 10), (0, -10))
"""Pixels by which the box is moved in the window: the mean of five readings trembles 37 % less than one does."""
_SURE, _KNOWN = 0.3, -0.3  # HOG's score of a new face (as in `dlib68`), and of one where a face was a moment ago
_CUT = 24.0  # mean difference of two thumbnails, in grey levels, from which another shot begins
_JUMP = 3.0  # ... and so many times the usual difference: a shaking camera is no cut


@dataclass(frozen=True)
class Track:
    """One face from its first frame to its last. points: float32 (n, 68, 2) pixels, NaN where it was lost a moment."""

    start: int
    points: np.ndarray

    @property
    def stop(self) -> int:
        """The frame after the last."""
        return self.start + len(self.points)

    @property
    def size(self) -> float:
        """Median of the larger extent of the landmarks in pixels."""
        seen = self.points[~np.isnan(self.points[:, 0, 0])]
        return float(np.median(np.ptp(seen, axis=1).max(1)))

    @property
    def weight(self) -> float:
        """What decides which of several faces a film is about: how long it is seen, times how large it is."""
        return len(self.points) * self.size


@dataclass(frozen=True)
class Watched:
    """What a film shows. frames: how many. shots: first frame of each. tracks: its faces, by their first frames."""

    frames: int
    height: int
    width: int
    shots: tuple[int, ...]
    tracks: tuple[Track, ...]


@dataclass
class _Live:
    start: int
    points: list[np.ndarray] = field(default_factory=list)
    missed: int = 0

    def last(self) -> np.ndarray:
        return self.points[-1 - self.missed]

    def ended(self) -> Track:
        kept = self.points[: len(self.points) - self.missed]
        return Track(self.start, np.stack(kept).astype(np.float32))


class Shots:
    """Tells from one frame to the next whether another shot begins: by how much a thumbnail changes."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._usual: list[float] = []

    def begins(self, image: np.ndarray) -> bool:
        """Whether uint8 (H, W, 3) is the first frame of a shot; the film's first frame is."""
        import cv2

        small = cv2.resize(image, (32, 18), interpolation=cv2.INTER_AREA).astype(np.float32)
        if self._before is None:
            self._before = small
            return True
        change = float(np.abs(small - self._before).mean())
        self._before = small
        usual = float(np.median(self._usual)) if self._usual else 0.0
        self._usual = [*self._usual[-11:], change]
        return change > max(_CUT, _JUMP * usual)


def watch(frames: Iterable[np.ndarray], *, given: np.ndarray | None = None) -> Iterator[int | Watched]:
    """The number of frames seen so far, after each; at last what was watched.

    frames: uint8 (H, W, 3) RGB of one size. given: landmarks float (T, 68, 2) of the one face, NaN where there is none:
    nothing is then looked for. Raises MissingError where faces must be found and no detector is installed.
    """
    follower = None if given is not None else _Follower(_detector())
    shots, starts, count, shape = Shots(), [], 0, (0, 0)
    for count, image in enumerate(frames, start=1):
        shape = image.shape[:2]
        fresh = shots.begins(image)
        starts += [count - 1] if fresh else []
        if follower is not None:
            follower.step(count - 1, image, fresh=fresh)
        yield count
    found = _split(given[:count], starts) if given is not None else follower.close() if follower else []
    yield Watched(count, *shape, tuple(starts), tuple(sorted(found, key=lambda track: (track.start, -track.weight))))


def _detector() -> Any:
    from metrics.errors import MissingWeights
    from metrics.landmarks.dlib68 import load

    try:
        return load()
    except MissingWeights as error:
        raise MissingError(str(error)) from None


class _Follower:
    """The faces that are followed at the moment, and those that were."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._live: list[_Live] = []
        self._done: list[Track] = []
        self._searched = -_SCAN

    def step(self, t: int, image: np.ndarray, *, fresh: bool) -> None:
        """Take in frame t; fresh: another shot begins with it."""
        if fresh:
            self.close()
            self._searched = t - _SCAN
        for face in list(self._live):
            found = self._look(image, *_square(face.last()), least=_KNOWN)
            twice = found is not None and any(o is not face and _same(found, o.points[-1]) for o in self._live)
            face.points.append(np.full((68, 2), np.nan) if found is None or twice else found)
            face.missed = 0 if found is not None and not twice else face.missed + 1
            if face.missed > GAP:
                self._end(face)
        if t - self._searched >= (_SCAN if self._live else _SEARCH):
            self._searched = t
            self._search(t, image)

    def close(self) -> list[Track]:
        """All faces so far; none is followed any more."""
        for face in list(self._live):
            self._end(face)
        return self._done

    def _end(self, face: _Live) -> None:
        self._live.remove(face)
        self._done.append(face.ended())

    def _search(self, t: int, image: np.ndarray) -> None:
        import cv2

        ratio = min(1.0, _WIDE / max(image.shape[:2]))
        size = max(1, round(image.shape[1] * ratio)), max(1, round(image.shape[0] * ratio))
        small = image if ratio == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        boxes = self._detector.faces(small, least=_SURE) or self._detector.faces(small, doublings=1, least=_SURE)
        for (left, top, right, bottom), _ in sorted(boxes, key=lambda found: found[0][0] - found[0][2]):
            side = (right - left + 1) / ratio
            if side < SMALLEST or len(self._live) >= _MOST:
                continue
            found = self._look(image, np.array([left + right + 1, top + bottom + 1]) / (2 * ratio), side, least=_SURE)
            if found is not None and not any(_same(found, face.last()) for face in self._live):
                self._live.append(_Live(t, [found]))

    def _look(self, image: np.ndarray, middle: np.ndarray, side: float, *, least: float) -> np.ndarray | None:
        """Landmarks float64 (68, 2) of the face whose box is about there and so large, None where it is not."""
        import cv2

        around = Box(float(middle[0] - side), float(middle[1] - side), float(2 * side))
        window = cut(image, around, _WINDOW)
        half = cv2.resize(window, (_WINDOW // 2, _WINDOW // 2), interpolation=cv2.INTER_AREA)
        best, score = None, -np.inf
        for box, sure in self._detector.faces(half, least=least):
            # a neighbour's face may reach into the window
            aside = np.abs(np.array([box[0] + box[2], box[1] + box[3]]) / _WINDOW - 0.5).max()
            if aside < 0.15 and sure > score:
                best, score = box, sure
        if best is None:
            return None
        boxes = [tuple(2 * v + way[k % 2] for k, v in enumerate(best)) for way in _SHIFTS]
        points = np.mean([self._detector.points(window, box) for box in boxes], axis=0)
        return (points + 0.5) * (around.side / _WINDOW) + [around.left, around.top] - 0.5


def _square(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle and side of the box in which HOG would find a face with these landmarks: see `bench.framing`."""
    low, high = points.min(0), points.max(0)
    side = float((high - low).max())
    return (low + high) / 2 + 0.5 - [0, 0.13 * side], side


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two sets of landmarks are of one face: middles nearer than half a face."""
    if np.isnan(a).any() or np.isnan(b).any():
        return False
    apart = np.linalg.norm(a.mean(0) - b.mean(0))
    return bool(apart < 0.5 * max(np.ptp(a, axis=0).max(), np.ptp(b, axis=0).max()))


def _split(points: np.ndarray, starts: list[int]) -> list[Track]:
    """Tracks of given landmarks: parted at shots and where there is no face for more than GAP frames."""
    known = np.flatnonzero(np.isfinite(points).all((1, 2)))
    tracks = []
    for run in np.split(known, np.flatnonzero(np.diff(known) > GAP + 1) + 1) if len(known) else []:
        edges = [int(run[0]), *(s for s in starts if run[0] < s <= run[-1]), int(run[-1]) + 1]
        for first, last in pairwise(edges):
            inside = run[(run >= first) & (run < last)]
            if len(inside):
                tracks.append(Track(int(inside[0]), points[inside[0] : inside[-1] + 1].astype(np.float32)))
    return tracks
