"""Timed labels from a TextGrid, the annotation file of Praat and of the Montreal Forced Aligner.

Both text forms are read by one rule, which is Praat's own: only free-standing numbers, quoted texts and <flags> count,
whatever else stands there ("xmin =", "intervals [3]:", comments after "!") is for the human reader.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from avct.errors import AvctError

PHONE_TIERS = ("phones", "phone", "phonemes", "phoneme")
"""Names of tiers that hold phones, in any case; aligners that know speakers write "speaker - phones"."""
_SILENCES = {"", "sil", "sp", "spn", "<eps>", "<sil>", "<p:>", "pau", "epi", "h#", "#", "-", "_", "silence"}
"""Labels that mean no speech, or (spn) speech that the aligner could not read."""
_VARIANTS = {
    "AX": "AH", "AXR": "ER", "AX-H": "AH", "IX": "IH", "UX": "UW", "DX": "T", "HV": "HH", "NX": "N", "EL": "L",
    "EM": "M", "EN": "N", "ENG": "NG", "BCL": "B", "DCL": "D", "GCL": "G", "PCL": "P", "TCL": "T", "KCL": "K",
    "Q": "SIL",
}  # fmt: skip
"""Symbols of wider ARPAbet alphabets (TIMIT's), and the CMU symbol whose lips are the same."""
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|<(?P<flag>\w+)>|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)|!.*'
)


@dataclass(frozen=True)
class Tier:
    """One interval tier: name and (label, start s, end s) in order, times from the grid's start."""

    name: str
    intervals: tuple[tuple[str, float, float], ...]


def begins(content: bytes) -> bool:
    """Whether a file's first bytes are those of a TextGrid (text or binary, any encoding)."""
    head = content[:200].replace(b"\0", b"")
    return b"ooTextFile" in head or b"ooBinaryFile" in head


def phones(content: bytes, *, origin: str = "TextGrid") -> list[tuple[str, float, float]]:
    """(symbol, start s, end s) of the phone tier's intervals; silences and wider alphabets are put in CMU symbols.

    The tier is the one that is named so (`PHONE_TIERS`), else the only one that there is. Symbols are not checked.
    Raises AvctError in one line that begins with `origin`, the file's name.
    """
    tier = phone_tier(parse(decode(content, origin=origin), origin=origin), origin=origin)
    return [(_symbol(label), start, end) for label, start, end in tier.intervals]


def decode(content: bytes, *, origin: str) -> str:
    """The text of a TextGrid's bytes: UTF-16 or UTF-8 by byte-order mark, else UTF-8, else Latin-1 (old Praat's)."""
    if b"ooBinaryFile" in content[:20]:
        raise AvctError(f'{origin}: expected a TextGrid in text form, got a binary one (in Praat: "Save as text file")')
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-16"):
            raise AvctError(f"{origin}: cannot be read as a TextGrid ({error})") from None
        return content.decode("latin-1")


def parse(text: str, *, origin: str = "TextGrid") -> list[Tier]:
    """The interval tiers of a TextGrid's text; point tiers are left out.

    Raises AvctError in one line for something else, for a file that ends early and for times that run backwards.
    """
    tokens = _tokens(text)
    try:
        kinds = [_text(tokens), _text(tokens)]
        if not kinds[0].startswith("ooTextFile") or kinds[1] != "TextGrid":
            raise AvctError(f"{origin}: expected a TextGrid, got {kinds[0][:20]!r} with {kinds[1][:20]!r}")
        start, _ = _number(tokens), _number(tokens)
        if next(tokens) != ("flag", "exists"):
            return []
        found = []
        for _ in range(_count(tokens)):
            kind, name = _text(tokens), _text(tokens)
            _number(tokens), _number(tokens)
            if kind == "IntervalTier":
                marks = [(_number(tokens), _number(tokens), _text(tokens)) for _ in range(_count(tokens))]
                found.append(Tier(name, _ordered(marks, start, f"{origin}: tier {name!r}")))
            else:
                for _ in range(_count(tokens)):
                    _number(tokens), _text(tokens)
    except StopIteration:
        raise AvctError(f"{origin}: expected a TextGrid, got a file that ends in the middle of one") from None
    except _Unexpected as error:
        raise AvctError(f"{origin}: expected a TextGrid, got {error}") from None
    return found


def phone_tier(tiers: list[Tier], *, origin: str = "TextGrid") -> Tier:
    """The tier that holds phones. Raises AvctError naming the tiers there are, where none or several could be meant."""
    names = [tier.name for tier in tiers]
    # the last part only: "Anna - phones"
    named = [t for t in tiers if t.name.rpartition(" - ")[2].strip().lower() in PHONE_TIERS]
    named = named or (tiers if len(tiers) == 1 else [])
    if len(named) != 1:
        several = "several" if named else "none"
        raise AvctError(
            f"{origin}: expected one interval tier called phones, got {several} among {', '.join(names) or 'no tiers'}"
        )
    if not named[0].intervals:
        raise AvctError(f"{origin}: tier {named[0].name!r}: expected at least one interval, got none")
    return named[0]


class _Unexpected(Exception):
    """A token of another kind than the form wants."""


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for token in _TOKEN.finditer(text):
        if token.lastgroup:
            yield token.lastgroup, token[token.lastgroup]


def _number(tokens: Iterator[tuple[str, str]]) -> float:
    kind, value = next(tokens)
    if kind != "number":
        raise _Unexpected(f"{value[:40]!r} where a number should stand")
    return float(value)


def _count(tokens: Iterator[tuple[str, str]]) -> int:
    value = _number(tokens)
    if not 0 <= value < 1e9 or value % 1:
        raise _Unexpected(f"{value} where a count should stand")
    return int(value)


def _text(tokens: Iterator[tuple[str, str]]) -> str:
    kind, value = next(tokens)
    if kind != "text":
        raise _Unexpected(f"{value[:40]} where a quoted text should stand")
    return value.replace('""', '"')


def _ordered(marks: list[tuple[float, float, str]], start: float, where: str) -> tuple[tuple[str, float, float], ...]:
    """Labels with times from the grid's start."""
    reached = start
    for number, (first, last, label) in enumerate(marks):
        if not reached - 1e-6 <= first <= last:
            raise AvctError(
                f"{where}, interval {number + 1} ({label[:20]!r}): expected {reached:g} <= xmin <= xmax, "
                f"got {first:g} and {last:g}"
            )
        reached = last
    return tuple((label, first - start, last - start) for first, last, label in marks)


def _symbol(label: str) -> str:
    """The CMU symbol of a label where one is known, else the label."""
    plain = label.strip()
    if plain.lower() in _SILENCES:
        return "SIL"
    upper = plain.upper()
    return _VARIANTS.get(upper, "NSN" if upper == "+NSN+" else plain)
