"""What is shown of a film: which seconds of it, which square of its frames, and which frame is the portrait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from bench.datasets.layout import Film
from bench.errors import ConfigError, MediaError
from bench.faces import detect
from bench.framing import Box, cut, frame
from bench.io.decode import frames
from bench.records import FPS, RATE

CROPS = ("none", "centre", "face")
STEP = 5
"""Every so many frames a face is looked for: a head does not cross a square in a fifth of a second."""
_DETECTED = 480
"""Pixels of the shorter side at which faces are looked for: HOG's time grows with their number."""


@dataclass(frozen=True)
class View:
    """The choices that a protocol may make for films.

    frame: of the clip, which is the portrait; "first" is 0. crop: "none" (frames must be square), "centre" (the largest
    square in the middle) or "face": one square a clip by the rule `fomm` of `bench.framing`, from the face in every
    fifth frame, side x side pixels. window: seconds of each clip, from and to; a clip that ends sooner is shown to
    its end.
    """

    frame: int | str = "first"
    crop: str = "none"
    window: Sequence[float] | None = None
    side: int = 256

    def __post_init__(self) -> None:
        if self.crop not in CROPS:
            raise ConfigError(f"crop: expected {_either(CROPS)}, got {self.crop!r}")
        if self.frame != "first" and (type(self.frame) is not int or self.frame < 0):
            raise ConfigError(f"frame: expected 'first' or a number of at least 0, got {self.frame!r}")
        if type(self.side) is not int or not 16 <= self.side <= 2048:
            raise ConfigError(f"side: expected 16 to 2048 pixels, got {self.side!r}")
        if self.window is not None:
            numbers = [second for second in self.window if isinstance(second, int | float)]
            if len(numbers) != 2 or len(self.window) != 2 or not 0 <= numbers[0] < numbers[1]:
                raise ConfigError(f"window: expected two numbers of seconds, from < to, got {list(self.window)!r}")

    @property
    def place(self) -> int:
        """The portrait's place among the clip's frames."""
        return 0 if self.frame == "first" else int(self.frame)

    def span(self, film: Film) -> tuple[float, float | None]:
        """Seconds of the film's file that are shown, from and to (None: the end)."""
        start, end = film.start, film.end
        if self.window is None:
            return start, end
        least, most = film.start + float(self.window[0]), film.start + float(self.window[1])
        return least, most if end is None else min(most, end)

    def pictures(self, film: Film, file: Path) -> Iterator[np.ndarray]:
        """The clip's frames uint8 (H, W, 3) as they are in the file, one after another."""
        start, end = self.span(film)
        first, last = round(start * FPS), None if end is None else round(end * FPS)
        return islice(frames(file), first, last)

    def samples(self, film: Film, samples: np.ndarray) -> np.ndarray:
        """The clip's part of the file's sound (N,). Raises MediaError where it ends before the clip begins."""
        start, end = self.span(film)
        part = samples[round(start * RATE) : None if end is None else round(end * RATE)]
        if not len(part):
            length = len(samples) / RATE
            raise MediaError(f"{film.file}: expected sound after {start:g} s, the file has {length:.2f} s")
        return part

    def cutter(self, film: Film, file: Path) -> Callable[[np.ndarray], np.ndarray]:
        """A function that makes a frame of the clip square. Raises MediaError where the rule does not fit the film."""
        if self.crop == "face":
            box = _face_square(self.pictures(film, file), file)
            return lambda image: cut(image, box, self.side)
        return lambda image: _square(image, file, centre=self.crop == "centre")


def gather(images: Iterator[np.ndarray], file: Path) -> np.ndarray:
    """The frames as one array uint8 (T, H, W, 3), grown as they come. Raises MediaError where there is none."""
    first = next(images, None)
    if first is None:
        raise MediaError(f"{file}: expected at least one frame in the clip's time, the film ends before it")
    kind = np.dtype((np.uint8, first.shape))
    return np.fromiter(chain([first], images), dtype=kind)


def _square(image: np.ndarray, file: Path, *, centre: bool) -> np.ndarray:
    height, width = image.shape[:2]
    if height == width:
        return image
    if not centre:
        raise MediaError(f"{file}: expected square frames, got {width}x{height} (crop = 'centre' or 'face' cuts)")
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def _face_square(images: Iterator[np.ndarray], file: Path) -> Box:
    """The square of the clip's face. Raises MediaError where none is found, MissingError without a detector."""
    found = [points for image in islice(images, 0, None, STEP) if (points := look(image)) is not None]
    if not found:
        raise MediaError(f"{file}: crop = 'face': no face was found in the clip")
    return frame(np.stack(found), "fomm")


def look(image: np.ndarray) -> np.ndarray | None:
    """Landmarks float64 (68, 2) of the largest face of a frame, in its pixels."""
    shrink = min(image.shape[:2]) / _DETECTED
    if shrink <= 1:
        return detect(image)
    import cv2

    height, width = (round(side / shrink) for side in image.shape[:2])
    found = detect(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    return None if found is None else (found + 0.5) * [image.shape[1] / width, image.shape[0] / height] - 0.5


def _either(names: Sequence[str]) -> str:
    *most, last = (repr(name) for name in names)
    return f"{', '.join(most)} or {last}"
