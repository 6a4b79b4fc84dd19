"""Keeps rendered takes on disk: lossless video and exact labels, under a key of everything that shapes them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from bench.datasets.puppets.corpus import drawing_digest, perform
from bench.errors import BenchError
from bench.io.decode import read_video
from bench.io.digest import sha256_array
from bench.io.encode import write_lossless
from bench.places import cache_folder
from bench.records import Speech, Take


def _key(name: str, said: Speech) -> str:
    sound = sha256_array(said.samples)
    phones = repr([(p.symbol, p.start, p.end) for p in said.phones or ()])
    code = drawing_digest()
    return hashlib.sha256("\n".join((code, name, said.driver, sound, phones)).encode()).hexdigest()[:32]


def _load(stem: Path, said: Speech) -> Take | None:
    """The cached take, or None where it is absent or damaged (it is then made again)."""
    labels, video = stem.with_suffix(".npz"), stem.with_suffix(".mkv")
    if not (labels.is_file() and video.is_file()):
        return None
    try:
        with np.load(labels) as held:
            landmarks, pose, digest = held["landmarks"], held["pose"], str(held["frames_sha256"])
        frames = read_video(video)
    except (BenchError, OSError, ValueError, KeyError):
        return None
    return Take(frames, said, landmarks, pose) if sha256_array(frames) == digest else None


def cached_take(name: str, said: Speech) -> Take:
    """`perform(name, said)`, from the cache when it is there. A cache that cannot be written is done without."""
    stem = cache_folder() / "puppets" / _key(name, said)
    found = _load(stem, said)
    if found is not None:
        return found
    take = perform(name, said)
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        write_lossless(stem.with_suffix(".mkv"), iter(take.frames))
        partial = stem.with_suffix(f".{os.getpid()}.part.npz")  # numpy insists on the ending
        np.savez(partial, landmarks=take.landmarks, pose=take.pose, frames_sha256=np.array(sha256_array(take.frames)))
        partial.replace(stem.with_suffix(".npz"))
    except (BenchError, OSError):
        pass
    return take
