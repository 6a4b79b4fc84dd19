"""A protocol's clips as the files that users bring: portrait PNG, speech WAV, phones and head poses.

Written once into the cache under names of their content. Real clips, never random tensors: faces that are found, speech
whose pitch is tracked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.adapters.inputs import pose_table
from bench.datasets.puppets.corpus import Puppets, drawing_digest, perform_labels
from bench.errors import BenchError, MissingError, StorageError
from bench.io.audio import write_wav
from bench.io.digest import sha256_array, sha256_json
from bench.io.files import reason, replacing, storing
from bench.io.image import write_png
from bench.perf.subject import Request
from bench.places import cache_folder
from bench.records import FPS, RATE, Dataset, Phone
from bench.runner.expand import pairs
from protocols.schema import Protocol


def read_clips(protocol: Protocol, dataset: Dataset, *, folder: Path | None = None) -> list[Request]:
    """Every clip of an expanded protocol, in its order, as files below `folder` (default: in the cache).

    Clips that cannot be read are left out where others can. Raises the first one's error where none can, and
    StorageError.
    """
    folder = folder or cache_folder() / "perf-clips"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made ({reason(error)})") from None
    found: list[Request] = []
    trouble: BenchError | None = None
    for _, reference, driver in pairs(protocol):
        try:
            found.append(_request(len(found), dataset, reference, driver, protocol.pose, folder))
        except StorageError:
            raise
        except BenchError as error:
            trouble = trouble or error
    if not found and trouble is not None:
        raise trouble
    return found


def describe_clips(requests: Sequence[Request], batch: int) -> dict[str, Any]:
    """How long clips are, and how many of them end inside a batch: the tail belongs in every figure."""
    lengths = [request.frames for request in requests]
    return {
        "clips": len(lengths),
        "frames": {"all": sum(lengths), "least": min(lengths, default=0), "most": max(lengths, default=0)},
        "off_batch": sum(length % batch != 0 for length in lengths),
        "portraits": len({request.portrait for request in requests}),
        "phones": "file" if all(request.phones for request in requests) else "heard",
    }


def _request(number: int, dataset: Dataset, reference: str, driver: str, pose: str, folder: Path) -> Request:
    speech = dataset.speech(driver)
    portrait = _portrait(dataset, reference, folder)
    labels = _labels(dataset, reference, driver)
    poses = labels.poses if pose == "truth" else None
    return Request(
        number=number,
        clip=f"{reference}/{driver}",
        portrait=portrait,
        speech=_kept(folder, "speech", sha256_array(speech.samples), "wav", lambda p: write_wav(p, speech.samples)),
        phones=None if speech.phones is None else _phones(folder, speech.phones),
        frames=labels.frames or len(speech.samples) * FPS // RATE,
        truth=_lips(labels.landmarks),
        poses=None if poses is None else _kept(folder, "poses", sha256_array(poses), "csv", _table(poses)),
    )


@dataclass(frozen=True)
class _Labels:
    """What is known of the truth besides its pictures; frames: 0 where there is no truth."""

    frames: int
    landmarks: np.ndarray | None
    poses: np.ndarray | None


def _labels(dataset: Dataset, reference: str, driver: str) -> _Labels:
    if isinstance(dataset, Puppets) and dataset.scale == 1:  # painting what nobody looks at would take minutes
        landmarks, poses = perform_labels(reference, dataset.speech(driver))
        return _Labels(len(poses), landmarks, poses)
    try:
        take = dataset.take(reference, driver)
    except MissingError:
        return _Labels(0, None, None)
    return _Labels(len(take.frames), take.landmarks, take.pose)


def _portrait(dataset: Dataset, reference: str, folder: Path) -> Path:
    """A puppet is painted once and then known by what painted it; other pictures are known by their pixels."""
    if isinstance(dataset, Puppets):
        digest = sha256_json([drawing_digest(), reference, dataset.scale, dataset.mouth])
    else:
        digest = sha256_array(dataset.portrait(reference).image)
    return _kept(folder, "portrait", digest, "png", lambda p: write_png(p, dataset.portrait(reference).image))


def _phones(folder: Path, phones: Sequence[Phone]) -> Path:
    from avct.phonemes import from_seconds, write

    triples = [(phone.symbol, phone.start, phone.end) for phone in phones]

    def put(path: Path) -> None:
        with replacing(path) as temporary, storing(path):
            write(temporary, from_seconds(triples, origin=path.name))

    return _kept(folder, "phones", sha256_json(triples), "json", put)


def _lips(landmarks: np.ndarray | None) -> np.ndarray | None:
    """The truth's lip opening in per cent of the face's height, float64 (T,), where its landmarks are known."""
    from metrics.lip_opening import curves

    if landmarks is None:
        return None
    points = np.asarray(landmarks, np.float64)
    return curves(points, points).theirs


def _table(poses: np.ndarray) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        with replacing(path) as temporary, storing(path):
            temporary.write_text(pose_table(poses), encoding="utf-8")

    return put


def _kept(folder: Path, kind: str, digest: str, ending: str, put: Callable[[Path], None]) -> Path:
    path = folder / f"{kind}-{digest[:24]}.{ending}"
    if not path.is_file():
        put(path)
    return path
