"""pocketsphinx's US-English model, offline: words at their times, phones inside words, words or phones without a text.

A front end: networks and training never import it. Times are as pocketsphinx gives them, in seconds from the start of
what it hears.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avct.errors import MissingWeights

RATE = 16_000
_FRAME = 0.010  # seconds of one pocketsphinx frame
_BEAMS = (1e-120, 1e-250)
"""Widths of the search for given words; the second is tried where the first finds no way to the end. The usual 1e-48
loses words that are said fast or mumbled: of the recording id01908 it gave 68 % of the frames the right phone, 1e-120
gives 76 % for as much time. With white noise 5 dB below the speech 1e-120 finds three of five recordings, 1e-250 all.
"""
_MISFIT = -45.0
"""Mean score of a second of sound below which the phones are not those that are said. Five real recordings with their
own words are below it for at most 2 % of their time; with half of the words missing, or others, for 40 to 97 %."""
_WINDOW = 100  # frames over which scores are averaged: a second, more than any one badly said word


@dataclass(frozen=True)
class Spoken:
    """One word and when it is said, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Fitted:
    """Words and phones (symbol, start s, end s) of a forced alignment; misfit: share of the time where they are wrong.

    Words leave silences out; phones hold them, as pocketsphinx calls them (SIL, +NSN+, +SPN+).
    """

    words: tuple[Spoken, ...]
    phones: tuple[tuple[str, float, float], ...]
    misfit: float


class Ear:
    """The recogniser; its parts are loaded on first use and kept. Raises MissingWeights without pocketsphinx."""

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except ImportError:
            raise MissingWeights("phones from sound need the package pocketsphinx; or give a phoneme file") from None
        self._library = pocketsphinx
        self._decoders: dict[str, Any] = {}
        self._learnt: dict[str, str] = {}

    def sounds(self, word: str) -> str | None:
        """How a lower-case word is said, CMU symbols with blanks between; None when it is neither known nor learnt."""
        return self._learnt.get(word) or next(self._aligners()).lookup_word(word)

    def learn(self, word: str, sounds: str) -> None:
        """Nothing; from now on the word can be aligned."""
        self._learnt[word] = sounds

    def place(self, pcm: bytes, words: Sequence[str]) -> list[Spoken] | None:
        """When each of the words is said; None where they cannot be fitted. Takes time and memory in proportion."""
        decoder = self._follow(pcm, words)
        return decoder and _spoken(decoder)

    def fit(self, pcm: bytes, words: Sequence[str]) -> Fitted | None:
        """The phones of the words, None where they cannot be fitted. Memory grows with the square of the length."""
        decoder = self._follow(pcm, words)
        if decoder is None:
            return None
        try:
            decoder.set_alignment()
            _listen(decoder, pcm)
            found = decoder.get_alignment()
        except RuntimeError:  # pocketsphinx's word for "the phones do not fit into their words"
            return None
        if found is None:
            return None
        placed, phones, scores = [], [], []
        for word in found:
            if _is_word(word.name):
                start, end = word.start * _FRAME, (word.start + word.duration) * _FRAME
                placed.append(Spoken(_plain(word.name), start, end))
            for phone in word:
                phones.append((phone.name, phone.start * _FRAME, (phone.start + phone.duration) * _FRAME))
                scores += [phone.score / phone.duration] * phone.duration
        return Fitted(tuple(placed), tuple(phones), _misfit(scores))

    def recognise(self, pcm: bytes) -> list[Spoken]:
        """The words that are heard, by the model's own language model."""
        # No second, flat pass: on five real recordings it took a sixth of the time and made lips no better.
        decoder = self._decoder("words", fwdflat=False)
        _listen(decoder, pcm)
        return _spoken(decoder)

    def phones(self, pcm: bytes) -> list[tuple[str, float, float]]:
        """Phones (symbol, start s, end s) that are heard, by a language model of phones."""
        model = self._library.get_model_path("en-us/en-us-phone.lm.bin")
        decoder = self._decoder("phones", allphone=model, lw=2.0, beam=1e-20, pbeam=1e-20)
        _listen(decoder, pcm)
        return [(s.word, s.start_frame * _FRAME, (s.end_frame + 1) * _FRAME) for s in decoder.seg()]

    def _aligners(self) -> Iterator[Any]:
        # bestpath smooths words over the lattice, and may leave one fewer frames than its phones need; then the phones
        # fit nowhere. That was why recordings failed to align.
        for beam in _BEAMS:
            yield self._decoder(f"words, {beam}", lm=None, bestpath=False, beam=beam, pbeam=beam, wbeam=beam)

    def _follow(self, pcm: bytes, words: Sequence[str]) -> Any | None:
        """A decoder that has found the words in the sound, one after the other; None where none does."""
        for decoder in self._aligners():
            for word in words:
                if word in self._learnt and decoder.lookup_word(word) is None:
                    decoder.add_word(word, self._learnt[word], False)
            try:
                decoder.set_align_text(" ".join(words))
                _listen(decoder, pcm)
            except RuntimeError:
                continue
            if decoder.hyp() is not None:
                return decoder
        return None

    def _decoder(self, name: str, **options: object) -> Any:
        if name not in self._decoders:
            self._decoders[name] = self._library.Decoder(loglevel="FATAL", **options)
        return self._decoders[name]


def to_pcm(samples: np.ndarray, peak: float) -> bytes:
    """Sound as pocketsphinx takes it, 16 bits; `peak` (of the whole recording) is put at 70 % of full scale."""
    return np.rint(np.asarray(samples, np.float64) * (0.7 * 32767 / peak)).astype("<i2").tobytes()


def _listen(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _spoken(decoder: Any) -> list[Spoken]:
    segments = decoder.seg() or []
    return [
        Spoken(_plain(s.word), s.start_frame * _FRAME, (s.end_frame + 1) * _FRAME) for s in segments if _is_word(s.word)
    ]


def _is_word(name: str) -> bool:
    return name[0] not in "<[+("


def _plain(name: str) -> str:
    """Without the number of a second way to say the word: "for(2)" is for."""
    return re.sub(r"\(\d+\)$", "", name)


def _misfit(scores: Sequence[float]) -> float:
    """Share of the frames around which a second's mean score is below what fitting phones have."""
    if not scores:
        return 1.0
    width = min(_WINDOW, len(scores))
    mean = np.convolve(scores, np.full(width, 1 / width), "same")
    return float((mean < _MISFIT).mean())
