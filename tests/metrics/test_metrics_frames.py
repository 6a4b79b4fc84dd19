"""Every variant reads videos by frames and short slices alone, so that a clip of ten minutes need not be in memory."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from contract import DiskFrames

from metrics.clip import Clip
from metrics.registry import evaluate

VALUES = json.loads((Path(__file__).parents[1] / "golden" / "metrics" / "values.json").read_text())
MOST = 96
"""Frames that a metric may hold at once: 19 MB of 256x256."""


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
    disks = DiskFrames(frames), DiskFrames(truth)
    read = dataclasses.replace(golden_clip, frames=disks[0], truth=disks[1], **points)
    expected, found = evaluate(id, whole), evaluate(id, read)
    assert max(disk.most for disk in disks) <= MOST
    assert (found.value, found.coverage, found.reason) == (expected.value, expected.coverage, expected.reason)
