"""Films as a dataset: a clip's sound is a driver, one of its frames a reference, the clip the truth.

The truth of a pair is known only where both come from one clip; elsewhere its rows are "unavailable". Who is seen is
who speaks. Files beside a video give its phones (`bench.datasets.phones`) and its transcript. Where a face detector is
installed (extra `faces`), a portrait comes with the landmarks and the head pose that it reads, and, where the dataset
file asks for `poses = "read"`, a take with the head's poses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.cliplist import extra_files, list_films, plan_films
from bench.datasets.layout import Film, Layout, find_films
from bench.datasets.phones import FORMS, hear, phones_beside, read_transcript, within
from bench.datasets.presence import count_problems, film_problems, missing_problems
from bench.datasets.view import View, gather, look
from bench.errors import ConfigError, MediaError, MissingError
from bench.faces import detect, head_pose, head_poses
from bench.io.audio import read_audio
from bench.records import FPS, RATE, Portrait, Speech, Take
from protocols.dataset import DatasetSpec
from protocols.validation import nearest

_SMALLEST = 64  # pixels a side below which no face is looked for, as in `bench.faces.prepare`
_CHOICES = ("split", "phones", "poses", "revision", "absent")


class Films:
    """Clips of films under one view of them. Clips, people and their order are those of the layout or list."""

    def __init__(
        self,
        name: str,
        films: Sequence[Film],
        view: View,
        *,
        layout: Layout,
        revision: str = "1",
        phones: str = "beside",
        poses: str = "none",
    ) -> None:
        for key, value, known in (("phones", phones, ("beside", "heard")), ("poses", poses, ("none", "read"))):
            if value not in known:
                raise ConfigError(f"{name}: {key}: expected {known[0]!r} or {known[1]!r}, got {value!r}")
        self.name, self.revision = name, revision
        self._films = {film.name: film for film in films}
        self._view, self._layout = view, layout
        self._hears, self._reads_poses = phones == "heard", poses == "read"
        self._spoken: dict[str, list[str]] = {}
        for film in films:
            self._spoken.setdefault(film.identity, []).append(film.name)
        self._portraits: dict[str, Portrait] = {}
        self._cutters: dict[str, Callable[[np.ndarray], np.ndarray]] = {}

    def speakers(self) -> list[str]:
        return list(self._spoken)

    def references(self) -> list[str]:
        return list(self._films)

    def identities(self, references: Sequence[str]) -> dict[str, str]:
        return {name: self._films[name].identity for name in references}

    def drivers(self, speaker: str) -> list[str]:
        if speaker not in self._spoken:
            raise ConfigError(f"{self.name}: unknown speaker {speaker!r}.{nearest(speaker, self.speakers())}")
        return self._spoken[speaker]

    def clips(self) -> list[dict[str, Any]]:
        """What stands for the clips in a hash: names, people, and what a list says of times and files."""
        return [
            {"clip": f.name, "identity": f.identity, "span": f.listed and list(f.listed), "sha256": f.sha256}
            for f in self._films.values()
        ]

    def check(self, *, thorough: bool = False) -> list[str]:
        """What is wrong with the files on this disk, a line each: clips that are missing, and how many there should be.

        thorough: also videos that are no clip, lengths and stated hashes, for which every file is opened.
        """
        films = list(self._films.values())
        problems = missing_problems(films) + count_problems(films, self._layout)
        if thorough:
            if self._layout.list and (extra := extra_files(self._layout)):
                shown = ", ".join(extra[:5]) + (", ..." if len(extra) > 5 else "")
                problems.append(f"{len(extra)} videos below {self._layout.path} are no clip of the list: {shown}")
            for film in films:
                problems += film_problems(film, tolerance=self._layout.tolerance)
        return problems

    def speech(self, driver: str) -> Speech:
        film, file = self._found(driver)
        samples = self._view.samples(film, read_audio(film.sound or file))
        start, end = self._view.span(film)
        whole = start == 0 and end is None
        # Words are those of the whole clip: of a part of it nobody knows which were said.
        text = film.said or (read_transcript(film.words, self._layout.form) if film.words else None)
        text = text if self._view.window is None else None
        known = phones_beside(file)
        if known is not None and not whole:
            known = within(known, start, start + len(samples) / RATE)
        if known is None and self._hears:
            known = hear(samples, text)
        phones, way = known or (None, None)
        return Speech(driver, film.identity, samples, phones, text, way)

    def portrait(self, reference: str) -> Portrait:
        if reference not in self._portraits:
            film, file = self._found(reference)
            place = self._view.place
            shown = gather(self._squares(film, file, place, place + 1), file)[0]
            self._portraits[reference] = _portrayed(reference, shown, needed=self._reads_poses)
        return self._portraits[reference]

    def take(self, reference: str, driver: str) -> Take:
        """The clip itself. Raises MissingError where reference and driver are different clips."""
        if reference != driver:
            raise MissingError(f"{self.name}: no take of {reference} with the speech of {driver}")
        film, file = self._found(driver)
        said = self.speech(driver)
        # Containers round their streams' lengths apart; what has both picture and sound is the clip.
        shown = gather(self._squares(film, file, 0, -(-len(said.samples) * FPS // RATE)), file)
        return Take(shown, said, pose=_read_poses(shown, file) if self._reads_poses else None)

    def _found(self, clip: str) -> tuple[Film, Path]:
        film = self._films.get(clip)
        if film is None:
            raise MissingError(f"{self.name}: no clip {clip!r}")
        if film.file is None:
            raise MissingError(f"{self.name}: clip {clip} is not on this disk (looked for {film.looked})")
        return film, film.file

    def _squares(self, film: Film, file: Path, first: int, last: int) -> Iterator[np.ndarray]:
        """The clip's square frames from `first` up to `last`."""
        if film.name not in self._cutters:
            self._cutters[film.name] = self._view.cutter(film, file)
        return map(self._cutters[film.name], islice(self._view.pictures(film, file), first, last))


