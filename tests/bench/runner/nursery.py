"""Lives of a run that end where they are told to: nursery.py, with orders as lines of JSON on standard input.

All is imported once; each life is a fork of this process and costs milliseconds. An order is {"out", "overrides",
"workers", "points": system calls until the life kills itself, or null, "seconds": until it is killed, or null, "lines":
of the journal to wait for first}. The answer is {"killed": bool}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import bench.report
import bench.runner.worker
from bench.places import source_sha256
from bench.runner.expand import load
from bench.runner.how import How
from bench.runner.run import run
from bench.store.source import ROOMS, package_versions
from metrics.registry import variants

CALLS = ("write", "fsync", "replace", "unlink", "ftruncate", "mkdir", "rmdir", "open")


def live(order: dict[str, Any]) -> None:
    """Run, and leave at the point that the order names; nothing is flushed, no handler runs."""
    if order["points"] is not None:
        _set_trap(order["points"])
    os.environ["OMP_NUM_THREADS"] = "1"
    result = run(load("toy", overrides=order["overrides"]), out=Path(order["out"]), how=How(workers=order["workers"]))
    os._exit(result.exit_code)


def _set_trap(points: int) -> None:
    """Kill this process at that system call: before it, after it or, of a write, in its middle."""
    left = points

    def trapped(name: str, call: Any) -> Any:
        def do(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:
                if name == "write" and points % 3 == 0:
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                elif points % 3 == 1:
                    call(*arguments, **named)
                os.kill(os.getpid(), signal.SIGKILL)
            # A kill undoes nothing that was written, brought to the disk or not: here that would only take time.
            return None if name == "fsync" else call(*arguments, **named)

        return do

    for name in CALLS:
        setattr(os, name, trapped(name, getattr(os, name)))


def watch(child: int, order: dict[str, Any]) -> bool:
    """Kill a life when its time has come; whether it was killed."""
    journal = Path(order["out"]) / "rows.jsonl"
    wanted = order["lines"] + (journal.read_bytes().count(b"\n") if order["lines"] and journal.exists() else 0)
    until = None if order["seconds"] is None or wanted else time.monotonic() + order["seconds"]
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) != 0:
                raise RuntimeError(f"a life ended with {os.WEXITSTATUS(status)}")
            return os.WIFSIGNALED(status)
        if until is None and wanted and journal.exists() and journal.read_bytes().count(b"\n") >= wanted:
            until = time.monotonic() + (order["seconds"] or 0.0)
        if until is not None and time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
            until = None
        time.sleep(0.001)


def main() -> None:
    """Serve orders until the input ends."""
    source_sha256(*ROOMS)
    package_versions()
    variants()
    assert bench.report and bench.runner.worker
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            live(order)
        print(json.dumps({"killed": watch(child, order)}), flush=True)


if __name__ == "__main__":
    main()
