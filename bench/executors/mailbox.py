"""How a job and the parent talk where all they share is a folder: small files that appear whole, each read once.

NAME.ready            the worker NAME has started        beat    a number that grows while the parent lives
NAME-3.task           its fourth task                    leave   all workers are to leave
NAME-3.news           how that ended (`News`)            NAME.leave   this one is
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import signal
import sys
import time
from pathlib import Path
from typing import Any

from bench.executors.host import Host

_POLL_S = 0.1
_SILENCE_S = 300.0
"""A parent that was killed says nothing; its workers wait so long for it."""


def put(box: Path, name: str, content: bytes = b"") -> None:
    """Lay a letter into the folder, whole or not at all."""
    part = box / f".{name}.{os.getpid()}.part"
    part.write_bytes(content)
    os.replace(part, box / name)


def take(box: Path, name: str) -> bytes:
    """A letter's content; it is no longer there then."""
    content = (box / name).read_bytes()
    (box / name).unlink(missing_ok=True)
    return content


def letters(box: Path) -> set[str]:
    """The names of what lies in the folder; none where it is no longer there."""
    try:
        box.chmod(0o700)  # a network file system looks at its server again before it changes anything
        return set(os.listdir(box))
    except OSError:
        return set()


def serve(box: str, name: str, packed: bytes) -> None:
    """The life of the worker `name`: tasks from the folder, news into it, until it is to leave. What a job runs.

    A job that is put back into the queue leaves at once when it runs again: the parent has given its task to another.
    """
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # the warning of a time limit, which submitit would end the job for
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = Path(box)
    if f"{name}.ready" in letters(folder):
        return
    host, wanted = Host(packed), _Wanted(folder, name)
    try:
        put(folder, f"{name}.ready")
        for number in itertools.count():
            while f"{name}-{number}.task" not in (lying := letters(folder)):
                if not wanted(lying):
                    return
                time.sleep(_POLL_S)
            host.give(take(folder, f"{name}-{number}.task"))
            while (news := host.poll(timeout=_POLL_S)) is None:
                if not wanted(letters(folder)):
                    return
            put(folder, f"{name}-{number}.news", pickle.dumps(news))
    finally:
        host.close()


class _Wanted:
    """Whether anybody waits for what a worker does."""

    def __init__(self, box: Path, name: str) -> None:
        self._beat, self._leave = box / "beat", {"leave", f"{name}.leave"}
        self._heard: Any = None
        self._when = time.monotonic()

    def __call__(self, lying: set[str]) -> bool:
        """lying: what the folder holds, and nothing where the run is over and has taken it away."""
        heard = None
        with contextlib.suppress(OSError):
            heard = self._beat.read_bytes()
        if heard != self._heard:
            self._heard, self._when = heard, time.monotonic()
        return bool(lying) and not lying & self._leave and time.monotonic() - self._when < _SILENCE_S
