"""What AVCT is told is being said: 41 phoneme symbols, files that hold them, and one symbol id for each video frame.

The official JSON is a list of words, each {"word": text, "phones": [{"ph": symbol, "bg": begin, "ed": end}, ...]} with
times in units of 10 ms. Only the ends count: a phone lasts from its predecessor's end to its own. TextGrids are read
as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avct import textgrid
from avct.errors import AvctError

_ALPHABET = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG NSN OW OY P R S SH SIL T TH UH UW V W Y Z ZH"
)
SYMBOLS: tuple[str, ...] = tuple(_ALPHABET.split())
"""The 39 symbols of the CMU dictionary, NSN (noise) and SIL (silence); a symbol's id is its place (AA 0, ZH 40)."""
IDS = {symbol: place for place, symbol in enumerate(SYMBOLS)}
SIL = IDS["SIL"]
FPS = 25
UNITS = 100
"""Units of the JSON's times in one second."""


@dataclass(frozen=True)
class Phone:
    """One phone: symbol, begin and end in units of 10 ms."""

    symbol: str
    begin: int
    end: int


@dataclass(frozen=True)
class Word:
    """One word (for silence the official files write "sil") and its phones in order."""

    text: str
    phones: tuple[Phone, ...]


@dataclass(frozen=True)
class Windows:
    """Windows of W = 2 half + 1 frames around each of T frames.

    index: int64 (T, W), the frame of each place, held at the clip's ends (as pose rasters are). inside: bool (T, W),
    False where the place lies outside the clip (there the phoneme is SIL and the audio features are zeros).
    padded: int64 (T, W), places in a list of T frames' tokens that ends with one token for before the clip (T) and one
    for after it (T + 1): what lies outside is constant, so it needs computing once.
    """

    index: NDArray[np.int64]
    inside: NDArray[np.bool_]
    padded: NDArray[np.int64]

    def phonemes(self, ids: Sequence[int]) -> NDArray[np.int64]:
        """Each window's phoneme ids int64 (T, W), SIL outside the clip."""
        return np.where(self.inside, np.asarray(ids, dtype=np.int64)[self.index], SIL)

    def audio(self, rows: NDArray[np.floating]) -> NDArray[np.floating]:
        """Each window's audio features (T, W, 4, 41) of frames' rows (T, 4, 41).

        Zeros outside the clip, although silence has other features: the published weights were trained with zeros.
        """
        return np.where(self.inside[..., None, None], rows[self.index], 0).astype(rows.dtype)


def symbol_id(symbol: str) -> int:
    """The id of a symbol in any case, with or without stress digit ("ah0" is AH, 2). Raises AvctError when unknown."""
    return IDS[_clean(symbol, "phoneme")]


def parse(data: Any, *, origin: str = "phonemes") -> list[Word]:
    """The words of decoded official JSON. Raises AvctError in one line: origin, place, what was expected, what came."""
    if not isinstance(data, list) or not data:
        raise AvctError(f"{origin}: expected a list of at least one word, got {_brief(data)}")
    words, end = [], 0
    for place, entry in enumerate(data):
        where = f"{origin}: word {place}"
        phones = entry.get("phones") if isinstance(entry, dict) else None
        if not isinstance(phones, list):
            raise AvctError(f'{where}: expected {{"word": ..., "phones": [...]}}, got {_brief(entry)}')
        read = []
        for number, phone in enumerate(phones):
            read.append(_phone(phone, f"{where}, phone {number}", end))
            end = read[-1].end
        words.append(Word(str(entry.get("word", "")), tuple(read)))
    if not any(word.phones for word in words):
        raise AvctError(f"{origin}: expected at least one phone, got {len(words)} words without any")
    return words


