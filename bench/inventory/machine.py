"""The machine itself: Python, processor, memory, and the folders that are written to."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from bench.inventory.finding import Check, Finding
from bench.places import CACHE_VARIABLE, cache_folder

GROUP = "machine"
OLDEST, NEWEST = (3, 11), (3, 13)
_LEAST_MEMORY = 2e9
"""Bytes; a worker with every network of a usual protocol takes 1.3 GB at most."""
_LEAST_DISK = 1e9
"""Bytes that a run of the size of `demo` takes at most."""
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def checks(out: Path) -> tuple[Check, ...]:
    """What is looked at. out: the folder that runs would be written to."""
    return (
        Check("python", look_at_python),
        Check("processor", look_at_processor),
        Check("memory", look_at_memory),
        Check("output", lambda: look_at_output(out)),
        Check("cache", look_at_cache),
    )


def look_at_python() -> Finding:
    """Whether this Python is one that the packages exist for."""
    good = OLDEST <= sys.version_info[:2] <= NEWEST
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    advice = "" if good else "use Python 3.11, 3.12 or 3.13"
    return Finding(GROUP, "python", "ok" if good else "broken", found, advice)


def look_at_processor() -> Finding:
    """The processor's name, and how many of its cores this process may use."""
    from bench.store.device import describe_device, usable_cores

    cores, usable = os.cpu_count() or 1, usable_cores()
    name = describe_device(())["cpu"] or "a processor without a name"
    shared = "" if usable == cores else f" of {cores}"
    return Finding(GROUP, "processor", "ok", f"{name}, {usable}{shared} core{'' if usable == 1 else 's'}")


def look_at_memory() -> Finding:
    """How much memory there is, or as much of it as a container leaves."""
    held = memory_bytes()
    good = held >= _LEAST_MEMORY
    advice = "" if good else "use --workers 1: each worker may take 1.3 GB"
    return Finding(GROUP, "memory", "ok" if good else "missing", f"{held / 1e9:.1f} GB", advice)


def memory_bytes() -> int:
    """Bytes of memory that this process may use."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(whole, int(_LIMIT.read_text()))
    except (OSError, ValueError):  # no such limit, or the word "max"
        return whole


def look_at_output(out: Path) -> Finding:
    """Whether runs can be written to a folder, and how much room there is."""
    there = out.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Finding(GROUP, "output", "broken", f"{out} cannot be written", "choose another folder with --out")
    free = shutil.disk_usage(there).free
    good = free >= _LEAST_DISK
    found = f"{out}: {free / 1e9:.1f} GB free"
    return Finding(GROUP, "output", "ok" if good else "missing", found, "" if good else "a run takes up to 1 GB")


def look_at_cache() -> Finding:
    """Where what can be made again is kept, how much of it there is, and how much room."""
    folder = cache_folder()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        advice = f"set {CACHE_VARIABLE} to a folder that you can write"
        return Finding(GROUP, "cache", "broken", f"{folder} cannot be written", advice)
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    free = shutil.disk_usage(there).free
    found = f"{folder}: {held / 1e6:.0f} MB in it, {free / 1e9:.1f} GB free ({CACHE_VARIABLE} moves it)"
    return Finding(GROUP, "cache", "ok", found)
