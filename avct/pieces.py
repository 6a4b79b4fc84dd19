"""One recording heard piece by piece: pieces are cut at pauses, so that memory stays bounded however long it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from avct.recogniser import RATE, Ear, Spoken, to_pcm

SILENT = 1e-3
"""Peak below which a recording, or a piece against its whole, holds nothing to hear: 60 dB down."""
SHORTEST = 0.1
"""Seconds below which no phone can be recognised."""
_PIECE = (10.0, 20.0)
"""Seconds of the pieces in which a recording is heard. The memory of a forced alignment grows with the square of the
length: ten minutes at once took 10.5 GB."""
_PAUSE = 0.15
"""Seconds between two words that make a good place to cut."""
_FASTEST = 10
"""Words a second that nobody says: a transcript with more is not searched for as a whole, which would take minutes."""
Triple = tuple[str, float, float]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Piece:
    """A stretch of the recording in samples, and the words in it."""

    first: int
    last: int
    words: tuple[Spoken, ...]


@dataclass(frozen=True)
class Found:
    """Phones and words of a recording, times in seconds from its start.

    misfit: share of the time at which they are wrong. wordless: pieces with sound that were heard without words.
    """

    phones: tuple[Triple, ...]
    words: tuple[Spoken, ...]
    misfit: float
    wordless: tuple[Piece, ...]


class Sound:
    """One recording and the ear that hears it, piece by piece."""

    def __init__(self, samples: np.ndarray, peak: float, progress: Progress) -> None:
        # a new one: what an ear has heard before moves the first boundaries of what it hears next by 10 to 40 ms
        self.ear = Ear()
        self._samples, self._peak, self._progress = samples, peak, progress

    def aligned(self, words: Sequence[str]) -> Found | None:
        """The phones of given words; None where they cannot be found in the sound."""
        if len(words) > _FASTEST * (1 + len(self._samples) / RATE):
            return None
        whole = Piece(0, len(self._samples), tuple(Spoken(word, 0.0, 0.0) for word in words))
        if whole.last <= _PIECE[1] * RATE:
            pieces = [whole]
        else:
            placed = self.ear.place(self._pcm(whole), words)
            if placed is None:
                return None
            pieces = _stretches(placed, whole.last)
        found = self.fit(pieces, doubt=1.0)
        return None if len(found.wordless) == len(pieces) else found

    def pieces(self, recognise: bool) -> list[Piece]:
        """The recording's pieces, with the words that are heard in them if those are to be recognised."""
        cuts = quiet_cuts(self._samples)
        pieces = []
        for first, last in pairwise(cuts):
            piece = Piece(first, last, ())
            if recognise and not self._silent(piece):
                piece = Piece(first, last, tuple(self.ear.recognise(self._pcm(piece))))
                self._progress(last / RATE)
            pieces.append(piece)
        return pieces

    def fit(self, pieces: Sequence[Piece], *, doubt: float) -> Found:
        """The phones of the pieces' words; phones alone where words do not fit, or are wrong for more than `doubt`."""
        phones: list[Triple] = []
        words: list[Spoken] = []
        wordless: list[Piece] = []
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
            elif silent:
                found = ()
            else:
                found = self.ear.phones(pcm)
                wordless.append(piece)
                wrong += piece.last - piece.first
            phones += [(symbol, begin + start, end + start) for symbol, begin, end in found]
            self._progress(piece.last / RATE)
        return Found(tuple(phones), tuple(words), wrong / len(self._samples), tuple(wordless))

    def _pcm(self, piece: Piece) -> bytes:
        return to_pcm(self._samples[piece.first : piece.last], self._peak)

    def _silent(self, piece: Piece) -> bool:
        part = self._samples[piece.first : piece.last]
        return len(part) < SHORTEST * RATE or float(np.abs(part).max(initial=0)) < SILENT * self._peak


def _stretches(placed: Sequence[Spoken], length: int) -> list[Piece]:
    """Pieces of 10 to 20 s of a recording of `length` samples, cut in pauses between its words where there are any."""
    pieces: list[Piece] = []
    begun, first = 0, 0
    for k, (word, following) in enumerate(pairwise(placed)):
        cut = round((word.end + following.start) / 2 * RATE)
        lasting = cut / RATE - first / RATE
        if lasting >= _PIECE[1] or (lasting >= _PIECE[0] and following.start - word.end >= _PAUSE):
            pieces.append(Piece(first, cut, tuple(placed[begun : k + 1])))
            begun, first = k + 1, cut
    return [*pieces, Piece(first, length, tuple(placed[begun:]))]


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
