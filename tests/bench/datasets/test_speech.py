"""The shipped speech keeps what the corpus promises: how much there is, disjoint splits, exact and plausible phones."""

from __future__ import annotations

import hashlib
import itertools
import re
import shutil
import subprocess
import sys
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest

from bench.datasets.puppets import record, speech
from bench.datasets.puppets.timing import NASALS, STOPS, VOWELS
from bench.errors import ConfigError, MediaError, MissingError
from bench.records import RATE, Speech

CMU39 = VOWELS | STOPS | NASALS | {"F", "V", "TH", "DH", "S", "Z", "SH", "ZH", "HH", "L", "R", "W", "Y"}
FOLDER = Path(speech.__file__).with_name("speech_data")
TICK = 1 / RATE


@pytest.fixture(scope="module")
def catalogue() -> tuple[speech.Recording, ...]:
    return speech.recordings()


@pytest.fixture(scope="module")
def sounds(catalogue) -> dict[str, Speech]:
    return {recording.id: speech.speech(recording.id) for recording in catalogue}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _said(catalogue, voice: str) -> set[str]:
    return {recording.sentence for recording in catalogue if recording.voice == voice}


def _power(sound: Speech, start: float, end: float) -> float:
    return float(np.mean(np.square(sound.samples[round(start * RATE) : round(end * RATE)], dtype=np.float64)))


def _vowel_power(sound: Speech) -> float:
    return float(np.median([_power(sound, p.start, p.end) for p in sound.phones if p.symbol in VOWELS]))


def test_the_set_has_39_phones():
    assert len(CMU39) == 39


def test_there_is_as_much_as_promised(catalogue):
    assert len({recording.text for recording in catalogue}) >= 170
    assert len(_said(catalogue, "trainer")) >= 84
    assert len(speech.voices("train")) == 9 and speech.voices("train")[0] == "trainer"
    assert speech.voices("test") == ("heldout-a", "heldout-b")
    for voice in speech.voices("test"):
        said = _said(catalogue, voice)
        assert len(said) >= 28
        assert said == {recording.sentence for recording in catalogue if recording.split == "test"}
    for voice in speech.voices("train")[1:]:
        assert len(_said(catalogue, voice)) == 10
    assert len({recording.rate for recording in catalogue}) >= 6
    assert all(140 <= recording.rate <= 190 for recording in catalogue)


def test_folder_is_small_and_holds_what_the_catalogue_names(catalogue):
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 12_000_000
    assert {path.name for path in files} == {f"{recording.id}.flac" for recording in catalogue} | {"phones.json"}
    assert len({recording.sha256 for recording in catalogue}) == len(catalogue)


def test_splits_are_disjoint_in_sentence_text_and_voice(catalogue):
    for attribute in ("sentence", "text", "voice", "id"):
        parts = [{getattr(r, attribute) for r in catalogue if r.split == split} for split in speech.SPLITS]
        assert all(parts)
        for one, other in itertools.combinations(parts, 2):
            assert not one & other, attribute


def test_no_two_voices_share_a_variant_of_the_synthesiser():
    variants: dict[str, set[str]] = {}
    for line in record.script():
        variants.setdefault(line.variant, set()).add(line.voice)
    assert all(len(voices) == 1 for voices in variants.values()), variants


def test_what_is_shipped_is_what_the_sentence_file_asks_for(catalogue):
    asked = [(line.id, line.voice, line.split, line.sentence, line.text, line.rate) for line in record.script()]
    shipped = [(r.id, r.voice, r.split, r.sentence, r.text, r.rate) for r in catalogue]
    assert shipped == asked


def test_sentences_are_short_and_unlike_one_another(catalogue):
    texts = sorted({recording.text for recording in catalogue})
    assert all(4 <= len(_words(text)) <= 11 for text in texts)
    for one, other in itertools.combinations(texts, 2):
        # No pair shares more than half of its words in order.
        assert SequenceMatcher(None, _words(one), _words(other)).ratio() <= 0.6, (one, other)


def test_demo_sentences_are_quite_short(catalogue):
    first = [r for r in catalogue if r.sentence in ("te01", "te02", "te03", "te04", "te05", "te06", "te07", "te08")]
    assert len(first) == 16 and all(1.6 <= r.seconds <= 2.4 for r in first)
    assert all(1.6 <= r.seconds <= 3.95 for r in catalogue)


def test_phones_are_contiguous_and_fill_the_recording(catalogue):
    for recording in catalogue:
        phones = recording.phones
        assert phones[0].start == 0.0
        assert abs(phones[-1].end - recording.seconds) <= TICK + 5e-5  # times are rounded to 0.1 ms
        assert all(one.end == other.start for one, other in itertools.pairwise(phones)), recording.id
        assert all(phone.end - phone.start >= 0.0298 for phone in phones), recording.id
        assert {phone.symbol for phone in phones} <= CMU39 | {"SIL"}
        assert not any(one.symbol == other.symbol == "SIL" for one, other in itertools.pairwise(phones))


def test_every_recording_begins_and_ends_in_silence(catalogue):
    for recording in catalogue:
        for phone in (recording.phones[0], recording.phones[-1]):
            assert phone.symbol == "SIL" and 0.2 <= phone.end - phone.start <= 0.24, recording.id


@pytest.mark.parametrize(("split", "least"), [("train", 10), ("validation", 3), ("test", 6)])
def test_every_phone_occurs_several_times_in_every_split(catalogue, split, least):
    heard = Counter(phone.symbol for r in catalogue if r.split == split for phone in r.phones)
    assert {symbol: heard[symbol] for symbol in CMU39 if heard[symbol] < least} == {}


