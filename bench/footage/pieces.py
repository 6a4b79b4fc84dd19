"""Cuts what was watched into pieces for training: one face, one shot, a few seconds each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.errors import MediaError
from bench.footage.watch import Track, Watched
from bench.records import FPS


@dataclass(frozen=True)
class Piece:
    """Frames start to stop of a film, with the landmarks float32 (stop - start, 68, 2) of one face, none missing.

    others: how many other faces are seen meanwhile.
    """

    start: int
    points: np.ndarray
    others: int

    @property
    def stop(self) -> int:
        """The frame after the last."""
        return self.start + len(self.points)


def main_track(watched: Watched) -> Track | None:
    """The track that the film is about (seen longest times largest), None where there is no face."""
    return max(watched.tracks, key=lambda track: track.weight, default=None)


def pieces(watched: Watched, *, frames: int, longest: float, shortest: float) -> list[Piece]:
    """The pieces of a film's first `frames` frames, in order; at any time the face of most weight is taken.

    longest, shortest: seconds. A track that is too long is parted evenly; moments without landmarks are bridged in a
    straight line. Raises MediaError in one line where nothing is left: no face, or none for long enough.
    """
    taken: list[Track] = []
    for track in sorted(watched.tracks, key=lambda track: -track.weight):
        if all(track.stop <= other.start or other.stop <= track.start for other in taken):
            taken.append(track)
    least, most = max(1, round(shortest * FPS)), max(1, round(longest * FPS))
    found = []
    for track in sorted(taken, key=lambda track: track.start):
        length = min(track.stop, frames) - track.start
        if length < least:
            continue
        points = bridge(track.points[:length])
        parts = max(1, min(-(-length // most), length // least))
        for first, last in pairwise(np.linspace(0, length, parts + 1).round().astype(int).tolist()):
            start, stop = track.start + first, track.start + last
            others = sum(o is not track and o.start < stop and start < o.stop for o in watched.tracks)
            found.append(Piece(start, points[first:last], others))
    if not found:
        raise MediaError(_nothing(watched, shortest))
    return found


def bridge(points: np.ndarray) -> np.ndarray:
    """Landmarks float32 (n, 68, 2) with missing frames filled in a straight line, at the ends with the nearest."""
    known = np.flatnonzero(~np.isnan(points[:, 0, 0]))
    if len(known) == len(points):
        return points
    flat = points.reshape(len(points), -1)
    times = np.arange(len(points))
    whole = np.stack([np.interp(times, known, column[known]) for column in flat.T], 1)
    return whole.reshape(points.shape).astype(np.float32)


def _nothing(watched: Watched, shortest: float) -> str:
    best = main_track(watched)
    size = f"{watched.frames} frames of {watched.width}x{watched.height}"
    if best is None:
        return f"no face was found in {size}; expected one from before, 48 pixels or larger"
    seen = len(best.points) / FPS
    return f"expected a face for {shortest:g} s or more, the longest in {size} is seen for {seen:.2f} s"
