"""The executors: every task once, followers first, dead workers found out, nothing left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bench.runner.local import InlineExecutor, LocalExecutor

_place: Path | None = None


def begin(place: Path) -> None:
    global _place
    _place = place
    if (place / "sick").exists():
        os._exit(3)


def call(task: int | str) -> tuple[int | str, int, str | None]:
    """What was asked, by whom, with how many threads. "die": the worker goes. "wait": it hangs."""
    if task == "die":
        os._exit(9)
    if task == "wait":
        (_place / "waiting").write_text(str(os.getpid()))
        time.sleep(60)
    return task, os.getpid(), os.environ.get("OMP_NUM_THREADS")


def lost(task):
    return task, 0, "lost"


def execute(tmp_path: Path, tasks: list, *, workers: int = 2, follow=None) -> list:
    results = []

    def done(task, result):
        results.append(result)
        return (follow or {}).get(task, [])

    executor = LocalExecutor(call, start=begin, arguments=(tmp_path,), workers=workers, threads=3)
    executor.run(tasks, done=done, lost=lost)
    return results


def test_every_task_is_done_once_and_followers_come_first(tmp_path: Path):
    before = os.environ.get("OMP_NUM_THREADS")
    results = execute(tmp_path, [1, 2, 3], workers=1, follow={1: [10, 11]})
    assert [task for task, _, _ in results] == [1, 10, 11, 2, 3]
    assert {threads for _, _, threads in results} == {"3"} and os.environ.get("OMP_NUM_THREADS") == before
    assert len({pid for _, pid, _ in results}) == 1 and os.getpid() not in {pid for _, pid, _ in results}


def test_a_task_that_kills_its_worker_is_lost_and_no_other(tmp_path: Path):
    results = execute(tmp_path, [1, "die", 2, 3], follow={"die": ["after"]})
    assert sorted(str(task) for task, _, _ in results) == ["1", "2", "3", "after", "die"]
    assert [task for task, _, threads in results if threads == "lost"] == ["die"]


def test_workers_that_cannot_start_lose_every_task_and_there_is_an_end(tmp_path: Path):
    (tmp_path / "sick").write_text("")
    assert [(task, said) for task, _, said in execute(tmp_path, [1, 2], workers=1)] == [(1, "lost"), (2, "lost")]


def test_an_error_in_the_parent_ends_the_workers(tmp_path: Path):
    def done(task, result):
        deadline = time.monotonic() + 20
        while not (tmp_path / "waiting").exists() or not (tmp_path / "waiting").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise KeyboardInterrupt

    executor = LocalExecutor(call, start=begin, arguments=(tmp_path,), workers=2, threads=1)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        executor.run(["wait", 1], done=done, lost=lost)
    assert time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "waiting").read_text()), 0)


def test_inline_has_the_order_of_one_worker(tmp_path: Path):
    seen = []

    def done(task, result):
        seen.append(task)
        return [10, 11] if task == 1 else []

    InlineExecutor(call, start=begin, arguments=(tmp_path,)).run([1, 2], done=done, lost=lost)
    assert seen == [1, 10, 11, 2]
