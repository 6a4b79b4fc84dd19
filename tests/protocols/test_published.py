"""Published numbers: a strict file, trust marks, and nothing that claims more than we have."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from protocols.catalogue import PATH_VARIABLE
from protocols.errors import ProtocolError
from protocols.published import COLUMNS, listing, load_published, read_published

GOOD = {
    "paper": "A paper (CONF 2030)",
    "year": "2030",
    "table": "Table 1",
    "dataset": "HDTF",
    "method": "Ours",
    "metric": "PSNR",
    "value": "31.5",
    "direction": "higher",
    "convention": "not stated",
    "comparable": "psnr/mean-of-frames@1; psnr/pooled@1",
    "source": "the paper",
    "trust": "read-in-paper",
    "note": "",
}


def write(path: Path, *rows: dict[str, str], heads: tuple[str, ...] = COLUMNS) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, heads, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())
    return path


def test_a_good_file_is_read_as_it_stands(tmp_path: Path) -> None:
    (number,) = read_published(write(tmp_path / "a.csv", GOOD))
    assert (number.value, number.year, number.trust) == (31.5, 2030, "read-in-paper")
    assert number.comparable == ("psnr/mean-of-frames@1", "psnr/pooled@1")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": ""}, "an empty value needs its reason"),
        ({"value": "31", "trust": "not-at-hand"}, "goes with an empty value"),
        ({"value": "good"}, "value: expected a number or nothing, got 'good'"),
        ({"value": "nan"}, "expected a finite value"),
        ({"trust": "hearsay"}, "trust: expected read-in-paper, quoted-second-hand, recollection, not-at-hand, got"),
        ({"direction": "up"}, "direction: .*higher"),
        ({"comparable": "psnr"}, "comparable.*family/variant@version"),
        ({"source": ""}, "source: expected a name"),
        ({"year": "MMXXX"}, "year: expected a number"),
    ],
)
def test_a_wrong_number_is_one_line(tmp_path: Path, change: dict[str, str], said: str) -> None:
    with pytest.raises(ProtocolError, match=f"a.csv, line 2: .*{said}") as caught:
        read_published(write(tmp_path / "a.csv", {**GOOD, **change}))
    assert "\n" not in str(caught.value)


def test_columns_are_fixed(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"unknown column 'trusted'\. Did you mean trust"):
        read_published(write(tmp_path / "a.csv", heads=(*COLUMNS, "trusted")))
    with pytest.raises(ProtocolError, match="note is missing"):
        read_published(write(tmp_path / "a.csv", heads=COLUMNS[:-1]))
    with pytest.raises(ProtocolError, match="expected the columns paper"):
        read_published(write(tmp_path / "a.csv", heads=COLUMNS[::-1]))
    with pytest.raises(ProtocolError, match="at least one number"):
        read_published(write(tmp_path / "a.csv"))
    with pytest.raises(ProtocolError, match="given already in line 2"):
        read_published(write(tmp_path / "a.csv", GOOD, GOOD))
    (tmp_path / "short.csv").write_text(",".join(COLUMNS) + "\none,two\n")
    with pytest.raises(ProtocolError, match=r"short\.csv, line 2: expected 13 columns, got 2"):
        read_published(tmp_path / "short.csv")


def test_files_of_users_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "protocols" / "published"
    folder.mkdir(parents=True)
    write(folder / "mine.csv", GOOD)
    monkeypatch.setenv(PATH_VARIABLE, str(tmp_path))
    assert load_published("mine")[0].method == "Ours"
    with pytest.raises(ProtocolError, match=r"unknown published numbers 'mime'\. Did you mean mine"):
        load_published("mime")
    write(folder / "sidgan-hdtf.csv", GOOD)
    with pytest.raises(ProtocolError, match="defined twice"):
        load_published("mine")


def test_every_shipped_file_is_sound() -> None:
    from metrics.registry import variants

    known = variants()
    assert len(listing()) >= 8
    for name in listing():
        for number in load_published(name):
            assert set(number.comparable) <= set(known), f"{name}: {number.comparable}"
            # nobody here has opened the papers themselves
            assert number.trust != "read-in-paper" and "section 11" in number.source


def test_what_is_not_at_hand_stays_empty() -> None:
    for name in ("avct-2022-hdtf", "avct-2022-voxceleb2"):
        numbers = load_published(name)
        assert {n.metric for n in numbers} == {"FID", "CPBD", "LMD", "AVOff", "AVConf"}
        assert all(n.value is None and n.trust == "not-at-hand" and "recollection" in n.note for n in numbers)


def test_numbers_are_those_of_the_notes() -> None:
    style = {(n.method, n.metric): n for n in load_published("styletalk-2023-mead")}
    assert [style["AVCT", m].value for m in ("SSIM", "CPBD", "F-LMD", "M-LMD", "Sync_conf")] == [
        0.832, 0.139, 2.923, 5.520, 2.525,
    ]  # fmt: skip
    sad = {(n.method, n.metric): n for n in load_published("sadtalker-2023-hdtf")}
    assert (sad["AVCT", "LSE-C"].value, sad["AVCT", "LSE-C"].trust) == (4.932, "recollection")
    assert (sad["AVCT", "FID"].value, sad["AVCT", "FID"].trust) == (22.432, "quoted-second-hand")
    assert "Wang et al." in sad["AVCT", "FID"].note
    assert (
        sad["Wav2Lip", "CPBD"].trust == "not-at-hand" and sad["Wav2Lip", "Diversity"].note == "the paper prints a dash"
    )
