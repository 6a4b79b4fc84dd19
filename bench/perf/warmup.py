"""Working until the speed no longer changes: caches filled, clocks risen, kernels chosen. Not a fixed number of times.

Times are taken in blocks; it is stable when the medians of the last few blocks lie within 2 % of each other. A machine
that others share may never be: after a while that is said, and timing goes on.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

BLOCKS = 3
TOLERANCE = 0.02


@dataclass(frozen=True)
class WarmUp:
    """How much there was of it. count: units of work, each a `unit`; block: units in a block; blocks: medians that were
    compared; spread: how far they lay apart, None where there were too few; median: seconds a unit of the last block.
    """

    count: int
    unit: str
    seconds: float
    stable: bool
    spread: float | None
    median: float | None
    block: int
    blocks: int
    reason: str = ""

    def describe(self) -> dict[str, Any]:
        """As rows keep it."""
        return asdict(self)


def settle(
    work: Iterator[float],
    *,
    unit: str,
    block: int,
    limit: float,
    blocks: int = BLOCKS,
    tolerance: float = TOLERANCE,
    now: Callable[[], float] = time.perf_counter,
    advance: Callable[[str, float, float], None] | None = None,
) -> WarmUp:
    """How it went. work: every `next` does one unit and gives its seconds; at least one is done, and none is begun when
    `limit` seconds have passed. ValueError on blocks that cannot be compared."""
    if block < 1 or blocks < 2 or limit < 0.0:
        raise ValueError(f"expected a block of 1 or more, 2 blocks or more, got {block} and {blocks}; limit {limit}")
    begin = now()
    count, current, spread = 0, list[float](), None
    medians: deque[float] = deque(maxlen=blocks)
    stable, reason = False, f"not within {100 * tolerance:g} % in {limit:g} s"
    while not stable and (count == 0 or now() - begin < limit):
        seconds = next(work, None)
        if seconds is None:
            reason = "there was no more work"
            break
        count += 1
        current.append(seconds)
        if len(current) == block:
            medians.append(statistics.median(current))
            current = []
        if len(medians) == blocks and not current:
            least = min(medians)
            spread = (max(medians) - least) / least if least > 0.0 else 0.0
            stable = spread < tolerance
        if advance is not None:
            advance("warming up", min(limit, now() - begin), limit)
    median = medians[-1] if medians else (statistics.median(current) if current else None)
    took = now() - begin
    return WarmUp(count, unit, took, stable, spread, median, block, blocks, "" if stable else reason)
