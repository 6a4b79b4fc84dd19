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
from avct.phonemes import IDS

RATE = 16_000
_FRAME = 0.010  # seconds of one pocketsphinx frame
_BEAMS = (1e-120, 1e-250)
"""Widths of the search for given words; the second is tried where the first finds no way to the end. The usual 1e-48
loses words that are said fast or mumbled: of the recording id01908 it gave 68 % of the frames the right phone, 1e-120
gives 76 % for as much time. With white noise 5 dB below the speech 1e-120 finds three of five recordings, 1e-250 all.
"""
_MISFIT = -45.0
"""Mean score of a second of sound below which the phones are not those that are said. Five real recordings with their
own words are wrong (`_misfit`) for at most 1 % of the time, without the second half of the words for 45 to 57 %, with
the words in reverse order for 81 to 100 %."""
_WINDOW = 100  # frames over which scores are averaged: a second, more than any one badly said word
_LONGEST = 60  # frames of one sound: in those recordings the longest has 39


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


@dataclass(frozen=True)
class _Phone:
    """One phone of an alignment: pocketsphinx's name, first frame, number of frames, score."""

    name: str
    start: int
    duration: int
    score: int


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
        placed, phones = [], []
        for word in found:
            if _is_word(word.name):
                start, end = word.start * _FRAME, (word.start + word.duration) * _FRAME
                placed.append(Spoken(_plain(word.name), start, end))
            phones += [_Phone(phone.name, phone.start, phone.duration, phone.score) for phone in word]
        times = tuple((p.name, p.start * _FRAME, (p.start + p.duration) * _FRAME) for p in phones)
        return Fitted(tuple(placed), times, _misfit(phones, pcm))

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


def _misfit(phones: Sequence[_Phone], pcm: bytes) -> float:
    """Share of 10 ms frames that are wrong, of all or of the speech: the larger of the two.

    A frame is wrong where a second's mean score around it is below what fitting phones have, where a sound lasts too
    long, and where a long silence is as loud as speech; a score alone misses the last two, since it is relative to the
    phones that the words offer. Speech and silence are averaged apart: noise fits silence, and drowns a few words.
    """
    lasting = [phone.duration for phone in phones]
    score = np.repeat([phone.score / phone.duration for phone in phones], lasting)
    spoken = np.repeat([phone.name in IDS and phone.name != "SIL" for phone in phones], lasting)
    if not spoken.any():
        return 1.0
    wrong = spoken & (np.repeat(lasting, lasting) > _LONGEST)
    for kind in (spoken, ~spoken):
        wrong |= kind & (_around(score * kind) < _MISFIT * _around(kind))
    power = _power(pcm, len(score))
    ends = np.flatnonzero(np.diff(np.r_[False, ~spoken, False]))
    for first, last in zip(ends[::2], ends[1::2], strict=True):
        if last - first > _WINDOW and power[first:last].mean() > 0.5 * power[spoken].mean():
            wrong[first:last] = True
    return max(float(wrong.mean()), float(wrong[spoken].mean()))


def _around(values: np.ndarray) -> np.ndarray:
    """Sums over the second around each frame, fewer at the ends."""
    return np.convolve(values, np.ones(_WINDOW))[_WINDOW // 2 :][: len(values)]


def _power(pcm: bytes, frames: int) -> np.ndarray:
    """Mean square of each 10 ms, as many as asked for."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    step = round(_FRAME * RATE)
    held = np.zeros(frames * step)
    held[: len(samples)] = samples[: len(held)]
    return (held.reshape(frames, step) ** 2).mean(1)
