"""Made-up clips and landmarks for tests of metrics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from metrics.clip import Clip

TEMPLATE = Path(__file__).parents[1] / "golden" / "metrics" / "dlib68.json"


def talk(opening: np.ndarray, *, seed: int | None = None) -> np.ndarray:
    """Landmarks float64 (T, 68, 2) of a face about 90 pixels wide, the inner lips `opening` (T,) pixels apart.

    seed: pixels of noise, sigma 0.3, on every point but the four that the opening and the face's height rest on.
    """
    face = np.array(json.loads(TEMPLATE.read_text())["points68_xy"], np.float64) - (160, 60)
    points = np.repeat(face[None], len(opening), 0)
    if seed is not None:
        noise = np.random.default_rng(seed).normal(0, 0.3, points.shape)
        noise[:, [8, 27, 62, 66]] = 0
        points += noise
    points[:, 62] = face[62]
    points[:, 66] = face[62] + np.stack([np.zeros(len(opening)), opening], 1)
    return points


def syllables(frames: int = 50) -> np.ndarray:
    """Lip opening float64 (T,) in pixels, 0 to 8, that goes up and down as in speech."""
    t = np.arange(frames)
    return 4 + 3 * np.sin(t * 0.9) * np.sin(t * 0.23) + np.sin(t * 1.7)


def clip_of(frames: np.ndarray, truth: np.ndarray, *, exact: np.ndarray | None = None) -> Clip:
    """A clip of two videos (T, H, W, 3), or of two pictures (H, W, 3) or grey (H, W) as videos of one frame."""
    return Clip(frames=_video(frames), truth=_video(truth), truth_landmarks={} if exact is None else {"exact": exact})


def _video(pictures: np.ndarray) -> np.ndarray:
    if pictures.ndim == 2:
        pictures = np.repeat(pictures[..., None], 3, 2)
    return pictures[None] if pictures.ndim == 3 else pictures


def marked(ours: np.ndarray, theirs: np.ndarray, *, size: tuple[int, int] = (16, 16), name: str = "puppet68") -> Clip:
    """A clip that is all landmarks: black frames of (height, width) beside float64 (T, 68, 2) of video and truth."""
    black = np.zeros((len(ours), *size, 3), np.uint8)
    return Clip(frames=black, truth=black, landmarks={name: ours}, truth_landmarks={name: theirs})
