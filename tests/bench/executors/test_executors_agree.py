"""The same sweep by every executor, with one, two and seven workers and in another order: the same bytes."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from one_node_slurm import lacking, one_node
from tables import tables_of

from bench.executors.base import DIED
from bench.runner.how import How
from bench.runner.run import run
from bench.runner.session import Session
from bench.store.manifest import read_manifest
from bench.store.rows import read_rows

pytestmark = pytest.mark.slow

KILLER = "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(20)\n"
SOME = ("methods=['ground-truth', 'still', 'echo']", "axes.drivers=['one', 'three']")
FEW = ("methods=['still', 'echo', 'killer']", "axes.drivers=['one']", "axes.references=['r0']")


def outcome(place: Any, out: Path, executor: str, workers: int, *overrides: str, failed: int = 0) -> dict[str, Any]:
    """The row file and the tables, which must agree, after a run."""
    result = run(place.protocol(*overrides), out=out, how=How(workers=workers, threads=1, executor=executor))
    manifest = read_manifest(out / "manifest.json")
    assert (manifest["executor"], manifest["workers"]) == (executor, workers) and not (out / "work").exists()
    assert (result.exit_code, result.failed) == (1 if failed else 0, failed), result.reason
    return {"rows.parquet": (out / "rows.parquet").read_bytes(), **tables_of(out)}


def test_in_this_process_or_by_one_two_and_seven_workers_in_any_order(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = outcome(place, tmp_path / "inline", "inline", 0, *SOME)
    for workers in (1, 2, 7):
        assert outcome(place, tmp_path / str(workers), "local", workers, *SOME) == expected
    begin = Session.begin
    monkeypatch.setattr(Session, "begin", lambda session, cells: begin(session, cells)[::-1])
    assert outcome(place, tmp_path / "reversed", "local", 1, *SOME) == expected


@pytest.fixture
def expected(place: Any, tmp_path: Path) -> dict[str, bytes]:
    """What local workers make of a sweep in which cells are lost."""
    (place.root / "killer.py").write_text(KILLER)
    place.add_method("killer", script="killer.py", sensitive_to_setting=False)
    found = outcome(place, tmp_path / "local", "local", 2, *FEW, failed=2)
    failed = [row for row in read_rows(tmp_path / "local" / "rows.parquet") if row["status"] == "failed"]
    assert {(row["method"], row["stage"], row["reason"]) for row in failed} == {
        ("killer", "worker", f"{DIED}; tried 2 times")
    }
    return found


def test_lost_cells_are_the_same_rows_by_ray(place: Any, tmp_path: Path, expected: dict[str, bytes]):
    ray = pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    os.environ["RAY_USAGE_STATS_ENABLED"] = os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
    ray.init("local", num_cpus=3, num_gpus=0, object_store_memory=80 * 2**20, **quiet)
    try:
        assert outcome(place, tmp_path / "ray", "ray", 3, *FEW, failed=2) == expected
    finally:
        ray.shutdown()


@pytest.mark.skipif(lacking() is not None, reason=str(lacking()))
def test_lost_cells_are_the_same_rows_by_slurm(
    place: Any, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("submitit", reason="submitit is not installed (extra `slurm`)")
    with one_node(tmp_path / "slurm-node") as conf:
        monkeypatch.setenv("SLURM_CONF", conf)
        assert outcome(place, tmp_path / "slurm", "slurm", 2, *FEW, failed=2) == expected
