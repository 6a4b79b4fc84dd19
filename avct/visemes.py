"""Visemes: phones that lips show alike. For judging how far phones found from sound serve a face, not for driving one.

Fourteen classes. Consonants by place of articulation, voiced and voiceless together, which lips cannot tell apart;
vowels by how the mouth is shaped (rounded, open, spread); diphthongs where they begin.
"""

from __future__ import annotations

from avct.phonemes import SYMBOLS

CLASSES: dict[str, tuple[str, ...]] = {
    "rest": ("SIL", "NSN"),
    "bilabial": ("B", "M", "P"),
    "labiodental": ("F", "V"),
    "dental": ("DH", "TH"),
    "alveolar": ("D", "N", "T"),
    "sibilant": ("S", "Z"),
    "postalveolar": ("CH", "JH", "SH", "ZH"),
    "velar": ("G", "K", "NG"),
    "lateral": ("L",),
    "rhotic": ("ER", "R"),
    "rounded": ("OW", "UH", "UW", "W"),
    "half-rounded": ("AO", "OY"),
    "open": ("AA", "AE", "AH", "AW", "AY", "HH"),
    "spread": ("EH", "EY", "IH", "IY", "Y"),
}
_NAMES = {symbol: name for name, symbols in CLASSES.items() for symbol in symbols}
VISEMES: tuple[str, ...] = tuple(_NAMES[symbol] for symbol in SYMBOLS)
"""The class of each phoneme id."""
