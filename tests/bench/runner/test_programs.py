"""A shipped method file through a whole run: another project's program, its failures as rows, and its absence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.runner.how import How
from bench.runner.run import run
from bench.store.rows import read_rows
from protocols.catalogue import load_method
from protocols.method import CommandMethod

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters" / "stubs"))
from homes import install

ONE = ("methods=['wav2lip', 'still']", "axes.drivers=['one']", "axes.references=['r0']", "settings=[{name='only'}]")


def rows(place, out: Path, *, exit_code: int) -> dict[str, list[dict]]:
    assert run(place.protocol(*ONE), out=out, how=How(workers=0)).exit_code == exit_code
    found: dict[str, list[dict]] = {}
    for row in read_rows(out / "rows.parquet"):
        found.setdefault(row["method"], []).append(row)
    assert {row["status"] for row in found["still"]} == {"ok"}  # whatever becomes of the other one
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    spec = load_method("wav2lip")
    assert isinstance(spec, CommandMethod)
    return install(spec, tmp_path / "homes", monkeypatch)["WAV2LIP_HOME"]


def test_a_program_is_measured_like_any_method(place, home: Path, tmp_path: Path):
    found = rows(place, tmp_path / "out", exit_code=0)["wav2lip"]
    assert {(row["status"], row["frames"]) for row in found} == {("ok", 8)}


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("nothing", "expected one video result.mp4 below {output}, found 0; exit code 0; it said last: all went well"),
        ("short", "made 2 frames, expected 8 within 4"),
        ("fail", "exit code 4; it said nothing"),
    ],
)
def test_what_a_program_does_wrong_is_a_row(place, home: Path, tmp_path: Path, monkeypatch, do: str, expected: str):
    monkeypatch.setenv("STUB_DO", do)
    found = rows(place, tmp_path / "out", exit_code=1)["wav2lip"]
    told = {(row["status"], row["stage"], row["reason"]) for row in found}
    assert told == {("failed", "generate", expected)} and all(row["value"] is None for row in found)


def test_a_program_that_is_not_here_is_a_row_that_says_where_it_comes_from(place, tmp_path: Path, monkeypatch):
    monkeypatch.delenv("WAV2LIP_HOME", raising=False)
    found = rows(place, tmp_path / "out", exit_code=1)["wav2lip"]
    (reason,) = {row["reason"] for row in found}
    assert "set the environment variable WAV2LIP_HOME: a checkout of https://github.com/Rudrabha/Wav2Lip" in reason
