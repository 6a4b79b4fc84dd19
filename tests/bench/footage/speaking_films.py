"""Small films for the footage tests: a painted face that speaks, in a larger picture, at another rate, with sound."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np

from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import perform
from bench.records import Take

SECONDS = 1.4
FRAMES = 35


@lru_cache(maxsize=2)
def take(name: str = "test-002") -> Take:
    """A second and a half of a held-out identity."""
    whole = speech.speech(next(r.id for r in speech.recordings() if r.split == "test"))
    return perform(name, replace(whole, samples=whole.samples[: FRAMES * 640]))


def place(
    frames: np.ndarray, *, width: int = 480, height: int = 360, at: tuple[int, int] = (130, 60), side: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """Frames (T, height, width, 3) with the face's picture, `side` pixels large, at (x, y) in them, and its scale."""
    x, y = at
    out = np.full((len(frames), height, width, 3), (70, 90, 110), np.uint8)
    for t, image in enumerate(frames):
        out[t, y : y + side, x : x + side] = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return out, np.array([side / 256, x, y])


def moved(landmarks: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Landmarks in the larger picture."""
    return (landmarks + 0.5) * where[0] - 0.5 + where[1:]


def write(
    path: Path, frames: np.ndarray, *, fps: int = 25, samples: np.ndarray | None = None, rate: int = 16_000
) -> Path:
    """A film of frames at 25 a second, stored at `fps`, with stereo sound at `rate` Hz; the ending chooses codecs."""
    codecs = {".mp4": ("libx264", "aac"), ".mov": ("libx264", "aac"), ".avi": ("mjpeg", "pcm_s16le")}
    video, audio = codecs.get(path.suffix, ("ffv1", "pcm_s16le"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        shown = container.add_stream(video, rate=fps, options={"crf": "12"} if video == "libx264" else {})
        shown.height, shown.width = frames.shape[1:3]
        shown.pix_fmt = {"libx264": "yuv420p", "mjpeg": "yuvj420p", "ffv1": "bgr0"}[video]
        heard = container.add_stream(audio, rate=rate, layout="stereo") if samples is not None else None
        for k in range(len(frames) * fps // 25):
            picture = av.VideoFrame.from_ndarray(
                frames[min(len(frames) - 1, int((k + 0.5) * 25 / fps))], format="rgb24"
            )
            picture.pts, picture.time_base = k, Fraction(1, fps)
            container.mux(shown.encode(picture))
        container.mux(shown.encode(None))
        if heard is not None and samples is not None:
            grid = np.arange(int(len(samples) * rate / 16_000)) * 16_000 / rate
            wave = np.interp(grid, np.arange(len(samples)), samples)
            pcm = np.repeat((np.clip(wave, -1, 1) * 32767).astype(np.int16)[:, None], 2, 1).reshape(1, -1)
            for start in range(0, pcm.shape[1], 2 * 1024):
                block = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(pcm[:, start : start + 2 * 1024]), format="s16", layout="stereo"
                )
                block.sample_rate, block.pts, block.time_base = rate, start // 2, Fraction(1, rate)
                container.mux(heard.encode(block))
            container.mux(heard.encode(None))
    return path