def open_dataset(options: Mapping[str, Any], spec: DatasetSpec | None = None) -> Films:
    """The films of a dataset file.

    Options: those of `bench.datasets.layout.Layout` and `bench.datasets.view.View`, and split: a part of the clips;
    phones: "beside" (those of files, else unknown) or "heard" (where there is no file, from the sound, with the
    transcript where there is one); poses: "none" or "read"; absent: whether to take the list's word for the clips and
    not to look at the disk at all, which holds none of them. Raises ConfigError for others.
    """
    spec = spec or DatasetSpec(name="films", loader="films")
    arranged, shown, rest = share_out(options)
    layout = Layout(**{key: _several(key, value) for key, value in arranged.items()})
    if layout.form not in FORMS:
        raise ConfigError(f"{spec.name}: form: expected one of {', '.join(FORMS)}, got {layout.form!r}")
    split = rest.pop("split", "")
    if rest.pop("absent", False):
        return Films(spec.name, plan_films(layout, split=split), View(**shown), layout=layout, revision=spec.revision)
    find = list_films if layout.list else find_films
    try:
        films = find(layout, split=split)
    except (ConfigError, MissingError) as error:
        raise type(error)(f"dataset {spec.name}: {error}") from None
    return Films(spec.name, films, View(**shown), layout=layout, **{"revision": spec.revision, **rest})


def share_out(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The options of the layout, of the view, and the others. Raises ConfigError for one that nobody knows."""
    places, views = ([field.name for field in fields(kind)] for kind in (Layout, View))
    known = [*places, *views, *_CHOICES]
    for key in options:
        if key not in known:
            raise ConfigError(f"films: unknown option {key!r}.{nearest(key, known)}")
    if "path" not in options:
        raise ConfigError("films: options: expected a path, got none")
    return tuple({key: options[key] for key in keys if key in options} for keys in (places, views, _CHOICES))  # type: ignore[return-value]


def _several(key: str, value: Any) -> Any:
    return [value] if key in ("files", "uncut", "sound", "text") and isinstance(value, str) else value


def _portrayed(reference: str, image: np.ndarray, *, needed: bool) -> Portrait:
    """The portrait with landmarks and pose where a face is found, else the picture alone.

    needed: whether a detector that is not installed is an error.
    """
    try:
        landmarks = detect(image) if len(image) >= _SMALLEST else None
    except MissingError:
        if needed:
            raise
        landmarks = None
    if landmarks is None:
        return Portrait(reference, image)
    pose = head_pose(landmarks, image.shape[0])
    return Portrait(reference, image, landmarks.astype(np.float32), pose, photograph=True)


def _read_poses(shown: np.ndarray, file: Path) -> np.ndarray:
    """The head's poses float32 (T, 6), bridged where no face was found. Raises MediaError where none was at all."""
    found = [look(image) for image in shown]
    marks = np.stack([np.full((68, 2), np.nan) if points is None else points for points in found])
    poses = head_poses(marks, shown.shape[1])
    if poses is None:
        raise MediaError(f"{file}: poses = 'read': no face was found in the clip")
    return poses
