"""What `doctor` says of torch, torchvision, cards and compilers, with and without them."""

from __future__ import annotations

import importlib.util
import shutil
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bench.inventory import torch_build
from bench.inventory.torch_build import look_at_compiler, look_at_gpus, look_at_torch, look_at_torchvision

PROPERTIES = SimpleNamespace(name="Toy 9000", total_memory=80e9, major=9, minor=0)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel driver's folder with one card."""
    folder = tmp_path / "nvidia"
    (folder / "gpus" / "0000:01:00.0").mkdir(parents=True)
    (folder / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue\nGCC version:\n")
    (folder / "gpus" / "0000:01:00.0" / "information").write_text("Model: \t\t NVIDIA Toy 9000\nIRQ: 1\n")
    monkeypatch.setattr(torch_build, "DRIVER", folder)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return folder


@pytest.fixture
def card(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that torch reaches; products are computed on the processor."""
    ones = torch.ones
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: PROPERTIES)
    monkeypatch.setattr(torch, "ones", lambda *shape, device: ones(*shape))


def test_torch_and_torchvision_of_this_installation_fit() -> None:
    assert look_at_torch().state == "ok" and torch.__version__ in look_at_torch().found
    assert look_at_torchvision().state == "ok"


def test_torchvision_of_another_build_or_none_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise OSError("undefined symbol: _ZN3c10\nand more")

    monkeypatch.setattr(torch.ops, "load_library", refuse)
    found = look_at_torchvision()
    assert found.state == "broken" and found.found == "undefined symbol: _ZN3c10" and "together" in found.advice
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert look_at_torchvision().state == "broken"


def test_without_a_card_it_is_only_slower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_build, "DRIVER", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (found,) = look_at_gpus()
    assert (found.state, found.found) == ("missing", "none") and "slower" in found.advice


def test_a_card_that_torch_cannot_use_says_why(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("The NVIDIA driver on your system\nis too old")

    monkeypatch.setattr(torch.cuda, "init", refuse)
    (found,) = look_at_gpus()
    assert found.state == "broken" and "NVIDIA Toy 9000 with driver 550.54.15" in found.found
    assert "is too old" in found.found and "CUDA 12.8" in found.advice
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    assert "does not say why" in look_at_gpus()[0].found
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "hidden by CUDA_VISIBLE_DEVICES" in look_at_gpus()[0].found
    monkeypatch.setattr(torch.version, "cuda", None)
    (found,) = look_at_gpus()
    assert found.state == "missing" and "built for the CPU alone" in found.found


def test_a_card_is_tried(card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = look_at_gpus()
    assert found.state == "ok"
    assert found.found == "Toy 9000, 80 GB, compute capability 9.0, driver 550.54.15, CUDA 12.8"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [f.what for f in look_at_gpus()] == ["gpu 0", "gpu 1"]
    monkeypatch.setattr(torch, "ones", lambda *shape, device: torch.zeros(*shape))
    assert look_at_gpus()[1].state == "broken"

    def refuse(*shape: int, device: str) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nfor execution")

    monkeypatch.setattr(torch, "ones", refuse)
    (found, _) = look_at_gpus()
    assert found.state == "broken" and found.found.endswith("no kernel image is available")
    assert "compute capability" in found.advice


def test_a_compiler_and_what_is_lost_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == "clang++" else None)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert look_at_compiler().found == "/bin/clang++, but no Python.h"
    (tmp_path / "Python.h").write_text("")
    assert look_at_compiler().state == "ok"
    monkeypatch.setenv("CXX", "icpx")
    found = look_at_compiler()
    assert (found.state, found.found) == ("missing", "CXX=icpx is not there") and "torch.compile" in found.advice
    monkeypatch.delenv("CXX")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert look_at_compiler().command == "apt-get install g++"