def test_lips_have_work_in_every_split(catalogue):
    for split in speech.SPLITS:
        heard = Counter(phone.symbol for r in catalogue if r.split == split for phone in r.phones)
        total = sum(count for symbol, count in heard.items() if symbol != "SIL")
        assert sum(heard[s] for s in ("M", "B", "P")) / total > 0.08
        assert sum(heard[s] for s in ("F", "V")) / total > 0.04


def test_durations_are_those_of_speech(catalogue):
    def median(symbols: frozenset[str]) -> float:
        spans = [p.end - p.start for r in catalogue for p in r.phones if p.symbol in symbols]
        assert max(spans) < 0.4
        return float(np.median(spans))

    assert 0.06 < median(VOWELS) < 0.13
    assert 0.05 < median(STOPS) < 0.11
    assert 0.05 < median(NASALS) < 0.09
    assert median(frozenset(("AY", "AW", "EY", "OY", "OW"))) > 1.3 * median(frozenset(("IH", "UH", "AH", "EH")))


def test_loader_gives_the_declared_samples(catalogue, sounds):
    for recording in catalogue:
        sound = sounds[recording.id]
        assert (sound.driver, sound.speaker, sound.transcript) == (recording.id, recording.voice, recording.text)
        assert sound.phones == recording.phones
        assert sound.samples.dtype == np.float32 and sound.samples.shape == (recording.samples,)
        assert np.abs(sound.samples).max() < 0.95
        steps = (sound.samples * 32768).astype("<i2")
        assert hashlib.sha256(steps.tobytes()).hexdigest() == recording.sha256


def test_recordings_are_equally_loud(sounds):
    for sound in sounds.values():
        spoken = np.sqrt(_power(sound, sound.phones[0].end, sound.phones[-1].start))
        assert spoken == pytest.approx(record.LOUDNESS, rel=0.05), sound.driver


def test_silence_is_quieter_than_vowels_and_never_digital_zero(sounds):
    for sound in sounds.values():
        for phone in sound.phones:
            if phone.symbol == "SIL":
                # Two voices have an echo 25 to 28 dB down; the others are 60 dB down.
                assert _power(sound, phone.start, phone.end) < 10**-2.5 * _vowel_power(sound), sound.driver
        assert np.std(sound.samples[: RATE // 5]) * 32768 == pytest.approx(record.NOISE, rel=0.1)


def test_closures_lie_inside_their_stops(sounds):
    closed, silent = [], []
    for sound in sounds.values():
        vowel = _vowel_power(sound)
        for before, phone in itertools.pairwise(sound.phones):
            if phone.symbol in STOPS and before.symbol != "SIL":
                starts = np.arange(phone.start, phone.end - 0.01, 0.005)
                closed.append(min(_power(sound, t, t + 0.01) for t in starts) / vowel < 10**-0.7)
            if phone.symbol in ("P", "K", "CH") and before.symbol != "SIL":
                # The closure is the stop's first part: its second quarter is silent, whoever spoke before.
                span = phone.end - phone.start
                quarter = _power(sound, phone.start + span / 8, phone.start + span / 3)
                silent.append(quarter / vowel < 10**-1.5)
    assert np.mean(closed) > 0.98
    assert np.mean(silent) > 0.95


def test_nasals_end_where_the_mouth_opens(sounds):
    rises = []
    for sound in sounds.values():
        for before, phone in itertools.pairwise(sound.phones):
            if before.symbol in NASALS and phone.symbol in VOWELS and before.end - before.start > 0.04:
                treble = np.diff(sound.samples.astype(np.float64))
                at, span = round(phone.start * RATE), round(0.012 * RATE)
                rises.append(np.mean(treble[at : at + span] ** 2) / np.mean(treble[at - span : at] ** 2))
    assert len(rises) > 100 and np.median(rises) > 4


def test_unknown_names_are_answered_with_a_suggestion():
    with pytest.raises(ConfigError, match="did you mean 'trainer-tr001'"):
        speech.speech("trainer_tr001")
    with pytest.raises(ConfigError, match="did you mean 'validation'"):
        speech.voices("valid")
    with pytest.raises(ConfigError, match=r"no recording 'qqqq'$"):
        speech.speech("qqqq")


def test_missing_and_altered_files_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "_FOLDER", tmp_path)
    with pytest.raises(MissingError, match=r"phones\.json"):
        speech.recordings()
    shutil.copy(FOLDER / "phones.json", tmp_path)
    with pytest.raises(MissingError, match=r"trainer-tr001\.flac"):
        speech.speech("trainer-tr001")
    shutil.copy(FOLDER / "trainer-tr002.flac", tmp_path / "trainer-tr001.flac")
    with pytest.raises(MediaError, match=r"trainer-tr001\.flac: expected the samples"):
        speech.speech("trainer-tr001")
    (tmp_path / "trainer-tr001.flac").write_bytes(b"no sound")
    with pytest.raises(MediaError, match=r"trainer-tr001\.flac"):
        speech.speech("trainer-tr001")


def test_asking_what_there_is_loads_no_decoder():
    code = (
        "import sys; from bench.datasets.puppets import speech; speech.recordings(); "
        "print([m for m in ('av', 'soundfile', 'soxr', 'torch', 'cv2', 'scipy') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.strip() == "[]"
