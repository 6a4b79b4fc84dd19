"""Values of all clips together, end to end with a toy extractor: rows, table, reuse, order, and what is lacking."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.io.encode import write_lossless
from bench.report import write
from bench.report.folder import read_run
from bench.runner.how import How
from bench.runner.score import score
from bench.stats.summary import summarise
from bench.store.manifest import read_manifest
from bench.store.rows import read_rows

EXTRACTOR = """
import os
import numpy as np

class Corners:
    name, weights, landmarks = "corners", (), None
    def extract(self, frames, points):
        with open(os.environ["TOY_LOG"], "a") as log:
            log.write(f"extract {int(frames[0][0, 0, 0])}\\n")
        lines = np.array([[f[0, 0, 0], f[0, -1, 1]] for f in frames], np.float32)
        lines[lines[:, 0] == 250] = np.nan
        return lines

def load():
    return Corners()
"""
METRIC = """
import os
import numpy as np
from metrics.clip import Result
from metrics.registry import Corpus, Variant

def measure(clip):
    lines = clip.features["corners"]
    whole = ~np.isnan(lines).any(1)
    if not whole.any():
        return Result(None, 0.0, reason="no line")
    return Result(None, float(whole.mean()))

def summarise(blocks):
    return sum(len(b) for b in blocks), sum(b.astype(np.float64).sum(0) for b in blocks)

def merge(parts):
    return sum(n for n, _ in parts), sum(total for _, total in parts)

def distance(ours, theirs):
    with open(os.environ["TOY_LOG"], "a") as log:
        log.write("distance\\n")
    return float(np.abs(ours[1] / ours[0] - theirs[1] / theirs[0]).sum())

VARIANTS = tuple(Variant(id=f"gap/corners{least}@1", title="Gap", formula="", unit="1", direction="lower", target=None,
    bounds=(0.0, None), needs=("features:corners", "truth_features:corners"), weights=(), source="", equals="",
    blind_to="", legacy=False, measure=measure,
    corpus=Corpus("corners", summarise, merge, distance, least_frames=least, least_clips=2)) for least in (4, 1000))
