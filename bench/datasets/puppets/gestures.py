"""Head pose, blinks and brows over time: seeded, smooth, and partly driven by the voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.records import FPS, RATE

YAW, PITCH, ROLL = 12.0, 8.0, 5.0
"""Degrees that a lively clip reaches; the rig itself renders to +-18 degrees."""
_BLINK = (0.45, 1.0, 1.0, 0.6, 0.2)  # lid closure of a blink's five frames: quick down, slower up (about 200 ms)


@dataclass(frozen=True)
class Gestures:
    """rotation: float64 (T, 3) pitch, yaw, roll in degrees. shift: float64 (T, 2) pixels. blink: float64 (T,) 0..1.
    brow: float64 (T,) pixels of raise. gaze: float64 (T, 2) pixels of iris shift."""

    rotation: np.ndarray
    shift: np.ndarray
    blink: np.ndarray
    brow: np.ndarray
    gaze: np.ndarray


def _sway(rng: np.random.Generator, t: np.ndarray) -> np.ndarray:
    """Smooth wandering in about -1..1: three incommensurate sines."""
    parts = ((0.5, rng.uniform(0.10, 0.25)), (0.35, rng.uniform(0.3, 0.5)), (0.15, rng.uniform(0.7, 1.1)))
    return sum(w * np.sin(2 * np.pi * f * t + rng.uniform(0, 2 * np.pi)) for w, f in parts)


def _emphasis(samples: np.ndarray, frames: int) -> np.ndarray:
    """Slow envelope of the voice, float64 (frames,) in 0..1: nods follow it, as they do in people."""
    step = RATE // FPS
    padded = np.pad(samples[: frames * step].astype(np.float64), (0, max(0, frames * step - len(samples))))
    level = np.sqrt((padded.reshape(frames, step) ** 2).mean(1))
    kernel = np.hanning(13)
    smooth = np.convolve(np.pad(level, 6, "edge"), kernel / kernel.sum(), "valid")
    return smooth / max(smooth.max(), 1e-6)


def gestures(samples: np.ndarray, frames: int, rng: np.random.Generator) -> Gestures:
    """The gestures of one clip of `frames` frames that accompanies `samples` (float32, 16 kHz)."""
    t = np.arange(frames) / FPS
    lively = rng.uniform(0.35, 1.0)
    beat = _emphasis(samples, frames)
    pitch = PITCH * lively * _sway(rng, t) * 0.8 + rng.uniform(1.0, 3.0) * (beat - beat.mean())
    yaw = YAW * lively * _sway(rng, t)
    roll = ROLL * lively * _sway(rng, t)
    shift = np.stack([2.5 * lively * _sway(rng, t) + 0.12 * yaw, 1.5 * lively * _sway(rng, t)], 1)
    blink = np.zeros(frames)
    at = rng.uniform(0.5, 2.2)
    while at < t[-1]:
        first = int(at * FPS) - 1
        for k, closed in enumerate(_BLINK):
            if 0 <= first + k < frames:
                blink[first + k] = max(blink[first + k], closed)
        at += rng.uniform(1.8, 4.5)
    brow = 1.8 * np.clip(_sway(rng, 1.7 * t), 0, 1) + 1.2 * beat
    hold = np.repeat(rng.normal(0, 1, (frames // 18 + 2, 2)), 18, axis=0)[:frames]
    gaze = hold * [0.5, 0.25] - np.stack([yaw, -pitch], 1) * [0.05, 0.03]
    return Gestures(np.stack([pitch, yaw, roll], 1), shift, blink, brow, gaze)
