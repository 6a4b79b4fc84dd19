"""A job's inputs as the files that other projects' generators read: PNG, WAV, phone JSON, pose CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr

from bench.adapters.base import GenerationError
from bench.adapters.fit import resize
from bench.io.audio import write_wav
from bench.io.image import write_png
from bench.records import FPS, RATE, Job, Phone

_POSE_COLUMNS = ("pose_Rx", "pose_Ry", "pose_Rz", "pose_Tx", "pose_Ty", "pose_Tz")
_TICKS = 100
"""The official phone files count time in hundredths of a second."""


def write_inputs(job: Job, folder: Path, *, square: int | None, rate: int, needs: frozenset[str]) -> dict[str, str]:
    """Placeholder -> path of each input that `needs` names ("portrait", "audio", "phonemes", "pose").

    square: side of the portrait in pixels, None for its own. Raises GenerationError where a needed input is unknown.
    """
    paths = {
        "portrait": folder / "portrait.png",
        "audio": folder / "speech.wav",
        "phonemes": folder / "phones.json",
        "pose": folder / "pose.csv",
    }
    if "portrait" in needs:
        image = job.portrait.image
        write_png(paths["portrait"], image if square is None else resize(image, square, square))
    if "audio" in needs:
        samples = job.speech.samples
        write_wav(paths["audio"], samples if rate == RATE else soxr.resample(samples, RATE, rate), rate=rate)
    if "phonemes" in needs:
        if job.speech.phones is None:
            raise GenerationError("needs phones: the dataset gives none for this driver")
        paths["phonemes"].write_text(json.dumps(official_phones(job.speech.phones), indent=1), encoding="utf-8")
    if "pose" in needs:
        if job.pose is None:
            raise GenerationError("needs head pose: the protocol's pose rule gives none for this clip")
        paths["pose"].write_text(pose_table(job.pose), encoding="utf-8")
    return {name: str(paths[name]) for name in needs}


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


def pose_table(pose: np.ndarray) -> str:
    """The pose as CSV with OpenFace's column names. pose: (T, 6) Rx, Ry, Rz in radians, Tx, Ty, Tz in millimetres."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["frame", "timestamp", "confidence", "success", *_POSE_COLUMNS])
    for index, values in enumerate(pose):
        table.writerow([index + 1, f"{index / FPS:.3f}", "1.00", 1, *(f"{value:.6f}" for value in values)])
    return text.getvalue()
