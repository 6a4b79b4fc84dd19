"""What runs again under each overwrite policy, in a folder of finished and failed cells whose inputs changed since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import ConfigError
from bench.runner.execution import RunResult
from bench.runner.how import How
from bench.runner.overwrite import POLICIES
from bench.runner.run import run
from bench.runner.score import score
from bench.store.journal import read_journal
from bench.store.rows import read_rows

METRIC = """
import os
from bench.io.digest import sha256_array
from metrics.clip import Result
from metrics.registry import Variant

def measure(clip):
    with open(os.environ["TOY_LOG"], "a") as log:
        log.write(f"measure moody {sha256_array(clip.frames)}\\n")
    if os.environ.get("TOY_MOOD") == str(len(clip.frames)):
        raise RuntimeError("not today")
    return Result(float(clip.frames.mean()), 1.0)

VARIANTS = (Variant(id="toy_moody/plain@1", title="", formula="", unit="", direction="lower", target=None,
    bounds=(None, None), needs=(), weights=(), source="", equals="", blind_to="", legacy=False, measure=measure),)
"""
BASE = ("methods=['still','ground-truth']", "settings=[{name='f'}]", "axes.drivers=['one','two']")
METRICS = "metrics=['toy_moody/plain@1','toy_bright/plain@1']"


def cells(*references: str, drivers: tuple[str, ...] = ("one", "two")) -> set[str]:
    return {f"{m}/f/{r}/{d}" for m in ("still", "ground-truth") for r in references for d in drivers}


class Begun:
    """A run of r0 alone, in which the clips of driver `two` failed; then all is asked for."""

    def __init__(self, place, out: Path) -> None:
        self.place, self.out = place, out
        first = run(place.protocol(*BASE, METRICS, "axes.references=['r0']"), out=out, how=How(workers=0))
        assert (first.done, first.failed) == (2, 2)
        self.entries, self.rows = read_journal(out / "rows.jsonl"), self.read()
        self.videos = self.stamps()
        place.calls()

    def read(self) -> dict[tuple[str, str], dict]:
        return {(row["cell"], row["metric"]): row for row in read_rows(self.out / "rows.parquet")}

    def stamps(self) -> dict[str, tuple[int, int]]:
        return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in (self.out / "videos").iterdir()}

    def go_on(self, policy: str, *overrides: str) -> tuple[RunResult, set[str], int]:
        """The result, the cells that were journaled, and how often something was measured."""
        result = run(
            self.place.protocol(*BASE, METRICS, *overrides), out=self.out, how=How(workers=0, overwrite=policy)
        )
        new = read_journal(self.out / "rows.jsonl")[len(self.entries) :]
        journaled = {"/".join((c["method"], "f", c["reference"], c["driver"])) for c in (e["cell"] for e in new)}
        calls = self.place.calls()
        assert all(call.startswith("measure") for call in calls)
        return result, journaled, len(calls)

    def kept(self) -> set[str]:
        """Cells whose rows are what they were."""
        now = self.read()
        return {short(cell) for cell, _ in now if all(now[k] == self.rows.get(k) for k in now if k[0] == cell)}


def short(cell: str) -> str:
    method, setting, _, reference, driver, _ = cell.split("/")
    return f"{method}/{setting}/{reference}/{driver}"


@pytest.fixture
def begun(place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begun:
    (place.root / "metrics/toy_moody.py").write_text(METRIC)
    monkeypatch.setenv("TOY_MOOD", "10")
    made = Begun(place, tmp_path / "out")
    monkeypatch.delenv("TOY_MOOD")
    return made


def test_only_missing_asks_the_keys_and_tries_failures_again(begun, edit_pixel: Callable[[str], None]):
    result, journaled, measured = begun.go_on("only-missing")
    # Of what failed only the metric that failed is measured again.
    assert journaled == cells("r1") | cells("r0", drivers=("two",)) and measured == 8 + 2
    assert (result.done, result.reused, result.failed, result.reason) == (8, 2, 0, "finished")
    edit_pixel("r0")
    result, _, measured = begun.go_on("only-missing")
    assert (result.reused, measured) == (4, 8)


def test_never_keeps_whatever_has_rows(begun, edit_pixel: Callable[[str], None]):
    edit_pixel("r0")
    result, journaled, measured = begun.go_on("never")
    assert journaled == cells("r1") and measured == 8
    assert begun.kept() == cells("r0") and len(begun.read()) == 16
    assert (result.exit_code, result.done, result.failed, result.reused) == (1, 6, 2, 2)
    stale = "4 cells stay as they are although their inputs, weights or code changed since"
    assert result.reason == f"2 of 8 cells failed; {stale}"
    assert json.loads((begun.out / "manifest.json").read_text())["exit"]["reason"] == result.reason


def test_never_without_changes_is_silent_and_an_input_that_is_gone_is_stale(begun):
    result, journaled, measured = begun.go_on("never", "axes.references=['r0']")
    assert (journaled, measured, result.reason) == (set(), 0, "2 of 4 cells failed")
    (begun.place.root / "faces/r0.png").write_bytes(b"no picture")
    result, journaled, measured = begun.go_on("never", "axes.references=['r0']")
    assert (journaled, measured, result.reused) == (set(), 0, 2) and begun.kept() == cells("r0")
    assert "; 4 cells stay" in result.reason


def test_only_failed_runs_failures_and_nothing_else(begun, edit_pixel: Callable[[str], None]):
    edit_pixel("r0")
    result, journaled, measured = begun.go_on("only-failed")
    assert journaled == cells("r0", drivers=("two",)) and measured == 4
    assert begun.kept() == cells("r0", drivers=("one",))
    assert (result.exit_code, result.done, result.failed, result.reused) == (0, 4, 0, 2)
    stale = "2 cells stay as they are although their inputs, weights or code changed since"
    assert result.reason == f"finished; {stale}; 4 cells without a row were left out"
    again, journaled_again, measured = begun.go_on("only-failed")
    assert (journaled_again, measured, again.reused) == (journaled, 0, 4), "what no longer fails stays"


def test_always_makes_and_measures_everything_anew(begun):
    for _ in range(2):
        result, journaled, measured = begun.go_on("always")
        assert journaled == cells("r0", "r1") and measured == 16
        assert (result.done, result.failed, result.reused, result.reason) == (8, 0, 0, "finished")
        now = begun.stamps()
        assert len(now) == 8 and not set(now.items()) & set(begun.videos.items())
        begun.videos = now
    resumed, _, measured = begun.go_on("only-missing")
    assert (resumed.reused, measured) == (8, 0)


def test_scored_videos_obey_the_same_policies(begun, tmp_path: Path):
    videos, out = tmp_path / "videos", tmp_path / "scored"
    videos.mkdir()
    for name, video in zip("abcd", sorted((begun.out / "videos").iterdir()), strict=True):
        shutil.copy(video, videos / f"{name}.mkv")

    def measured(policy: str) -> int:
        score(videos, metrics=["toy_bright/plain@1"], out=out, how=How(workers=0, overwrite=policy))
        return len(begun.place.calls())

    assert [measured(policy) for policy in ("only-failed", "never", "only-missing", "always")] == [0, 4, 0, 4]
    shutil.copy(videos / "a.mkv", videos / "b.mkv")
    assert [measured(policy) for policy in ("only-failed", "never")] == [0, 0]
    assert not [row for row in read_rows(out / "rows.parquet") if row["status"] != "ok"]


def test_another_policy_is_a_mistake(place, tmp_path: Path):
    with pytest.raises(ConfigError, match="overwrite: expected only-missing, only-failed, never, always, got 'some'"):
        run(place.protocol(*BASE), out=tmp_path / "out", how=How(overwrite="some"))
    assert not (tmp_path / "out").exists() and len(POLICIES) == 4
