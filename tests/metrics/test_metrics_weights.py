"""Weight files: what is said of them, where they are looked for, and whether they are intact."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metrics.errors import MetricError, MissingWeights
from metrics.landmarks import BACKENDS, backends
from metrics.registry import variants
from metrics.weights import entries, entry, find, locate, locate_intact, verify

SHIPPED = "puppet68"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weight is found: wheels are hidden and the cache is empty. The folder that AVCT_BENCH_WEIGHTS names."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


@pytest.mark.parametrize("weight", entries(), ids=lambda w: w.name)
def test_what_is_said_is_complete(weight: object) -> None:
    assert re.fullmatch("[0-9a-f]{64}", weight.sha256) and weight.bytes > 0
    assert weight.file and weight.licence and weight.origin and weight.remedy
    known = {f"landmarks:{name}" for name in backends()} | set(variants())
    assert weight.needed_by and set(weight.needed_by) <= known


def test_names_are_unique_and_backends_weights_are_listed() -> None:
    names = [weight.name for weight in entries()]
    assert len(set(names)) == len(names)
    for backend, needed in BACKENDS.items():
        assert set(needed) == {w.name for w in entries() if f"landmarks:{backend}" in w.needed_by}


def test_the_shipped_file_is_intact_and_as_long_as_said() -> None:
    assert verify(SHIPPED) == "intact" and locate(SHIPPED).stat().st_size == entry(SHIPPED).bytes
    assert locate_intact(SHIPPED) == locate(SHIPPED) == find(SHIPPED)


@pytest.mark.parametrize("weight", entries(), ids=lambda w: w.name)
def test_files_that_are_here_are_intact(weight: object) -> None:
    if find(weight.name) is None:
        pytest.skip(f"{weight.file} is not here: {weight.remedy}")
    assert verify(weight.name) == "intact" and find(weight.name).stat().st_size == weight.bytes


def test_an_unknown_name_gets_a_suggestion() -> None:
    for ask in (entry, find, locate, verify):
        with pytest.raises(MetricError, match=r"unknown weights 'pupet68'\. Did you mean puppet68"):
            ask("pupet68")


@pytest.mark.parametrize("weight", entries(), ids=lambda w: w.name)
def test_missing_says_what_to_do(weight: object, nowhere: Path) -> None:
    assert find(weight.name) is None and verify(weight.name) == "missing"
    for ask in (locate, locate_intact):
        with pytest.raises(MissingWeights, match="are not here") as caught:
            ask(weight.name)
        said = str(caught.value)
        assert weight.file in said and weight.remedy in said and "AVCT_BENCH_WEIGHTS" in said and "\n" not in said


def test_a_damaged_file_is_not_used(nowhere: Path) -> None:
    real = Path(__file__).parents[2] / "metrics" / "weights_data" / entry(SHIPPED).file
    copy = nowhere / real.name
    data = bytearray(real.read_bytes())
    copy.write_bytes(data)
    assert verify(SHIPPED) == "intact" and locate_intact(SHIPPED) == copy
    data[-1] ^= 1  # one bit
    copy.write_bytes(data)
    assert verify(SHIPPED) == "damaged" and locate(SHIPPED) == copy
    with pytest.raises(MetricError, match=r"expected the sha256 that weights\.toml states for puppet68") as caught:
        locate_intact(SHIPPED)
    assert str(caught.value).startswith(str(copy))
    copy.write_bytes(b"")
    assert verify(SHIPPED) == "damaged"


def test_the_given_folder_comes_first_the_cache_last(
    nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "cache" / "weights" / entry("dlib68").file
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"cache")
    assert find("dlib68") == kept
    given = nowhere / kept.name
    given.write_bytes(b"given")
    assert find("dlib68") == given
    monkeypatch.delenv("AVCT_BENCH_WEIGHTS")
    assert find("dlib68") == kept


def test_a_folder_with_the_files_name_is_no_file(nowhere: Path) -> None:
    (nowhere / entry(SHIPPED).file).mkdir()
    assert verify(SHIPPED) == "missing"
