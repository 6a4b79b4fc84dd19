"""`train` from the command line: a few steps of every stage of the generator, in full size, end in a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import bench, write_face, write_phones, write_tone

GENERATOR = ("detector", "renderer", "polish", "speech")
RECIPE = """
configuration = "landmark"
cast = {identities = 2, spoken = 2}
[stages]
detector = {steps = 2}
renderer = {steps = 2}
polish = {steps = 2, texture = 1.0, adversary = 0.1, seed = 1}
speech = {steps = 2}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """Folder of a training of two steps, and what it printed."""
    folder = tmp_path_factory.mktemp("train")
    (folder / "mini.toml").write_text(RECIPE)
    told = bench(
        "train", "--recipe", folder / "mini.toml", "--out", folder / "out", "--state", folder / "state", "--json",
        AVCT_BENCH_CACHE=str(folder / "cache"),
    )  # fmt: skip
    assert told.code == 0, told.err
    return folder, json.loads(told.out)


def test_training_ends_in_a_checkpoint_and_its_card(trained: tuple[Path, dict]) -> None:
    folder, told = trained
    assert told["files"] == [str(folder / "out" / "mini.safetensors")]
    card = json.loads((folder / "out" / "mini.json").read_text())
    assert {"sha256", "configuration", "sizes", "data", "losses", "recipe"} <= set(card)
    assert card["recipe"]["seed"] == 0 and card["recipe"]["stages"]["renderer"]["steps"] == 2
    assert set(card["seconds"]) == set(GENERATOR) and "torch" in card["machine"]


def test_a_finished_training_is_not_done_again(trained: tuple[Path, dict]) -> None:
    folder, _ = trained
    path = folder / "out" / "mini.safetensors"
    before = path.read_bytes()
    told = bench(
        "train", "speech", "--recipe", folder / "mini.toml", "--out", folder / "out", "--state", folder / "state",
        "--json", AVCT_BENCH_CACHE=str(folder / "cache"),
    )  # fmt: skip
    assert told.code == 0, told.err
    assert path.read_bytes() == before


def test_what_was_trained_can_speak(trained: tuple[Path, dict], tmp_path: Path) -> None:
    folder, _ = trained
    made = bench(
        "generate", "--image", write_face(tmp_path / "face.png"), "--audio", write_tone(tmp_path / "a.wav", 0.4),
        "--phonemes", write_phones(tmp_path / "p.json", 0.4), "--keypoints", "detector",
        "--checkpoint", folder / "out" / "mini.safetensors", "--out", tmp_path / "v.mkv", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert json.loads(made.out)["frames"] == 10


def test_polish_asks_for_a_finished_renderer(tmp_path: Path) -> None:
    told = bench(
        "train", "polish", "--out", tmp_path / "out", "--state", tmp_path / "state", "--steps", "polish=1",
        AVCT_BENCH_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert told.code == 2
    assert "polish goes on from a finished renderer" in told.err and told.err.count("\n") == 1
