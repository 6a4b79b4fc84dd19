"""The verb `compare`: two methods of a run, two runs, what is missing, and what a user gets wrong."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import bench

from bench.records import Row
from bench.stats.summary import clips
from bench.store.journal import encode

PSNR, LMD = "psnr/mean-of-frames@1", "lmd/mouth20-centred-px-puppet68@1"
CLIPS = 24
Skill = Callable[[str, int], float | None]


def make_protocol(**changes: Any) -> dict[str, Any]:
    return {
        "id": "tiny@1",
        "title": "",
        "dataset": "puppets",
        "metrics": [PSNR, LMD],
        "methods": ["ground-truth", "good", "near", "bad"],
        "settings": [{"name": "f32", "device": "cpu", "precision": "float32", "batch": 8}],
        "axes": {
            "drivers": {f"s{k}": [f"s{k}-d{i}" for i in range(CLIPS // 8)] for k in range(8)},
            "references": ["face"],
            "seeds": [0],
            "pairs": "all",
        },
        "statistics": {"resamples": 1000, "level": 0.95, "seed": 0, "cluster": "clip", "fewest": 5},
        **changes,
    }


BASE = np.random.default_rng(1).normal(30, 2, CLIPS)
NOISE = np.random.default_rng(2).normal(0, 0.5, CLIPS)
SKILL: Mapping[str, Skill] = {
    "ground-truth": lambda metric, k: None,
    "good": lambda metric, k: BASE[k] + (3 if metric == PSNR else -3),
    "near": lambda metric, k: BASE[k] + (3 if metric == PSNR else -3) + NOISE[k],
    "bad": lambda metric, k: BASE[k],
}


def make_run(folder: Path, *, skill: Mapping[str, Skill] = SKILL, truth: str = "t", **changes: Any) -> Path:
    """A run folder without videos. A skill of None is a failed clip."""
    protocol = make_protocol(**changes)
    entries = []
    for method in protocol["methods"]:
        for setting in protocol["settings"]:
            for place, clip in enumerate(clips(protocol)):
                names = dict(zip(("speaker", "reference", "driver", "seed"), clip, strict=True)) | {"method": method}
                rows = []
                for metric in protocol["metrics"]:
                    value = skill[method](metric, place)
                    found = {"value": value, "status": "ok", "coverage": 1.0}
                    if value is None:
                        found = {"value": None, "status": "failed", "stage": "generate", "reason": "x", "coverage": 0.0}
                    about = {"protocol": protocol["id"], "setting": setting["name"], "metric": metric, "frames": 5}
                    key = f"{method}-{place}"
                    rows.append(Row(cell=key, truth_sha256=f"{truth}{clip[2]}", **about, **names, **found).as_dict())
                cell = {**names, "setting": setting}
                entries.append({"key": key, "cell": cell, "rows": rows, "video": None, "seconds": {}})
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_bytes(b"".join(encode(entry) for entry in entries))
    (folder / "manifest.json").write_text(json.dumps({"schema": 1, "run_id": "r", "protocol": protocol}))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("compare") / "run")


def told(*arguments: str | Path) -> dict[str, Any]:
    found = bench("compare", *arguments, "--json")
    assert found.code == 0, found.err
    return json.loads(found.out)


def test_a_better_method_is_called_better_whichever_comes_first(run: Path):
    found = told(f"{run}:good", ":bad")
    assert [(line["metric"], line["verdict"], line["wins"], line["losses"]) for line in found["lines"]] == [
        (PSNR, "better", CLIPS, 0),
        (LMD, "better", CLIPS, 0),
    ]
    psnr, lmd = found["lines"]
    assert psnr["difference"] == pytest.approx(3) and lmd["difference"] == pytest.approx(-3)
    assert (psnr["n"], psnr["effect"], lmd["effect"], psnr["missing_clips"]) == (CLIPS, 1.0, -1.0, [])
    other = told(f"{run}:bad", f"{run}:good")
    assert [line["verdict"] for line in other["lines"]] == ["worse", "worse"]
    text = bench("compare", f"{run}:bad", f"{run}:good").out
    assert text.count("B better") == 2 and "0/24/0" in text and "A  bad" in text


def test_what_cannot_be_told_apart_says_what_would_not_be_found(run: Path):
    found = bench("compare", f"{run}:good", ":near")
    assert found.code == 0 and found.out.count("cannot be told apart") == 2, found.out
    words = " ".join(found.out.split())
    assert "no proof that the two are alike" in words
    line = told(f"{run}:good", ":near")["lines"][0]
    assert line["verdict"] == "open" and 0 < line["detectable"] < 1 and line["p_holm"] > 0.05


def test_missing_clips_are_listed_with_who_lacks_them(tmp_path: Path):
    def skip(metric: str, place: int) -> float | None:
        return None if place in (0, 7) else 1.0 * place

    folder = make_run(tmp_path / "run", skill={**SKILL, "bad": skip})
    found = bench("compare", f"{folder}:good", ":bad")
    assert f"missing in B, 2 clips ({PSNR}, {LMD}): face / s0-d0, face / s2-d1" in " ".join(found.out.split())
    (psnr, _) = told(f"{folder}:good", ":bad")["lines"]
    assert (psnr["n"], psnr["missing"]) == (CLIPS - 2, 2)
    assert psnr["missing_clips"][0]["driver"] == "s0-d0" and psnr["missing_clips"][0]["without"] == ["bad"]


def test_too_few_clips_and_too_few_clusters_are_refused_with_the_reason(tmp_path: Path):
    axes = {**make_protocol()["axes"], "drivers": {"s0": ["a", "b", "c", "d"]}}
    few = make_run(tmp_path / "few", axes=axes)
    words = " ".join(bench("compare", f"{few}:good", ":bad").out.split())
    assert "no interval or test from 4" in words and "better" not in words
    statistics = {**make_protocol()["statistics"], "cluster": "reference"}
    one = make_run(tmp_path / "one", statistics=statistics)
    line = told(f"{one}:good", ":bad")["lines"][0]
    assert (line["p"], line["ci_low"], line["verdict"]) == (None, None, None)
    assert line["reason"] == "no interval or test from clips of 1 reference, expected at least 3"


def test_so_few_units_that_no_p_can_be_small_are_named(tmp_path: Path):
    axes = {**make_protocol()["axes"], "drivers": {"s0": ["a", "b", "c", "d", "e"]}}
    few = make_run(tmp_path / "few", axes=axes)
    words = " ".join(bench("compare", f"{few}:good", ":bad").out.split())
    assert "no p of 5 clips is below 0.062" in words


def test_two_runs_of_one_method_are_paired_by_clip(run: Path, tmp_path: Path):
    better = make_run(
        tmp_path / "better",
        skill={"good": lambda metric, k: SKILL["good"](metric, k) + (1 if metric == PSNR else -1)},
        methods=["good"],
        metrics=[PSNR, LMD, "ssim/gauss11-rgb@1"],
    )
    found = told(better, f"{run}:good")
    assert [(line["difference"], line["n"], line["verdict"]) for line in found["lines"]] == [
        (pytest.approx(1.0), CLIPS, "better"),
        (pytest.approx(-1.0), CLIPS, "better"),
    ]
    assert found["a"]["method"] == found["b"]["method"] == "good" and found["a"]["run"] == str(better)
    assert found["remarks"] == [f"only in {better}, left out: ssim/gauss11-rgb@1"]


def test_runs_over_other_clips_say_so_and_other_truths_are_refused(run: Path, tmp_path: Path):
    drivers = dict(list(make_protocol()["axes"]["drivers"].items())[:6])
    less = make_run(tmp_path / "less", methods=["good"], axes={**make_protocol()["axes"], "drivers": drivers})
    found = told(f"{run}:bad", less)
    assert (found["lines"][0]["n"], found["lines"][0]["missing"]) == (18, 6)
    assert found["remarks"] == [f"6 of 24 clips are in {run} only"]
    other = make_run(tmp_path / "other", methods=["good"], truth="u")
    assert "have different truths of the clip" in bench("compare", f"{run}:bad", other).line
    alien = make_run(tmp_path / "alien", methods=["good"], metrics=["ssim/gauss11-rgb@1"])
    told_off = bench("compare", f"{run}:bad", alien)
    assert told_off.code == 2 and "expected a metric that both runs have" in told_off.line


def test_csv_has_a_line_for_each_metric(run: Path):
    found = bench("compare", f"{run}:good", ":bad", "--csv")
    lines = list(csv.DictReader(io.StringIO(found.out)))
    assert [line["metric"] for line in lines] == [PSNR, LMD]
    assert lines[0]["a"] == "good" and float(lines[0]["difference"]) == pytest.approx(3)
    assert bench("compare", f"{run}:good", ":bad", "--csv").out == found.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("{run}:good", "{run}:nobody"), 2, "(ground-truth, good, near, bad), got 'nobody'"),
        (("{run}", ":good"), 2, "has 3 methods: expected RUN:method of good, near, bad"),
        (("{run}:good", ":good"), 2, "expected two methods"),
        ((":good", "{run}:bad"), 2, "expected RUN or RUN:method first"),
        (("/nowhere:good", "{run}:bad"), 3, "/nowhere: no such folder"),
        (("{run}:good", "nowhere"), 3, "nowhere: no such folder"),
        (("{run}:good", ":bad", "--json", "--csv"), 2, "got both"),
    ],
)
def test_a_mistake_is_one_line(run: Path, arguments: tuple[str, ...], code: int, words: str):
    found = bench("compare", *(a.format(run=run) for a in arguments))
    assert found.code == code and words in found.line


def test_it_needs_no_torch(run: Path):
    probe = (
        "import sys; from bench.cli import main; "
        f"code = main(['compare', {str(run) + ':good'!r}, ':bad']); assert code == 0; "
        "assert 'torch' not in sys.modules, 'torch'"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert "A better" in done.stdout, done.stdout
