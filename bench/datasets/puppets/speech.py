"""The corpus's speech: recordings that were made once with espeak-ng and are shipped beside this file.

A voice belongs to one split and so does a sentence; `sentences.toml` says who says what, `record` made the sound.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from bench.errors import ConfigError, MediaError, MissingError
from bench.records import RATE, Phone, Speech

SPLITS = ("train", "validation", "test")
_FOLDER = Path(__file__).with_name("speech_data")


@dataclass(frozen=True)
class Recording:
    """One recording: `voice` says `text` (named `sentence`) at `rate` words a minute.

    phones: contiguous from 0 s to `seconds`, SIL first and last. samples: count at 16 kHz. sha256: of the samples as
    little-endian int16.
    """

    id: str
    voice: str
    split: str
    sentence: str
    text: str
    rate: int
    samples: int
    sha256: str
    phones: tuple[Phone, ...]

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.samples / RATE


def recordings() -> tuple[Recording, ...]:
    """Every recording, voice by voice. Raises MissingError where the shipped catalogue is not there."""
    return tuple(_catalogue(_FOLDER).values())


def voices(split: str) -> tuple[str, ...]:
    """The voices of one split ("train", "validation", "test"), in the corpus's order."""
    if split not in SPLITS:
        raise ConfigError(f"expected a split of {', '.join(SPLITS)}, got {split!r}{_hint(split, SPLITS)}")
    return tuple(dict.fromkeys(recording.voice for recording in recordings() if recording.split == split))


def speech(recording_id: str) -> Speech:
    """The speech of one recording: float32 (N,) at 16 kHz with phones and transcript; the voice is its speaker.

    Raises ConfigError for an unknown id, MissingError for a file that is gone, MediaError for one that is not what
    was shipped.
    """
    # Imported here: it loads FFmpeg's bindings, and who only asks what there is needs no decoder.
    from bench.io.audio import read_audio

    known = _catalogue(_FOLDER)
    if recording_id not in known:
        raise ConfigError(f"the corpus has no recording {recording_id!r}{_hint(recording_id, known)}")
    recording = known[recording_id]
    path = _FOLDER / f"{recording_id}.flac"
    samples = read_audio(path)
    # Exact: read_audio divides 16-bit samples by 2^15.
    if hashlib.sha256((samples * 2**15).astype("<i2").tobytes()).hexdigest() != recording.sha256:
        raise MediaError(f"{path}: expected the samples that phones.json describes, got others")
    return Speech(
        driver=recording.id,
        speaker=recording.voice,
        samples=samples,
        phones=recording.phones,
        transcript=recording.text,
    )


@lru_cache(maxsize=1)
def _catalogue(folder: Path) -> Mapping[str, Recording]:
    """The recordings of phones.json by id."""
    path = folder / "phones.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["recordings"]
    except FileNotFoundError:
        raise MissingError(f"{path}: the corpus's speech is not there; install the package again") from None
    except (ValueError, KeyError) as error:
        raise MediaError(
            f"{path}: expected the catalogue that record.py writes, got something else ({error})"
        ) from None
    return {
        entry["id"]: Recording(**{**entry, "phones": tuple(Phone(*phone) for phone in entry["phones"])})
        for entry in entries
    }


def _hint(name: str, known: Iterable[str]) -> str:
    """Ready to append: the closest known name as a question, or nothing."""
    close = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
