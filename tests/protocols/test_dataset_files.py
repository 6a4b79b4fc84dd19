"""Shipped dataset files and clip lists: complete, and HDTF's split is what its rule makes."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

import pytest

from protocols import catalogue

FOLDER = Path(catalogue.__file__).parent
FILMS = ("crema-d", "grid", "hdtf", "lrs2", "lrw", "mead", "voxceleb2")


@pytest.fixture(scope="module")
def clips() -> list[dict[str, str]]:
    with open(FOLDER / "lists/hdtf.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_dataset_file_says_its_family_and_terms():
    for name in catalogue.listing("datasets"):
        spec = catalogue.load_dataset(name)
        assert (spec.title and spec.licence and spec.family == name.split("-")[0]) or spec.family == name, name


@pytest.mark.parametrize("name", FILMS)
def test_data_that_are_not_ours_say_how_to_get_them(name: str):
    spec = catalogue.load_dataset(name)
    assert spec.homepage.startswith("https://") and spec.paper and len(spec.obtain.splitlines()) >= 3
    assert spec.options["path"].startswith("$") and spec.options["path"][1:] in spec.obtain


def test_words_about_a_dataset_are_not_its_meaning(tmp_path: Path):
    def hashed(text: str) -> str:
        (tmp_path / "x.toml").write_text('loader = "films"\n' + text)
        return catalogue.load_dataset(tmp_path / "x.toml").hash()

    plain = hashed("")
    for words in ('family = "x"', 'homepage = "y"', 'paper = "z"', 'obtain = "w"', 'splits = {train = ["a"]}'):
        assert hashed(words) == plain, words
    assert hashed("options = {tolerance = 2}") != plain and hashed('revision = "2"') != plain


def test_lists_are_pinned():
    pinned = {
        path.resolve(): expected
        for name in catalogue.listing("datasets")
        for spec in [catalogue.load_dataset(name)]
        for file, expected in spec.hashes.items()
        if (path := Path(spec.here, file)).suffix == ".csv"
    }
    found = {path.resolve(): hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("lists/*.csv")}
    assert found and pinned == found


def test_hdtf_identities_are_names_without_numbers(clips):
    for row in clips:
        expected = row["video"] if row["source"] == "RD" else re.sub(r"\d+$", "", row["video"])
        assert row["identity"] == {"WhipJimClyburn": "JamesClyburn"}.get(expected, expected)
        assert row["clip"] == f"{row['source']}_{row['video']}_{row['index']}"
        assert int(row["end"]) - int(row["start"]) >= 10
    assert len({row["clip"] for row in clips}) == len(clips) == 421
    assert len({(row["source"], row["video"]) for row in clips}) == 356
    pairs = {(row["identity"], row["source"]) for row in clips}
    assert len(pairs) == len({identity for identity, _ in pairs})  # nobody is in two lists


def test_hdtf_split_is_what_its_rule_makes(clips):
    people = {row["identity"] for row in clips if row["source"] != "RD"}
    order = sorted(people, key=lambda name: hashlib.sha256(f"avct-bench hdtf 1 {name}".encode()).hexdigest())
    part = {name: "test" if k < 50 else "val" if k < 70 else "train" for k, name in enumerate(order)}
    assert len(people) == 215
    assert [row["split"] for row in clips] == [part.get(row["identity"], "train") for row in clips]


def test_hdtf_parts_are_apart_in_people_and_videos(clips):
    for column in ("identity", "video"):
        parts = [{row[column] for row in clips if row["split"] == part} for part in ("train", "val", "test")]
        assert all(parts) and sum(map(len, parts)) == len(set().union(*parts))
    assert all(row["split"] == "train" for row in clips if row["source"] == "RD")
    counts = {part: sum(row["split"] == part for row in clips) for part in ("train", "val", "test")}
    assert counts == {"train": 318, "val": 29, "test": 74}
