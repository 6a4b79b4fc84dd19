"""`perf` from the command line: what it refuses, what it times, what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["throughput", "--batch", "4"], "settings are the protocol's"),
        (["--setting", "cpu"], "name the protocol"),
        (["--scenario", "ofline"], "timing.scenarios"),
        (["--precision", "float8"], "precision"),
        (["--graphs"], "graphs are CUDA graphs"),
        (["--metrics", "--method", "avct"], "times the metrics alone"),
        (["throughput", "--setting", "gpu"], "no setting 'gpu'"),
        (["--method", "avtc"], "Did you mean avct"),
        (["--quick", "--devices", "0"], "devices"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = [] if "--metrics" in arguments else ["--out", str(tmp_path)]
    assert main(["perf", *arguments, *out]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ") and words in said


def test_a_device_that_is_not_here_is_a_row_with_its_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    sets = ["--set", "axes.drivers_per_speaker=1", "--set", 'axes.references=["test-003"]']
    asked = ["perf", "--method", "avct-full", "--device", "cuda", "--scenario", "offline", "--quick", *sets]
    assert main([*asked, "--out", str(tmp_path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["timed"], told["failed"], told["exit_code"]) == (1, 1, 1)
    page = (tmp_path / "speeds.html").read_text()
    assert "PyTorch finds no CUDA device" in page and (tmp_path / "manifest.json").is_file()
    assert main([*asked, "--out", str(tmp_path)]) == 1
    assert "PyTorch finds no CUDA device" in capsys.readouterr().out


def test_a_control_is_nothing_to_be_timed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sets = ["--set", "axes.drivers_per_speaker=1", "--set", 'axes.references=["test-003"]']
    asked = ["perf", "--method", "silence", "--scenario", "clip-latency", "--quick", *sets, "--out", str(tmp_path)]
    assert main(asked) == 1
    assert "silence is a control" in capsys.readouterr().out
