"""CMU phones with boundaries from espeak-ng's events: which phone sounds when in a recording.

espeak-ng made the sound and says where each phoneme starts, which no aligner can know better; but its events are not
boundaries everywhere, and four things are mended. The silent closure of a stop comes before its event. After a nasal
the vowel's event comes late, when the mouth has been open for some 30 ms. Vowels with r and syllabic consonants are
one event where CMU has two phones. And an l that colours its vowel has an event of next to no length.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bench.datasets.puppets.espeak import Utterance
from bench.errors import ConfigError

SILENCE = "SIL"
STOPS = frozenset(["P", "B", "T", "D", "K", "G", "CH", "JH"])
NASALS = frozenset(["M", "N", "NG"])
VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])

CLOSURE = 0.04
"""Seconds for which the mouth is taken to be closed before a stop that follows silence, where no sound tells."""
_LONGEST_CLOSURE = 0.15
_SHORTEST_PAUSE = 0.05
"""Seconds below which a pause within a sentence is no pause but the end of the phone before it."""
_SHORTEST = 0.03
"""Seconds that a phone has at least; it borrows them from the longer one of its neighbours."""
_FIRST_SHARE = 0.6
"""Share of an event that the first of its two phones has: the vowel is longer than what colours or closes it."""
_SHORTEST_L = 0.05
"""Seconds below which an l after a vowel is the rest of one that lies in the vowel's event."""

_PAUSES = frozenset(("", "_", "_:", "_!", "_|"))
_GLIDE = ";"
"""The mark that links two vowels ("the apple"): no phone of its own, it belongs to the vowel before it."""
# espeak-ng's mnemonics of American English.
_CMU = {
    "@": "AH", "@2": "AH", "a#": "AH", "V": "AH", "3": "ER", "3:": "ER", "a": "AE", "aa": "AE", "0": "AA", "A:": "AA",
    "O:": "AO", "O2": "AO", "E": "EH", "I": "IH", "I2": "IH", "I#": "IH", "i": "IY", "i:": "IY", "U": "UH", "u:": "UW",
    "aI": "AY", "aU": "AW", "eI": "EY", "OI": "OY", "oU": "OW",
    "A@": "AA R", "O@": "AO R", "o@": "AO R", "e@": "EH R", "U@": "UH R", "i@3": "IH R",
    "i@": "IY AH", "aI@": "AY AH", "aI3": "AY ER", "@L": "AH L", "n-": "AH N",
    "p": "P", "b": "B", "t": "T", "t2": "T", "t#": "T", "?": "T", "d": "D", "k": "K", "g": "G", "tS": "CH", "dZ": "JH",
    "f": "F", "v": "V", "T": "TH", "D": "DH", "s": "S", "z": "Z", "S": "SH", "Z": "ZH", "h": "HH",
    "m": "M", "n": "N", "N": "NG", "l": "L", "r": "R", "r-": "R", "w": "W", "j": "Y",
}  # fmt: skip


def phones(utterance: Utterance) -> list[tuple[str, float, float]]:
    """CMU phones of an utterance as (symbol, start, end) in seconds from its first sample, contiguous.

    The pause that espeak-ng ends with is left out. The first start is negative where the first phone is a stop, whose
    closure precedes the sound. Raises ConfigError for a phoneme without a CMU phone.
    """
    marks = _expanded(utterance)
    if len(marks) < 2 or marks[-1][0] != SILENCE:
        raise ConfigError("espeak-ng said nothing, or did not end with a pause")
    symbols = [symbol for symbol, _ in marks[:-1]]
    bounds = np.array([start for _, start in marks])
    bounds = _coloured(symbols, bounds, utterance.rate)
    bounds = _opened(symbols, bounds, utterance)
    bounds = _closed(symbols, bounds, utterance)
    bounds = _lengthened(symbols, bounds, round(_SHORTEST * utterance.rate))
    seconds = (bounds / utterance.rate).tolist()
    return [(symbol, a, b) for symbol, (a, b) in zip(symbols, pairwise(seconds), strict=True)]


