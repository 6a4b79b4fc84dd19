"""Phonemes: the alphabet, the official JSON and its errors, the 25 fps rule, windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avct import phonemes
from avct.errors import AvctError
from avct.phonemes import IDS, SIL, SYMBOLS, Phone, Word


def said(*phones: tuple[str, int]) -> list[Word]:
    return [Word("w", tuple(Phone(symbol, 0, end) for symbol, end in phones))]


def test_alphabet() -> None:
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 41 and list(SYMBOLS) == sorted(SYMBOLS)
    assert (IDS["AA"], IDS["NSN"], SIL, IDS["ZH"]) == (0, 24, 31, 40)
    assert [phonemes.symbol_id(s) for s in ("AH0", "ah2", "AH", " ah1 ")] == [IDS["AH"]] * 4


@pytest.mark.parametrize(("end", "frames"), [(116, 28), (232, 57), (464, 115), (100, 25), (4, 1), (3, 0), (228, 56)])
def test_frame_count_is_truncated_in_floating_point(end: int, frames: int) -> None:
    assert len(phonemes.ids_at_25fps(said(("SIL", end)))) == frames


def test_how_often_a_frame_is_lost() -> None:
    lost = [end for end in range(4, 12001, 4) if len(phonemes.ids_at_25fps(said(("SIL", end)))) != end // 4]
    assert len(lost) == 144 and lost[:4] == [116, 228, 232, 452]


def test_a_frame_takes_the_first_phone_that_ends_after_its_start() -> None:
    words = said(("B", 4), ("OW", 4), ("T", 9), ("S", 20))
    assert phonemes.ids_at_25fps(words) == [IDS[s] for s in ("B", "T", "T", "S", "S")]
    with pytest.raises(AvctError, match="at least one phone"):
        phonemes.ids_at_25fps([Word("empty", ())])


def test_file_round_trip(tmp_path: Path) -> None:
    words = phonemes.from_seconds([("HH", 0.1, 0.2), ("AH0", 0.2049, 0.31), ("L", 0.5, 0.6)])
    assert [w.text for w in words] == ["sil", "HH AH", "sil", "L"]
    ends = [(p.symbol, p.begin, p.end) for w in words for p in w.phones]
    # The gap of 5 ms closes, the gap of 190 ms is silence.
    assert ends == [("SIL", 0, 10), ("HH", 10, 20), ("AH", 20, 31), ("SIL", 31, 50), ("L", 50, 60)]
    path = tmp_path / "clip.json"
    phonemes.write(path, words)
    assert phonemes.read(path) == words


def test_begins_are_optional_and_unused() -> None:
    words = phonemes.parse([{"word": "a", "phones": [{"ph": "AH", "ed": 8.0}, {"ph": "T", "bg": 20, "ed": 24}]}])
    assert phonemes.ids_at_25fps(words) == [IDS["AH"]] * 2 + [IDS["T"]] * 4


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({}, "x.json: expected a list of at least one word, got {}"),
        ([], "x.json: expected a list of at least one word"),
        (["hello"], "x.json: word 0: expected"),
        ([{"phones": []}], "x.json: expected at least one phone, got 1 words without any"),
        ([{"phones": [{"ph": "AA"}]}], "x.json: word 0, phone 0: expected"),
        (
            [{"phones": [{"ph": "AA", "ed": 2}]}, {"phones": [{"ph": "AX", "ed": 3}]}],
            "x.json: word 1, phone 0: unknown",
        ),
        ([{"phones": [{"ph": "SILL", "ed": 3}]}], "unknown phoneme 'SILL'; did you mean 'SIL'?"),
        ([{"phones": [{"ph": "?", "ed": 3}]}], "unknown phoneme '?'; known symbols: AA AE"),
        ([{"phones": [{"ph": 3, "ed": 3}]}], "expected a phoneme symbol, got 3"),
        ([{"phones": [{"ph": "AA", "ed": 0.31}]}], "expected whole times in units of 10 ms, got 0 and 0.31"),
        ([{"phones": [{"ph": "AA", "ed": "31"}]}], "expected whole times in units of 10 ms, got 0 and '31'"),
        ([{"phones": [{"ph": "AA", "ed": float("nan")}]}], "expected whole times"),
        ([{"phones": [{"ph": "AA", "ed": True}]}], "expected whole times"),
        ([{"phones": [{"ph": "AA", "bg": 9, "ed": 5}]}], "expected 0 <= bg <= ed, got 9 and 5"),
        (
            [{"phones": [{"ph": "AA", "ed": 9}, {"ph": "B", "bg": 0, "ed": 5}]}],
            "word 0, phone 1: expected an end at or",
        ),
    ],
)
def test_bad_json_is_one_line(data: object, line: str) -> None:
    with pytest.raises(AvctError) as caught:
        phonemes.parse(data, origin="x.json")
    assert line in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[{", b"\xff\xfe\x00", None])
def test_unreadable_files_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "clip.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AvctError, match=r"clip\.json: "):
        phonemes.read(path)


@pytest.mark.parametrize(
    "triples", [[], [("AA", 0.2, 0.1)], [("AA", 0.0, float("inf"))], [("AA", 0, 0.3), ("B", 0.1, 0.4)], [("Q", 0, 1)]]
)
def test_bad_seconds_are_refused(triples: list) -> None:
    with pytest.raises(AvctError, match=r"^phones: "):
        phonemes.from_seconds(triples)


def test_windows_of_a_short_clip() -> None:
    held = phonemes.windows(3, half=2)
    assert held.index.tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 2], [0, 1, 2, 2, 2]]
    assert held.padded.tolist() == [[3, 3, 0, 1, 2], [3, 0, 1, 2, 4], [0, 1, 2, 4, 4]]
    assert held.phonemes([5, 6, 7]).tolist() == [[SIL, SIL, 5, 6, 7], [SIL, 5, 6, 7, SIL], [5, 6, 7, SIL, SIL]]
    assert phonemes.windows(1, half=1).padded.tolist() == [[1, 0, 2]]
    assert phonemes.windows(40).index.shape == (40, 11)


def test_audio_outside_the_clip_is_zero_not_silence() -> None:
    rows = np.arange(3 * 4 * 41, dtype=np.float32).reshape(3, 4, 41) + 1
    held = phonemes.windows(3, half=2).audio(rows)
    assert held.shape == (3, 5, 4, 41) and held.dtype == np.float32
    assert not held[0, :2].any() and not held[2, 3:].any()
    np.testing.assert_array_equal(held[1, 1:4], rows)


def test_empty_windows_are_refused() -> None:
    with pytest.raises(AvctError):
        phonemes.windows(0)
