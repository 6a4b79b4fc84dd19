"""What every metric owes: a result that keeps its contract, made from a video that stays on disk."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from metrics.clip import Result


class DiskFrames:
    """A video that can be asked for nothing but what `metrics.clip.Frames` promises. most: frames asked for at once."""

    def __init__(self, held: np.ndarray) -> None:
        self._held, self.shape, self.dtype, self.ndim, self.most = held, held.shape, held.dtype, 4, 0

    def __len__(self) -> int:
        return len(self._held)

    def __getitem__(self, index: object) -> np.ndarray:
        assert isinstance(index, int | np.integer | slice), f"frames[{index!r}]: only numbers and slices are read"
        assert not isinstance(index, slice) or index.step in (None, 1), "slices of neighbours alone are read"
        found = self._held[index].copy()
        self.most = max(self.most, len(found) if isinstance(index, slice) else 1)
        return found

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[k] for k in range(len(self)))

    def __array__(self, *rest: object, **more: object) -> np.ndarray:
        raise AssertionError("a metric took the whole video at once")


def sound(result: Result, frames: int, bounds: tuple[float | None, float | None]) -> None:
    """A result keeps its contract."""
    assert 0 <= result.coverage <= 1
    for curve in [*result.series.values(), *([] if result.per_frame is None else [result.per_frame])]:
        assert curve.shape == (frames,) and curve.dtype == np.float64 and not np.isinf(curve).any()
    if result.value is None:
        assert result.reason and "\n" not in result.reason
        return
    assert result.reason is None and type(result.value) is float and math.isfinite(result.value)
    low, high = bounds
    assert low is None or result.value >= low
    assert high is None or result.value <= high
