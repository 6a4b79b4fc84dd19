"""A folder of talking videos as a dataset: a clip's sound is a driver, its first frame a reference, the clip the truth.

The truth of a pair is known only where both come from one clip. A protocol over a folder says `pairs = "same"`, or
takes rows "unavailable" for the rest. A file beside a video gives its phones: `<clip>.json` in AVCT's official form, or
`<clip>.TextGrid`; `<clip>.txt` is its transcript. Where a face detector is installed (extra `faces`), a reference comes
with the landmarks and the head pose that it reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets.phones import hear, phones_beside, transcript_beside
from bench.errors import ConfigError, MediaError, MissingError
from bench.faces import detect, head_pose
from bench.io.audio import read_audio
from bench.io.decode import frames, read_video
from bench.records import FPS, RATE, Portrait, Speech, Take

_SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi")
_SMALLEST = 64  # pixels a side below which no face is looked for, as in `bench.faces.prepare`


class Folder:
    """The videos of a folder. Clips are named by their path below it, without the ending."""

    def __init__(
        self,
        path: str,
        glob: str = "**/*",
        crop: str = "none",
        speaker: str = "",
        phones: str = "beside",
        revision: str = "1",
    ) -> None:
        self.name, self.revision = Path(path).name, revision
        if crop not in ("none", "centre"):
            raise ConfigError(f"folder: crop: expected 'none' or 'centre', got {crop!r}")
        if phones not in ("beside", "heard"):
            raise ConfigError(f"folder: phones: expected 'beside' or 'heard', got {phones!r}")
        self._crop, self._listens = crop, phones == "heard"
        self._clips = find_videos(Path(path), glob)
        self._speakers = _by_speaker(list(self._clips), speaker)
        self._portraits: dict[str, Portrait] = {}

    def speakers(self) -> list[str]:
        return list(self._speakers)

    def references(self) -> list[str]:
        return list(self._clips)

    def identities(self, references: Sequence[str]) -> dict[str, str]:
        known = {clip: speaker for speaker, clips in self._speakers.items() for clip in clips}
        return {name: known[name] for name in references}

    def drivers(self, speaker: str) -> list[str]:
        if speaker not in self._speakers:
            raise ConfigError(f"{self.name}: unknown speaker {speaker!r}")
        return self._speakers[speaker]

    def speech(self, driver: str) -> Speech:
        path = self._path(driver)
        speaker = next(name for name, clips in self._speakers.items() if driver in clips)
        samples, text = read_audio(path), transcript_beside(path)
        known = phones_beside(path) or (hear(samples, text) if self._listens else None)
        phones, way = known or (None, None)
        return Speech(driver, speaker, samples, phones, text, way)

    def portrait(self, reference: str) -> Portrait:
        if reference not in self._portraits:
            image = self._square(next(frames(self._path(reference)))[None], reference)[0]
            self._portraits[reference] = _portrayed(reference, image)
        return self._portraits[reference]

    def take(self, reference: str, driver: str) -> Take:
        """The clip itself. Raises MissingError where reference and driver are different clips."""
        if reference != driver:
            raise MissingError(f"{self.name}: no take of {reference} with the speech of {driver}")
        said = self.speech(driver)
        shown = self._square(read_video(self._path(driver)), driver)
        # Containers round their streams' lengths apart; what has both picture and sound is the clip.
        length = min(len(shown), -(-len(said.samples) * FPS // RATE))
        return Take(shown[:length], said)

    def _path(self, clip: str) -> Path:
        if clip not in self._clips:
            raise MissingError(f"{self.name}: no clip {clip!r}")
        return self._clips[clip]

    def _square(self, shown: np.ndarray, clip: str) -> np.ndarray:
        height, width = shown.shape[1:3]
        if height == width:
            return shown
        if self._crop == "none":
            raise MediaError(
                f"{self._clips[clip]}: expected square frames, got {width}x{height} (crop = 'centre' cuts)"
            )
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return np.ascontiguousarray(shown[:, top : top + side, left : left + side])


def _portrayed(reference: str, image: np.ndarray) -> Portrait:
    """The portrait with landmarks and pose where a detector is installed and finds a face, else the picture alone."""
    try:
        landmarks = detect(image) if len(image) >= _SMALLEST else None
    except MissingError:
        landmarks = None
    if landmarks is None:
        return Portrait(reference, image)
    pose = head_pose(landmarks, image.shape[0])
    return Portrait(reference, image, landmarks.astype(np.float32), pose, photograph=True)


def open_dataset(options: Mapping[str, Any]) -> Folder:
    """The folder dataset of a dataset file.

    Options: path; glob below it; crop "none" (frames must be square) or "centre" (the largest square in the middle);
    speaker: "" (each clip its own), "folder" (the folder a clip lies in), or a regular expression whose first group,
    found in the clip's name, is the speaker; phones: "beside" (those of files, else unknown) or "heard" (where there is
    no file, from the sound, with the transcript where there is one).
    """
    if "path" not in options:
        raise ConfigError("folder: options: expected a path, got none")
    return Folder(**options)


def find_videos(path: Path, glob: str, *, empty: bool = False) -> dict[str, Path]:
    """Name -> file of the videos below a folder, sorted; a name is the path below it without the ending.

    empty: whether none is an answer. Raises MissingError, and ConfigError where two files have one name.
    """
    if not path.is_dir():
        if path.exists():
            raise ConfigError(f"{path}: expected a folder of videos, got a file")
        raise MissingError(f"{path}: no such folder; expected a folder of videos")
    found = sorted(file for file in path.glob(glob) if _is_video(file))
    clips: dict[str, Path] = {}
    for file in found:
        name = file.relative_to(path).with_suffix("").as_posix()
        if name in clips:
            raise ConfigError(f"{path}: two videos are called {name}: {clips[name].name} and {file.name}")
        clips[name] = file
    if not clips and not empty:
        raise MissingError(f"{path}: no videos ({', '.join(_SUFFIXES)}) match {glob!r}")
    return clips


def _by_speaker(clips: list[str], rule: str) -> dict[str, list[str]]:
    try:
        pattern = re.compile(rule) if rule not in ("", "folder") else None
    except re.error as error:
        raise ConfigError(f"folder: speaker: not a regular expression: {rule!r} ({error})") from None
    grouped: dict[str, list[str]] = {}
    for clip in clips:
        if pattern is not None:
            match = pattern.search(clip)
            if match is None or not pattern.groups or not match.group(1):
                raise ConfigError(f"folder: speaker: {rule!r} finds no group in the clip's name {clip!r}")
            speaker = match.group(1)
        else:
            speaker = (clip.rpartition("/")[0] or clip) if rule == "folder" else clip
        grouped.setdefault(speaker, []).append(clip)
    return grouped


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in _SUFFIXES and not file.name.startswith(".") and file.is_file()
