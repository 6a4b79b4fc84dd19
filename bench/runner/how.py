"""How a run is carried out: nothing here changes a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.runner.overwrite import DEFAULT


@dataclass(frozen=True)
class How:
    """workers: processes; 0 runs all in this process, for debugging. threads: numeric threads in each, by default the
    machine's cores shared out. overwrite: what is done again (`bench.runner.overwrite`). executor: where tasks run,
    with its options (`bench.executors`).
    """

    workers: int = 1
    threads: int | None = None
    overwrite: str = DEFAULT
    executor: str = "local"
    options: Mapping[str, str] = field(default_factory=dict)


HERE = How()
"""One worker process on this machine, taking up what is there."""
