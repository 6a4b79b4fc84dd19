"""How the files of a dataset of films lie, and the clips that are found by it.

Clips are found in one of two ways: by a pattern over the paths below a folder, or by a list (`bench.datasets.cliplist`)
whose files are then looked for. Words in braces are filled from the pattern's named groups, or the list's columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from bench.errors import ConfigError, MissingError
from protocols.validation import nearest

SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".mpg", ".mpeg", ".flv", ".m4v")
"""Endings of files that are taken for videos."""


@dataclass(frozen=True)
class Film:
    """A clip and the files that it is in.

    file: the video, None where it is not on this disk. start, end: seconds of the file that are the clip, end None
    for all that follows. listed: seconds of the whole recording that the list says are the clip, for its identity as
    data. sound: a file with its sound, None for the video's own. words: a file that says its transcript. said: the
    transcript that its name stands for. sha256: of the file, where the list says it. looked: what the file may be
    called.
    """

    name: str
    identity: str
    split: str = ""
    file: Path | None = None
    start: float = 0.0
    end: float | None = None
    listed: tuple[float, float] | None = None
    seconds: float | None = None
    sound: Path | None = None
    words: Path | None = None
    said: str | None = None
    sha256: str | None = None
    looked: str = ""


@dataclass(frozen=True)
class Layout:
    """Where a dataset's files lie; the keys of a dataset file's options.

    path: the folder. glob: which files below it are looked at; "{split}" in it is the chosen part, or any.
    pattern: a regular expression over a whole path below the folder, whose named groups say who and what. clip,
    identity: words that name the clip and who is seen ("{name}" is the path without its ending, "{stem}" the file's).
    list: a CSV with columns clip, file or those that `files` names, identity, start, end, split, sha256, seconds.
    files, uncut: what a list's file may be called, cut and uncut, without an ending: a name that is looked for in all
    folders, or a path. sound, text: files that may hold the sound and the transcript, from the folder; form: how
    the transcript is written (`bench.datasets.phones.FORMS`). said: {word: sentence}, for names that say what is said
    in their group `said`. parts: {part: file with a clip's name as each line's first word}. splits:
    {part: patterns of identities}, for files that say nothing of parts; the first that fits. count: {part: clips that
    it must have}. tolerance: seconds that a file's length may differ.
    """

    path: str
    glob: str = "**/*"
    pattern: str = ""
    clip: str = "{name}"
    identity: str = "{identity}"
    list: str = ""
    files: Sequence[str] = ()
    uncut: Sequence[str] = ()
    sound: Sequence[str] = ()
    text: Sequence[str] = ()
    form: str = "plain"
    said: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    count: Mapping[str, int] = field(default_factory=dict)
    tolerance: float = 0.5

    @property
    def root(self) -> Path:
        """The folder. Raises MissingError where there is none."""
        path = Path(self.path)
        if not path.is_dir():
            if path.exists():
                raise ConfigError(f"{path}: expected a folder of videos, got a file")
            raise MissingError(f"{path}: no such folder; expected a folder of videos")
        return path


def fill(words: str, known: Mapping[str, str]) -> str:
    """The words with what stands in braces replaced. Raises ConfigError for a name that is not known."""
    try:
        return words.format_map(known)
    except (KeyError, IndexError, ValueError) as error:
        named = f"{error}" if isinstance(error, KeyError) else f"({error})"
        raise ConfigError(f"films: {words!r}: unknown word {named}.{nearest(words, list(known))}") from None


def find_videos(path: Path, glob: str, *, empty: bool = False) -> dict[str, Path]:
    """Name -> file of the videos below a folder, sorted; a name is the path below it without the ending.

    empty: whether none is an answer. Raises MissingError, and ConfigError where two files have one name.
    """
    if not path.is_dir():
        if path.exists():
            raise ConfigError(f"{path}: expected a folder of videos, got a file")
        raise MissingError(f"{path}: no such folder; expected a folder of videos")
    clips: dict[str, Path] = {}
    for file in sorted(file for file in path.glob(glob) if is_video(file)):
        name = file.relative_to(path).with_suffix("").as_posix()
        if name in clips:
            raise ConfigError(f"{path}: two videos are called {name}: {clips[name].name} and {file.name}")
        clips[name] = file
    if not clips and not empty:
        raise MissingError(f"{path}: no videos ({', '.join(SUFFIXES)}) match {glob!r}")
    return clips


def is_video(file: Path) -> bool:
    """Whether the file has a video's ending and is not hidden."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def find_films(layout: Layout, *, split: str = "") -> list[Film]:
    """The clips whose paths match the layout's pattern, sorted by path, those of one split where it is given.

    Raises MissingError for a folder without any, ConfigError for a pattern that does not work, two clips of one name
    and an unknown split.
    """
    pattern = _compiled(layout)
    root = layout.root
    named = read_parts(layout)
    found: dict[str, Film] = {}
    for name, file in find_videos(root, layout.glob.replace("{split}", split or "*")).items():
        match = pattern.fullmatch(file.relative_to(root).as_posix())
        if match is None:
            continue
        known = {key: text or "" for key, text in match.groupdict().items()}
        known |= {"name": name, "stem": file.stem, "folder": file.parent.relative_to(root).as_posix()}
        clip, identity = fill(layout.clip, known), fill(layout.identity, known)
        part = known.get("split") or named.get(clip) or part_of(identity, layout.splits)
        if clip in found:
            raise ConfigError(f"{root}: two files are clip {clip}: {found[clip].file} and {file}")
        found[clip] = Film(clip, identity, part, file, **beside(layout, known), said=said_by(layout, known))
    if not found:
        raise MissingError(f"{root}: no video has a path such as {layout.pattern!r}")
    return choose(list(found.values()), split)


def beside(layout: Layout, known: Mapping[str, str]) -> dict[str, Path | None]:
    """The clip's files of sound and words: the first of the layout's that is there."""
    return {
        "sound": _first(Path(layout.path), layout.sound, known),
        "words": _first(Path(layout.path), layout.text, known),
    }


def said_by(layout: Layout, known: Mapping[str, str]) -> str | None:
    """The sentence that the clip's name stands for."""
    return layout.said.get(known.get("said", ""))


def choose(films: list[Film], split: str) -> list[Film]:
    """The films of a split, all where it is "". Raises ConfigError for one that there is not."""
    if not split:
        return films
    chosen = [film for film in films if film.split == split]
    if not chosen:
        known = sorted({film.split for film in films if film.split})
        raise ConfigError(f"no split {split!r}.{nearest(split, known) if known else ' The clips have no splits.'}")
    return chosen


def read_parts(layout: Layout) -> dict[str, str]:
    """{clip: split} of the lists of clips that lie with the data. Raises MissingError where one is not there."""
    found: dict[str, str] = {}
    for part, name in layout.parts.items():
        path = layout.root / name
        if not path.is_file():
            raise MissingError(f"{path}: no such file; expected the list of the clips of {part!r}")
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                found[line.split()[0]] = part
    return found


def part_of(identity: str, splits: Mapping[str, Sequence[str]]) -> str:
    """The part whose patterns the identity fits first, "" for none."""
    fits = (part for part, patterns in splits.items() if any(fnmatchcase(identity, pattern) for pattern in patterns))
    return next(fits, "")


def _compiled(layout: Layout) -> re.Pattern[str]:
    try:
        return re.compile(layout.pattern or r".*")
    except re.error as error:
        raise ConfigError(f"films: pattern: not a regular expression: {layout.pattern!r} ({error})") from None


def _first(root: Path, names: Sequence[str], known: Mapping[str, str]) -> Path | None:
    return next((path for path in _paths(root, names, known) if path.is_file()), None)


def _paths(root: Path, names: Sequence[str], known: Mapping[str, str]) -> Iterator[Path]:
    for name in names:
        yield root / fill(name, known)
