"""Phones from sound by pocketsphinx, offline: forced alignment with a transcript, all-phone decoding without.

A front end: networks and training never import it. pocketsphinx's US-English model (inside its wheel) sets phone
boundaries about 20 ms before those of the official phoneme files, so 20 ms are added. Alignment can fail (words that
are not said, noise); it is then tried with wider beams and with trailing silence, and at last all phones are decoded
without the transcript, which is worse and is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avct.errors import AvctError, MissingWeights
from avct.phonemes import IDS

SHIFT = 0.020
_FRAME = 0.010  # seconds of one pocketsphinx frame
_BEAMS = (1e-120, 1e-48)
_PADS = (0.0, 0.5)  # seconds of trailing zeros, which rescue files that end in mid-word
_FILLERS = {"+SPN+": "SIL", "+NSN+": "SIL", "+BREATH+": "SIL", "+COUGH+": "SIL", "+SMACK+": "SIL", "SIL": "SIL"}
_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


@dataclass(frozen=True)
class Aligned:
    """Phones (symbol, start s, end s), contiguous from 0 to the end, and how they were found.

    method: "aligned" (forced alignment with the transcript) or "all-phone" (decoded without it).
    """

    phones: tuple[tuple[str, float, float], ...]
    method: str


@dataclass(frozen=True)
class Heard:
    """Phones (symbol, start s, end s), contiguous from 0 to the end of a recording, and how they were found.

    way: "aligned" (forced alignment with the transcript), "decoded" (words were recognised, then aligned), "all-phone"
    (phones were recognised without words) or "silence" (nothing was heard: all SIL). notes: one line each on why a
    better way failed and on words whose pronunciation was guessed.
    """

    phones: tuple[tuple[str, float, float], ...]
    way: str
    notes: tuple[str, ...] = ()


def phones_of(samples: np.ndarray, transcript: str | None = None) -> Heard:
    """Phones of float (N,) sound at 16 kHz, whatever it is: no recording is without an answer.

    Raises MissingWeights where pocketsphinx is not installed.
    """
    try:
        found = align(samples, transcript)
    except MissingWeights:
        raise
    except AvctError as error:
        return Heard((("SIL", 0.0, len(samples) / 16_000),), "silence", (str(error),))
    return Heard(found.phones, found.method)


def words(transcript: str) -> list[str]:
    """The transcript's words in lower case, without punctuation; small whole numbers are spelt out."""
    found = re.findall(r"[a-z]+(?:'[a-z]+)*|\d+", transcript.lower().replace("’", "'"))
    return [_NUMBERS[int(w)] if w.isdigit() and int(w) < len(_NUMBERS) else w for w in found]


def align(samples: np.ndarray, transcript: str | None) -> Aligned:
    """Phones of float (N,) speech at 16 kHz. Raises AvctError for words without a pronunciation and for no speech.

    Without transcript, or where alignment fails every way, all phones are decoded (method "all-phone").
    """
    said = words(transcript) if transcript is not None else []
    if transcript is not None and not said:
        raise AvctError(f"transcript: expected words, got {transcript[:40]!r}")
    seconds = len(samples) / 16_000
    if said:
        for pad in _PADS:
            for beam in _BEAMS:
                found = _force(_pcm(samples, pad), said, beam)
                if found:
                    return Aligned(_whole(found, seconds), "aligned")
    found = _decode(_pcm(samples, 0.0))
    if not found:
        raise AvctError(f"speech: no phones were found in {seconds:.2f} s of sound")
    return Aligned(_whole(found, seconds), "all-phone")


def _pcm(samples: np.ndarray, pad: float) -> bytes:
    x = np.concatenate([np.asarray(samples, np.float64), np.zeros(int(pad * 16_000))])
    peak = np.abs(x).max()
    return np.rint(x * (0.7 * 32767 / peak if peak > 0 else 0)).astype("<i2").tobytes()


def _decoder(**options: object):
    try:
        from pocketsphinx import Decoder
    except ImportError:
        raise MissingWeights("phones from sound need the package pocketsphinx; or give a phoneme file") from None
    return Decoder(loglevel="FATAL", **options)


def _run(decoder, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _force(pcm: bytes, said: Sequence[str], beam: float) -> list[tuple[str, float, float]] | None:
    """Phones of a forced alignment, None where it fails. Two passes: words first, then phones inside them."""
    # The best path through the word lattice may give words too few frames for their phones, and the second pass fails.
    decoder = _decoder(lm=None, bestpath=False, beam=beam, pbeam=beam, wbeam=beam)
    unknown = sorted({w for w in said if decoder.lookup_word(w) is None})
    if unknown:
        raise AvctError(
            f"transcript: no pronunciation of {', '.join(unknown[:5])}; spell such words out or give a phoneme file"
        )
    try:
        decoder.set_align_text(" ".join(said))
        _run(decoder, pcm)
        if decoder.hyp() is None:
            return None
        decoder.set_alignment()
        _run(decoder, pcm)
        found = decoder.get_alignment()
    except RuntimeError:  # pocketsphinx's word for "the words do not fit the sound"
        return None
    if found is None:
        return None
    return [(p.name, p.start * _FRAME, (p.start + p.duration) * _FRAME) for word in found for p in word]


def _decode(pcm: bytes) -> list[tuple[str, float, float]]:
    """Phones of an all-phone search."""
    from pocketsphinx import get_model_path

    decoder = _decoder(allphone=get_model_path("en-us/en-us-phone.lm.bin"), lw=2.0, beam=1e-20, pbeam=1e-20)
    _run(decoder, pcm)
    return [(s.word, s.start_frame * _FRAME, (s.end_frame + 1) * _FRAME) for s in decoder.seg()]


def _whole(found: Sequence[tuple[str, float, float]], seconds: float) -> tuple[tuple[str, float, float], ...]:
    """Shifted, contiguous phones from 0 to `seconds`: gaps become SIL, fillers too, runs of SIL are joined."""
    out: list[tuple[str, float, float]] = []
    reached = 0.0
    for name, start, end in found:
        symbol = _FILLERS.get(name, name)
        if symbol not in IDS:
            symbol = "SIL"
        start, end = min(start + SHIFT, seconds), min(end + SHIFT, seconds)
        if start > reached + 1e-6:
            out.append(("SIL", reached, start))
        if end > max(start, reached):
            out.append((symbol, max(start, reached), end))
            reached = end
    if reached < seconds - 1e-6 or not out:
        out.append(("SIL", reached, seconds))
    joined: list[tuple[str, float, float]] = []
    for symbol, start, end in out:
        if joined and joined[-1][0] == symbol == "SIL":
            joined[-1] = ("SIL", joined[-1][1], end)
        else:
            joined.append((symbol, start, end))
    return tuple(joined)
