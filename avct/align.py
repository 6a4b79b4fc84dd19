"""Phones from sound, whatever the sound is: by its transcript, by words that are recognised, or phone by phone.

Three ways, the better first. "aligned": the transcript's words are found in the sound. "decoded": words are recognised
and then aligned. "all-phone": phones are recognised without words. Each is left for the next only for a reason, which
is told. On five real recordings with official phoneme files (`python -m avct.agreement`) they give 78, 74 and 53 % of
25 fps frames the same phone, and 96, 92 and 80 % the same viseme within one frame.

Long recordings are cut at pauses, so that memory stays bounded. pocketsphinx sets phone boundaries about 20 ms before
those of the official files: 20 ms are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np

from avct.errors import AvctError
from avct.phonemes import IDS, Word, from_seconds
from avct.recogniser import RATE, Ear, Spoken, to_pcm
from avct.spelling import pronounce
from avct.transcript import words as words_of

SHIFT = 0.020
_SILENT = 1e-3
"""Peak below which a recording, or a piece against its whole, holds nothing to hear: 60 dB down."""
_SHORTEST = 0.1
"""Seconds below which no phone can be recognised."""
_PIECE = (10.0, 20.0)
"""Seconds of the pieces in which a recording is heard. The memory of a forced alignment grows with the square of the
length: ten minutes at once took 10.5 GB."""
_PAUSE = 0.15
"""Seconds between two words that make a good place to cut."""
_FASTEST = 10
"""Words a second that nobody says: a transcript with more is not searched for as a whole, which would take minutes."""
_FITS = 0.15
"""Share of the time that may be wrong before a transcript is doubted: a sentence in ten, not a word."""
_HEARD = 0.5
"""Share of the time that may be wrong before recognised words are doubted; beyond it they are noise or music."""
Triple = tuple[str, float, float]
Progress = Callable[[float], None]


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
    if seconds < _SHORTEST or peak < _SILENT:
        why = f"{seconds:.2f} s are too short" if seconds < _SHORTEST else "the recording is silent"
        return Heard((("SIL", 0.0, seconds),), "silence", (f"nothing was heard: {why}",))
    sound = _Sound(x, peak, progress)
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


def quiet_cuts(samples: np.ndarray) -> list[int]:
    """Sample indices at which to cut a recording, its ends included: the quietest places, 10 to 20 s apart."""
    step = RATE // 100
    power = (samples[: len(samples) // step * step].reshape(-1, step) ** 2).mean(1)
    level = np.convolve(power, np.full(30, 1 / 30), "same")  # 0.3 s: a pause, not the closure of a stop
    shortest, longest = (int(seconds * 100) for seconds in _PIECE)
    cuts = [0]
    while len(power) - cuts[-1] > longest:
        first = cuts[-1] + shortest
        cuts.append(first + int(level[first : cuts[-1] + longest].argmin()))
    return [*(cut * step for cut in cuts), len(samples)]


@dataclass(frozen=True)
class _Piece:
    """A stretch of the recording in samples, and the words in it."""

    first: int
    last: int
    words: tuple[Spoken, ...]


@dataclass(frozen=True)
class _Found:
    """Phones and words of a recording, times in seconds from its start.

    misfit: share of the time at which they are wrong. wordless: pieces that were heard without words.
    """

    phones: tuple[Triple, ...]
    words: tuple[Spoken, ...]
    misfit: float
    wordless: tuple[_Piece, ...]


class _Sound:
    """One recording and the ear that hears it, piece by piece."""

    def __init__(self, samples: np.ndarray, peak: float, progress: Progress) -> None:
        # a new one: what an ear has heard before moves the first boundaries of what it hears next by 10 to 40 ms
        self.ear = Ear()
        self._samples, self._peak, self._progress = samples, peak, progress

    def aligned(self, words: Sequence[str]) -> _Found | None:
        """The phones of given words; None where they cannot be found in the sound."""
        if len(words) > _FASTEST * (1 + len(self._samples) / RATE):
            return None
        whole = _Piece(0, len(self._samples), tuple(Spoken(word, 0.0, 0.0) for word in words))
        if whole.last <= _PIECE[1] * RATE:
            pieces = [whole]
        else:
            placed = self.ear.place(self._pcm(whole), words)
            if placed is None:
                return None
            pieces = _stretches(placed, whole.last)
        found = self.fit(pieces, doubt=1.0)
        return None if len(found.wordless) == len(pieces) else found

    def pieces(self, recognise: bool) -> list[_Piece]:
        """The recording's pieces, with the words that are heard in them if those are to be recognised."""
        cuts = quiet_cuts(self._samples)
        pieces = []
        for first, last in pairwise(cuts):
            piece = _Piece(first, last, ())
            if recognise and not self._silent(piece):
                piece = _Piece(first, last, tuple(self.ear.recognise(self._pcm(piece))))
                self._progress(last / RATE)
            pieces.append(piece)
        return pieces

    def fit(self, pieces: Sequence[_Piece], *, doubt: float) -> _Found:
        """The phones of the pieces' words; phones alone where words do not fit, or are wrong for more than `doubt`."""
        phones: list[Triple] = []
        words: list[Spoken] = []
        wordless: list[_Piece] = []
        wrong = 0.0
        for piece in pieces:
            start, pcm = piece.first / RATE, self._pcm(piece)
            silent = self._silent(piece)
            texts = [word.text for word in piece.words]
            fitted = self.ear.fit(pcm, texts) if texts and not silent else None
            if fitted is not None and fitted.misfit <= doubt:
                found = fitted.phones
                words += [Spoken(word.text, word.start + start, word.end + start) for word in fitted.words]
                wrong += fitted.misfit * (piece.last - piece.first)
            else:
                found = () if silent else self.ear.phones(pcm)
                wordless.append(piece)
                wrong += piece.last - piece.first
            phones += [(symbol, begin + start, end + start) for symbol, begin, end in found]
            self._progress(piece.last / RATE)
        return _Found(tuple(phones), tuple(words), wrong / len(self._samples), tuple(wordless))

    def _pcm(self, piece: _Piece) -> bytes:
        return to_pcm(self._samples[piece.first : piece.last], self._peak)

    def _silent(self, piece: _Piece) -> bool:
        part = self._samples[piece.first : piece.last]
        return len(part) < _SHORTEST * RATE or float(np.abs(part).max(initial=0)) < _SILENT * self._peak


