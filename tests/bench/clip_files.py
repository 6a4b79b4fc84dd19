"""Small clips as files: noise in place of faces, hums in place of speech."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from bench.io.audio import write_wav
from bench.io.image import write_png


def write_clips(
    folder: Path, lengths: Sequence[int], *, face: np.ndarray | None = None
) -> list[tuple[Path, Path, Path]]:
    """Portrait PNG (of 64x64 pixels, or the face), speech WAV and phones in JSON of clips of so many frames."""
    found = []
    for k, frames in enumerate(lengths):
        rng = np.random.default_rng(k)
        image = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        time = np.arange(frames * 640) / 16_000
        hum = 0.3 * np.sin(2 * np.pi * (120 + 20 * k) * time) + rng.normal(0, 0.01, len(time))
        write_png(folder / f"{k}.png", image if face is None else face)
        write_wav(folder / f"{k}.wav", hum.astype(np.float32))
        middle, end = frames * 2, frames * 4
        (folder / f"{k}.json").write_text(
            f'[{{"word": "x", "phones": [{{"ph": "M", "bg": 0, "ed": {middle}}}, {{"ph": "AA", "bg": {middle}, '
            f'"ed": {end}}}]}}]'
        )
        found.append((folder / f"{k}.png", folder / f"{k}.wav", folder / f"{k}.json"))
    return found


@cache
def face() -> np.ndarray:
    """A picture uint8 (256, 256, 3) in which other processes find a face too."""
    from bench.datasets.puppets.corpus import rest_portrait

    return rest_portrait("test-003").image
