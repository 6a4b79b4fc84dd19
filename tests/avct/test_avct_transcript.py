"""Transcripts become spoken words, and unknown words get a guess of how they sound."""

from __future__ import annotations

import pytest

from avct.phonemes import IDS
from avct.spelling import from_letters, pronounce
from avct.transcript import whole_number, words

KNOWN = {"smart": "S M AA R T", "phone": "F OW N", "walk": "W AO K", "bake": "B EY K", "quiz": "K W IH Z", "s.": "EH S",
         "b.": "B IY", "march": "M AA R CH", "grab": "G R AE B"}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Hello, world! It’s ME.", "hello world it's me"),
        ("In 1999, Mr. O'Neill paid $1,250.50.", "in nineteen ninety nine mister o'neill paid one thousand two hundred "
         "fifty dollars and fifty cents"),
        ("3.5% of £2 million & $1", "three point five percent of two million pounds and one dollar"),
        ("the 21st, 2nd and 30th", "the twenty first second and thirtieth"),
        ("at 10:05 and 4:00", "at ten oh five and four o'clock"),
        ("the 1980s and '90s; 2005", "the nineteen eighties and nineties two thousand five"),
        ("1907, 1800, 2024", "nineteen oh seven eighteen hundred twenty twenty four"),
        ("agent 007, 12,000", "agent zero zero seven twelve thousand"),
        ("the U.S.A. and café", "the u. s. a. and cafe"),
        ("an RXB stick", "an r. x. b. stick"),
        ("AN RXB STICK", "an rxb stick"),
        ("[applause] one-shot <i>talking</i> (face)", "one shot talking face"),
        ("gen Z, Gen. Lee, etc.", "gen z general lee et cetera"),
        ("你好", ""),
    ],
)  # fmt: skip
def test_words_as_they_are_said(written: str, said: str) -> None:
    assert " ".join(words(written, known=lambda word: word != "rxb")) == said


def test_numbers() -> None:
    assert " ".join(whole_number(0)) == "zero"
    assert " ".join(whole_number(1_002_013)) == "one million two thousand thirteen"
    assert words("9" * 5000) == ["nine"] * 5000 and len(words("$" + "1" * 5000)) == 5001


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("smartphone", "S M AA R T F OW N"),
        ("smartphones", "S M AA R T F OW N Z"),
        ("walked", "W AO K T"),
        ("baking", "B EY K IH NG"),
        ("grabbed", "G R AE B D"),
        ("marches", "M AA R CH AH Z"),
        ("bsb", "B IY EH S B IY"),
        ("station", "S T EY SH AH N"),
        ("chime", "CH AY M"),
        ("knight", "N AY T"),
        ("", "SIL"),
        ("'", "SIL"),
    ],
)
def test_guessed_sounds(word: str, sounds: str) -> None:
    assert pronounce(word, KNOWN.get) == sounds


def test_every_guess_is_made_of_known_symbols() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for a in letters:
        for b in letters:
            for word in (a + b, b + a + "e", a + b + a + "s", "e" + a + b):
                assert {*from_letters(word).split()} <= IDS.keys()
