"""Weights, datasets and methods: here, missing and damaged, and what to do about each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.inventory import data, programs, weights
from bench.inventory.finding import Finding
from bench.io.encode import write_lossless
from protocols.catalogue import listing


def by_name(found: list[Finding]) -> dict[str, Finding]:
    assert len({f.what for f in found}) == len(found)
    return {f.what: f for f in found}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights but those of packages."""
    for name in ("AVCT_BENCH_CACHE", "TORCH_HOME", "AVCT_BENCH_WEIGHTS"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    return tmp_path


def test_every_weight_is_told_by_name_with_the_line_to_type(alone: Path) -> None:
    from metrics.weights import entries

    found = by_name(weights.look_at_weights())
    assert list(found)[1:] == [entry.name for entry in entries()]
    assert found["puppet256"].state == found["puppet68"].state == "ok"
    assert found["alexnet"].state == "missing" and found["alexnet"].command == "run_bench.py weights fetch alexnet"
    assert "244.4 MB" in found["alexnet"].found and "licence" in found["alexnet"].advice
    assert (
        found["yunet"].command == "run_bench.py weights add yunet FILE" and "from the origin" in found["yunet"].advice
    )
    assert all(f.command.startswith(("run_bench.py ", "pip ")) for f in found.values() if f.state != "ok")


def test_damaged_and_unknown_weights(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = alone / "mine"
    folder.mkdir()
    (folder / "puppet68.safetensors").write_bytes(b"not what it was")
    (folder / "arcface_r50.pth").write_bytes(b"whatever")
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(folder))
    found = by_name(weights.look_at_weights())
    damaged = found["puppet68"]
    assert damaged.state == "broken" and str(folder) in damaged.found and damaged.command.startswith("run_bench.py ")
    assert found["arcface_r50"].state == "missing" and "sha256" in found["arcface_r50"].found
    assert found["arcface_r50"].command == f"run_bench.py weights add arcface_r50 {folder / 'arcface_r50.pth'}"


def dataset(folder: Path, name: str, path: str, **options: str) -> None:
    lines = [f'title = "{name}"', 'loader = "folder"', 'licence = "CC0-1.0"', "[options]", f'path = "{path}"']
    target = folder / "protocols" / "datasets" / f"{name}.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines), encoding="utf-8")


def test_datasets_embedded_not_set_up_wrong_and_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for name in ("one", "two"):
        write_lossless(films / f"{name}.mkv", np.zeros((2, 32, 32, 3), np.uint8))
    dataset(tmp_path, "mine", str(films))
    dataset(tmp_path, "gone", str(tmp_path / "gone"))
    (tmp_path / "protocols" / "datasets" / "odd.toml").write_text("title = 1")
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    monkeypatch.setenv("HDTF_ROOT", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GRID_ROOT", str(films))
    monkeypatch.delenv("MEAD_ROOT", raising=False)
    known, checks = data.checks()
    found = by_name([*known, *(check.look() for check in checks)])  # type: ignore[misc]
    assert set(found) == {"corpus", *listing("datasets")}
    assert found["corpus"].state == found["puppets-large"].state == "ok"
    assert found["mead"].state == "missing" and found["mead"].command == "run_bench.py explain mead"
    assert found["odd"].state == "broken" and "odd.toml" in found["odd"].found
    assert (found["mine"].state, found["mine"].found) == ("ok", "2 clips here")
    for name in ("gone", "hdtf", "grid"):
        assert found[name].state == "broken" and found[name].command == f"run_bench.py explain {name}", name


def test_a_dataset_of_which_a_part_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lossless(tmp_path / "Radio11_0.mkv", np.zeros((2, 32, 32, 3), np.uint8))
    (tmp_path / "Radio11_0.mkv").rename(tmp_path / "Radio11_0.mp4")
    monkeypatch.setenv("HDTF_ROOT", str(tmp_path))
    found = data.look_at_dataset("hdtf")
    assert found.state == "missing" and found.found == "1 clips here; 420 of 421 clips are not on this disk"


def test_a_corpus_that_is_damaged_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ValueError("truncated")

    monkeypatch.setattr("bench.datasets.puppets.speech.recordings", refuse)
    assert by_name(data.checks()[0])["corpus"].found == "ValueError: truncated"


def test_programs_not_set_up_half_set_up_and_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from protocols.catalogue import load_method

    homes = {variable for name in listing("methods") for variable in getattr(load_method(name), "homes", {})}
    for variable in homes:
        monkeypatch.delenv(variable, raising=False)
    found = by_name(programs.look_at_methods())
    assert set(found) == set(listing("methods"))
    assert found["wav2lip"].state == "missing" and "set WAV2LIP_HOME to a checkout" in found["wav2lip"].advice
    outside = [name for name in found if getattr(load_method(name), "homes", {})]
    assert len(outside) >= 17 and {found[name].state for name in outside} == {"missing"}
    assert found["avct"].state == "ok"

    home = tmp_path / "wav2lip"
    monkeypatch.setenv("WAV2LIP_HOME", str(home))
    assert "is no folder" in by_name(programs.look_at_methods())["wav2lip"].found
    home.mkdir()
    half = by_name(programs.look_at_methods())["wav2lip"]
    assert half.state == "broken" and "no virtual environment" in half.found and "wav2lip_gan.pth" in half.found
    places = [".venv/bin/python", "checkpoints/wav2lip_gan.pth", "face_detection/detection/sfd/s3fd.pth", "models/x.py"]
    for place in places:
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_text("")
    assert by_name(programs.look_at_methods())["wav2lip"].state == "ok"


def test_a_checkpoint_that_is_not_trained_and_a_method_file_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "protocols" / "methods"
    folder.mkdir(parents=True)
    (folder / "later.toml").write_text('kind = "builtin"\nbuiltin = "avct"\nweights = "later.safetensors"\n')
    (folder / "odd.toml").write_text('kind = "odd"\n')
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    found = by_name(programs.look_at_methods())
    assert found["later"].state == "missing" and found["later"].command == "run_bench.py train --recipe later"
    assert found["odd"].state == "broken" and "odd.toml" in found["odd"].found
