"""What a metric is given and what it gives back: one video with all that is known about it, and one result."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Protocol, TypeVar, overload

import numpy as np

from metrics.errors import MetricError

POINTS = 68
"""Landmarks a face, in the order of `metrics.landmarks.scheme68`."""
LOUDEST = 2.0
"""Largest sample allowed: resampling overshoots full scale (1) a little; integers cast to float would be thousands."""


T = TypeVar("T")


class Frames(Protocol):
    """A video as metrics see it: an array uint8 (T, H, W, 3), or one that stays on disk and is read by frames.

    What an array can do beyond these four is not to be used: a clip of ten minutes is 3 GB.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> np.ndarray: ...
    def __iter__(self) -> Iterator[np.ndarray]: ...


@dataclass(frozen=True)
class Clip:
    """One generated video and what belongs to it, checked once when it is made: metrics trust it.

    frames: uint8 (T, H, W, 3) RGB at fps: read it frame by frame, or in slices of some frames (see `Frames`).
    truth: the same shape, or None. samples, truth_samples: float32 (N,) mono at 16 kHz, range -1..1, or None.
    landmarks: backend -> float64 (T, 68, 2) pixels (x right, y down, 0 at the first pixel's centre); NaN throughout a
    frame in which no face was found; "exact" where a corpus knows the truth's. faces: detector -> float64 (M, 6), one
    line a face: frame, left, top, right, bottom (pixels, edges inclusive), score; by frame, then by falling score.
    features: extractor -> float32 (N, D), one line a frame or window; NaN throughout a line that could not be made.
    truth_landmarks, truth_faces, truth_features: the same of `truth`. phones: (symbol, start s, end s), or None.

    Raises MetricError, one line, for anything else.
    """

    frames: Frames
    truth: Frames | None = None
    fps: float = 25.0
    samples: np.ndarray | None = None
    truth_samples: np.ndarray | None = None
    landmarks: Mapping[str, np.ndarray] = field(default_factory=dict)
    truth_landmarks: Mapping[str, np.ndarray] = field(default_factory=dict)
    phones: tuple[tuple[str, float, float], ...] | None = None
    faces: Mapping[str, np.ndarray] = field(default_factory=dict)
    truth_faces: Mapping[str, np.ndarray] = field(default_factory=dict)
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    truth_features: Mapping[str, np.ndarray] = field(default_factory=dict)
    _memory: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make()` gave the first time for that key: variants of a family share what is dear to compute.

        The key names the computation and all its constants, e.g. ("syncnet", "cropped"). An error is not kept.
        """
        if key not in self._memory:
            self._memory[key] = make()
        return self._memory[key]

    def __post_init__(self) -> None:
        _check_frames(self.frames, "frames")
        if self.truth is not None:
            _check_frames(self.truth, "truth")
            if self.truth.shape != self.frames.shape:
                raise MetricError(
                    f"clip: expected truth of the frames' shape {self.frames.shape}, got {self.truth.shape}"
                )
        if not (isinstance(self.fps, Real) and 0 < self.fps < math.inf):
            raise MetricError(f"clip: expected fps above 0, got {self.fps!r}")
        for name in ("samples", "truth_samples"):
            _check_samples(getattr(self, name), name)
        for name in ("landmarks", "truth_landmarks"):
            for backend, points in getattr(self, name).items():
                _check_points(points, len(self.frames), f"{name}[{backend!r}]")
        for name in ("faces", "truth_faces"):
            for detector, found in getattr(self, name).items():
                _check_faces(found, len(self.frames), f"{name}[{detector!r}]")
        for name in ("features", "truth_features"):
            for extractor, lines in getattr(self, name).items():
                _check_features(lines, f"{name}[{extractor!r}]")
        for phone in self.phones or ():
            _check_phone(phone)


@dataclass(frozen=True)
class Result:
    """A metric's answer for one clip.

    value: finite, or None with the reason why the formula has no value here. coverage: share of the clip's frames
    that entered, 0..1. per_frame: float64 (T,), NaN where a frame did not enter. series: further curves of that shape.
    notes: anything else worth keeping, as data that JSON can hold (a sync curve, a list of tracks).
    """

    value: float | None
    coverage: float
    per_frame: np.ndarray | None = None
    reason: str | None = None
    series: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def _say(data: object) -> str:
    if hasattr(data, "dtype") and hasattr(data, "shape"):
        return f"{data.dtype} {data.shape}"
    return type(data).__name__


def _check_frames(frames: object, name: str) -> None:
    shape = getattr(frames, "shape", ())
    good = getattr(frames, "dtype", None) == np.uint8 and len(shape) == 4 and shape[3] == 3
    if not good:
        raise MetricError(f"clip: expected {name} uint8 (T, H, W, 3), got {_say(frames)}")
    if 0 in shape:
        raise MetricError(f"clip: expected at least one frame of one pixel in {name}, got {_say(frames)}")


def _check_samples(samples: object, name: str) -> None:
    if samples is None:
        return
    if not (isinstance(samples, np.ndarray) and samples.dtype == np.float32 and samples.ndim == 1):
        raise MetricError(f"clip: expected {name} float32 (N,), got {_say(samples)}")
    if not np.isfinite(samples).all():
        raise MetricError(f"clip: expected finite {name}, got {np.count_nonzero(~np.isfinite(samples))} that are not")
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest > LOUDEST:
        raise MetricError(f"clip: expected {name} in the range -1..1, got {loudest:g}")


def _check_points(points: object, frames: int, name: str) -> None:
    shape = (frames, POINTS, 2)
    if not (isinstance(points, np.ndarray) and points.dtype == np.float64 and points.shape == shape):
        raise MetricError(f"clip: expected {name} float64 {shape}, got {_say(points)}")
    if np.isinf(points).any():
        raise MetricError(f"clip: expected {name} finite, or NaN where no face was found, got infinity")
    absent = np.isnan(points)
    if (absent.any((1, 2)) != absent.all((1, 2))).any():
        frame = int(np.flatnonzero(absent.any((1, 2)) != absent.all((1, 2)))[0])
        raise MetricError(f"clip: expected all or none of a frame's landmarks in {name}, got some in frame {frame}")


def _check_faces(found: object, frames: int, name: str) -> None:
    if not (isinstance(found, np.ndarray) and found.dtype == np.float64 and found.ndim == 2 and found.shape[1] == 6):
        raise MetricError(f"clip: expected {name} float64 (M, 6), got {_say(found)}")
    at, left, top, right, bottom, score = found.T
    if not np.isfinite(found).all() or (left > right).any() or (top > bottom).any():
        raise MetricError(f"clip: expected {name} as finite boxes of left <= right and top <= bottom")
    if ((at < 0) | (at >= frames) | (at != np.floor(at))).any() or (
        np.lexsort((-score, at)) != np.arange(len(at))
    ).any():
        raise MetricError(f"clip: expected {name} by frame (0 to {frames - 1}), then by falling score")


def _check_features(lines: object, name: str) -> None:
    if not (isinstance(lines, np.ndarray) and lines.dtype == np.float32 and lines.ndim == 2):
        raise MetricError(f"clip: expected {name} float32 (N, D), got {_say(lines)}")
    if np.isinf(lines).any() or (np.isnan(lines).any(1) != np.isnan(lines).all(1)).any():
        raise MetricError(f"clip: expected every line of {name} finite, or NaN throughout")


def _check_phone(phone: object) -> None:
    good = isinstance(phone, tuple) and len(phone) == 3 and isinstance(phone[0], str)
    good = good and isinstance(phone[1], Real) and isinstance(phone[2], Real)  # type: ignore[index]
    if not (good and 0 <= phone[1] <= phone[2] < math.inf):  # type: ignore[index]
        raise MetricError(f"clip: expected phones as (symbol, start s, end s), got {phone!r}")