"""
GAP, HUNGRY = "gap/corners4@1", "gap/corners1000@1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path / "own"))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    (tmp_path / "own" / "metrics" / "features").mkdir(parents=True)
    (tmp_path / "own" / "metrics" / "features" / "corners.py").write_text(EXTRACTOR)
    (tmp_path / "own" / "metrics" / "gap.py").write_text(METRIC)
    (tmp_path / "log").touch()
    return tmp_path


def paint(folder: Path, clips: dict[str, int]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, level in clips.items():
        frames = [np.full((16, 16, 3), level if level == 250 else level + t, np.uint8) for t in range(6)]
        write_lossless(folder / f"{name}.mkv", frames, samples=None)
    return folder


def calls(home: Path, what: str) -> int:
    return (home / "log").read_text().count(what)


def pooled(out: Path) -> dict[str, dict]:
    return {row["metric"]: row for row in read_rows(out / "rows.parquet") if row["reference"] == "*"}


def test_a_value_of_all_clips_reaches_rows_and_table(home: Path):
    truth = paint(home / "true", {f"c{k}": 10 * k for k in range(5)})
    mine = paint(home / "mine", {f"c{k}": 10 * k + 3 for k in range(5)})
    out = home / "out"
    result = score(mine, truth=truth, metrics=[GAP, HUNGRY], out=out, how=How(workers=0))
    assert (result.exit_code, result.total, result.failed) == (0, 5, 0)
    row = pooled(out)[GAP]
    assert row["value"] == pytest.approx(6.0) and row["status"] == "ok" and row["coverage"] == 1.0
    assert row["notes"]["clips"] == 5 and row["notes"]["frames"] == 30 == row["notes"]["truth_frames"]
    low, high = row["notes"]["interval"]
    assert low == pytest.approx(6.0) == high  # every clip is off by the same
    hungry = pooled(out)[HUNGRY]
    assert hungry["value"] is None and hungry["status"] == "undefined" and "expected at least 1000" in hungry["reason"]
    rows = read_rows(out / "rows.parquet")
    assert {r["status"] for r in rows if r["reference"] != "*"} == {"pooled"}
    lines = summarise(rows, read_manifest(out / "manifest.json")["protocol"])
    assert [(line["value"], line["n"], line["coverage"]) for line in lines] == [
        (pytest.approx(6.0), 5, 1.0),
        (None, 0, 0),
    ]
    write(out)
    table = (out / "table.md").read_text()
    assert "6.0" in table and "leaving out" in table and "expected at least 1000" in table
    assert "not run" not in table


def test_a_second_run_computes_nothing_and_a_changed_clip_alone_is_seen_again(home: Path):
    truth = paint(home / "true", {f"c{k}": 10 * k for k in range(5)})
    mine = paint(home / "mine", {f"c{k}": 10 * k + 3 for k in range(5)})
    out = home / "out"
    score(mine, truth=truth, metrics=[GAP], out=out, how=How(workers=0))
    extracted, measured = calls(home, "extract"), calls(home, "distance")
    assert extracted == 10 and measured == 6  # all, and without each of five groups
    before = pooled(out)[GAP]
    result = score(mine, truth=truth, metrics=[GAP], out=out, how=How(workers=0))
    assert result.reused == 5 and (calls(home, "extract"), calls(home, "distance")) == (10, 6)
    assert pooled(out)[GAP] == before
    paint(mine, {"c2": 90})
    score(mine, truth=truth, metrics=[GAP], out=out, how=How(workers=0))
    assert calls(home, "extract") == 11 and pooled(out)[GAP]["value"] > before["value"]


def test_features_that_are_gone_are_found_again(home: Path):
    truth = paint(home / "true", {f"c{k}": 10 * k for k in range(4)})
    mine = paint(home / "mine", {f"c{k}": 10 * k + 3 for k in range(4)})
    out = home / "out"
    score(mine, truth=truth, metrics=[GAP], out=out, how=How(workers=0))
    before = pooled(out)[GAP]
    for path in (out / "cache").rglob("*"):
        if path.is_file():
            path.unlink()
    score(mine, truth=truth, metrics=[GAP], out=out, how=How(workers=0))
    assert pooled(out)[GAP] == before and calls(home, "extract") == 16


@pytest.mark.parametrize("workers", [0, 2])
def test_names_and_workers_do_not_move_the_value(home: Path, workers: int):
    rng = np.random.default_rng(3)
    levels = {f"c{k}": int(rng.integers(0, 200)) for k in range(7)}
    truth = paint(home / "true", {name: level + 5 for name, level in levels.items()})
    mine = paint(home / "mine", levels)
    outs = [home / "a", home / f"b{workers}"]
    score(mine, truth=truth, metrics=[GAP], out=outs[0], how=How(workers=0))
    score(mine, truth=truth, metrics=[GAP], out=outs[1], how=How(workers=workers))
    assert pooled(outs[0])[GAP] == pooled(outs[1])[GAP]


def test_clips_that_bring_nothing_or_fail_lower_the_coverage(home: Path):
    truth = paint(home / "true", {f"c{k}": 10 * k for k in range(5)})
    mine = paint(home / "mine", {"c0": 3, "c1": 13, "c2": 250})
    out = home / "out"
    result = score(mine, truth=truth, metrics=[GAP], out=out, how=How(workers=0))
    assert result.failed == 2  # c3 and c4 have no video
    row = pooled(out)[GAP]
    assert row["notes"]["clips"] == 2 and row["coverage"] == pytest.approx(0.4) and row["value"] == pytest.approx(6.0)
    assert "interval" not in row["notes"]  # two groups say nothing of a spread
    write(out)
    assert "2 of 5 clips" in (out / "table.md").read_text()


def test_a_table_of_a_run_that_broke_off_shows_no_value_of_other_clips(home: Path):
    truth = paint(home / "true", {f"c{k}": 10 * k for k in range(4)})
    mine = paint(home / "mine", {f"c{k}": 10 * k + 3 for k in range(4)})
    out = home / "out"
    score(mine, truth=truth, metrics=[GAP], out=out, how=How(workers=0))
    assert len(read_run(out).pooled) == 1
    journal = out / "journal.jsonl"
    path = journal if journal.is_file() else next(out.glob("*.jsonl"))
    lines = path.read_text().splitlines()
    changed = [line for line in lines if '"c1"' in line][-1]
    assert json.loads(changed) is not None
    sha = json.loads(changed)["rows"][0]["video_sha256"]
    path.write_text("\n".join([*lines, changed.replace(sha, "0" * 64)]) + "\n")
    assert read_run(out).pooled == ()


def test_without_truth_it_is_unavailable(home: Path):
    mine = paint(home / "mine", {f"c{k}": 10 * k + 3 for k in range(2)})
    score(mine, metrics=[GAP], out=home / "out", how=How(workers=0))
    row = pooled(home / "out")[GAP]
    assert row["status"] == "unavailable" and "needs truth" in row["reason"]
