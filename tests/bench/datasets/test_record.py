"""Events become phones as they should, and the script makes the recordings that are shipped."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from bench.datasets.puppets import record, speech
from bench.datasets.puppets.espeak import Utterance, utter
from bench.datasets.puppets.record import main, master, script
from bench.datasets.puppets.timing import phones
from bench.errors import ConfigError, MissingError

HZ = 22_050


def _utterance(*events: tuple[str, float, float], tail: str = "_:") -> Utterance:
    """An utterance of (mnemonic, seconds, amplitude of a 200 Hz hum), then a short pause."""
    parts, marks, at = [], [], 0
    for name, seconds, amplitude in (*events, (tail, 0.01, 0.0)):
        count = round(seconds * HZ)
        if name != "-":  # sound without an event of its own
            marks.append((at, name))
        parts.append(amplitude * np.sin(2 * np.pi * 200 * np.arange(at, at + count) / HZ))
        at += count
    return Utterance(np.concatenate(parts).astype(np.int16), HZ, tuple(marks), "test")


def _symbols(utterance: Utterance) -> list[str]:
    return [symbol for symbol, _, _ in phones(utterance)]


def test_silence_before_a_stop_belongs_to_the_stop():
    said = phones(_utterance(("'V", 0.1, 9000), ("-", 0.05, 0), ("p", 0.04, 3000), ("I", 0.1, 9000)))
    assert [symbol for symbol, _, _ in said] == ["AH", "P", "IH"]
    assert said[1][1] == pytest.approx(0.1, abs=0.006) and said[1][2] == pytest.approx(0.19, abs=1e-3)


def test_faint_echo_before_a_stop_belongs_to_the_stop_but_a_hum_does_not():
    echo = phones(_utterance(("'V", 0.1, 9000), ("-", 0.05, 300), ("p", 0.04, 3000), ("I", 0.1, 9000)))
    assert echo[1][1] == pytest.approx(0.1, abs=0.006)
    hum = phones(_utterance(("'V", 0.1, 9000), ("-", 0.05, 2500), ("b", 0.04, 3000), ("I", 0.1, 9000)))
    assert hum[1][1] == pytest.approx(0.15, abs=1e-3)


def test_stop_after_silence_has_a_closure_before_its_sound():
    said = phones(_utterance(("t", 0.04, 3000), ("I", 0.1, 9000), ("_:", 0.2, 0), ("k", 0.04, 3000), ("I", 0.1, 9000)))
    assert [symbol for symbol, _, _ in said] == ["T", "IH", "SIL", "K", "IH"]
    assert said[0][1] == pytest.approx(-0.04, abs=1e-4)
    assert said[3][1] == pytest.approx(0.34 - 0.04, abs=1e-3)


def test_vowel_after_a_nasal_starts_where_the_sound_rises():
    said = phones(_utterance(("m", 0.08, 1500), ("-", 0.03, 9000), ("I", 0.1, 9000)))
    assert said[0][2] == pytest.approx(0.08, abs=0.008)
    steady = phones(_utterance(("m", 0.11, 5000), ("I", 0.1, 5000)))
    assert steady[0][2] == pytest.approx(0.11, abs=1e-3)


@pytest.mark.parametrize(
    ("mnemonics", "symbols"),
    [
        ("'A@ t", "AA R T"),
        ("'aI3", "AY ER"),
        ("'i@3 r I N", "IH R IH NG"),  # one R between the vowels
        ("3 r- @", "ER AH"),  # ER holds its own
        ("D I2 ; 'a", "DH IH AE"),
        ("S 'O@ ? n-", "SH AO R T AH N"),
        ("'a p @L", "AE P AH L"),
        ("tS 'eI n dZ", "CH EY N JH"),
    ],
)
def test_one_event_may_be_two_phones_or_none(mnemonics, symbols):
    assert _symbols(_utterance(*((name, 0.12, 6000) for name in mnemonics.split()))) == symbols.split()


def test_pauses_merge_and_the_shortest_vanish():
    long = _utterance(("I", 0.1, 9000), ("_:", 0.07, 0), ("_", 0.0, 0), ("_:", 0.07, 0), ("I", 0.1, 9000))
    assert [(s, round(b - a, 2)) for s, a, b in phones(long)] == [("IH", 0.1), ("SIL", 0.14), ("IH", 0.1)]
    short = _utterance(("I", 0.1, 9000), ("_!", 0.02, 0), ("w", 0.1, 9000))
    assert [(s, round(b - a, 2)) for s, a, b in phones(short)] == [("IH", 0.12), ("W", 0.1)]


def test_l_that_lies_in_its_vowel_gets_its_share():
    said = phones(_utterance(("h", 0.06, 3000), ("'I", 0.3, 9000), ("l", 0.0, 0)))
    assert [symbol for symbol, _, _ in said] == ["HH", "IH", "L"]
    assert said[2][2] - said[2][1] == pytest.approx(0.12, abs=1e-3)


def test_short_phone_borrows_from_its_longer_neighbour():
    said = phones(_utterance(("n", 0.1, 5000), ("d", 0.018, 5000), ("w", 0.08, 5000)))
    assert [round(b - a, 3) for _, a, b in said] == [0.088, 0.03, 0.08]
    with pytest.raises(ConfigError, match="nothing to lend"):
        phones(_utterance(("n", 0.03, 5000), ("d", 0.005, 5000), ("w", 0.03, 5000)))


def test_phoneme_without_a_cmu_phone_is_an_error():
    with pytest.raises(ConfigError, match="'y:' has no CMU phone"):
        phones(_utterance(("y:", 0.1, 5000)))
    with pytest.raises(ConfigError, match="said nothing"):
        phones(_utterance())


def test_master_sets_loudness_silence_and_noise():
    samples, timed = master(_utterance(("I", 0.3, 9000), ("s", 0.2, 9000)), "any")
    assert samples.dtype == np.int16 and len(samples) == round((0.5 + 2 * record.LEAD) * 16_000)
    assert timed[0] == ("SIL", 0.0, pytest.approx(0.22)) and timed[-1][2] == len(samples) / 16_000
    assert np.sqrt(np.mean((samples[3520:11520] / 32768.0) ** 2)) == pytest.approx(record.LOUDNESS, rel=0.02)
    assert 0 < np.abs(samples[:3300]).max() < 10
    assert np.array_equal(samples, master(_utterance(("I", 0.3, 9000), ("s", 0.2, 9000)), "any")[0])


def test_main_writes_what_the_loader_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record, "utter", lambda text, **_: _utterance(("I", 0.3, 9000), ("s", 0.2, 9000)))
    monkeypatch.setattr(record, "script", lambda: list(script())[:2])
    assert main(["--out", str(tmp_path / "new")]) == 0
    assert "2 recordings" in capsys.readouterr().out
    monkeypatch.setattr(speech, "_FOLDER", tmp_path / "new")
    assert [recording.id for recording in speech.recordings()] == ["trainer-tr001", "trainer-tr002"]
    assert [phone.symbol for phone in speech.speech("trainer-tr001").phones] == ["SIL", "IH", "S", "SIL"]
    head = json.loads((tmp_path / "new" / "phones.json").read_text())
    assert (head["engine"], head["sample_rate"]) == ("test", 16_000)


def test_main_answers_mistakes_with_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["--out", str(tmp_path / "file")]) == 2
    assert "cannot write recordings" in capsys.readouterr().err

    def absent(text, **_):
        raise MissingError("recording speech needs espeak-ng: install avct-bench[speech]")

    monkeypatch.setattr(record, "utter", absent)
    assert main(["--out", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_script_still_makes_what_is_shipped():
    pytest.importorskip("espeakng_loader", reason="espeak-ng is not installed (extra `speech`)")
    engine = json.loads((speech._FOLDER / "phones.json").read_text())["engine"]
    line = next(line for line in script() if line.id == "heldout-a-te03")
    made = []
    for _ in range(2):
        # The clock must not matter: espeak-ng seeds the noise of a breathy voice, as this one is, with the second.
        made.append(utter(line.text, variant=line.variant, pitch=line.pitch, rate=line.rate))
        time.sleep(1 - time.time() % 1)
    assert np.array_equal(made[0].samples, made[1].samples) and made[0].events == made[1].events
    if made[0].engine != engine:
        pytest.skip(f"the recordings were made with {engine}, here is {made[0].engine}")
    samples, timed = master(made[0], line.id)
    shipped = speech.speech(line.id)
    # Not bit for bit: another build of the resampler may round otherwise.
    assert np.abs(samples / 32768.0 - shipped.samples).max() < 3 / 32768
    assert [(p.symbol, p.start) for p in shipped.phones] == [(s, pytest.approx(a, abs=1e-4)) for s, a, _ in timed]


def test_unknown_variant_is_named():
    pytest.importorskip("espeakng_loader", reason="espeak-ng is not installed (extra `speech`)")
    with pytest.raises(ConfigError, match="nobody"):
        utter("Good morning.", variant="nobody", pitch=50, rate=160)
