"""Python, processor, memory, folders, extras: each state with what it says and advises."""

from __future__ import annotations

import importlib.metadata
import shutil
import tomllib
from collections import namedtuple
from pathlib import Path

import pytest

from bench.inventory import extras, machine
from bench.inventory.finding import Check, perform

Version = namedtuple("Version", "major minor micro releaselevel serial")


@pytest.mark.parametrize(("minor", "state"), [(10, "broken"), (11, "ok"), (13, "ok"), (14, "broken")])
def test_python_is_one_that_the_packages_exist_for(monkeypatch: pytest.MonkeyPatch, minor: int, state: str) -> None:
    monkeypatch.setattr("sys.version_info", Version(3, minor, 0, "final", 0))
    found = machine.look_at_python()
    assert found.state == state and bool(found.advice) == (state == "broken")


def test_a_container_that_leaves_fewer_cores_and_less_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("bench.store.device.usable_cores", lambda: 1)
    assert machine.look_at_processor().found.endswith("1 of 64 core")
    monkeypatch.setattr(machine, "_LIMIT", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("max\n")
    whole = machine.memory_bytes()
    (tmp_path / "memory.max").write_text("1500000000\n")
    found = machine.look_at_memory()
    assert whole > 1.5e9 and (found.state, found.found) == ("missing", "1.5 GB") and "--workers 1" in found.advice


def test_a_folder_that_cannot_be_written_and_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good = machine.look_at_output(tmp_path / "not" / "yet")
    assert good.state == "ok" and not (tmp_path / "not").exists()
    (tmp_path / "file").write_text("x")
    blocked = machine.look_at_output(tmp_path / "file" / "run")
    assert blocked.state == "broken" and "--out" in blocked.advice
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 5e8))
    assert machine.look_at_output(tmp_path).state == "missing"


def test_the_cache_is_measured_and_a_wrong_one_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "x").write_bytes(bytes(3_000_000))
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path / "cache"))
    assert "3 MB in it" in machine.look_at_cache().found
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path / "cache" / "x" / "below"))
    wrong = machine.look_at_cache()
    assert wrong.state == "broken" and "AVCT_BENCH_CACHE" in wrong.advice


def test_a_check_that_raises_is_a_finding() -> None:
    def look() -> None:
        raise OSError

    (found,) = perform("toy", Check("thing", look))  # type: ignore[arg-type]
    assert (found.what, found.state, found.found) == ("thing", "broken", "OSError: no reason given")


def test_extras_are_those_of_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "numpy>=2",
        'numpy ; extra == "one"',
        "nowhere-to-be-found>=1; extra == 'two'",
        "avct-bench ; extra == 'one'",
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == "sbatch" else None)
    found = {f.what: f for f in extras.look_at_extras()}
    assert {name: f.state for name, f in found.items()} == {
        "one": "ok", "two": "missing", "sbatch": "ok", "browser": "missing"
    }  # fmt: skip
    assert "nowhere-to-be-found" in found["two"].found and found["two"].command == "pip install 'avct-bench[two]'"


def test_a_package_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", unknown)
    assert extras.look_at_extras()[0].state == "missing"


def test_every_extra_of_the_project_says_what_it_is_for() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras.PURPOSES) == set(project["optional-dependencies"])
