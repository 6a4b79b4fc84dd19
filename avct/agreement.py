"""How well phones found from sound agree with official phoneme files, frame by frame at 25 fps.

`python -m avct.agreement FOLDER` prints the table for the recordings of a folder: `<name>.wav` (16 kHz, 16 bits, one
channel) with `<name>.json` beside it, whose words serve as the transcript.
"""

from __future__ import annotations

import sys
import time
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avct.align import Heard, phones_of
from avct.errors import AvctError
from avct.phonemes import Word, from_seconds, ids_at_25fps, read
from avct.visemes import VISEMES

ROUTES = ("with transcript", "without", "without words")


@dataclass(frozen=True)
class Agreement:
    """Shares of frames with the same phone, the same viseme, and the same viseme within one frame; 0 to 1.

    bilabial_recall, bilabial_precision: share of the official (of the found) stretches of closed lips within one frame
    of which the other has closed lips, None where there are none. frames: how many were compared, the shorter of both.
    """

    frames: int
    phone: float
    viseme: float
    viseme_near: float
    bilabial_recall: float | None
    bilabial_precision: float | None


def agreement(found: Sequence[tuple[str, float, float]], official: Sequence[Word]) -> Agreement:
    """The agreement of found phones (symbol, start s, end s) with an official file's words."""
    ours = np.array(ids_at_25fps(from_seconds(found)))
    theirs = np.array(ids_at_25fps(official))
    frames = min(len(ours), len(theirs))
    if not frames:
        raise AvctError("agreement: expected at least one frame of phones, got none")
    kinds = np.array(VISEMES)
    seen, true = kinds[ours[:frames]], kinds[theirs[:frames]]
    shut, shut_true = seen == "bilabial", true == "bilabial"
    return Agreement(
        frames=frames,
        phone=float((ours[:frames] == theirs[:frames]).mean()),
        viseme=float((seen == true).mean()),
        viseme_near=float(np.mean([seen[k] in true[max(k - 1, 0) : k + 2] for k in range(frames)])),
        bilabial_recall=_met(shut_true, shut),
        bilabial_precision=_met(shut, shut_true),
    )


def hear(samples: np.ndarray, transcript: str, route: str) -> Heard:
    """What is heard when the transcript is given, when it is not, and when words are not to be recognised either."""
    return phones_of(samples, transcript if route == ROUTES[0] else None, recognise=route != ROUTES[2])


def transcript_of(words: Sequence[Word]) -> str:
    """The words of an official file as a transcript, without its silences."""
    return " ".join(word.text for word in words if word.text.lower() != "sil")


def read_wav(path: str | Path) -> np.ndarray:
    """Samples float32 (N,) of a WAV file. Raises AvctError for anything but 16 kHz, 16 bits, one channel."""
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getframerate(), file.getsampwidth(), file.getnchannels())
            content = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise AvctError(f"{path}: cannot be read as a WAV file ({error})") from None
    if form != (16_000, 2, 1):
        raise AvctError(f"{path}: expected 16000 Hz, 2 bytes, 1 channel, got {form[0]} Hz, {form[1]}, {form[2]}")
    return np.frombuffer(content, "<i2").astype(np.float32) / 32768


def recordings(folder: str | Path) -> dict[str, tuple[np.ndarray, list[Word]]]:
    """Name -> samples and official words of a folder's recordings. Raises AvctError where there are none."""
    pairs = [path for path in sorted(Path(folder).glob("*.wav")) if path.with_suffix(".json").is_file()]
    if not pairs:
        raise AvctError(f"{folder}: expected recordings (<name>.wav with <name>.json beside it), got none")
    return {path.stem: (read_wav(path), read(path.with_suffix(".json"))) for path in pairs}


def lines(folder: str | Path) -> Iterator[str]:
    """The table's lines, as they are measured: each recording by each route, then each route's mean by frames."""
    held = recordings(folder)
    yield f"{'recording':16} {'route':15} {'way':9} phone  vis.  +-1 frame  bilabial rec. / prec.  CPU s per s"
    for route in ROUTES:
        values, weights = [], []
        for name, (samples, official) in held.items():
            began = time.process_time()
            heard = hear(samples, transcript_of(official), route)
            spent = (time.process_time() - began) / (len(samples) / 16_000)
            a = agreement(heard.phones, official)
            row = [a.phone, a.viseme, a.viseme_near, a.bilabial_recall, a.bilabial_precision, spent]
            values.append([np.nan if value is None else value for value in row])
            weights.append(a.frames)
            yield f"{name:16} {route:15} {heard.way:9} {_row(values[-1])}"
        known = ~np.isnan(values)
        mean = np.nansum(np.array(values) * np.array(weights)[:, None], 0) / (known * np.array(weights)[:, None]).sum(0)
        yield f"{'all':16} {route:15} {'':9} {_row(mean)}"


def _row(values: Sequence[float]) -> str:
    phone, viseme, near, recall, precision, spent = values
    shares = f"{phone:5.1%} {viseme:5.1%} {near:6.1%}"
    return f"{shares}     {recall:8.2f}     / {precision:.2f}        {spent:8.3f}"


def _met(wanted: np.ndarray, given: np.ndarray) -> float | None:
    """Share of the runs of `wanted` within one frame of which `given` holds somewhere; None without runs."""
    edges = np.flatnonzero(np.diff(np.r_[False, wanted, False]))
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    return float(np.mean([given[max(a - 1, 0) : b + 1].any() for a, b in runs])) if runs else None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m avct.agreement FOLDER")
    try:
        for line in lines(sys.argv[1]):
            print(line, flush=True)
    except AvctError as error:
        sys.exit(f"error: {error}")
