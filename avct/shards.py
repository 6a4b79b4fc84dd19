"""Prepared training data on disk: one folder a data set, one pair of files a clip, frames memory-mapped.

Networks and training read nothing else, so a machine with torch and numpy alone can train. Front ends (audio, faces,
phones) write the shards; `bench` makes them from its embedded corpus, and from folders of films by `prepare`.
Frames are stored as they are, 4.9 MB a second at 256x256: training reads single frames of many clips in random order,
which compressed films do not give, and it has no decoder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avct.errors import AvctError

INDEX = "index.json"
VERSION = 1


@dataclass(frozen=True)
class ShardClip:
    """One clip. frames: uint8 (T, S, S, 3) RGB (memory-mapped when read) or None. landmarks: float32 (T, 68, 2) pixels.

    pose: float32 (T, 6) radians and millimetres. phonemes: int64 (T,) ids. audio: float32 (T, 4, 41) unnormalised.
    Any of them may be None: a clip without phonemes and audio trains the renderer only, one without frames (but with
    landmarks) the speech network only. size: side S of the frames that landmarks refer to.
    """

    name: str
    identity: str
    size: int
    frames: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    pose: np.ndarray | None = None
    phonemes: np.ndarray | None = None
    audio: np.ndarray | None = None

    @property
    def spoken(self) -> bool:
        """Whether the clip can train the speech network."""
        return self.phonemes is not None and self.audio is not None and self.pose is not None


_LABELS = ("landmarks", "pose", "phonemes", "audio")
_OPEN = 2048
"""Clips that stay open at once: a system allows a process some 65,000 maps, a large data set has more clips."""


def write_clip(folder: Path, stem: str, clip: ShardClip) -> dict[str, Any]:
    """The clip's entry in the index, once its files `stem`.frames.npy and `stem`.npz are in the folder."""
    if clip.frames is not None:
        np.save(folder / f"{stem}.frames.npy", clip.frames)
    labels = {k: getattr(clip, k) for k in _LABELS if getattr(clip, k) is not None}
    np.savez(folder / f"{stem}.npz", **labels)
    entry = {"stem": stem, "name": clip.name, "identity": clip.identity, "size": clip.size}
    return {**entry, "pictures": clip.frames is not None}


def write_index(folder: Path, entries: Sequence[Mapping[str, Any]], *, about: Mapping[str, Any]) -> None:
    """Nothing; writes the index, which makes the folder readable as training data. It appears whole or not at all."""
    index = {"version": VERSION, "about": dict(about), "clips": [dict(entry) for entry in entries]}
    part = folder / f".{INDEX}.part"
    part.write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / INDEX)


class ShardWriter:
    """Writes clips into `folder`; `close` writes the index last, so a folder without one is unfinished."""

    def __init__(self, folder: Path, *, about: dict) -> None:
        self.folder, self.about = folder, about
        self.names: list[dict[str, Any]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, clip: ShardClip) -> None:
        self.names.append(write_clip(self.folder, f"{len(self.names):05d}", clip))

    def close(self) -> None:
        write_index(self.folder, self.names, about=self.about)


class Shards:
    """The clips of a prepared folder, in the order in which they were written."""

    def __init__(self, folder: Path) -> None:
        path = Path(folder) / INDEX
        if not path.is_file():
            raise AvctError(f"{folder}: expected prepared training data, found no {INDEX} (was preparing interrupted?)")
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise AvctError(f"{path}: expected the JSON index of prepared training data, got something else") from None
        if index.get("version") != VERSION:
            raise AvctError(f"{path}: expected version {VERSION}, got {index.get('version')!r}")
        self.folder, self.about, self.entries = Path(folder), index["about"], index["clips"]
        self._open: dict[int, ShardClip] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, i: int) -> ShardClip:
        if i not in self._open:
            entry = self.entries[i]
            pictures = self.folder / f"{entry['stem']}.frames.npy"
            frames = np.load(pictures, mmap_mode="r") if entry["pictures"] else None
            with np.load(self.folder / f"{entry['stem']}.npz") as labels:
                found = {k: labels[k] for k in _LABELS if k in labels.files}
            while len(self._open) >= _OPEN:
                del self._open[next(iter(self._open))]
            self._open[i] = ShardClip(entry["name"], entry["identity"], entry["size"], frames, **found)
        return self._open[i]

    def __iter__(self) -> Iterator[ShardClip]:
        return (self[i] for i in range(len(self)))
