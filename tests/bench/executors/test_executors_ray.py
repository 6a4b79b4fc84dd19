"""The executor `ray` on a cluster of this machine, one for the module."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labour import crew, gone, interrupt_once_held, pids, reasons, wait_until, work

from bench.errors import ConfigError
from bench.executors import check, open_executor, threads
from bench.executors.base import DIED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray, with a cluster of three workers; executors use the one that their process is connected to."""
    ray = pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    os.environ["RAY_USAGE_STATS_ENABLED"] = os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
    ray.init("local", num_cpus=3, num_gpus=0, object_store_memory=80 * 2**20, **quiet)
    yield ray
    ray.shutdown()


def test_every_task_is_done_once_by_several_workers(cluster: Any, tmp_path: Path):
    tasks = [str(k) for k in range(12)]
    results = work(open_executor("ray", crew(tmp_path, workers=3)), [*tasks, "last"], {"last": ["after"]})
    assert sorted(task for task, _, _ in results) == sorted([*tasks, "last", "after"])
    assert len({pid for _, pid, _ in results}) == 3 and {number for _, _, number in results} == {"3"}
    assert all(gone(pid) for _, pid, _ in results) and cluster.is_initialized()


def test_deaths_and_hangs_cost_their_task_alone_and_once_is_forgiven(cluster: Any, tmp_path: Path):
    executor = open_executor("ray", crew(tmp_path, workers=3, time_limit_s=1.5))
    results = work(executor, ["die", "hang", "1", "die-once", "2", "hang-once"], {"die": ["after"]})
    assert sorted(task for task, _, _ in results) == ["1", "2", "after", "die", "die-once", "hang", "hang-once"]
    late = "it took longer than the time limit of 1.5 s; tried 2 times"
    assert reasons(results) == {"die": f"{DIED}; tried 2 times", "hang": late}
    assert [len(pids(tmp_path, task)) for task in ("die", "hang", "die-once", "hang-once", "1")] == [2, 2, 2, 2, 1]
    assert gone(int((tmp_path / "child").read_text()))


def test_an_actor_that_is_killed_is_replaced_and_its_task_tried_again(cluster: Any, tmp_path: Path):
    killed: list[int] = []

    def done(task: str, result: Any) -> list[str]:
        results.append(result)
        if not killed:
            if not pids(tmp_path, "hold"):
                return ["1"]  # the worker that is to hold has not begun
            keeper = int(Path(f"/proc/{pids(tmp_path, 'hold')[0]}/stat").read_text().rpartition(")")[2].split()[1])
            killed.append(keeper)
            os.kill(keeper, signal.SIGKILL)
            (tmp_path / "go").write_text("")
        return []

    results: list[Any] = []
    open_executor("ray", crew(tmp_path)).run(["hold", "1"], done=done, lost=lambda task, why: (task, 0, why))
    assert {task for task, _, _ in results} == {"1", "hold"} and reasons(results) == {}
    assert len(pids(tmp_path, "hold")) == 2 and all(gone(pid) for pid in pids(tmp_path, "hold"))


def test_an_error_in_the_parent_ends_the_workers(cluster: Any, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        open_executor("ray", crew(tmp_path)).run(
            ["hold", "1"], done=interrupt_once_held(tmp_path), lost=lambda task, why: (task, 0, why)
        )
    assert gone(pids(tmp_path, "hold")[0])


ALONE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from labour import crew, work
from bench.executors import open_executor
if __name__ == "__main__":
    try:
        work(open_executor("ray", crew(Path(sys.argv[2]), workers=1)), ["hold"])
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_without_a_cluster_one_is_made_and_ends_with_the_run_even_on_an_interrupt(tmp_path: Path):
    pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    (tmp_path / "alone.py").write_text(ALONE)
    (tmp_path / "place").mkdir()
    command = [sys.executable, str(tmp_path / "alone.py"), str(Path(__file__).parent), str(tmp_path / "place")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: process.poll() is not None or bool(pids(tmp_path / "place", "hold")), patience=120)
    mine = descendants(process.pid)
    assert len(mine) > 3
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=90)
    assert (said, errors) == ("interrupted\n", "") and time.monotonic() - begun < 60
    assert all(gone(pid) for pid in [*mine, *pids(tmp_path / "place", "hold")])


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that these started."""
    found, parents = [], {pid}
    for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent in parents:
            found.append(int(stat.parent.name))
            parents.add(found[-1])
    return found


def test_wrong_options_and_a_missing_extra_are_one_line(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"no such option\. Did you mean num_gpus"):
        check("ray", {"num_gpu": "1"})
    with pytest.raises(ConfigError, match=r"num_cpus: expected a number such as 0\.5, 1 or 2, got 'many'"):
        check("ray", {"num_cpus": "many"})
    assert threads("ray", 7, {"num_cpus": "4"}) == 4 and threads("ray", 7, {}) == 1
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the extra `ray`, which is not installed: `uv run --extra ray …`"):
        check("ray", {})


def test_a_cluster_too_small_for_one_worker_is_said_at_once(cluster: Any, tmp_path: Path):
    executor = open_executor("ray", crew(tmp_path, options={"num_gpus": "1"}))
    with pytest.raises(ConfigError, match="num_gpus: expected at most the 0 graphics cards of the Ray cluster"):
        work(executor, ["1"])
