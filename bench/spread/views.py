"""Copies of clips as papers prepare them before they measure: re-encoded, resized, cut to the face."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import MediaError
from bench.framing import cut, frame
from bench.io.audio import read_sound
from bench.io.decode import frames as decode
from bench.io.encode import write_browser, write_lossless
from bench.store.files import make_folder

CRFS = (18, 23, 28)
"""Constant rate factors of x264: near transparent, its default, what a careless script leaves."""
SMALLER = 224
"""Side that SyncNet's and ResNet's pictures have; many scripts resize all they load to it."""
_EVERY = 5
"""Frames between those in which the face is looked for: a box over the whole clip needs no more."""


@dataclass(frozen=True)
class Pair:
    """A clip and its truth. name: unique, a path below a folder, without ending."""

    name: str
    video: Path
    truth: Path


def link(pairs: list[Pair], folder: Path) -> tuple[Path, Path]:
    """Folders of the clips and of their truths under the clips' names; the files are those given."""
    for pair in pairs:
        for side, path in (("as given", pair.video), ("truth", pair.truth)):
            place = folder / ("videos/as given" if side == "as given" else side) / f"{pair.name}{path.suffix}"
            make_folder(place.parent)
            place.unlink(missing_ok=True)
            os.symlink(path.resolve(), place)
    return folder / "videos", folder / "truth"


def encode(pairs: list[Pair], videos: Path, advance: Callable[[], None]) -> None:
    """Each clip through x264 at every one of CRFS, as further methods beside `as given`; the truth stays as it is."""
    for pair in pairs:
        for crf in CRFS:
            place = videos / f"x264 crf {crf}" / f"{pair.name}.mp4"
            if not place.is_file():
                make_folder(place.parent)
                write_browser(place, decode(pair.video), samples=read_sound(pair.video), crf=crf)
            advance()


def resize(pairs: list[Pair], folder: Path, advance: Callable[[], None]) -> tuple[Path, Path]:
    """Clips and truths at 224x224 (area average), lossless."""
    import cv2

    def smaller(image: np.ndarray) -> np.ndarray:
        return cv2.resize(image, (SMALLER, SMALLER), interpolation=cv2.INTER_AREA)

    for pair in pairs:
        _write_both(pair, folder, smaller)
        advance()
    return folder / "videos", folder / "truth"


def crop(pairs: list[Pair], folder: Path, advance: Callable[[], None]) -> tuple[tuple[Path, Path], Mapping[str, str]]:
    """Clips and truths cut to the truth's face (`bench.framing`, style avct, one square a clip), lossless.

    And why clips have none: clip -> reason.
    """
    from metrics.errors import MetricError
    from metrics.landmarks import backend

    lacking = {}
    for pair in pairs:
        try:
            shown = np.stack([f for k, f in enumerate(decode(pair.truth)) if k % _EVERY == 0])
            box = frame(backend("dlib68").detect(shown), "avct")
        except (ValueError, MetricError, MediaError) as error:
            lacking[pair.name] = str(error)
        else:
            side = max(32, round(box.side))
            _write_both(pair, folder, lambda image, box=box, side=side: cut(image, box, side))
        advance()
    return (folder / "videos", folder / "truth"), lacking


def _write_both(pair: Pair, folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    for side, path in (("videos", pair.video), ("truth", pair.truth)):
        place = folder / side / f"{pair.name}.mkv"
        if not place.is_file():
            make_folder(place.parent)
            write_lossless(place, (change(image) for image in decode(path)), samples=read_sound(path))
