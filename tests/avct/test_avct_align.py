"""Phones from sound: the three ways and why one is left, transcripts that do not fit, sounds that are no speech."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from avct.align import Heard, phones_of, reconcile
from avct.errors import AvctError, MissingWeights
from avct.phonemes import IDS, parse, to_json
from avct.pieces import quiet_cuts

RATE = 16_000


@pytest.fixture(scope="module")
def said():
    """A recording of the embedded corpus with its exact phones: 'Spoken' samples, transcript, phones."""
    pytest.importorskip("pocketsphinx", reason="phones from sound need pocketsphinx")
    from bench.datasets.puppets.corpus import Puppets

    return Puppets("test").speech("heldout-a-te01")


def same(heard: Heard, exact) -> float:
    """Share of the time, every 20 ms, at which both have the same phone."""
    times = np.arange(0, heard.phones[-1][2], 0.02)
    ours = [next(symbol for symbol, start, end in heard.phones if start <= t < end or end == heard.phones[-1][2])
            for t in times]  # fmt: skip
    theirs = [next((p.symbol for p in exact if p.start <= t < p.end), "SIL") for t in times]
    return float(np.mean([a == b for a, b in zip(ours, theirs, strict=True)]))


def whole(heard: Heard, seconds: float) -> bool:
    """Whether the phones are known ones and last from 0 to the end without a gap."""
    ends = [0.0, *(end for _, _, end in heard.phones)]
    touching = all(start == before for (_, start, _), before in zip(heard.phones, ends, strict=False))
    return touching and ends[-1] == pytest.approx(seconds) and {p[0] for p in heard.phones} <= IDS.keys()


def test_with_its_transcript_speech_is_aligned(said) -> None:
    heard = phones_of(said.samples, said.transcript)
    assert (heard.way, heard.notes) == ("aligned", ()) and whole(heard, len(said.samples) / RATE)
    assert same(heard, said.phones) > 0.6
    assert heard.words[0].text == said.transcript.split()[0].lower()
    official = heard.official()
    assert parse(to_json(official)) == official
    assert [w.text for w in official if w.text != "sil"] == [word.text.upper() for word in heard.words]


def test_unknown_words_and_numbers_are_guessed_and_told(said) -> None:
    words = said.transcript.split()
    odd = " ".join(["Xqwblork" if k == 1 else word for k, word in enumerate(words)])
    heard = phones_of(said.samples, odd)
    assert "not in the dictionary, pronunciation guessed: xqwblork (" in heard.notes[0]


def test_half_a_transcript_is_filled_with_what_is_heard(said) -> None:
    words = said.transcript.split()
    heard = phones_of(said.samples, " ".join(words[: len(words) // 2]))
    assert heard.way in ("aligned", "decoded") and len(heard.words) > len(words) // 2
    assert "transcript" in heard.notes[0] and same(heard, said.phones) > 0.4


def test_another_transcript_is_not_used(said) -> None:
    heard = phones_of(said.samples, "seventeen hungry elephants wander over the frozen northern sea tonight")
    assert heard.way == "decoded" and "was not used" in heard.notes[0] and heard.words


def test_phones_alone(said) -> None:
    heard = phones_of(said.samples, recognise=False)
    assert heard.way == "all-phone" and heard.words == () and whole(heard, len(said.samples) / RATE)
    assert heard.notes == ("no words: phones were recognised without them",)


def test_a_transcript_in_another_script_is_told(said) -> None:
    heard = phones_of(said.samples[: 2 * RATE], "你好世界", recognise=False)
    assert heard.way == "all-phone" and "expected English words, got '你好世界'" in heard.notes[0]


def test_long_speech_is_aligned_piece_by_piece(said) -> None:
    times = -(-25 * RATE // len(said.samples))
    seen: list[float] = []
    heard = phones_of(np.tile(said.samples, times), " ".join([said.transcript] * times), progress=seen.append)
    assert heard.way == "aligned" and whole(heard, times * len(said.samples) / RATE)
    assert len(seen) >= 2 and seen == sorted(seen)
    assert len(heard.words) == times * len(phones_of(said.samples, said.transcript).words)
    once, last = len(said.samples) / RATE, heard.words[-1]
    assert last.text == heard.words[len(heard.words) // times - 1].text and last.start > (times - 1) * once


def test_no_sound_is_without_an_answer() -> None:
    pytest.importorskip("pocketsphinx", reason="phones from sound need pocketsphinx")
    rng = np.random.default_rng(0)
    t = np.arange(RATE // 2) / RATE
    noise = rng.normal(0, 0.1, RATE // 2)
    sounds = {
        "empty": np.zeros(0),
        "a tick": noise[:800],
        "silence": np.zeros(RATE),
        "faint": np.full(RATE, 1e-5),
        "0.2 s": noise[: RATE // 5],
        "a tone": 0.3 * np.sin(440 * t),
        "not numbers": np.where(t > 0.3, np.nan, np.sin(2000 * t)),
        "whole numbers": (9000 * np.sin(900 * t)).astype(int),
        "a step": np.ones(RATE // 2),
    }
    for name, samples in sounds.items():
        heard = phones_of(samples, recognise=False)
        assert whole(heard, len(samples) / RATE), name
        assert heard.way in ("silence", "all-phone") and heard.notes, (name, heard)
    heard = phones_of(noise, "hello there")
    assert heard.way == "silence" and "the transcript" in heard.notes[0] and "nothing was heard" in heard.notes[1]
    for wrong in (np.zeros((2, RATE)), np.array(["a"])):
        with pytest.raises(AvctError, match=r"expected samples \(N,\) of one channel"):
            phones_of(wrong)


def test_without_pocketsphinx_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(MissingWeights, match="package pocketsphinx"):
        phones_of(np.random.default_rng(0).normal(0, 0.1, RATE))


def test_cuts_lie_in_pauses() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, 65 * RATE)
    for pause in (13, 31, 45.5):
        sound[int(pause * RATE) : int((pause + 0.4) * RATE)] *= 0.01
    cuts = np.array(quiet_cuts(sound)) / RATE
    assert cuts[0] == 0 and cuts[-1] == 65 and (np.diff(cuts) <= 20).all() and (np.diff(cuts)[:-1] >= 10).all()
    assert all(np.abs(cuts - pause - 0.2).min() < 0.3 for pause in (13, 31, 45.5))
    assert quiet_cuts(np.zeros(1600)) == [0, 1600]


@pytest.mark.parametrize(
    ("said", "heard", "merged"),
    [
        ("a b c d e f", "a b c x e f", "a b c d e f"),  # one word was heard otherwise
        ("a b c d", "a b c d p q r s t u", "a b c d p q r s t u"),  # the transcript ends early
        ("a b c d p q r s t u", "a b c d", "a b c d"),  # the recording ends early
        ("a b c d e f g h", "x y z w v", ""),  # nothing in common
    ],
)
def test_a_transcript_is_reconciled_with_what_is_heard(said: str, heard: str, merged: str) -> None:
    assert reconcile(said.split(), heard.split()) == merged.split()
