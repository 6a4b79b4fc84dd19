"""Harm done to a finished video, pixel by pixel or frame by frame; landmarks move along, so that they stay exact."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bench.datasets.puppets.corpus import stream
from bench.io.decode import read_video
from bench.io.encode import write_browser
from bench.validity.scenes import Shown

_SHIFTS = ("validity", "jitter")
_GRAIN = ("validity", "noise")


def blur(shown: Shown, sigma: float, _name: str) -> Shown:
    """Every frame through a Gaussian of that sigma in pixels."""
    return _each(shown, lambda frame: cv2.GaussianBlur(frame, (0, 0), sigma))


def add_noise(shown: Shown, sigma: float, name: str) -> Shown:
    """Gaussian noise of that sigma in steps of 8 bits, the same draw at every level."""
    rng = stream(*_GRAIN, name)

    def disturb(frame: np.ndarray) -> np.ndarray:
        grain = rng.standard_normal(frame.shape, dtype=np.float32)
        return np.clip(np.rint(frame + np.float32(sigma) * grain), 0, 255).astype(np.uint8)

    return _each(shown, disturb)


def jpeg(shown: Shown, quality: float, _name: str) -> Shown:
    """Every frame through JPEG of that quality, 4:2:0."""

    def compress(frame: np.ndarray) -> np.ndarray:
        settings = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
        _, coded = cv2.imencode(".jpg", np.ascontiguousarray(frame[..., ::-1]), settings)
        return cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]

    return _each(shown, compress)


def h264(shown: Shown, crf: float, _name: str) -> Shown:
    """The video through libx264 (veryfast, 4:2:0) at that CRF and back."""
    with tempfile.TemporaryDirectory(prefix="avct-validity-") as folder:
        path = Path(folder) / "clip.mp4"
        write_browser(path, iter(shown.frames), crf=int(crf))
        frames = read_video(path)
    return replace(shown, frames=frames[: len(shown.frames)])


def tint(shown: Shown, gain: float, _name: str) -> Shown:
    """Red brighter and blue darker by that share: a camera's wrong white balance."""
    gains = np.array([1 + gain, 1.0, 1 - gain], np.float32)
    return _each(shown, lambda frame: np.clip(np.rint(frame * gains), 0, 255).astype(np.uint8))


def drop(shown: Shown, every: float, _name: str) -> Shown:
    """Every `every`-th frame replaced by the one before it."""
    at = np.arange(len(shown.frames))
    return _picked(shown, np.where(at % int(every) == int(every) - 1, at - 1, at))


def freeze(shown: Shown, share: float, _name: str) -> Shown:
    """The last share of the frames replaced by the frame before them."""
    kept = max(1, round(len(shown.frames) * (1 - share)))
    return _picked(shown, np.minimum(np.arange(len(shown.frames)), kept - 1))


def shake(shown: Shown, pixels: float, name: str) -> Shown:
    """Every frame as a whole moved by its own draw, of that standard deviation on each axis; cubic, edges continued."""
    moves = pixels * stream(*_SHIFTS, name).standard_normal((len(shown.frames), 2))
    frames = np.empty_like(shown.frames)
    for t, (x, y) in enumerate(moves):
        there = np.array([[1, 0, x], [0, 1, y]])
        frames[t] = cv2.warpAffine(
            shown.frames[t], there, frames.shape[2:0:-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    return replace(shown, frames=frames, points=shown.points + moves[:, None])


def _each(shown: Shown, change: Callable[[np.ndarray], np.ndarray]) -> Shown:
    return replace(shown, frames=np.stack([change(frame) for frame in shown.frames]))


def _picked(shown: Shown, at: np.ndarray) -> Shown:
    return replace(shown, frames=shown.frames[at], points=shown.points[at])
