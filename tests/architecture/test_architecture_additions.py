"""Adding a metric, a method, a dataset or a protocol is one file that nobody registers: each is added and run."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.io.encode import write_lossless

ROOT = Path(__file__).parents[2]

METRIC = '''
"""Mean brightness of the frames."""

import numpy as np

from metrics.clip import Clip, Result
from metrics.registry import Variant


def measure(clip: Clip) -> Result:
    curve = np.array([frame.mean() for frame in clip.frames])  # a long clip is read frame by frame
    return Result(value=float(curve.mean()), coverage=1.0, per_frame=curve)


VARIANTS = (
    Variant(
        id="brightness/mean-rgb@1", title="Mean brightness", formula="mean of all bytes", unit="level",
        direction="target", target=None, bounds=(0.0, 255.0), needs=(), weights=(), source="this test",
        equals="numpy.mean", blind_to="everything else", legacy=False, measure=measure,
    ),
)
'''

METHOD = f"""
title = "A portrait turned upside down, by another program"
kind = "command"
argv = [{sys.executable!r}, "{{here}}/flip.py", "{{portrait}}", "{{output}}/out.mkv", "{{frames}}"]
output = "*.mkv"
code = ["{{here}}/flip.py"]
timeout_s = 120.0
"""

PROGRAM = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from bench.io.encode import write_lossless
from bench.io.image import read_image
portrait, out, frames = sys.argv[1:]
write_lossless(out, [read_image(portrait)[::-1].copy()] * int(frames), synthetic=False)
"""

DATASET = """
title = "Two short films"
loader = "folder"
licence = "CC0-1.0"

[options]
path = "./films"
"""

PROTOCOL = """
id = "mine@1"
title = "My own protocol"
dataset = "films"
size = 64
pose = "still"
metrics = ["psnr/pooled@1", "brightness/mean-rgb@1"]
methods = ["ground-truth", "still", "upside-down"]

[axes]
pairs = "same"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one's own with one file for each kind of addition, and the data that they need."""
    mine = tmp_path_factory.mktemp("mine")
    for name in ("metrics", "protocols/methods", "protocols/datasets/films"):
        (mine / name).mkdir(parents=True)
    (mine / "metrics" / "brightness.py").write_text(METRIC)
    (mine / "protocols" / "methods" / "upside-down.toml").write_text(METHOD)
    (mine / "protocols" / "methods" / "flip.py").write_text(PROGRAM)
    (mine / "protocols" / "datasets" / "films.toml").write_text(DATASET)
    (mine / "protocols" / "mine.toml").write_text(PROTOCOL)
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        base = rng.integers(40, 200, (64, 64, 3))
        frames = np.clip(base + rng.integers(-8, 8, (8, 64, 64, 3)), 0, 255).astype(np.uint8)
        sound = rng.normal(0, 0.1, 8 * 640).astype(np.float32)
        write_lossless(mine / "protocols" / "datasets" / "films" / f"{name}.mkv", frames, samples=sound)
    return mine


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "AVCT_BENCH_PATH": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, str(ROOT / "run_bench.py"), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [("metrics", "brightness/mean-rgb@1"), ("methods", "upside-down"), ("datasets", "films"), ("protocols", "mine@1")],
)
def test_additions_are_listed(folder: Path, kind: str, name: str) -> None:
    ran = bench(folder, "ls", kind, "--json")
    assert ran.returncode == 0, ran.stderr
    assert name in [entry["id"] for entry in json.loads(ran.stdout)]
    without = subprocess.run(
        [sys.executable, str(ROOT / "run_bench.py"), "ls", kind, "--json"], capture_output=True, text=True, check=True
    )
    assert name not in [entry["id"] for entry in json.loads(without.stdout)]


def test_additions_run_end_to_end(folder: Path, tmp_path: Path) -> None:
    ran = bench(folder, "run", "mine", "--out", str(tmp_path / "run"), "--workers", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with (tmp_path / "run" / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:9] == [
        "protocol",
        "method",
        "setting",
        "metric",
        "value",
        "ci_low",
        "ci_high",
        "n",
        "coverage",
    ]
    found = {(row["method"], row["metric"]): row for row in rows}
    assert len(found) == 6 and all(row["protocol"] == "mine@1" for row in rows)
    bright = {m: float(found[m, "brightness/mean-rgb@1"]["value"]) for m in ("still", "upside-down")}
    assert bright["still"] == pytest.approx(bright["upside-down"], abs=1e-9)
    psnr = {m: float(found[m, "psnr/pooled@1"]["value"]) for m in ("still", "upside-down")}
    assert psnr["still"] > psnr["upside-down"] + 5
    assert (tmp_path / "run" / "index.html").is_file()


def test_explain_knows_an_added_metric(folder: Path) -> None:
    ran = bench(folder, "explain", "brightness")
    assert ran.returncode == 0 and "mean of all bytes" in ran.stdout
