"""Executors of this machine: every task once, followers first, lost tasks tried again, nothing left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from labour import call, crew, gone, interrupt_once_held, pids, reasons, work

from bench.errors import ConfigError
from bench.executors import check, names, open_executor, parse_options
from bench.executors.base import DIED, UNSTARTED


def test_every_task_is_done_once_and_followers_come_first(tmp_path: Path):
    before = os.environ.get("OMP_NUM_THREADS")
    results = work(open_executor("local", crew(tmp_path, workers=1)), ["1", "2", "3"], {"1": ["10", "11"]})
    assert [task for task, _, _ in results] == ["1", "10", "11", "2", "3"]
    assert {threads for _, _, threads in results} == {"3"} and os.environ.get("OMP_NUM_THREADS") == before
    assert len({pid for _, pid, _ in results}) == 1 and os.getpid() not in {pid for _, pid, _ in results}
    assert all(gone(pid) for _, pid, _ in results)


def test_a_task_that_kills_its_worker_is_tried_again_so_often_and_no_other_suffers(tmp_path: Path):
    executor = open_executor("local", crew(tmp_path, retries=2))
    results = work(executor, ["1", "die", "2", "3"], {"die": ["after"]})
    assert sorted(task for task, _, _ in results) == ["1", "2", "3", "after", "die"]
    assert reasons(results) == {"die": f"{DIED}; tried 3 times"}
    assert [len(pids(tmp_path, task)) for task in ("die", "1", "2", "3")] == [3, 1, 1, 1]


def test_a_task_whose_worker_dies_once_gives_the_normal_result(tmp_path: Path):
    results = work(open_executor("local", crew(tmp_path)), ["die-once", "1"])
    assert sorted(task for task, _, _ in results) == ["1", "die-once"] and reasons(results) == {}


def test_without_retries_one_death_is_the_end(tmp_path: Path):
    results = work(open_executor("local", crew(tmp_path, retries=0)), ["die-once"])
    assert reasons(results) == {"die-once": f"{DIED}; tried once"}


def test_a_task_whose_worker_died_is_tried_again_while_nothing_else_runs(tmp_path: Path):
    results = work(open_executor("local", crew(tmp_path, workers=3)), ["die-once", "1", "2"], {"1": ["3"], "3": ["4"]})
    assert [task for task, _, _ in results][-1] == "die-once"


def test_a_task_that_takes_too_long_is_ended_with_what_it_started_and_the_others_go_on(tmp_path: Path):
    executor = open_executor("local", crew(tmp_path, time_limit_s=0.5))
    begun = time.monotonic()
    results = work(executor, ["hang", "1", "2"])
    assert reasons(results) == {"hang": "it took longer than the time limit of 0.5 s; tried 2 times"}
    assert time.monotonic() - begun < 30 and len(set(pids(tmp_path, "hang"))) == 2
    assert len(pids(tmp_path, "1")) == len(pids(tmp_path, "2")) == 1
    assert gone(int((tmp_path / "child").read_text())) and all(gone(pid) for pid in pids(tmp_path, "hang"))


def test_the_time_limit_is_of_the_task_and_not_of_its_workers_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results = work(open_executor("local", crew(tmp_path, time_limit_s=0.5, workers=1)), ["hang-once", "1"])
    assert [task for task, _, _ in results] == ["1", "hang-once"] and reasons(results) == {}


def test_workers_that_cannot_start_lose_every_task_and_there_is_an_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    (tmp_path / "sick").write_text("")
    results = work(open_executor("local", crew(tmp_path, workers=1)), ["1", "2"])
    assert reasons(results) == dict.fromkeys(("1", "2"), f"{UNSTARTED}; tried 2 times")
    assert len((tmp_path / "begun").read_text().split()) == 4


def test_an_error_in_the_parent_ends_the_workers(tmp_path: Path):
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        open_executor("local", crew(tmp_path)).run(
            ["hold", "1"], done=interrupt_once_held(tmp_path), lost=lambda task, why: (task, 0, why)
        )
    assert time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):
        os.kill(pids(tmp_path, "hold")[0], 0)


def test_an_error_of_ours_in_a_worker_ends_the_run_and_says_where(tmp_path: Path):
    with pytest.raises(ValueError, match="a mistake of ours") as caught:
        work(open_executor("local", crew(tmp_path)), ["raise", "1"])
    assert any("in call" in note for note in caught.value.__notes__)


def test_inline_has_the_order_of_one_worker(tmp_path: Path):
    results = work(open_executor("inline", crew(tmp_path)), ["1", "2"], {"1": ["10", "11"]})
    assert [task for task, _, _ in results] == ["1", "10", "11", "2"]
    assert {pid for _, pid, _ in results} == {os.getpid()} and call.__module__ == "labour"


def test_executors_are_found_and_wrong_names_and_options_get_a_suggestion():
    assert names() == ["inline", "local", "ray", "slurm"]
    with pytest.raises(ConfigError, match=r"unknown executor 'slrum'\. Did you mean slurm\?"):
        check("slrum", {})
    with pytest.raises(ConfigError, match=r"executor 'local' has no such option\. It has none\."):
        check("local", {"partition": "gpu"})
    assert parse_options(["partition=gpu", "gres=gpu:a100=1"]) == {"partition": "gpu", "gres": "gpu:a100=1"}
    with pytest.raises(ConfigError, match="expected key=value, got 'partition'"):
        parse_options(["partition"])
