"""Every variant reads videos by frames and short slices alone, so that a clip of ten minutes need not be in memory."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from metrics.clip import Clip
from metrics.registry import evaluate

VALUES = json.loads((Path(__file__).parents[1] / "golden" / "metrics" / "values.json").read_text())
MOST = 96
"""Frames that a metric may hold at once: 19 MB of 256x256."""


class Strict:
    """Frames on a disk, as it were: what a `Frames` need not offer is not there."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames, self.shape, self.dtype, self.ndim = frames, frames.shape, frames.dtype, 4

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: object) -> np.ndarray:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            assert step == 1 and stop - start <= MOST, f"a slice of {stop - start} frames at once"
            return self._frames[start:stop].copy()
        assert isinstance(index, int | np.integer), f"frames[{index!r}]: only numbers and slices are read from a disk"
        return self._frames[index].copy()

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[k] for k in range(len(self)))

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise AssertionError("the whole video was made an array")


@pytest.mark.parametrize("id", sorted(VALUES))
def test_frames_are_read_in_short_slices(id: str, golden_clip: Clip) -> None:
    long = 4  # longer than MOST

    def grown(curves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.concatenate([values] * long) for name, values in curves.items()}

    def sampled(lines: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: values[: -(-len(frames) // 5)] for name, values in grown(lines).items()}  # every fifth frame

    frames, truth = (np.concatenate([v] * long) for v in (golden_clip.frames, golden_clip.truth))
    assert len(frames) > MOST
    points = {
        "landmarks": grown(golden_clip.landmarks),
        "truth_landmarks": grown(golden_clip.truth_landmarks),
        "samples": np.concatenate([golden_clip.samples] * long),
        "features": sampled(golden_clip.features),
        "truth_features": sampled(golden_clip.truth_features),
    }
    whole = dataclasses.replace(golden_clip, frames=frames, truth=truth, **points)
    read = dataclasses.replace(golden_clip, frames=Strict(frames), truth=Strict(truth), **points)
    expected, found = evaluate(id, whole), evaluate(id, read)
    assert (found.value, found.coverage, found.reason) == (expected.value, expected.coverage, expected.reason)
