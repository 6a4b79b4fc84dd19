"""A transcript as it is written becomes the words as they are said: numbers, money, times, abbreviations, initials.

American English, since the dictionary is. What can be read in several ways is read in the commonest ("1999" is a year,
"St." a saint); an alignment with a slightly wrong word still finds the words around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_ABBREVIATIONS = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "st": "saint", "prof": "professor", "gov": "governor",
    "sen": "senator", "rep": "representative", "gen": "general", "capt": "captain", "lt": "lieutenant",
    "sgt": "sergeant", "rev": "reverend", "hon": "honorable", "jr": "junior", "sr": "senior", "vs": "versus",
    "etc": "et cetera", "approx": "approximately", "dept": "department", "ave": "avenue", "blvd": "boulevard",
    "inc": "incorporated", "ltd": "limited", "corp": "corporation", "mt": "mount",
}  # fmt: skip
_WRITTEN_WITHOUT_DOT = {"mr", "mrs", "ms", "dr", "vs", "etc", "jr", "sr", "st"}
"""Abbreviations that need no dot; the others without one ("gen", "sen", "inc") may be words or names."""
_SIGNS = {"&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "°": "degrees", "#": "number"}
_MONEY = {"$": ("dollar", "dollars"), "£": ("pound", "pounds"), "€": ("euro", "euros")}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_TOKEN = re.compile(
    rf"(?P<sign>[$£€])\s?(?P<money>{_NUMBER})(?:\s(?P<scale>thousand|million|billion|trillion)\b)?"
    r"|(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?!\d)"
    r"|(?P<ordinal>\d{1,9})(?:st|nd|rd|th)\b"
    r"|(?P<decade>(?:1[1-9]|20)?\d0)'?s\b"
    rf"|(?P<number>{_NUMBER})"
    r"|(?P<initials>(?:[A-Za-z]\.){2,})"
    r"|(?P<word>[A-Za-z]+(?:'[A-Za-z]+)*'?)(?P<dot>\.?)"
    r"|(?P<symbol>[&+=@%°#])",
    re.IGNORECASE,
)


def words(transcript: str, *, known: Callable[[str], bool] = lambda _: True) -> list[str]:
    """The words as they are said, in lower case; a letter's name has a dot ("u." "s." "b.").

    known: whether a word is in the dictionary; an unknown word in capitals within ordinary text is read as its
    letters. What stands in square or pointed brackets is not said. Without English letters or digits: empty.
    """
    text = re.sub(r"\[[^\]\n]*\]|<[^>\n]*>", " ", transcript)
    text = unicodedata.normalize("NFKD", text.replace("’", "'").replace("‘", "'"))
    text = "".join(c for c in text if not unicodedata.combining(c))
    shouted = not any(c.islower() for c in text)
    said: list[str] = []
    for token in _TOKEN.finditer(text):
        said += _read(token, shouted, known)
    return said


def whole_number(value: int) -> list[str]:
    """The words of a whole number below 10^15: 1984 is one thousand nine hundred eighty four."""
    if value < 20:
        return [_SMALL[value]]
    if value < 100:
        return [_TENS[value // 10]] + (whole_number(value % 10) if value % 10 else [])
    size, name = next(scale for scale in _SCALES if value >= scale[0])
    return [*whole_number(value // size), name] + (whole_number(value % size) if value % size else [])


def _read(token: re.Match[str], shouted: bool, known: Callable[[str], bool]) -> list[str]:
    kind = token.lastgroup
    if token["sign"]:
        return _money(token["sign"], token["money"].replace(",", ""), token["scale"])
    if token["hour"]:
        return _time(int(token["hour"]), int(token["minute"]))
    if token["ordinal"]:
        return _ordinal(whole_number(int(token["ordinal"])))
    if token["decade"]:
        *first, last = _plain(token["decade"])
        return [*first, f"{last.removesuffix('y')}ies" if last.endswith("y") else f"{last}s"]
    if token["number"]:
        return _plain(token["number"])
    if token["initials"]:
        return list(_letters(token["initials"]))
    if kind == "symbol":
        return [_SIGNS[token["symbol"]]]
    word, lower = token["word"], token["word"].lower()
    if lower in _ABBREVIATIONS and (token["dot"] or lower in _WRITTEN_WITHOUT_DOT):
        return _ABBREVIATIONS[lower].split()
    if not known(lower) and known(lower.rstrip("'")):
        return [lower.rstrip("'")]
    if word.isupper() and 1 < len(word) <= 5 and not shouted and not known(lower):
        return list(_letters(word))
    return [lower]


def _letters(text: str) -> Iterator[str]:
    return (f"{letter.lower()}." for letter in text if letter.isalpha())


def _plain(number: str) -> list[str]:
    """A number as it stands: years by pairs, decimals by digits, codes with a leading zero digit by digit."""
    whole, _, fraction = number.partition(".")
    if fraction:
        return [*_plain_whole(whole.replace(",", "")), "point", *_digits(fraction)]
    return _counted(number.replace(",", "")) if "," in number else _plain_whole(number)


def _plain_whole(digits: str) -> list[str]:
    if len(digits) > 1 and digits[0] == "0":
        return _digits(digits)
    value = int(digits[:5])
    if len(digits) == 4 and 1100 <= value <= 2099 and not 2000 <= value <= 2009 and value % 1000:
        first, last = divmod(value, 100)
        return [*whole_number(first), *(["hundred"] if last == 0 else ["oh"] if last < 10 else []), *_unless_zero(last)]
    return _counted(digits)


def _counted(digits: str) -> list[str]:
    """A whole number of any length: Python itself refuses to read numbers of thousands of digits."""
    return whole_number(int(digits)) if len(digits) <= 15 else _digits(digits)


def _digits(text: str) -> list[str]:
    return [_SMALL[int(digit)] for digit in text]


def _unless_zero(value: int) -> list[str]:
    return whole_number(value) if value else []


def _money(sign: str, amount: str, scale: str | None) -> list[str]:
    one, many = _MONEY[sign]
    if scale:
        return [*_plain(amount), scale.lower(), many]
    whole, _, cents = amount.partition(".")
    said = [*_counted(whole), one if whole == "1" else many]
    small = _unless_zero(int(cents.ljust(2, "0")[:2]))
    if not small:
        return said
    coins = [*small, "cent" if small == ["one"] else "cents"]
    return [*said, "and", *coins] if whole.strip("0") else coins


def _time(hour: int, minute: int) -> list[str]:
    if minute == 0:
        return [*whole_number(hour), "o'clock"]
    return [*whole_number(hour), *(["oh"] if minute < 10 else []), *whole_number(minute)]


def _ordinal(cardinal: list[str]) -> list[str]:
    *first, last = cardinal
    if last in _ORDINALS:
        return [*first, _ORDINALS[last]]
    return [*first, f"{last.removesuffix('y')}ieth" if last.endswith("y") else f"{last}th"]
