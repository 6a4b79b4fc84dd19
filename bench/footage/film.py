"""A film as the footage tools see it: 25 pictures a second with square pixels, and sound from it or from beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.errors import MediaError
from bench.io.audio import read_audio
from bench.io.decode import frames
from bench.io.probe import probe
from bench.records import FPS, RATE

STEP = RATE // FPS
"""Samples of one frame."""
SOUNDS = (".wav", ".flac", ".m4a", ".mp3")
"""Endings of sound files that are taken where a film has no sound of its own: `x.wav` beside `x.mp4`."""
_SILENT = 10 ** (-60 / 20)  # peak below which a recording is called silent: 60 dB below full scale


def pictures(path: Path) -> Iterator[np.ndarray]:
    """The film's frames uint8 (H, W, 3) RGB at 25 a second, upright, pixels square; memory is that of a few frames.

    A film stored with oblong pixels (old television) is widened or narrowed to what it shows: a face must not be
    squashed. Raises MissingError, or MediaError for a file that cannot be used.
    """
    about = probe(path)
    aspect = float(about.sample_aspect)
    if abs(aspect - 1) < 0.01:
        yield from frames(path)
        return
    import cv2

    # the shape of a stored pixel; after a quarter turn its width lies upright
    wide, high = (aspect, 1.0) if about.rotation in (0, 180) else (1.0, aspect)
    size = max(2, round(about.width * wide)), max(2, round(about.height * high))
    for image in frames(path):
        yield cv2.resize(image, size, interpolation=cv2.INTER_AREA if aspect < 1 else cv2.INTER_LINEAR)


def sound(path: Path) -> np.ndarray:
    """The film's sound float32 (N,) at 16 kHz, sample 0 with its first frame; a file beside it where it has none.

    Raises MediaError where there is neither, or only silence.
    """
    source = path
    if not probe(path).has_audio:
        beside = [path.with_suffix(ending) for ending in SOUNDS if path.with_suffix(ending).is_file()]
        if not beside:
            raise MediaError(f"{path}: expected a film with sound, or a file such as {path.stem}.wav beside it")
        source = beside[0]
    samples = read_audio(source)
    if np.abs(samples).max() < _SILENT:
        raise MediaError(f"{source}: expected speech, got silence (nothing above -60 dB of full scale)")
    return samples
