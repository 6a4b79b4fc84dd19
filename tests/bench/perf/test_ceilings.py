"""Ceilings: measured once, kept by what they depend on, refused where there is no such device. Never how high."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from bench.errors import ConfigError
from bench.perf import ceilings
from bench.perf.ceilings import Ceilings


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes that take no time."""
    for name, sizes in (("SIDES", (16,)), ("_QUICK_SIDES", (8,)), ("BLOCKS", (4096,)), ("_QUICK_BLOCKS", (1024,))):
        monkeypatch.setattr(ceilings, name, {"cpu": sizes})
    monkeypatch.setattr(ceilings, "SECONDS", 0.0)
    monkeypatch.setattr(ceilings, "QUICK", 0.0)


def test_both_rates_are_measured_in_every_precision(instant: None) -> None:
    before = torch.backends.cuda.matmul.allow_tf32
    found = ceilings.measure("cpu")
    assert set(found.products) == {"float32", "bfloat16"} and min(found.products.values()) > 0 < found.copy
    assert found.device == "cpu" and found.threads == torch.get_num_threads() and "torch" in found.versions
    assert torch.backends.cuda.matmul.allow_tf32 == before
    said = ceilings.report(found)
    assert "GFLOP/s" in said and "GB/s" in said and found.name in said


def test_they_are_measured_once(instant: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = ceilings.ceilings("cpu", quick=True, folder=tmp_path)
    assert short.quick and ceilings.ceilings("cpu", quick=True, folder=tmp_path) == short
    full = ceilings.ceilings("cpu", folder=tmp_path)
    assert not full.quick and len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(ceilings, "measure", lambda *_, **__: pytest.fail("measured again"))
    assert ceilings.ceilings("cpu", folder=tmp_path) == full == ceilings.ceilings("cpu", quick=True, folder=tmp_path)


def test_another_device_or_a_damaged_file_is_measured_anew(
    instant: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ceilings.ceilings("cpu", folder=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(json.dumps(asdict(replace(first, name="another", copy=1.0))))
    assert ceilings.ceilings("cpu", folder=tmp_path).name == first.name
    path.write_text("{")
    assert ceilings.ceilings("cpu", folder=tmp_path).copy > 1
    about = ceilings.describe("cpu")
    monkeypatch.setattr(ceilings, "describe", lambda device: {**about, "threads": 99})
    assert ceilings.ceilings("cpu", folder=tmp_path).threads == 99 and len(list(tmp_path.iterdir())) == 2


def test_a_device_that_is_not_here_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="expected cpu, cuda or cuda:N, got 'tpu'"):
        ceilings.describe("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(SystemExit) as stopped:
            ceilings.main(["--device", "cuda"])
        assert stopped.value.code == 2 and "PyTorch finds no CUDA device" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        ceilings.main(["--threads", "0"])


def test_the_command_prints_them(
    instant: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    assert ceilings.main(["--quick", "--json", "--threads", "1"]) == 0
    held = Ceilings(**json.loads(capsys.readouterr().out))
    assert held.threads == 1 and held.quick and list((tmp_path / "ceilings").iterdir())
    assert ceilings.main(["--quick", "--threads", "1"]) == 0 and "1 threads" in capsys.readouterr().out
