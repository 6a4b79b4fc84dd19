"""Phones from sound, whatever the sound is: by its transcript, by words that are recognised, or phone by phone.

Three ways, the better first. "aligned": the transcript's words are found in the sound. "decoded": words are recognised
and then aligned. "all-phone": phones are recognised without words. Each is left for the next only for a reason, which
is told. On five real recordings with official phoneme files (`python -m avct.agreement`) they give 78, 74 and 53 % of
25 fps frames the same phone, and 96, 92 and 80 % the same viseme within one frame.

Long recordings are cut at pauses, so that memory stays bounded. pocketsphinx sets phone boundaries about 20 ms before
those of the official files: 20 ms are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from avct.errors import AvctError
from avct.phonemes import IDS, Word, from_seconds
from avct.pieces import SHORTEST, SILENT, Found, Progress, Sound, Triple
from avct.recogniser import RATE, Ear, Spoken
from avct.spelling import pronounce
from avct.transcript import words as words_of

SHIFT = 0.020
_FITS = 0.15
"""Share of the time that may be wrong before a transcript is doubted: a sentence in ten, not a word."""
_HEARD = 0.5
"""Share of the time that may be wrong before recognised words are doubted; beyond it they are noise or music."""


@dataclass(frozen=True)
class Heard:
    """Phones (symbol, start s, end s), contiguous from 0 to the end of a recording, and how they were found.

    way: "aligned" (forced alignment with the transcript), "decoded" (words were recognised, then aligned), "all-phone"
    (phones were recognised without words) or "silence" (nothing was heard: all SIL). notes: one line each on why a
    better way failed and on words whose pronunciation was guessed. words: with their times, empty without words.
    """

    phones: tuple[Triple, ...]
    way: str
    notes: tuple[str, ...] = ()
    words: tuple[Spoken, ...] = ()

    def official(self) -> list[Word]:
        """The words of an official phoneme file: silences are "sil", sounds outside any word bear their own name."""
        out: list[Word] = []
        places = iter(self.words)
        word = next(places, None)
        held: Spoken | None = None
        for phone in (p for run in from_seconds(self.phones) for p in run.phones):
            middle = (phone.begin + phone.end) / 200
            while word is not None and word.end <= middle:
                word = next(places, None)
            inside = word if word is not None and word.start <= middle and phone.symbol != "SIL" else None
            if out and inside is held and inside is not None:
                out[-1] = Word(out[-1].text, (*out[-1].phones, phone))
            else:
                silent = "sil" if phone.symbol == "SIL" else phone.symbol
                out.append(Word(inside.text.upper() if inside else silent, (phone,)))
            held = inside
        return out


def phones_of(
    samples: np.ndarray,
    transcript: str | None = None,
    *,
    recognise: bool = True,
    progress: Progress = lambda _: None,
) -> Heard:
    """The phones of float (N,) sound at 16 kHz; no recording is without an answer.

    transcript: what is said, in English as it is written (numbers and abbreviations are spelt out); where it is
    missing, or is not what is said, words are recognised. recognise: whether they are, or phones alone, which takes a
    sixth of the time and is worse. progress: called with the seconds heard so far.
    Raises MissingWeights where pocketsphinx is not installed, AvctError where samples are not one channel of numbers.
    """
    x = np.asarray(samples)
    if x.ndim != 1 or x.dtype.kind not in "fiu":
        raise AvctError(f"speech: expected samples (N,) of one channel, got {x.dtype} {x.shape}")
    x = np.nan_to_num(x.astype(np.float64), posinf=0.0, neginf=0.0)
    seconds, peak = len(x) / RATE, float(np.abs(x).max(initial=0))
    if seconds < SHORTEST or peak < SILENT:
        why = f"{seconds:.2f} s are too short" if seconds < SHORTEST else "the recording is silent"
        return Heard((("SIL", 0.0, seconds),), "silence", (f"nothing was heard: {why}",))
    sound = Sound(x, peak, progress)
    notes: list[str] = []
    said = _said(transcript, sound.ear, notes) if transcript is not None else []
    found = sound.aligned(said) if said else None
    if found is not None and found.misfit <= _FITS:
        return _heard(found, seconds, "aligned", notes)
    pieces = sound.pieces(recognise)
    if said:
        merged = reconcile(said, [word.text for piece in pieces for word in piece.words])
        again = sound.aligned(merged) if merged else None
        if again is not None and again.misfit <= _FITS:
            notes.append(f"the transcript is not all that is said, or more: {len(merged)} words for its {len(said)}")
            return _heard(again, seconds, "aligned", notes)
    decoded = sound.fit(pieces, doubt=_HEARD)
    if said:
        fit = "could not be found in the sound" if found is None else f"fits {1 - found.misfit:.0%} of the sound"
        if found is not None and found.misfit <= min(_HEARD, decoded.misfit):
            # noise, through which the recogniser hears worse than one who knows what is said
            return _heard(found, seconds, "aligned", [*notes, f"the transcript {fit}, recognised words fit less"])
        notes.append(f"the transcript {fit} and was not used")
    return _decoded(decoded, seconds, notes)


def reconcile(said: Sequence[str], heard: Sequence[str]) -> list[str]:
    """The transcript's words where recognised words bear them out, recognised words where they do not.

    For transcripts of which a part is missing or is not said. Empty where the two have too little in common: less than
    a third of the recognised words, counting runs of two at least.
    """
    match = SequenceMatcher(None, said, heard, autojunk=False)
    if sum(block.size for block in match.get_matching_blocks() if block.size > 1) * 3 < len(heard):
        return []
    merged: list[str] = []
    for kind, i, end_i, j, end_j in match.get_opcodes():
        ours, theirs = said[i:end_i], heard[j:end_j]
        # Of words that were heard otherwise, or not, the transcript knows better, unless there are far more or fewer.
        similar = len(ours) <= 2 * len(theirs) + 2 and len(theirs) <= 2 * len(ours) + 2
        merged += ours if kind == "equal" or similar else theirs
    return merged


def _said(transcript: str, ear: Ear, notes: list[str]) -> list[str]:
    """The transcript's words, all of which the ear then knows; what was guessed or cannot be read goes to the notes."""
    said = words_of(transcript, known=lambda word: ear.sounds(word) is not None)
    if not said:
        notes.append(f"transcript: expected English words, got {transcript[:40]!r}; it was not used")
    guessed = [word for word in dict.fromkeys(said) if ear.sounds(word) is None]
    told = []
    for word in guessed:
        sounds = pronounce(word, ear.sounds)
        ear.learn(word, sounds)
        told.append(f"{word} ({sounds})")
    if told:
        more = f" and {len(told) - 5} more" if len(told) > 5 else ""
        notes.append(f"not in the dictionary, pronunciation guessed: {', '.join(told[:5])}{more}")
    return said


