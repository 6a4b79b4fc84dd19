"""Clips of a real size on disk, each with its truth: embedded puppets, and real films where they lie beside us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.records import FPS, RATE

SIDE, FRAMES = 256, 125
"""Five seconds: 125 is a multiple of no batch that anybody uses."""
FILMS = ("KristiNoem", "Obama_clip3", "vretalk_3")
"""Films of `../shared/data/real/video` of 256x256, a face throughout and five seconds at least."""

METHODS = "abcdefgh"


@dataclass(frozen=True)
class Pair:
    """A clip of a method and its truth as files. box: left, top, right, bottom of the largest face, the same in
    every frame, or None where it is not known.
    """

    name: str
    video: Path
    truth: Path
    frames: int
    box: tuple[float, float, float, float] | None = None
    method: str = "a"


def write_pairs(
    folder: Path, *, puppets: int, films: int, methods: int = 1, frames: int = FRAMES, real: Path | None = None
) -> list[Pair]:
    """So many puppets and, of those that lie in `real`, so many films, each by so many methods; a method's video is the
    truth, blurred a little, by each more.

    Files are lossless with sound, as our own runs keep them. No two neighbouring frames are alike: what is repeated
    would be looked at once by us and every time by others.
    """
    found = [_puppet(which, frames) for which in range(puppets)]
    here = [real / f"{name}.mp4" for name in FILMS if (real / f"{name}.mp4").is_file()] if real else []
    taken = [(path.stem, *_film(path, frames)) for path in here[:films]]
    clips = (*found, *taken)
    return [_write(folder, *one, method=METHODS[k]) for k in range(methods) for one in clips]


def _puppet(which: int, frames: int) -> tuple[str, np.ndarray, np.ndarray]:
    """Name, frames and sound of a puppet that says one sentence after another."""
    from bench.datasets.catalogue import open_dataset

    dataset = open_dataset("puppets")
    references = [name for name in dataset.references() if name.startswith("test")]
    drivers = list(dataset.drivers(dataset.speakers()[which % len(dataset.speakers())]))
    pictures: list[np.ndarray] = []
    sounds: list[np.ndarray] = []
    for driver in drivers:
        take = dataset.take(references[which], driver)
        pictures.append(take.frames)
        sounds.append(np.resize(take.speech.samples, len(take.frames) * RATE // FPS))
        if sum(map(len, pictures)) >= frames:
            break
    shown = np.concatenate(pictures)[:frames]
    parity = (np.arange(len(shown), dtype=np.uint8) % 2)[:, None, None, None]
    sound = np.concatenate(sounds)[: len(shown) * RATE // FPS]
    return references[which], np.clip(shown, 0, 254) + parity, sound.astype(np.float32)


def _film(path: Path, frames: int) -> tuple[np.ndarray, np.ndarray]:
    from bench.io.audio import read_sound
    from bench.io.decode import read_video

    shown, sound = read_video(path, limit=frames), read_sound(path)
    samples = np.zeros(0, np.float32) if sound is None else sound
    return shown, np.resize(samples, len(shown) * RATE // FPS)


def _write(folder: Path, name: str, shown: np.ndarray, sound: np.ndarray, *, method: str) -> Pair:
    import cv2

    from bench.io.encode import write_lossless

    soft = [cv2.GaussianBlur(frame, (0, 0), 0.8 + 0.2 * METHODS.index(method)) for frame in shown]
    paths = []
    sides: Sequence[tuple[str, Sequence[np.ndarray]]] = ((f"video-{method}", soft), ("truth", list(shown)))
    for side, pictures in sides:
        (folder / side).mkdir(parents=True, exist_ok=True)
        paths.append(folder / side / f"{name}.mkv")
        if not paths[-1].is_file():  # the truth of another method's video is the same
            write_lossless(paths[-1], pictures, samples=sound)
    return Pair(name, paths[0], paths[1], len(shown), _box(soft), method)


def _box(pictures: Sequence[np.ndarray]) -> tuple[float, float, float, float] | None:
    """The face of the middle frame, by the detector that our pass uses."""
    from metrics.errors import MissingWeights
    from metrics.faces import hog, largest

    try:
        return largest(hog.load().faces(pictures[len(pictures) // 2]))
    except MissingWeights:
        return None
