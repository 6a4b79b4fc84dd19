"""The executor `slurm` on a real Slurm of one node; skipped where Debian's packages are not installed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labour import crew, gone, interrupt_once_held, pids, reasons, wait_until, work
from one_node_slurm import lacking, one_node

from bench.errors import ConfigError
from bench.executors import check, open_executor, threads
from bench.executors.base import DIED, Crew
from bench.executors.squeue import GONE, State, job_states

pytestmark = pytest.mark.slow

real = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that jobs see, beside a Slurm of one node."""
    pytest.importorskip("submitit", reason="submitit is not installed (extra `slurm`)")
    folder = tmp_path_factory.mktemp("slurm")
    with one_node(folder, cores=8) as conf, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", conf)
        patch.setattr("bench.executors.slurm._ASK_S", 0.3)  # this controller has no other users
        yield folder


def team(place: Path, **changes: Any) -> Crew:
    (place / "work").mkdir(exist_ok=True)
    return crew(place, scratch=place / "work", **{"threads": 1, **changes})


def jobs(place: Path) -> list[str]:
    """Numbers of the jobs that are under way."""
    states = job_states("avct-bench", place)
    assert states is not None
    return [job for job, state in states.items() if state.under_way]


def control(*words: str) -> None:
    subprocess.run(["scontrol", *words], check=True, capture_output=True, text=True)


@real
def test_a_task_that_kills_its_worker_costs_itself_alone_and_jobs_end_well(slurm: Path, tmp_path: Path):
    executor = open_executor("slurm", team(tmp_path))
    results = work(executor, ["die", "die-once", "1", "2"], {"die": ["after"]})
    assert sorted(task for task, _, _ in results) == ["1", "2", "after", "die", "die-once"]
    assert reasons(results) == {"die": f"{DIED}; tried 2 times"}
    assert [len(pids(tmp_path, task)) for task in ("die", "die-once", "1", "2")] == [2, 2, 1, 1]
    states = job_states("avct-bench", tmp_path)
    assert states is not None and [state.word for state in states.values()] == ["COMPLETED"] * 2


@real
def test_a_dead_job_a_job_past_its_limit_and_a_node_that_goes_away_cost_a_try_each(slurm: Path, tmp_path: Path):
    """They strike one after the other while a worker is at the same task; then it is lost, and the run goes on."""

    def strike() -> None:
        for count, blow in enumerate((kill_keeper, reach_limit, take_node_away), start=1):
            wait_until(lambda count=count: len(pids(tmp_path, "hold")) == count, patience=60)
            blow()

    def kill_keeper() -> None:
        worker = pids(tmp_path, "hold")[0]
        os.kill(int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)

    def reach_limit() -> None:
        (job,) = jobs(tmp_path)
        control("update", f"jobid={job}", "endtime=now")

    def take_node_away() -> None:
        control("update", f"nodename={os.uname().nodename}", "state=down", "reason=test")

    striker = threading.Thread(target=strike)
    striker.start()
    results = work(open_executor("slurm", team(tmp_path, workers=1, retries=2)), ["hold", "1"], {"hold": ["after"]})
    striker.join()
    # A lost task goes to the end of the queue, so "1" came before the second try.
    assert [task for task, _, _ in results] == ["1", "hold", "after"]
    assert reasons(results) == {"hold": "the node that its worker ran on went away; tried 3 times"}
    states = job_states("avct-bench", tmp_path)
    assert states is not None and {"FAILED", "TIMEOUT", "NODE_FAIL"} <= {state.word for state in states.values()}
    assert all(gone(pid) for pid in pids(tmp_path, "hold"))


@real
def test_an_interrupt_cancels_the_jobs_and_ends_the_workers(slurm: Path, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        open_executor("slurm", team(tmp_path)).run(
            ["hold", "1"], done=interrupt_once_held(tmp_path), lost=lambda task, why: (task, 0, why)
        )
    assert gone(pids(tmp_path, "hold")[0])
    wait_until(lambda: jobs(tmp_path) == [])


@real
def test_what_slurm_refuses_is_one_line(slurm: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    executor = open_executor("slurm", team(tmp_path, options={"partition": "nowhere"}))
    with pytest.raises(ConfigError, match=r"Slurm refused a job: invalid partition specified: nowhere; [^\n]*$"):
        work(executor, ["1"])
    assert capfd.readouterr() == ("", "")


def test_wrong_options_and_what_is_not_there_are_one_line(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"no such option\. Did you mean partition\?"):
        check("slurm", {"partitoin": "gpu"})
    with pytest.raises(ConfigError, match="time: expected a number, got 'long'"):
        check("slurm", {"time": "long"})
    with pytest.raises(ConfigError, match="mem_gb: expected a number above 0, got 0"):
        check("slurm", {"mem_gb": "0"})
    assert threads("slurm", 7, {"cpus_per_task": "4"}) == 4 and threads("slurm", 7, {}) == 1
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ConfigError, match="needs Slurm's program sbatch, which is not on this machine's PATH"):
        check("slurm", {})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the extra `slurm`, which is not installed: `uv run --extra slurm …`"):
        check("slurm", {})


def test_the_queue_is_read_as_it_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said = "7|RUNNING|1-00:30:00|2-01:00:00\n8|PENDING|0:00|UNLIMITED\n9|NODE_FAIL|30:00|1:00:00\nslurm: a warning\n"
    program = tmp_path / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    states = job_states("avct-bench", tmp_path)
    assert states == {"7": State("RUNNING", 0.5), "8": State("PENDING"), "9": State("NODE_FAIL", 0.5)}
    assert [state.under_way for state in (*states.values(), GONE)] == [True, True, False, False]
    program.write_text("#!/bin/sh\nexit 1\n")
    assert job_states("avct-bench", tmp_path) is None
