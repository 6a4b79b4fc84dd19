"""TextGrids: both text forms, encodings, the phone tier, silences, and errors of one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from avct import phonemes, textgrid
from avct.errors import AvctError

INTERVALS = [("", 0.0, 0.1), ("HH", 0.1, 0.18), ("AH0", 0.18, 0.25), ("spn", 0.25, 0.3), ("OW1", 0.3, 0.52)]
EXPECTED = [("SIL", 0, 10), ("HH", 10, 18), ("AH", 18, 25), ("SIL", 25, 30), ("OW", 30, 52)]


def long_form(
    *tiers: tuple[str, list[tuple[str, float, float]]], start: float = 0.0, kind: str = "IntervalTier"
) -> str:
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", f"xmin = {start} ", "xmax = 0.52 "]
    lines += ["tiers? <exists> ", f"size = {len(tiers)} ", "item []: "]
    for number, (name, intervals) in enumerate(tiers, 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier" ', f'        name = "{name}" ']
        lines += [f"        xmin = {start} ", "        xmax = 0.52 ", f"        intervals: size = {len(intervals)} "]
        for place, (text, first, last) in enumerate(intervals, 1):
            lines += [f"        intervals [{place}]:", f"            xmin = {first} ", f"            xmax = {last} "]
            lines += [f'            text = "{text}" ']
    return "\n".join(lines) + "\n"


def short_form(*tiers: tuple[str, list[tuple[str, float, float]]]) -> str:
    lines = ['File type = "ooTextFile"', '"TextGrid"', "", "0", "0.52", "<exists>", str(len(tiers))]
    for name, intervals in tiers:
        lines += ['"IntervalTier"', f'"{name}"', "0", "0.52", str(len(intervals))]
        for text, first, last in intervals:
            lines += [str(first), str(last), f'"{text}"']
    return "\n".join(lines) + "\n"


POINTS = 'File type = "ooTextFile"\n"TextGrid"\n\n0\n1\n<exists>\n1\n"TextTier"\n"clicks"\n0\n1\n1\n0.5\n"tick"\n'
WORDS = ("words", [("", 0.0, 0.1), ('he said ""hello"" ! 3', 0.1, 0.52)])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("form", [long_form, short_form])
def test_both_forms_in_every_encoding(tmp_path: Path, form, encoding: str) -> None:
    path = tmp_path / "clip.TextGrid"
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b""
    path.write_bytes(mark + form(WORDS, ("Phones", INTERVALS)).encode(encoding))
    words = phonemes.read(path)
    assert [(p.symbol, p.begin, p.end) for w in words for p in w.phones] == EXPECTED
    assert [w.text for w in words] == ["sil", "HH AH", "sil", "OW"]


def test_a_textgrid_is_known_by_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "clip.txt"
    path.write_text(short_form(("phones", INTERVALS)))
    assert phonemes.read(path)[1].text == "HH AH"


def test_the_phone_tier() -> None:
    only = textgrid.parse(long_form(("anything", INTERVALS)))
    assert textgrid.phone_tier(only).name == "anything"
    speaker = textgrid.parse(long_form(("Anna - words", []), ("Anna - phones", INTERVALS)))
    assert textgrid.phone_tier(speaker).name == "Anna - phones"
    for tiers in ([("a", INTERVALS), ("b", INTERVALS)], [("Anna - phones", INTERVALS), ("Bo - phones", INTERVALS)], []):
        with pytest.raises(
            AvctError, match=r"^x\.TextGrid: expected one interval tier called phones, got (none|several)"
        ):
            textgrid.phone_tier(textgrid.parse(long_form(*tiers)), origin="x.TextGrid")


def test_times_count_from_the_grids_start() -> None:
    found = textgrid.parse(long_form(("phones", [("AA", 0.1, 0.3)]), start=0.1))
    assert found[0].intervals[0] == ("AA", 0.0, pytest.approx(0.2))


def test_wider_alphabets_are_put_in_cmu_symbols() -> None:
    marks = [(name, k / 10, k / 10 + 0.1) for k, name in enumerate(["axr", "bcl", "h#", "EL", "<eps>", "NSN", "ax"])]
    found = textgrid.phones(long_form(("phones", marks)).encode())
    assert [symbol for symbol, _, _ in found] == ["ER", "B", "SIL", "L", "SIL", "NSN", "AH"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "expected a TextGrid, got a file that ends"),
        (b'File type = "ooTextFile"\n"Pitch 1"\n0\n1\n', "expected a TextGrid, got 'ooTextFile' with 'Pitch 1'"),
        (b"ooBinaryFile\x08TextGrid", "Save as text file"),
        (b"\xff\xfe\x00", "cannot be read"),
        (long_form(("phones", INTERVALS)).encode()[:-120], "ends in the middle"),
        (long_form(("phones", [("AA", 0.2, 0.1)])).encode(), "interval 1 ('AA'): expected 0 <= xmin <= xmax"),
        (long_form(("phones", [("AA", 0.0, 0.3), ("B", 0.2, 0.4)])).encode(), "interval 2 ('B')"),
        (long_form(("phones", INTERVALS)).replace("size = 5", 'size = "5"').encode(), "where a number should stand"),
        (long_form(("phones", INTERVALS)).replace("size = 5", "size = 2.5").encode(), "where a count should stand"),
        (POINTS.encode(), "got none among no tiers"),
        (long_form(("phones", [])).encode(), "at least one interval"),
        (long_form(("phones", [("ɑː", 0.0, 0.1)])).encode(), "expected ARPAbet, not IPA"),
        (long_form(("phones", [("QQ", 0.0, 0.1)])).encode(), "phone 0: unknown phoneme 'QQ'"),
    ],
)
def test_bad_textgrids_are_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "clip.TextGrid"
    path.write_bytes(content)
    with pytest.raises(AvctError) as caught:
        phonemes.read(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and says in line and "\n" not in line


def test_any_cut_of_a_file_is_one_line(tmp_path: Path) -> None:
    whole = long_form(WORDS, ("phones", INTERVALS)).encode()
    path = tmp_path / "clip.TextGrid"
    for length in range(0, len(whole) - 40, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(AvctError, match=r"clip\.TextGrid: "):
            phonemes.read(path)
