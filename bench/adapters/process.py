"""Another program's process: an argument list, a time limit, and the end of everything that it started.

Each process leads a group of its own, so that its children end with it and a Ctrl-C in the terminal reaches us alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.02
_GRACE = 3.0
"""Seconds between asking a group to end and ending it: time to flush a log, too short to hold up a run."""
_TAIL_BYTES = 8192
_NOTE = ".group"
_CONTAINER = ".container"
_END_S = 30.0
"""Seconds that ending a container may take: the daemon answers at once or not at all."""
_live: set[int] = set()
"""Groups that run now, so that a worker that must go at once can take them along (`end_all`)."""


@dataclass(frozen=True)
class Finished:
    """How a process ended: exit code (negative: the signal), whether the limit was reached, wall time."""

    code: int
    timed_out: bool
    seconds: float


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    log: Path,
    container: str | None = None,
    feed: Path | None = None,
    into: Path | None = None,
) -> Finished:
    """Run a program to its end, or end it and its whole group at the limit or on any exception raised meanwhile.

    log: takes stdout and stderr, so that no pipe can fill up; who runs is noted beside it, for `end_leftovers`.
    container: what the program is the client of, and what is ended by this name with it. feed, into: files for stdin,
    and for stdout instead of the log. Raises OSError where the program cannot be started.
    """
    start = time.monotonic()
    if container is not None:
        (log.parent / _CONTAINER).write_text(f"{container} {os.getpid()} {_born(os.getpid())}", encoding="utf-8")
    with open(log, "ab") as output, open(feed or os.devnull, "rb") as given, open(into or os.devnull, "wb") as taken:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environment),
            stdin=given,
            stdout=taken if into is not None else output,
            stderr=output,
            start_new_session=True,
        )
    _live.add(process.pid)
    finished = False
    timed_out = False
    try:
        who = f"{process.pid} {_born(process.pid)} {os.getpid()} {_born(os.getpid())}"
        (log.parent / _NOTE).write_text(who, encoding="utf-8")
        while not _ended(process.pid):
            if time.monotonic() - start > timeout_s:
                timed_out = True
                _end_group(process.pid, grace=_GRACE)
                break
            time.sleep(_POLL)
        finished = not timed_out
    finally:
        # The leader is not reaped yet, so its number still belongs to this group and to nothing else.
        _end_group(process.pid, grace=0.0)
        code = process.wait()
        _live.discard(process.pid)
        if container is not None:
            # A client that ended by itself has seen its container off; one that was ended leaves it running.
            if not finished:
                end_container(container)
            (log.parent / _CONTAINER).unlink(missing_ok=True)
    return Finished(code, timed_out, time.monotonic() - start)


def end_all() -> None:
    """End every group that runs now, at once: for a process that is about to leave without unwinding."""
    for group in list(_live):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def end_container(name: str) -> None:
    """End a container by its name, where there is one."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(["docker", "kill", name], capture_output=True, timeout=_END_S, check=False)


def end_leftovers(work: Path) -> None:
    """End the groups and containers that a dead process left running: those noted in the working folders below `work`.

    A number may belong to another process by now, so only one that was born when the note says is ended; where the
    system does not tell (no /proc), nothing is. Groups whose starter still lives are its own affair.
    """
    for note in work.glob(f"*/{_CONTAINER}"):
        with contextlib.suppress(OSError):
            container, *starter = note.read_text(encoding="utf-8").split(" ")
            if len(starter) != 2 or not _lives(int(starter[0]), starter[1]):
                end_container(container)
                note.unlink(missing_ok=True)
    for note in work.glob(f"*/{_NOTE}"):
        try:
            pid, born, starter, starter_born = note.read_text(encoding="utf-8").split(" ")
        except (OSError, ValueError):
            continue
        if _lives(int(starter), starter_born):
            continue
        if born and _born(int(pid)) == born:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(pid), signal.SIGKILL)


def last_lines(log: Path, *, count: int = 5) -> str:
    """The last lines of a log that are not blank, joined with " | "; empty where there are none."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.path.getsize(log) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    # A progress bar rewrites its line with carriage returns; its last state is the line.
    lines = [line.rsplit("\r", 1)[-1].strip() for line in text.replace("\r\n", "\n").split("\n")]
    return " | ".join([line for line in lines if line][-count:])


def _born(pid: int) -> str:
    """When a process was started, in the system's own ticks (field 22 of proc(5)'s stat); empty where unknown."""
    try:
        return _stat(pid)[19]
    except (OSError, IndexError):
        return ""


def _lives(pid: int, born: str) -> bool:
    """Whether a process that was born then is still there, and not only waits to be forgotten."""
    try:
        return bool(born) and _born(pid) == born and _stat(pid)[0] != "Z"
    except (OSError, IndexError):
        return False


def _stat(pid: int) -> list[str]:
    """The fields of proc(5)'s stat from the third, the state, on; before it stands a name that may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _ended(pid: int) -> bool:
    """Whether a child has ended; it is left unreaped, so that its number stays taken."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end_group(group: int, *, grace: float) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if grace > 0:
            os.killpg(group, signal.SIGTERM)
            deadline = time.monotonic() + grace
            while not _ended(group) and time.monotonic() < deadline:
                time.sleep(_POLL)
        os.killpg(group, signal.SIGKILL)
