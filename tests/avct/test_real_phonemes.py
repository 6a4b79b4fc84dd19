"""Phones found in real recordings against official phoneme files, where those lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from avct.agreement import ROUTES, agreement, hear, lines, read_wav, recordings, transcript_of
from avct.errors import AvctError
from avct.phonemes import IDS, SYMBOLS, from_seconds
from avct.visemes import CLASSES, VISEMES

SPEECH = Path(__file__).parents[3] / "shared" / "data" / "real" / "speech"
NAMES = ("AdamSchiff", "ChrisVanHollen1", "abstract", "id01908", "id01961")
real = pytest.mark.real


@pytest.fixture(scope="module")
def held():
    pytest.importorskip("pocketsphinx", reason="phones from sound need pocketsphinx")
    if not SPEECH.is_dir():
        pytest.skip("the real recordings (../shared/data/real/speech) are not here")
    return recordings(SPEECH)


@real
@pytest.mark.parametrize("name", NAMES)
def test_with_its_transcript_a_recording_meets_the_bars(held, name: str) -> None:
    samples, official = held[name]
    heard = hear(samples, transcript_of(official), ROUTES[0])
    found = agreement(heard.phones, official)
    assert (heard.way, heard.notes) == ("aligned", ())
    assert found.phone >= 0.75 and found.viseme_near >= 0.92 and found.bilabial_recall >= 0.85


@real
def test_without_a_transcript_words_are_recognised(held) -> None:
    samples, official = held["id01908"]
    heard = hear(samples[: 8 * 16_000], "", ROUTES[1])
    found = agreement(heard.phones, official)
    assert heard.way == "decoded" and found.phone >= 0.65 and found.viseme_near >= 0.85


@real
def test_the_hardest_recording_has_an_answer_by_phones_alone(held) -> None:
    samples, official = held["id01961"]
    heard = hear(samples, "", ROUTES[2])
    assert heard.way == "all-phone" and agreement(heard.phones, official).viseme_near >= 0.7


def test_agreement_counts_frames() -> None:
    official = from_seconds(
        [("SIL", 0, 0.2), ("M", 0.2, 0.28), ("AA", 0.28, 0.8), ("P", 0.8, 0.88), ("SIL", 0.88, 1.2)]
    )
    same = agreement(
        [("SIL", 0, 0.2), ("M", 0.2, 0.28), ("AA", 0.28, 0.8), ("P", 0.8, 0.88), ("SIL", 0.88, 1.2)], official
    )
    assert (same.phone, same.viseme, same.viseme_near, same.bilabial_recall, same.bilabial_precision) == (1, 1, 1, 1, 1)
    # "b" is not the phone "m" but looks like it, and comes one frame late; the "p" is not found
    late = agreement([("SIL", 0, 0.24), ("B", 0.24, 0.32), ("AA", 0.32, 0.88), ("SIL", 0.88, 1.2)], official)
    assert late.frames == 30 and late.bilabial_recall == 0.5 and late.bilabial_precision == 1
    assert late.phone == pytest.approx(25 / 30) and late.viseme == pytest.approx(26 / 30)
    assert late.viseme_near == pytest.approx(29 / 30)
    silent = agreement([("SIL", 0, 1.2)], from_seconds([("SIL", 0, 1.2)]))
    assert silent.bilabial_recall is None and silent.bilabial_precision is None


def test_every_symbol_has_one_viseme() -> None:
    assert sorted(symbol for symbols in CLASSES.values() for symbol in symbols) == list(SYMBOLS)
    assert VISEMES[IDS["B"]] == VISEMES[IDS["P"]] == "bilabial" and len(VISEMES) == len(SYMBOLS)


def test_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"no sound")
    with pytest.raises(AvctError, match=r"x\.wav: cannot be read as a WAV file"):
        read_wav(tmp_path / "x.wav")
    with pytest.raises(AvctError, match="expected recordings"):
        list(lines(tmp_path))
