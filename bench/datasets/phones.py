"""Phones of a dataset's recordings: from a file beside them, or heard in the sound and remembered.

Hearing takes .05 (with a transcript) to .5 CPU seconds a second, so answers are kept in the cache under a hash of the
sound, the transcript and the code that hears.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bench.errors import MediaError, MissingError
from bench.io.digest import sha256_array, sha256_json
from bench.places import cache_folder, source_sha256
from bench.records import Phone
from bench.store.files import json_bytes, make_folder, replace_file

ENDINGS = (".json", ".TextGrid", ".textgrid")
"""Of phone files beside a recording, in the order in which they are looked for: official AVCT JSON, TextGrids."""
_EARS = tuple(f"avct/{name}.py" for name in ("align", "phonemes", "pieces", "recogniser", "spelling", "transcript"))
FORMS = ("plain", "lrs", "align")
"""How a transcript may be written: the text alone; LRS2's and LRS3's, whose first line is "Text:  ..."; GRID's, a
line a word with its start and end."""
_PAUSES = ("sil", "sp")
Known = tuple[tuple[Phone, ...], str]


def phones_beside(recording: Path) -> Known | None:
    """The phones that last, and "file" or "textgrid": of the file of that name with one of `ENDINGS`; None without.

    A phone lasts from the end of the one before, as in the official code. Raises MediaError for other content.
    """
    from avct.errors import AvctError
    from avct.phonemes import read, spans

    path = next((path for ending in ENDINGS if (path := recording.with_suffix(ending)).is_file()), None)
    if path is None:
        return None
    try:
        found = spans(read(path))
    except AvctError as error:
        raise MediaError(str(error)) from None
    return tuple(Phone(*span) for span in found), "file" if path.suffix == ".json" else "textgrid"


def within(known: Known, start: float, end: float) -> Known:
    """The phones between two seconds of a recording, timed from the first of them."""
    phones, way = known
    kept = [(p.symbol, max(p.start, start) - start, min(p.end, end) - start) for p in phones]
    return tuple(Phone(*part) for part in kept if part[2] > part[1]), way


def read_transcript(path: Path, form: str = "plain") -> str:
    """The transcript that a file holds, written in one of `FORMS`. Raises MediaError for one that is not UTF-8."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"{path}: expected a text file in UTF-8 ({error})") from None
    if form == "lrs":
        first = text.partition("\n")[0]
        if not first.startswith("Text:"):
            raise MediaError(f"{path}: expected a first line 'Text: ...', got {first[:40]!r}")
        return first.removeprefix("Text:").strip()
    if form == "align":
        cells = [line.split() for line in text.splitlines() if line.strip()]
        if any(len(row) != 3 for row in cells):
            raise MediaError(f"{path}: expected lines of start, end and word")
        return " ".join(row[2] for row in cells if row[2] not in _PAUSES)
    return text


def hear(samples: np.ndarray, transcript: str | None) -> Known:
    """The phones of sound float32 (N,) at 16 kHz, and how they were found (the way of `avct.align.Heard`).

    Raises MissingError where the recogniser is not installed.
    """
    from avct.align import phones_of
    from avct.errors import MissingWeights

    key = sha256_json([sha256_array(samples), transcript, source_sha256(*_EARS)])
    path = cache_folder() / "phones" / f"{key}.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Phone(*phone) for phone in kept["phones"]), kept["way"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not heard yet, or a damaged file: hear it
    try:
        heard = phones_of(samples, transcript)
    except MissingWeights as error:
        raise MissingError(str(error)) from None
    make_folder(path.parent)
    replace_file(path, json_bytes({"way": heard.way, "notes": heard.notes, "phones": heard.phones}))
    return tuple(Phone(*phone) for phone in heard.phones), heard.way