def _decoded(found: Found, seconds: float, notes: list[str]) -> Heard:
    """The answer where no transcript helped."""
    heard = any(symbol in IDS and symbol != "SIL" for symbol, _, _ in found.phones)
    if not heard:
        return _heard(found, seconds, "silence", [*notes, "nothing was heard: no phones in the sound"])
    if not found.words:
        return _heard(found, seconds, "all-phone", [*notes, "no words: phones were recognised without them"])
    return _heard(found, seconds, "decoded", notes)


def _heard(found: Found, seconds: float, way: str, notes: Sequence[str]) -> Heard:
    lost = sum(piece.last - piece.first for piece in found.wordless) / RATE
    if lost and found.words:
        notes = [*notes, f"no words in {lost:.1f} of {seconds:.1f} s: phones were recognised without them there"]
    words = tuple(Spoken(word.text, word.start + SHIFT, word.end + SHIFT) for word in found.words)
    return Heard(_whole(found.phones, seconds), way, tuple(notes), words)


def _whole(found: Sequence[Triple], seconds: float) -> tuple[Triple, ...]:
    """Shifted, contiguous phones from 0 to `seconds`: gaps become SIL, fillers too, runs of SIL are joined."""
    out: list[Triple] = []
    reached = 0.0
    for name, start, end in found:
        symbol = name if name in IDS else "SIL"  # pocketsphinx's breaths, coughs and noises
        start, end = min(start + SHIFT, seconds), min(end + SHIFT, seconds)
        if start > reached + 1e-6:
            out.append(("SIL", reached, start))
        if end > max(start, reached):
            out.append((symbol, max(start, reached), end))
            reached = end
    if reached < seconds - 1e-6 or not out:
        out.append(("SIL", reached, seconds))
    joined: list[Triple] = []
    for symbol, start, end in out:
        if joined and joined[-1][0] == symbol == "SIL":
            joined[-1] = ("SIL", joined[-1][1], end)
        else:
            joined.append((symbol, start, end))
    return tuple(joined)
