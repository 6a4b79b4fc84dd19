"""SIGKILL at 100 random points of a run of 200 cells, then resume: the same bytes, nothing twice, nothing left over."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tables import tables_of

from bench.io.image import write_png
from bench.store.journal import read_journal
from bench.store.rows import read_rows

KILLS, BY_TIME, WITH_WORKERS = 100, 25, 5
"""Kills in all; those at a random time, the others at a random system call; those of a run with two workers."""
REFERENCES = 25
METRICS = ["toy_error/plain@1", "toy_bright/plain@1", "toy_gap/corners@1"]
BASE = ("methods=['still','ground-truth']", "axes.drivers=['one','two']", "size=16", f"metrics={METRICS!r}")
EXTRACTOR = """
import os
import numpy as np
from bench.io.digest import sha256_array

class Corners:
    name, weights, landmarks = "corners", (), None
    def extract(self, frames, points):
        with open(os.environ["TOY_LOG"], "a") as log:
            log.write(f"look corners {sha256_array(frames)}\\n")
        return np.array([[f[0, 0, 0], f[0, -1, 1]] for f in frames], np.float32)

def load():
    return Corners()
"""
GAP = """
import numpy as np
from metrics.clip import Result
from metrics.registry import Corpus, Variant

def summarise(blocks):
    return sum(len(b) for b in blocks), sum(b.astype(np.float64).sum(0) for b in blocks)

def merge(parts):
    return sum(n for n, _ in parts), sum(total for _, total in parts)

def distance(ours, theirs):
    return float(np.abs(ours[1] / ours[0] - theirs[1] / theirs[0]).sum())

VARIANTS = (Variant(id="toy_gap/corners@1", title="Gap", formula="", unit="1", direction="lower", target=None,
    bounds=(0.0, None), needs=("features:corners", "truth_features:corners"), weights=(), source="", equals="",
    blind_to="", legacy=False, measure=lambda clip: Result(None, 1.0),
    corpus=Corpus("corners", summarise, merge, distance, least_frames=4, least_clips=2)),)
"""


class Nursery:
    """The process whose forks are killed."""

    def __init__(self, place) -> None:
        self.place = place
        command = [sys.executable, str(Path(__file__).with_name("nursery.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def live(
        self, out: Path, *, workers: int = 0, points: int | None = None, seconds: float | None = None, lines: int = 0
    ) -> bool:
        """One life of the run in `out`; whether it was killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        order = {"out": str(out), "overrides": BASE, "workers": workers, "points": points, "seconds": seconds}
        print(json.dumps({**order, "lines": lines}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the nursery is gone"
        return json.loads(answer)["killed"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


@pytest.fixture
def nursery(place) -> Iterator[Nursery]:
    generator = np.random.default_rng(4)
    for number in range(REFERENCES):
        picture = generator.integers(0, 200, (16, 16, 3), dtype=np.uint8)
        write_png(place.root / "faces" / f"r{number}.png", picture)
    (place.root / "metrics/features").mkdir()
    (place.root / "metrics/features/corners.py").write_text(EXTRACTOR)
    (place.root / "metrics/toy_gap.py").write_text(GAP)
    made = Nursery(place)
    yield made
    made.close()


class Known:
    """What is journaled at one moment, and the videos that journaled cells have."""

    def __init__(self, out: Path) -> None:
        entries = read_journal(out / "rows.jsonl")
        self.cells = {json.dumps(entry["cell"]) for entry in entries}
        assert len(self.cells) == len(entries), "a cell was journaled twice"
        self.values = {(row["metric"].split("/")[0][4:], row["video_sha256"]) for e in entries for row in e["rows"]}
        self.videos = {name: stamp(out / name) for name in {entry["video"] for entry in entries}}


def stamp(path: Path) -> tuple[int, int]:
    return path.stat().st_ino, path.stat().st_mtime_ns


def files(folder: Path) -> set[str]:
    """Everything in a run folder by name; sightings, videos and pooled values included."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.slow
def test_a_hundred_kills_and_the_same_bytes(nursery: Nursery, tmp_path: Path):
    chance = random.Random(11)
    whole = tmp_path / "whole"
    assert not nursery.live(whole) and len(read_rows(whole / "rows.parquet")) == 200 * 3 + 4
    nursery.place.calls()
    plans = ["time"] * BY_TIME + ["call"] * (KILLS - BY_TIME - WITH_WORKERS)
    chance.shuffle(plans)
    plans += ["workers"] * WITH_WORKERS
    out, chains, journaled = tmp_path / "out0", [tmp_path / "out0"], []
    while plans:
        known = Known(out)
        if plans[-1] == "workers":
            killed = nursery.live(out, workers=2, seconds=chance.uniform(0, 0.05), lines=chance.randrange(1, 5))
        elif plans[-1] == "time":
            killed = nursery.live(out, seconds=chance.uniform(0.0, 0.5))
        else:
            killed = nursery.live(out, points=chance.randrange(1, 60))
        check(nursery, out, known)
        journaled.append(len(known.cells))
        if killed:
            plans.pop()
        else:  # it was finished before it could be killed: on to another folder
            out = tmp_path / f"out{len(chains)}"
            chains.append(out)
    assert max(journaled) >= 50 and len(set(journaled)) >= 20, "the kills were not spread over the run"
    expected, tables = files(whole), tables_of(whole)
    for out in chains:
        known = Known(out)
        assert not nursery.live(out)
        check(nursery, out, known)
        assert len(Known(out).cells) == 200
        assert (out / "rows.parquet").read_bytes() == (whole / "rows.parquet").read_bytes()
        assert files(out) == expected, "a file too many or too few"
        assert tables_of(out) == tables


def check(nursery: Nursery, out: Path, before: Known) -> None:
    """Nothing that was journaled was measured or made again in the life that just ended."""
    calls = {tuple(call.split()[1:]) for call in nursery.place.calls() if call.startswith("measure")}
    assert not calls & before.values, "a journaled value was computed again"
    assert {name: stamp(out / name) for name in before.videos} == before.videos, "a journaled video was made again"


def test_the_trap_strikes_where_it_is_told(nursery: Nursery, tmp_path: Path):
    for points in (1, 40, 41, 42):
        assert nursery.live(tmp_path / "out", points=points)
    assert os.path.exists(tmp_path / "out" / "manifest.json")