def read(path: str | Path) -> list[Word]:
    """The words of a phoneme file: official JSON, or a TextGrid with ARPAbet phones (sil, sp, spn and empty are SIL).

    Raises AvctError in one line that names the file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise AvctError(f"{path}: cannot be read as a phoneme file ({error.strerror or error})") from None
    if is_textgrid(path, content):
        return from_seconds(textgrid.phones(content, origin=str(path)), origin=str(path))
    try:
        return parse(json.loads(content.decode("utf-8-sig")), origin=str(path))
    except UnicodeDecodeError as error:
        raise AvctError(f"{path}: cannot be read as a phoneme file ({error})") from None
    except json.JSONDecodeError as error:
        raise AvctError(
            f"{path}: expected official JSON or a TextGrid, got neither (line {error.lineno}, column {error.colno}: "
            f"{error.msg})"
        ) from None


def is_textgrid(path: str | Path, content: bytes) -> bool:
    """Whether a phoneme file is to be read as a TextGrid: by its name, or by how it begins."""
    return Path(path).suffix.lower() == ".textgrid" or textgrid.begins(content)


def ids_at_25fps(words: Sequence[Word]) -> list[int]:
    """One phoneme id for each video frame: of the first phone that ends after the frame's start, else of the last.

    The number of frames is int(end / 100 * 25) in floating point, which loses a frame where the product falls just
    below a whole number (end 116 gives 28, not 29). The official clips have these lengths, so the loss is kept.
    """
    phones = [phone for word in words for phone in word.phones]
    if not phones:
        raise AvctError("phonemes: expected at least one phone, got none")
    frames = int(phones[-1].end / UNITS * FPS)
    starts = np.arange(frames) * (UNITS // FPS)
    # side="right": a phone that ends exactly at the frame's start is over; phones without length never win.
    places = np.searchsorted([phone.end for phone in phones], starts, side="right")
    return [IDS[phones[place].symbol] for place in np.minimum(places, len(phones) - 1)]


def from_seconds(triples: Iterable[tuple[str, float, float]], *, origin: str = "phones") -> list[Word]:
    """Words of phones given as (symbol, start in s, end in s) in order, rounded to 10 ms.

    Gaps become SIL, since the format itself has none: a gap would go to the phone after it. Each run of sounds between
    silences is one word, named by its symbols. Raises AvctError for unknown symbols and phones that run backwards.
    """
    phones: list[Phone] = []
    end, reached = 0, 0.0
    for number, (symbol, start, stop) in enumerate(triples):
        where = f"{origin}: phone {number}"
        name = _clean(symbol, where)
        if not 0 <= start <= stop < float("inf"):
            raise AvctError(f"{where}: expected 0 <= start <= end in seconds, got {start} and {stop}")
        first = round(start * UNITS)
        if abs(start - reached) < 1 / UNITS:
            # Closer than the format can tell: the phones touch, whichever way the two times were rounded.
            first = end
        if first < end:
            raise AvctError(f"{where}: expected a start at or after {reached} s (the phone before), got {start} s")
        if first > end:
            phones.append(Phone("SIL", end, first))
        end, reached = max(first, round(stop * UNITS)), stop
        phones.append(Phone(name, first, end))
    if not phones:
        raise AvctError(f"{origin}: expected at least one phone, got none")
    runs = [tuple(run) for _, run in groupby(phones, key=lambda phone: phone.symbol == "SIL")]
    return [Word("sil" if run[0].symbol == "SIL" else " ".join(p.symbol for p in run), run) for run in runs]


def spans(words: Sequence[Word]) -> list[tuple[str, float, float]]:
    """(symbol, start s, end s) of the phones that last: each from the end of the one before, since only ends count."""
    found, end = [], 0
    for phone in (phone for word in words for phone in word.phones):
        if phone.end > end:
            found.append((phone.symbol, end / UNITS, phone.end / UNITS))
            end = phone.end
    return found


def to_json(words: Sequence[Word]) -> list[dict[str, Any]]:
    """The official JSON's list of words; `parse` gives the same words back."""
    return [
        {"word": word.text, "phones": [{"ph": p.symbol, "bg": p.begin, "ed": p.end} for p in word.phones]}
        for word in words
    ]


def write(path: str | Path, words: Sequence[Word]) -> None:
    """Nothing; writes the words as an official JSON file."""
    Path(path).write_text(json.dumps(to_json(words), indent=1) + "\n", encoding="utf-8")


def windows(frames: int, half: int = 5) -> Windows:
    """The windows of a clip of `frames` frames."""
    if frames < 1 or half < 0:
        raise AvctError(f"windows need at least one frame and half >= 0, got {frames} and {half}")
    raw = np.arange(frames)[:, None] + np.arange(-half, half + 1)
    padded = np.where(raw < 0, frames, np.where(raw < frames, raw, frames + 1))
    return Windows(raw.clip(0, frames - 1), (raw >= 0) & (raw < frames), padded)


def _phone(entry: Any, where: str, end: int) -> Phone:
    if not isinstance(entry, dict) or not {"ph", "ed"} <= entry.keys():
        raise AvctError(f'{where}: expected {{"ph": symbol, "bg": begin, "ed": end}}, got {_brief(entry)}')
    symbol = _clean(entry["ph"], where)
    times = entry.get("bg", end), entry["ed"]
    # Whole numbers written as 12.0 are accepted, True and NaN are not.
    if any(type(time) not in (int, float) or time != time // 1 for time in times):
        raise AvctError(f"{where}: expected whole times in units of 10 ms, got {times[0]!r} and {times[1]!r}")
    begin, stop = (int(time) for time in times)
    if not 0 <= begin <= stop:
        raise AvctError(f"{where}: expected 0 <= bg <= ed, got {begin} and {stop}")
    if stop < end:
        raise AvctError(f"{where}: expected an end at or after {end} (the phone before), got {stop}")
    return Phone(symbol, begin, stop)


def _clean(symbol: Any, where: str) -> str:
    if not isinstance(symbol, str):
        raise AvctError(f"{where}: expected a phoneme symbol, got {_brief(symbol)}")
    # "AH0", "AH1", "AH2": the CMU dictionary's stress marks, which AVCT does not know.
    name = symbol.strip().upper()
    name = name[:-1] if name[-1:] in ("0", "1", "2") else name
    if name not in IDS:
        close = get_close_matches(name, SYMBOLS, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"known symbols: {' '.join(SYMBOLS)}"
        if not name.isascii():
            hint = f"expected ARPAbet, not IPA ({hint})"
        raise AvctError(f"{where}: unknown phoneme {symbol!r}; {hint}")
    return name


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
