"""Where training finds VGG-19's weights: in any of the folders that are given for weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("torch")
from avct.training.recipe import read
from bench.training.stages import _with_vgg19


def test_every_given_folder_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = read("paper")  # whose loss is of VGG-19
    empty, held = tmp_path / "empty", tmp_path / "held"
    empty.mkdir()
    held.mkdir()
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", f"{empty}{os.pathsep}{held}")
    assert _with_vgg19(recipe) == recipe
    (held / "vgg19.pth").write_bytes(b"x")
    assert _with_vgg19(recipe).stages["renderer"].vgg19 == str(held / "vgg19.pth")
    monkeypatch.delenv("AVCT_BENCH_WEIGHTS")
    assert _with_vgg19(recipe) == recipe