def _stretches(placed: Sequence[Spoken], length: int) -> list[_Piece]:
    """Pieces of 10 to 20 s of a recording of `length` samples, cut in pauses between its words where there are any."""
    pieces: list[_Piece] = []
    begun, first = 0, 0
    for k, (word, following) in enumerate(pairwise(placed)):
        cut = round((word.end + following.start) / 2 * RATE)
        lasting = cut / RATE - first / RATE
        if lasting >= _PIECE[1] or (lasting >= _PIECE[0] and following.start - word.end >= _PAUSE):
            pieces.append(_Piece(first, cut, tuple(placed[begun : k + 1])))
            begun, first = k + 1, cut
    return [*pieces, _Piece(first, length, tuple(placed[begun:]))]


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


def _decoded(found: _Found, seconds: float, notes: list[str]) -> Heard:
    """The answer where no transcript helped."""
    heard = any(symbol in IDS and symbol != "SIL" for symbol, _, _ in found.phones)
    if not heard:
        return _heard(found, seconds, "silence", [*notes, "nothing was heard: no phones in the sound"])
    if not found.words:
        return _heard(found, seconds, "all-phone", [*notes, "no words: phones were recognised without them"])
    lost = sum(piece.last - piece.first for piece in found.wordless) / RATE
    if lost:
        notes = [
            *notes,
            f"no words were recognised in {lost:.1f} of {seconds:.1f} s: there, phones were, without words",
        ]
    return _heard(found, seconds, "decoded", notes)


def _heard(found: _Found, seconds: float, way: str, notes: Sequence[str]) -> Heard:
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
