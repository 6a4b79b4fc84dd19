"""CPU time of whole process trees: user and system, of a process and of every child of it that has ended."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

START, REST = "start", "unaccounted"
"""Parts that every process has: up to its own first step, and what no part saw."""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


def spent() -> float:
    """Seconds of CPU time so far, of this process since it began and of its children that have been waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Meter:
    """CPU seconds by part. What was spent before it was made (the interpreter's start, imports) is START's."""

    def __init__(self, *, since: float = 0.0) -> None:
        """since: `spent()` where counting begins; 0: at the beginning of the process."""
        self._since = since
        self.parts = {START: spent() - since}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds what is spent meanwhile to a part."""
        begin = spent()
        try:
            yield
        finally:
            self.parts[name] = self.parts.get(name, 0.0) + spent() - begin

    def close(self) -> dict[str, float]:
        """Every part, and REST: what is left of all that was spent."""
        total = spent() - self._since
        return {**self.parts, REST: max(0.0, total - sum(self.parts.values()))}


def apart(work: Callable[..., Any], *given: Any, threads: int, environment: Mapping[str, str] | None = None) -> Any:
    """What a function gives in a process of its own, started afresh, whose CPU time is its alone.

    threads: that numerical libraries may use there. What the function raises is raised here.
    """
    wanted = {**dict.fromkeys(_THREADS, str(threads)), **(environment or {})}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(work, *given).result()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