def _expanded(utterance: Utterance) -> list[tuple[str, int]]:
    """(CMU symbol, first sample) in order, pauses merged, short pauses left out."""
    ends = [start for start, _ in utterance.events[1:]] + [len(utterance.samples)]
    marks: list[tuple[str, int]] = []
    for (start, mnemonic), end in zip(utterance.events, ends, strict=True):
        name = mnemonic.lstrip("',%=")  # stress marks
        if name == _GLIDE:
            continue
        if name not in _PAUSES and name not in _CMU:
            raise ConfigError(f"espeak-ng's phoneme {mnemonic!r} has no CMU phone in bench/datasets/puppets/timing.py")
        symbols = [SILENCE] if name in _PAUSES else _CMU[name].split()
        middle = start + round(_FIRST_SHARE * (end - start))
        for symbol, first in zip(symbols, (start, middle), strict=False):
            before = marks[-1][0] if marks else None
            # Two vowels share one R however espeak-ng writes it, and ER holds its own.
            if not (symbol == before == SILENCE or (symbol == "R" and before in ("R", "ER"))):
                marks.append((symbol, first))
    shortest = _SHORTEST_PAUSE * utterance.rate
    return [
        mark
        for mark, following in zip(marks, [*marks[1:], None], strict=True)
        if mark[0] != SILENCE or following is None or following[1] - mark[1] >= shortest
    ]


def _coloured(symbols: list[str], bounds: np.ndarray, rate: int) -> np.ndarray:
    """The bounds with an l after a vowel given its share of the two: espeak-ng bends the vowel and calls it a vowel."""
    moved = bounds.copy()
    for k in range(1, len(symbols)):
        short = bounds[k + 1] - bounds[k] < _SHORTEST_L * rate
        if symbols[k] == "L" and symbols[k - 1] in VOWELS and short:
            moved[k] = bounds[k - 1] + round(_FIRST_SHARE * (bounds[k + 1] - bounds[k - 1]))
    return moved


def _opened(symbols: list[str], bounds: np.ndarray, utterance: Utterance) -> np.ndarray:
    """The bounds with a nasal's end at its release: the sharpest rise of the treble just before the vowel's event."""
    rate = utterance.rate
    treble = np.diff(utterance.samples.astype(np.float64), prepend=0.0)
    # 12 ms: at least one pitch period of every voice, or the rise would follow the single pulses.
    window, reach, step = round(0.012 * rate), round(0.05 * rate), round(0.001 * rate)
    moved = bounds.copy()
    for k in range(1, len(symbols)):
        if symbols[k - 1] in NASALS and symbols[k] in VOWELS:
            earliest = max(bounds[k] - reach, bounds[k - 1] + round(_SHORTEST * rate))
            places = np.arange(earliest, bounds[k], step)
            rises = [_power(treble, p, p + window) / (_power(treble, p - window, p) + 1.0) for p in places]
            if rises and max(rises) >= 2.0:  # 3 dB
                moved[k] = places[int(np.argmax(rises))]
    return moved


def _closed(symbols: list[str], bounds: np.ndarray, utterance: Utterance) -> np.ndarray:
    """The bounds with every stop's start at the start of its closure."""
    rate = utterance.rate
    wave = utterance.samples.astype(np.float64)
    speech = _power(wave, 0, len(wave))
    step = round(0.005 * rate)
    moved = bounds.copy()
    for k, symbol in enumerate(symbols):
        if symbol not in STOPS:
            continue
        if k == 0 or symbols[k - 1] == SILENCE:
            moved[k] = bounds[k] - round(CLOSURE * rate)
            continue
        earliest = max(bounds[k] - round(_LONGEST_CLOSURE * rate), moved[k - 1] + round(_SHORTEST * rate))
        at = bounds[k] - 2 * step  # the burst may start a little before the event
        level = _power(wave, at - 2 * step, at)
        # A voice with an echo is never quite silent: closed is what is 20 dB below the speech, and for as long as it
        # gets no louder than 4 dB above what comes right before the burst.
        if level > 0.01 * speech:
            continue
        while at - step >= earliest and _power(wave, at - step, at) <= max(2.5 * level, 1e-4 * speech):
            at -= step
        moved[k] = at
    return moved


def _lengthened(symbols: list[str], bounds: np.ndarray, shortest: int) -> np.ndarray:
    """The bounds with phones below `shortest` samples grown to it, at the cost of the longer neighbour that sounds."""
    moved = bounds.copy()
    for k in range(len(symbols)):
        lacking = shortest - (moved[k + 1] - moved[k])
        if lacking <= 0:
            continue
        before = moved[k] - moved[k - 1] if k > 0 and symbols[k - 1] != SILENCE else 0
        behind = moved[k + 2] - moved[k + 1] if k + 1 < len(symbols) and symbols[k + 1] != SILENCE else 0
        if max(before, behind) - lacking < shortest:
            raise ConfigError(f"phone {k} ({symbols[k]}) is too short, and its neighbours have nothing to lend")
        if before >= behind:
            moved[k] -= lacking
        else:
            moved[k + 1] += lacking
    return moved


def _power(wave: np.ndarray, start: int, stop: int) -> float:
    """Mean square of wave[start:stop], 0 where nothing is there."""
    part = wave[max(start, 0) : max(stop, 0)]
    return float(np.mean(part * part)) if part.size else 0.0
