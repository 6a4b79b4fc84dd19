"""Videos whose frames carry their own number, painted as blocks that survive H.264, colour conversion and turning."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

HEIGHT, WIDTH, BLOCK = 64, 96, 16
BITS = 12


def paint(number: int) -> np.ndarray:
    """uint8 (64, 96, 3): 4 x 6 blocks, 12 bits of the number and then their complement, white for 1."""
    bits = [(number >> k) & 1 for k in range(BITS)]
    cells = np.array(bits + [1 - bit for bit in bits], np.uint8).reshape(4, 6) * 255
    return np.repeat(cells.repeat(BLOCK, 0).repeat(BLOCK, 1)[:, :, None], 3, axis=2)


def read(frame: np.ndarray) -> int:
    """The number painted into a frame; fails where the picture is not one, turned, mirrored or blended."""
    assert frame.dtype == np.uint8 and frame.shape == (HEIGHT, WIDTH, 3), frame.shape
    cells = frame.reshape(4, BLOCK, 6, BLOCK, 3)[:, 4:12, :, 4:12].mean(axis=(1, 3, 4)).ravel()
    assert ((cells < 60) | (cells > 195)).all(), cells
    bits = (cells > 127).astype(int)
    assert (bits[:BITS] + bits[BITS:] == 1).all(), bits
    return int((bits[:BITS] << np.arange(BITS)).sum())


def numbers(frames) -> list[int]:
    """The numbers painted into frames."""
    return [read(frame) for frame in frames]


def film(
    path: Path,
    count: int,
    *,
    rate: Fraction | int = 25,
    stamps: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: tuple[float, bool, bool] | None = None,
    tone: np.ndarray | None = None,
    tone_rate: int = 48_000,
    tone_start: int = 0,
    tone_codec: str = "pcm_s16le",
    images: Sequence[np.ndarray] | None = None,
) -> Path:
    """Write frames 0 .. count-1 by PyAV alone; stamps are their pts in time_base. tone: int16 (1, N) mono."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        video = container.add_stream(codec, rate=rate, options=options or {})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, pixel_format
        if time_base is not None:
            video.codec_context.time_base = time_base
        if rotation is not None:
            video.set_display_rotation(rotation[0], hflip=rotation[1], vflip=rotation[2])
        if tone is not None:
            audio = container.add_stream(tone_codec, rate=tone_rate, layout="mono")
        for index in range(count):
            image = paint(index) if images is None else images[index]
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixel_format)
            frame.pts = index if stamps is None else stamps[index]
            frame.time_base = time_base or 1 / Fraction(rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if tone is not None:
            sound = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = tone_rate, tone_start, Fraction(1, tone_rate)
            container.mux(audio.encode(sound))
            container.mux(audio.encode(None))
    return path


def sound_file(path: Path, samples: np.ndarray, *, rate: int, codec: str, kind: str, layout: str = "mono") -> Path:
    """Write packed samples (1, N * channels) of one of PyAV's formats as an audio file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        channels = len(stream.layout.channels)
        for start in range(0, samples.shape[1], 1024 * channels):
            block = np.ascontiguousarray(samples[:, start : start + 1024 * channels])
            frame = av.AudioFrame.from_ndarray(block, format=kind, layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start // channels, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
