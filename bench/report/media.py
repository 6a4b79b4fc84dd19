"""Browser copies of a run's videos: H.264 with a still picture, made once and named by what they show."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import MediaError, MissingError
from bench.io.digest import sha256_json
from bench.report.folder import CellKey, Run, cell_of
from bench.store.device import usable_cores
from bench.store.files import make_folder, replace_file

FOLDER = "media"
_OURS = re.compile(r"[A-Za-z0-9-]+-[0-9a-f]{12}\.(mp4|jpg)")
_QUALITY = 85
_KEY_EVERY = 10
"""Frames between key frames: the viewer steps and jumps, and has to decode no more than these for it."""
_RECIPE = f"h264-key{_KEY_EVERY}"
"""Enters the copies' names: copies that were made otherwise are made again."""
_MOST_WORKERS = 4
"""Each holds a decoder and an encoder; more than this is of no use on the machines that make reports."""
Progress = Callable[[int, int], None]
"""Called with how many copies are made and how many there are to make."""


@dataclass(frozen=True)
class Copy:
    """A browser copy, as paths from the page: an MP4 and a JPEG of its middle frame."""

    video: str
    poster: str


@dataclass(frozen=True)
class Copies:
    """Copies by cell, and why some videos have none: {cell: reason}."""

    found: Mapping[CellKey, Copy]
    lacking: Mapping[CellKey, str]


def copy_videos(run: Run, out: Path, *, make: bool = True, progress: Progress | None = None) -> Copies:
    """Browser copies of every cell's video below `out`; those that are there already are taken as they are.

    make: False only looks for copies. A video that is gone or damaged has no copy, and the reason instead. Copies of
    videos that are no longer part of the run are removed. Raises StorageError.
    """
    wanted: dict[str, CellKey] = {}
    names: dict[CellKey, str] = {}
    frames: dict[CellKey, int] = {}
    for row in run.rows:
        key = cell_of(row)
        if key not in names and row["video_sha256"] is not None:
            names[key] = name_copy(key, row["video_sha256"])
            frames[key] = row["frames"]
            # Cells whose videos are equal share a copy; any of them that still has its video can give it.
            if names[key] not in wanted or not _there(run, wanted[names[key]]):
                wanted[names[key]] = key
    folder = out / FOLDER
    reasons: dict[str, str] = {}
    if make:
        if any(_there(run, key) for key in wanted.values()):
            make_folder(folder)
        todo = {name: key for name, key in wanted.items() if not _whole(folder, name)}
        reasons = _make(run, folder, todo, frames, progress)
        _prune(folder, keep=set(wanted))
    found, lacking = {}, {}
    for key, name in names.items():
        if _whole(folder, name):
            found[key] = Copy(f"{FOLDER}/{name}.mp4", f"{FOLDER}/{name}.jpg")
        else:
            lacking[key] = reasons.get(name, "no browser copy was made")
    return Copies(found, lacking)


def name_copy(key: CellKey, video_sha256: str) -> str:
    """A file name, without ending, that says what is seen and changes with its pixels. The setting does not enter."""
    method, _, (speaker, reference, driver, seed) = key
    digest = sha256_json([_RECIPE, video_sha256, method, speaker, reference, driver, seed])[:12]
    words = dict.fromkeys(re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")[:32] for word in (method, reference, driver))
    return "-".join([*(word for word in words if word), digest])


def _there(run: Run, key: CellKey) -> bool:
    return key in run.videos and run.videos[key].is_file()


def _whole(folder: Path, name: str) -> bool:
    return all((folder / f"{name}.{kind}").is_file() for kind in ("mp4", "jpg"))


def _make(
    run: Run, folder: Path, todo: Mapping[str, CellKey], frames: Mapping[CellKey, int], progress: Progress | None
) -> dict[str, str]:
    """Make the copies; the reasons of those that cannot be made, by name."""
    reasons = {}
    with ThreadPoolExecutor(max_workers=min(_MOST_WORKERS, usable_cores())) as pool:
        jobs = {name: pool.submit(_one, run.videos.get(key), folder / name, frames[key]) for name, key in todo.items()}
        try:
            for done, (name, job) in enumerate(jobs.items(), start=1):
                if (reason := job.result()) is not None:
                    reasons[name] = reason
                if progress is not None:
                    progress(done, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return reasons


def _one(source: Path | None, target: Path, frames: int) -> str | None:
    """Write target.mp4 and target.jpg; the reason where the source does not allow it."""
    from bench.io.audio import read_audio
    from bench.io.decode import frames as decode
    from bench.io.encode import write_browser
    from bench.io.probe import probe

    if source is None:
        return "the journal, which says where the video lies, is gone"
    kept: dict[str, np.ndarray] = {}

    def watched() -> Iterator[np.ndarray]:
        for number, frame in enumerate(decode(source)):
            if number <= frames // 2:
                kept["poster"] = frame
            yield frame

    try:
        info = probe(source)
        samples = read_audio(source) if info.has_audio else None
        mp4 = target.with_name(f"{target.name}.mp4")
        # The copy says of itself what its source says: synthetic, and by which run.
        write_browser(
            mp4, watched(), samples=samples, key_every=_KEY_EVERY, run_id=info.run_id, synthetic=info.synthetic
        )
    except MissingError:
        return "the video is gone"
    except MediaError as error:
        return f"the video cannot be read: {str(error).rpartition(f'{source}: ')[2]}"
    replace_file(target.with_name(f"{target.name}.jpg"), _jpeg(kept["poster"]))
    return None


def _jpeg(frame: np.ndarray) -> bytes:
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(frame).save(packed, format="JPEG", quality=_QUALITY)
    return packed.getvalue()


def _prune(folder: Path, *, keep: set[str]) -> None:
    """Remove copies that no row asks for any more; files with other names are not ours."""
    for path in folder.glob("*") if folder.is_dir() else ():
        if _OURS.fullmatch(path.name) and path.stem not in keep:
            with suppress(OSError):
                path.unlink()
