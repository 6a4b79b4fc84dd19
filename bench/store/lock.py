"""One process at a time in a run folder. The lock belongs to the system: a killed process leaves none behind."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from bench.errors import BusyError, StorageError
from bench.store.files import json_bytes, replace_file

LOCK = "run.lock"
OWNER = "run.lock.json"
"""Who holds the lock. A file of its own: older versions of filelock empty the lock file when they try it."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the run folder for the block. Raises BusyError at once where another process holds it, StorageError."""
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BusyError(f"{folder} is held by {_holder(folder)}; wait for it or use another --out folder") from None
    except OSError as error:
        raise StorageError(f"{folder / LOCK}: cannot be locked ({error.strerror or error})") from None
    try:
        owner = {
            "pid": os.getpid(),
            "host": platform.node(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        replace_file(folder / OWNER, json_bytes(owner))
        yield
    finally:
        (folder / OWNER).unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    try:
        owner = json.loads((folder / OWNER).read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
