"""The moving head of the goldens, and clips made of it, for tests of movement's metrics."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from metrics.clip import Clip

MOTION = Path(__file__).parents[1] / "golden" / "metrics" / "motion.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("golden_metrics_motion", MOTION)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


motion = _load()


def change_points(clip: Clip, change: Callable[[np.ndarray], np.ndarray]) -> Clip:
    """The clip with all its landmarks changed alike; it remembers nothing."""
    sides = {
        side: {name: change(points) for name, points in getattr(clip, side).items()}
        for side in ("landmarks", "truth_landmarks")
    }
    black = clip.frames[: len(next(iter(sides["landmarks"].values())))]
    return dataclasses.replace(clip, frames=black, truth=black, **sides)


def head_clip(
    points: np.ndarray,
    truth: np.ndarray | None = None,
    *,
    samples: np.ndarray | None = None,
    phones: tuple[tuple[str, float, float], ...] | None = None,
) -> Clip:
    """A clip that is all landmarks, by puppet68, of a video and of its truth where one is given."""
    black = np.zeros((len(points), 8, 8, 3), np.uint8)
    theirs = {} if truth is None else {"puppet68": truth}
    return Clip(
        frames=black, truth=None if truth is None else black, samples=samples, phones=phones,
        landmarks={"puppet68": points}, truth_landmarks=theirs,
    )  # fmt: skip
