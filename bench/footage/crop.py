"""Faces cut out of pictures and films into files: one square for a whole film, its sound kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from bench.errors import BenchError, ConfigError, MediaError, MissingError, StorageError
from bench.faces import detect
from bench.footage.film import STEP, pictures
from bench.footage.pieces import bridge, main_track
from bench.footage.watch import Watched, watch
from bench.framing import STYLES, cut, frame
from bench.io.audio import read_audio
from bench.io.encode import write_browser, write_lossless
from bench.io.image import read_image, write_png
from bench.io.probe import probe
from bench.records import FPS
from bench.store.files import make_folder

FILMS = (".mp4", ".mkv", ".mov", ".webm", ".avi")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
Advance = Callable[[str, int, int | None], None]
"""Called with what is being done, the number of the frame, and how many there are where that is known."""


@dataclass(frozen=True)
class Cropped:
    """One file that was made. frames: 1 for a picture. outside: share of the square that lay outside the picture.

    notes: one line each on what a viewer would want to know: faces left out, frames left out, borders continued.
    """

    source: Path
    path: Path
    frames: int
    outside: float
    notes: tuple[str, ...]


def crop_file(
    source: Path, out: Path, *, style: str = "corpus", size: int = 256, advance: Advance = lambda *_: None
) -> Cropped:
    """What was made of one picture (to .png) or film (to .mkv, lossless, or .mp4, to watch), 25 fps, sound kept.

    Of a film with several faces or shots the one seen longest and largest is cut, from its first frame to its last.
    Raises ConfigError (endings, style, size), MissingError, MediaError (no face, unusable file), StorageError.
    """
    _check(style, size)
    film = source.suffix.lower() in FILMS
    wanted = (".mkv", ".mp4") if film else (".png",)
    if out.suffix.lower() not in wanted:
        raise ConfigError(f"{out}: expected a name ending in {' or '.join(wanted)} for {source.name}")
    if out.resolve() == source.resolve():
        raise ConfigError(f"{out}: expected another file than the one that is cut")
    if film:
        return _film(source, out, style, size, advance)
    return _picture(source, out, style, size)


def crop_folder(
    source: Path,
    out: Path,
    *,
    style: str = "corpus",
    size: int = 256,
    ending: str = ".mkv",
    advance: Advance = lambda *_: None,
) -> Iterator[tuple[Path, Cropped | BenchError]]:
    """Each picture and film below a folder, in order of names, with what was made of it or why there is nothing.

    Files lie in `out` as they do in `source`. Raises ConfigError, MissingError (no such folder, nothing in it, no face
    detector) and StorageError, which concern every file.
    """
    _check(style, size)
    if ending not in (".mkv", ".mp4"):
        raise ConfigError(f"--films: expected mkv or mp4, got {ending.lstrip('.')!r}")
    if not source.is_dir():
        raise MissingError(f"{source}: no such folder; expected pictures and films")
    inside = [path for path in sorted(source.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    found = [path for path in inside if path.suffix.lower() in FILMS + PICTURES]
    if not found:
        raise MissingError(f"{source}: no pictures ({', '.join(PICTURES)}) and no films ({', '.join(FILMS)})")
    targets: dict[Path, Path] = {}
    for path in found:
        to = out / path.relative_to(source).with_suffix(ending if path.suffix.lower() in FILMS else ".png")
        if to in targets:
            raise ConfigError(f"{source}: {targets[to].name} and {path.name} would both become {to.name}")
        targets[to] = path
    for to, path in targets.items():
        make_folder(to.parent)
        try:
            yield path, crop_file(path, to, style=style, size=size, advance=advance)
        except (MissingError, StorageError):
            raise
        except BenchError as error:
            yield path, error


def _check(style: str, size: int) -> None:
    if style not in STYLES:
        raise ConfigError(f"--style: expected one of {', '.join(STYLES)}, got {style!r}")
    if not 32 <= size <= 2048:
        raise ConfigError(f"--size: expected 32 to 2048 pixels, got {size}")


def _picture(source: Path, out: Path, style: str, size: int) -> Cropped:
    image = read_image(source)
    marks = detect(image)
    if marks is None:
        width, height = image.shape[1], image.shape[0]
        raise MediaError(f"{source}: no face was found in {width}x{height} pixels; expected one from before")
    box = frame(marks[None], style)
    write_png(out, cut(image, box, size))
    outside = box.outside(*image.shape[:2])
    return Cropped(source, out, 1, outside, _border(outside))


def _film(source: Path, out: Path, style: str, size: int, advance: Advance) -> Cropped:
    seen: int | Watched = 0
    for seen in watch(pictures(source)):
        if isinstance(seen, int):
            advance("watching", seen, None)
    assert isinstance(seen, Watched)
    track = main_track(seen)
    if track is None:
        raise MediaError(
            f"{source}: no face was found in {seen.frames} frames of {seen.width}x{seen.height} pixels; "
            "expected one from before, 48 pixels or larger"
        )
    box = frame(bridge(track.points), style)
    samples = read_audio(source)[track.start * STEP : track.stop * STEP] if probe(source).has_audio else None
    if samples is not None and not len(samples):
        samples = None

    def shown() -> Iterator[np.ndarray]:
        for done, image in enumerate(islice(pictures(source), track.start, track.stop), start=1):
            advance("cropping", done, len(track.points))
            yield cut(image, box, size)

    write = write_browser if out.suffix.lower() == ".mp4" else write_lossless
    written = write(out, shown(), samples=samples, synthetic=False)
    notes = []
    others = sum(other is not track for other in seen.tracks)
    if others:
        notes.append(f"{others + 1} faces or shots with a face: the one seen longest and largest was cut")
    if len(track.points) < seen.frames:
        times = f"{track.start / FPS:.2f} to {track.stop / FPS:.2f} s of {seen.frames / FPS:.2f} s"
        notes.append(f"its face is there from {times}; the rest was left out")
    if samples is None:
        notes.append("there is no sound")
    outside = box.outside(seen.height, seen.width)
    return Cropped(source, out, written.frames, outside, (*notes, *_border(outside)))


def _border(outside: float) -> tuple[str, ...]:
    if outside < 0.01:
        return ()
    return (f"{100 * outside:.0f} % of the square lies outside the picture, whose border was continued there",)
