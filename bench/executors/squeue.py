"""What Slurm's queue says of jobs. `sacct` would say more, but only where accounting is set up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.adapters.process import run_process
from bench.executors.base import DIED, UNSTARTED

_LIMIT_S = 60.0
_UNDER_WAY = {
    "PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT",
    "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT",
}  # fmt: skip
_NODE, _TIME, _CANCELLED = (
    "the node that its worker ran on went away",
    "the job that its worker ran in reached its time limit",
    "the job that its worker ran in was cancelled",
)
_WHY = {
    "NODE_FAIL": _NODE,
    "BOOT_FAIL": _NODE,
    "TIMEOUT": _TIME,
    "DEADLINE": _TIME,
    "CANCELLED": _CANCELLED,
    "PREEMPTED": _CANCELLED,
    "REVOKED": _CANCELLED,
}


@dataclass(frozen=True)
class State:
    """A job's state in Slurm's word. spent: the share of its time that is over; 0 where it has no limit."""

    word: str
    spent: float = 0.0

    @property
    def under_way(self) -> bool:
        """Whether the job waits, runs, or is about to be over."""
        return self.word in _UNDER_WAY

    def why(self, *, started: bool) -> str:
        """Why a worker was lost whose job is over. started: whether it ever said that it was ready."""
        return _WHY.get(self.word, DIED if started else UNSTARTED)


GONE = State("UNKNOWN")
"""Of a job that Slurm no longer knows: some minutes after its end."""


def job_states(name: str, work: Path) -> Mapping[str, State] | None:
    """Job id -> state of this user's jobs of that name; None where Slurm does not answer, which says nothing of them.

    work: folder for what `squeue` says.
    """
    command = [
        "squeue",
        "--noheader",
        "--states=all",
        f"--user={os.getuid()}",
        f"--name={name}",
        "--format=%i|%T|%M|%l",
    ]
    said = work / "squeue.log"
    said.unlink(missing_ok=True)
    ended = run_process(command, cwd=work, environment=os.environ, timeout_s=_LIMIT_S, log=said)
    if ended.code != 0 or ended.timed_out:
        return None
    fields = [line.split("|") for line in said.read_text(encoding="utf-8", errors="replace").splitlines()]
    return {job: State(word, _share(spent, limit)) for job, word, spent, limit in (f for f in fields if len(f) == 4)}


def cancel(jobs: list[str], work: Path) -> None:
    """Cancel jobs; those that are over already are left as they are."""
    if jobs:
        run_process(
            ["scancel", "--quiet", *jobs],
            cwd=work,
            environment=os.environ,
            timeout_s=_LIMIT_S,
            log=work / "scancel.log",
        )


def _share(spent: str, limit: str) -> float:
    used, whole = _seconds(spent), _seconds(limit)
    return used / whole if used is not None and whole else 0.0


def _seconds(text: str) -> int | None:
    """Of "2-03:04:05", "03:04:05" or "04:05"; None of UNLIMITED and other words."""
    days, _, clock = text.rpartition("-")
    try:
        parts = [int(part) for part in clock.split(":")]
        total = int(days or 0) * 86400
    except ValueError:
        return None
    return total + sum(part * 60**place for place, part in enumerate(reversed(parts)))
