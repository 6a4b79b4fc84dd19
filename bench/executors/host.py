"""A worker process's keeper on another machine: what an actor or a job of a cluster runs.

The work is done in a process of its own (`Child`), so that a crash, a lack of memory or a time limit costs that process
and not the place in the cluster, and so that a loss reads as it does on one machine. The keeper sees the same files as
the parent, under the same paths.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from bench.executors.base import Crew, News
from bench.executors.child import Child

_THEIRS = ("RAY_", "SLURM_", "SBATCH_", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "TMPDIR", "PWD", "HOSTNAME")
"""Beginnings of environment variables that the cluster sets for each of its workers."""


@dataclass(frozen=True)
class _Packed:
    """A crew as pickled bytes, and the surroundings in which these can be read and worked with."""

    crew: bytes
    folder: str
    path: list[str]
    environment: Mapping[str, str]


def pack(crew: Crew[Any, Any]) -> bytes:
    """A crew and the parent's surroundings, for a `Host`."""
    scratch = None if crew.scratch is None else Path(os.path.abspath(crew.scratch))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_THEIRS)}
    path = [os.path.abspath(entry) for entry in sys.path]
    return pickle.dumps(_Packed(pickle.dumps(replace(crew, scratch=scratch)), os.getcwd(), path, environment))


class Host:
    """A worker process and its keeper."""

    def __init__(self, packed: bytes) -> None:
        given: _Packed = pickle.loads(packed)
        os.chdir(given.folder)
        os.environ.update(given.environment)
        sys.path += [entry for entry in given.path if entry not in sys.path]
        self._child: Child[Any, Any] = Child(pickle.loads(given.crew), bare=True)

    def perform(self, task: bytes) -> bytes:
        """How a task ended (`News`), both pickled."""
        self._child.give(pickle.loads(task))
        while (news := self.poll(timeout=None)) is None:
            pass
        return pickle.dumps(news)

    def give(self, task: bytes) -> None:
        """Have a task performed; `poll` tells of the end."""
        self._child.give(pickle.loads(task))

    def poll(self, *, timeout: float | None) -> News | None:
        """How the task ended, if it did within so many seconds."""
        limits = [limit for limit in (timeout, self._child.remaining()) if limit is not None]
        wait(self._child.handles(), timeout=min(limits, default=None))
        return self._child.poll()

    def close(self) -> None:
        """End the worker process."""
        self._child.drop()
        self._child.end()
