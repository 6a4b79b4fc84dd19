"""What is found in each frame of a video by itself: read frame by frame, a frame that repeats the last looked at once.

A still picture is the commonest control, and what is found in it must not differ from frame to frame. Only the answers
grow with the length of a clip. (dlib holds Python's lock while it searches: threads would gain nothing, measured.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from metrics.clip import Frames
from metrics.errors import MetricError

T = TypeVar("T")


def each(frames: Frames, look: Callable[[np.ndarray], T]) -> Iterator[T]:
    """What `look` gives for every frame uint8 (H, W, 3), in order; for one that equals the frame before, its answer."""
    before: np.ndarray | None = None
    for frame in frames:
        if before is None or not np.array_equal(frame, before):
            answer = look(np.ascontiguousarray(frame))
        before = frame
        yield answer


def check(frames: Frames, who: str) -> None:
    """Raises MetricError, named after who is given them, for frames that are not uint8 (T, H, W, 3)."""
    if len(frames.shape) != 4 or frames.dtype != np.uint8 or frames.shape[3] != 3:
        raise MetricError(f"{who}: expected uint8 frames (T, H, W, 3), got {frames.dtype} {frames.shape}")
