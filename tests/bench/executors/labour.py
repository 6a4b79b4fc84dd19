"""What the executors' tests have their workers do; a module, so that workers can import it.

A task is a word. "die": the worker is killed. "die-once", "hang-once": only the first time. "hang": it takes an hour.
"hold": it takes until the folder has a file "go". "raise": an error that nobody catches. Others are their own answer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.executors.base import Crew, Executor

_place: Path | None = None


def begin(place: Path) -> None:
    global _place
    _place = place
    note(place / "begun")
    if (place / "sick").exists():
        os._exit(3)


def call(task: str) -> tuple[str, int, str | None]:
    """What was asked, by whom, with how many threads."""
    assert _place is not None
    note(_place / "pids" / task)
    first = len((_place / "pids" / task).read_text().split()) == 1
    if task == "die" or (task == "die-once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "hang" or (task == "hang-once" and first):
        child = subprocess.Popen(["sleep", "3600"])
        (_place / "child").write_text(str(child.pid))
        time.sleep(3600)
    if task == "hold":
        deadline = time.monotonic() + 60
        while not (_place / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    if task == "raise":
        raise ValueError("a mistake of ours")
    return task, os.getpid(), os.environ.get("OMP_NUM_THREADS")


def note(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with open(path, "a") as file:
        file.write(f"{os.getpid()} ")


def crew(place: Path, **changes: Any) -> Crew:
    return Crew(**{"call": call, "start": begin, "arguments": (place,), "workers": 2, "threads": 3, **changes})


def work(executor: Executor, tasks: Sequence[str], follow: Mapping[str, Sequence[str]] | None = None) -> list:
    """Results in the order in which they came; of a lost task (task, 0, reason)."""
    results = []

    def done(task: str, result: Any) -> Sequence[str]:
        results.append(result)
        return (follow or {}).get(task, [])

    executor.run(tasks, done=done, lost=lambda task, why: (task, 0, why))
    return results


def reasons(results: Sequence[tuple[str, int, str]]) -> dict[str, str]:
    """Why tasks were lost."""
    return {task: why for task, pid, why in results if pid == 0}


def interrupt_once_held(place: Path) -> Callable[[str, Any], list[str]]:
    """A `done` for the tasks "hold" and "1" that interrupts the parent as soon as one worker holds."""

    def done(task: str, result: Any) -> list[str]:
        if pids(place, "hold"):
            raise KeyboardInterrupt
        return ["1"]  # the worker that is to hold has not begun, and gets its task from the parent

    return done


def pids(place: Path, task: str) -> list[int]:
    """Who took a task, try by try."""
    path = place / "pids" / task
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def wait_until(condition: Callable[[], bool], *, patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened for {patience:g} s"
        time.sleep(0.01)


def gone(pid: int, *, patience: float = 10) -> bool:
    """Whether a process ends soon."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False
