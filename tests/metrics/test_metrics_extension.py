"""Folders on AVCT_BENCH_PATH, and files run as modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from metrics.errors import MetricError
from metrics.extension import folders, import_file, python_files, read_source


def test_folders_in_order_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folders("metrics") == []
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVCT_BENCH_PATH", os.pathsep.join(["~/b", "", str(tmp_path / "a"), "b"]))
    assert folders("metrics/landmarks") == [tmp_path / name / "metrics" / "landmarks" for name in ("b", "a")]


def test_files_in_order(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "_c.py", "d.txt"):
        (tmp_path / name).touch()
    (tmp_path / "e.py").mkdir()
    assert [path.name for path in python_files(tmp_path)] == ["a.py", "b.py"]
    assert python_files(tmp_path / "none") == []


def test_ours_come_under_their_own_names() -> None:
    import metrics.landmarks.scheme68
    import metrics.psnr

    assert import_file(Path(metrics.psnr.__file__)) is metrics.psnr
    assert import_file(Path(metrics.landmarks.scheme68.__file__)) is metrics.landmarks.scheme68


def test_files_of_one_name_are_apart(tmp_path: Path) -> None:
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "psnr.py"
        path.write_text(f"NAME = {folder!r}\n")
        found.append(import_file(path))
    assert [module.NAME for module in found] == ["one", "two"]
    assert all(sys.modules[module.__name__] is module for module in found)


def test_what_runs_is_the_text_also_where_neither_time_nor_size_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "bytecode"))
    path = tmp_path / "edited.py"
    for text in ("one", "two"):
        path.write_text(f"NAME = {text!r}\n")
        os.utime(path, (1, 1))
        assert text == import_file(path).NAME


def test_a_file_that_breaks_leaves_no_module(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n")
    before = set(sys.modules)
    with pytest.raises(ZeroDivisionError):
        import_file(path)
    assert set(sys.modules) == before


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match=r"gone\.py: expected a readable file of UTF-8 text: FileNotFoundError"):
        read_source(tmp_path / "gone.py")
