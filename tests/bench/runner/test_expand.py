"""Expansion: names checked, order fixed, pairs by rule."""

from __future__ import annotations

import pytest

from bench.datasets.catalogue import clips_sha256, open_dataset
from bench.errors import ConfigError, MissingError
from bench.runner.estimate import estimate
from bench.runner.expand import cells, expand, load, name_cell, pairs
from bench.runner.how import How
from bench.runner.run import open_clips, run
from protocols.catalogue import load as load_file


@pytest.fixture
def toy(place):
    return open_dataset("toy")


def test_all_that_the_dataset_has_where_the_protocol_names_nothing(place, toy):
    resolved = expand(place.protocol(), toy)
    assert resolved.axes.drivers == {"ann": ["one", "two"], "bob": ["three"]}
    assert resolved.axes.references == ["r0", "r1"] and resolved.axes.speakers == ["ann", "bob"]
    assert len(cells(resolved)) == 2 * 3 * 3 * 2
    assert expand(resolved, toy) == resolved and expand(resolved, toy).hash() == resolved.hash()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("axes.drivers_per_speaker=1", {"ann": ["one"], "bob": ["three"]}),
        ("axes.drivers=['three','two']", {"ann": ["two"], "bob": ["three"]}),
        ("axes.drivers={bob=['three']}", {"bob": ["three"]}),
        ("axes.speakers=['bob']", {"bob": ["three"]}),
    ],
)
def test_ways_to_name_drivers(place, toy, override: str, expected: dict):
    assert expand(place.protocol(override), toy).axes.drivers == expected


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("axes.drivers=['on']", "dataset toy has no driver 'on'. Did you mean one?"),
        ("axes.drivers={ann=['three']}", "dataset toy has no driver of speaker ann 'three'"),
        ("axes.drivers={anna=['one']}", "no speaker 'anna'. Did you mean ann?"),
        ("axes.references=['r7']", "no reference 'r7'"),
        (
            "published=['avct-2022-hdft']",
            "protocol toy@1: unknown published numbers 'avct-2022-hdft'. Did you mean avct-2022",
        ),
        ("axes.pairs=same", "expected at least one clip, got none (no driver has the name of a reference)"),
    ],
)
def test_names_that_are_not_there(place, toy, override: str, expected: str):
    with pytest.raises(ConfigError) as error:
        expand(place.protocol(override), toy)
    assert expected in str(error.value)


def test_same_pairs_a_reference_with_its_own_driver(place, toy):
    (place.root / "faces/r0.png").rename(place.root / "faces/two.png")
    resolved = expand(place.protocol("axes.pairs=same"), toy)
    assert pairs(resolved) == [("ann", "two", "two")]


def test_dealt_gives_every_driver_to_one_reference_in_turn(place, toy):
    resolved = expand(place.protocol("axes.pairs=dealt"), toy)
    assert pairs(resolved) == [("ann", "r0", "one"), ("ann", "r1", "two"), ("bob", "r0", "three")]


def test_cells_come_by_pair_then_seed_method_and_setting(place, toy):
    names = [name_cell(cell) for cell in cells(expand(place.protocol("axes.seeds=[3,1]"), toy))]
    assert names[:3] == [
        "ground-truth/first/ann/r0/one/3",
        "ground-truth/second/ann/r0/one/3",
        "still/first/ann/r0/one/3",
    ]
    assert names[6] == "ground-truth/first/ann/r0/one/1" and names[12] == "ground-truth/first/ann/r1/one/3"
    assert len(set(names)) == len(names) == 72


def test_a_wrong_file_is_a_configuration_error(place):
    with pytest.raises(ConfigError, match="Did you mean toy"):
        load("toi")
    assert load("toy", overrides=["size=64"]).size == 64 and load_file("toy").size == 32


def test_an_estimate_counts_videos_once_and_names_what_is_missing(place, tmp_path):
    place.add_method("each", script="echo.py")
    (place.root / "faces/r1.png").write_bytes(b"no picture")
    text = (place.root / "protocols/methods/echo.toml").read_text()
    text = 'seconds_per_frame = 2.0\ntrained_on = ["toy"]\n' + text
    (place.root / "protocols/methods/lacking.toml").write_text(text + 'code = ["./none/*.py"]\n')
    metrics = "metrics=['toy_bright/plain@1','toy_deaf/plain@1']"
    protocol = place.protocol("methods=['still','each','lacking']", metrics, "axes.drivers=['one']")
    made = estimate(protocol, workers=2)
    # Two clips: a video of still and of lacking for both settings together, of each for each setting.
    assert (made.cells, made.clips, made.videos, made.frames) == (12, 2, 8, 64)
    assert made.seconds > 2 * 8 * 2.0 / 2 and made.bytes > 64 * 32 * 32 * 0.3
    assert [line.split(":")[0] for line in made.missing] == ["method lacking", "reference r1"]
    assert made.weights == ("metric toy_deaf/plain@1: landmarks:nobody68",)
    assert made.overlap == ("method lacking was trained on toy",) and made.basis == "rough constants"


def test_an_estimate_learns_from_a_journal(place, tmp_path):
    protocol = place.protocol("methods=['still']", "axes.drivers=['one']")
    run(protocol, out=tmp_path / "out", how=How(workers=0))
    made = estimate(protocol, out=tmp_path / "out")
    assert made.basis == "times of the journal" and 0 < made.seconds < 5


def test_an_estimate_of_a_list_whose_files_are_not_here_names_its_cells(monkeypatch: pytest.MonkeyPatch):
    """The plan of an HDTF protocol can be read where nobody has HDTF."""
    monkeypatch.delenv("HDTF_ROOT", raising=False)
    made = estimate(load("paper-hdtf", overrides=["methods=['still']", "metrics=['psnr/mean-of-frames@1']"]))
    assert (made.cells, made.clips, made.frames) == (50, 50, 50 * 250)
    assert len(made.missing) == 1 and "set the environment variable HDTF_ROOT" in made.missing[0]
    assert made.basis == "rough constants; 50 lengths guessed"
    monkeypatch.delenv("VOXCELEB2_ROOT", raising=False)
    with pytest.raises(MissingError, match="VOXCELEB2_ROOT"):  # its clips are those that are found on the disk
        estimate(load("paper-voxceleb2"))


def test_a_protocol_refuses_another_revision_and_other_clips(place, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"protocol toy@1: revision: expected 9/9 of dataset toy, got 1/1"):
        open_clips(place.protocol("revision='9/9'"))
    given = open_clips(place.protocol("revision='1/1'"))
    right = clips_sha256(given)
    open_clips(place.protocol(f"clips_sha256='{right}'"))
    (place.root / "faces/r1.png").rename(place.root / "faces/r2.png")
    with pytest.raises(ConfigError, match=f"clips_sha256: expected {right} of dataset toy, got "):
        open_clips(place.protocol(f"clips_sha256='{right}'"))
