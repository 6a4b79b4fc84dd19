"""Datasets by name: what a protocol chooses of them, what is said where they are not there, what stands for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.datasets.catalogue import check_files, choices, clips_sha256, describe, lacking, open_dataset
from bench.errors import ConfigError, MissingError
from bench.io.digest import sha256_file
from protocols.catalogue import listing
from protocols.schema import Protocol

_LEAST = {"id": "x@1", "dataset": "hdtf", "metrics": ["psnr/mean-of-frames@1"], "methods": ["still"]}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({}, {}),
        ({"reference_frame": "given", "crop": "given", "size": 128}, {}),
        ({"split": "test", "window": [0.0, 10.0]}, {"split": "test", "window": [0.0, 10.0]}),
        ({"reference_frame": 7, "crop": "centre"}, {"frame": 7, "crop": "centre"}),
        ({"reference_frame": "first", "crop": "face"}, {"frame": "first", "crop": "face", "side": 256}),
        (
            {"crop": "face", "size": 128, "settings": [{"name": "a", "size": 512}, {"name": "b"}]},
            {"crop": "face", "side": 512},
        ),
    ],
)
def test_a_protocol_chooses_what_it_states(stated: dict, expected: dict):
    assert choices(Protocol.model_validate({**_LEAST, **stated})) == expected


def test_choices_go_before_the_files_own_options_and_must_be_known(kit, tmp_path: Path, monkeypatch):
    kit.put(tmp_path / "films/a.mp4", "wide")
    folder = tmp_path / "protocols/datasets"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('loader = "folder"\nrevision = "7"\n[options]\npath = "./../../films"\n')
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    data = open_dataset("mine", {"crop": "centre", "frame": 2, "window": [0.2, 0.4]})
    assert (data.name, data.revision) == ("mine", "7")
    assert data.take("a", "a").frames.shape == (5, 128, 128, 3)
    with pytest.raises(ConfigError, match="unknown option 'split'"):
        open_dataset("mine", {"split": "test"})
    with pytest.raises(ConfigError, match=r"dataset puppets: options do not fit loader 'puppets' .*'crop'"):
        open_dataset("puppets", {"crop": "face"})
    assert open_dataset("puppets", {"split": "validation"}).references()[0] == "val-000"


def test_a_hash_may_be_of_a_file_beside_the_dataset_file(kit, tmp_path: Path, monkeypatch):
    kit.put(tmp_path / "films/a.mp4")
    folder = tmp_path / "protocols/datasets"
    folder.mkdir(parents=True)
    (folder / "mine.csv").write_text("clip,identity\na,ann\n")
    text = 'loader = "films"\n[options]\npath = "./../../films"\nlist = "./mine.csv"\n[hashes]\n"./mine.csv" = "{}"\n'
    (folder / "mine.toml").write_text(text.format(sha256_file(folder / "mine.csv")))
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    assert open_dataset("mine").identities(["a"]) == {"a": "ann"}
    (folder / "mine.csv").write_text("clip,identity\na,bob\n")
    with pytest.raises(ConfigError, match=r"dataset mine: .*mine\.csv: expected sha256"):
        open_dataset("mine")


@pytest.mark.parametrize("name", ["hdtf", "voxceleb2", "mead", "grid", "lrs2", "lrw", "crema-d"])
def test_data_that_are_not_there_are_one_line_of_what_to_do(name: str, monkeypatch):
    spec = describe(name)
    variable = f"{name.upper().replace('-', '_')}_ROOT"
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(MissingError) as caught:
        open_dataset(name)
    said = str(caught.value)
    assert said == lacking(spec) and "\n" not in said
    for words in (
        f"set the environment variable {variable}",
        spec.homepage,
        spec.licence,
        f"run_bench.py explain {name}",
    ):
        assert words in said
    assert variable in spec.obtain
    monkeypatch.setenv(variable, "")
    assert lacking(spec) == said
    monkeypatch.setenv(variable, "/nowhere/at/all")
    assert lacking(spec) is None
    with pytest.raises(MissingError, match=f"dataset {name}: /nowhere/at/all: no such folder"):
        open_dataset(name)


def test_the_embedded_corpus_lacks_nothing_and_has_a_hash_of_its_own():
    assert [lacking(describe(name)) for name in listing("datasets") if name.startswith("puppets")] == [None] * 4
    test, validation = open_dataset("puppets"), open_dataset("puppets", {"split": "validation"})
    assert check_files(test) == check_files(test, thorough=True) == []
    assert clips_sha256(test) == clips_sha256(open_dataset("puppets")) != clips_sha256(validation)
