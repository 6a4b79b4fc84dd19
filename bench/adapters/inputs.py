"""A job's inputs as the files that other projects' generators read: pictures, videos, WAV, phones, poses."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
import soxr
from PIL import Image

from bench.adapters.base import GenerationError
from bench.adapters.fit import resize
from bench.io.audio import write_wav
from bench.io.encode import write_browser
from bench.io.image import write_png
from bench.records import FPS, RATE, Job, Phone
from protocols.method import InputContract

_POSE_COLUMNS = ("pose_Rx", "pose_Ry", "pose_Rz", "pose_Tx", "pose_Ty", "pose_Tz")
_TICKS = 100
"""The official phone files count time in hundredths of a second."""
_SYMBOLS = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH"),
    *("K", "L", "M", "N", "NG", "NSN", "OW", "OY", "P", "R", "S", "SH", "SIL", "T", "TH", "UH", "UW", "V", "W", "Y"),
    *("Z", "ZH"),
)
"""AVCT's alphabet, whose order is that of its phoneme ids: CMU's 39 phones, noise and silence."""
_JPEG_QUALITY = 98
"""Nothing that a generator could see is lost, and readers of baseline JPEG are pleased."""
_VIDEO_CRF = 4
"""As good as lossless for a still picture, in a profile that every decoder has."""


def write_inputs(
    job: Job, folder: Path, contract: InputContract, *, needs: frozenset[str], places: Mapping[str, Path] | None = None
) -> dict[str, str]:
    """Placeholder -> path of each input that `needs` names (`protocols.method.INPUTS`).

    places: where an input is to be put instead of the folder. Raises GenerationError where a needed input is unknown.
    """
    image = job.portrait.image
    square = contract.square
    picture = image if square is None else resize(image, square, square)
    count = -(-job.frames * contract.fps // FPS)
    names = {
        "portrait": f"portrait.{contract.portrait}",
        "portrait_video": "portrait.mp4",
        "portrait_frames": "portrait",
        "audio": "speech.wav",
        "phonemes": "phones.json",
        "phoneme_ids": "phone_ids.json",
        "pose": "pose.csv",
    }
    write: dict[str, Callable[[Path], object]] = {
        "portrait": lambda path: _write_picture(path, picture),
        "portrait_video": lambda path: write_browser(path, repeat(picture, count), fps=contract.fps, crf=_VIDEO_CRF),
        "portrait_frames": lambda path: _write_frames(path, picture, count, contract.portrait),
        "audio": lambda path: _write_audio(path, job.speech.samples, contract.rate),
        "phonemes": lambda path: _write_json(path, official_phones(_phones(job))),
        "phoneme_ids": lambda path: _write_json(path, phone_ids(_phones(job), count, contract.fps)),
        "pose": lambda path: path.write_text(pose_table(_pose(job)), encoding="utf-8"),
    }
    paths = {name: (places or {}).get(name, folder / names[name]) for name in sorted(needs)}
    for name, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write[name](path)
    return {name: str(path) for name, path in paths.items()}


def official_phones(phones: Sequence[Phone]) -> list[dict[str, object]]:
    """The phones as AVCT's official files hold them: words with phones {ph, bg, ed} in hundredths of a second.

    Word boundaries are not known here: each stretch between silences becomes one word.
    """
    words: list[dict[str, object]] = []
    entries: list[dict[str, object]] = []
    for phone in phones:
        entry = {"ph": phone.symbol, "bg": round(phone.start * _TICKS), "ed": round(phone.end * _TICKS)}
        silent = phone.symbol == "SIL"
        if silent or not entries:
            entries = [entry]
            words.append({"word": "sil" if silent else f"w{len(words)}", "phones": entries})
        else:
            entries.append(entry)
        if silent:
            entries = []
    return words


def phone_ids(phones: Sequence[Phone], frames: int, fps: int) -> list[int]:
    """AVCT's id of the phone at the start of each frame, silence after the last. Raises GenerationError: symbol."""
    unknown = sorted({phone.symbol for phone in phones} - set(_SYMBOLS))
    if unknown:
        raise GenerationError(f"phone {unknown[0]!r} is not in the alphabet of 41 (CMU's, SIL and NSN)")
    ids: list[int] = []
    for phone in phones:
        # A microsecond of slack: 8/25 s and a phone that ends there are the same instant, whatever the rounding.
        while len(ids) < frames and len(ids) / fps < phone.end - 1e-6:
            ids.append(_SYMBOLS.index(phone.symbol))
    return ids + [_SYMBOLS.index("SIL")] * (frames - len(ids))


def pose_table(pose: np.ndarray) -> str:
    """The pose as CSV with OpenFace's column names. pose: (T, 6) Rx, Ry, Rz in radians, Tx, Ty, Tz in millimetres."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["frame", "timestamp", "confidence", "success", *_POSE_COLUMNS])
    for index, values in enumerate(pose):
        table.writerow([index + 1, f"{index / FPS:.3f}", "1.00", 1, *(f"{value:.6f}" for value in values)])
    return text.getvalue()


def _phones(job: Job) -> Sequence[Phone]:
    if job.speech.phones is None:
        raise GenerationError("needs phones: the dataset gives none for this driver")
    return job.speech.phones


def _pose(job: Job) -> np.ndarray:
    if job.pose is None:
        raise GenerationError("needs head pose: the protocol's pose rule gives none for this clip")
    return job.pose


def _write_picture(path: Path, picture: np.ndarray) -> None:
    if path.suffix == ".png":
        write_png(path, picture)
    else:
        Image.fromarray(picture).save(path, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)


def _write_frames(folder: Path, picture: np.ndarray, count: int, kind: str) -> None:
    """The same picture as 000000, 000001, ...: one file under many names."""
    folder.mkdir()
    first = folder / f"{0:06d}.{kind}"
    _write_picture(first, picture)
    for index in range(1, count):
        os.link(first, folder / f"{index:06d}.{kind}")


def _write_audio(path: Path, samples: np.ndarray, rate: int) -> None:
    write_wav(path, samples if rate == RATE else soxr.resample(samples, RATE, rate), rate=rate)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
