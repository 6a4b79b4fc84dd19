"""How near each stage comes to what its device could do: the time that it must take, over the time that it took.

A stage needs at least its FLOPs at the rate of the largest matrix product, and at least its bytes at the rate of the
largest copy; the longer of the two is its bound, and says what limits it. FLOPs count at the rate of the precision that
paints; those of portrait and motion, which are in float32 whatever that is, at float32's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from avct.watch import DEVICE_STAGES
from bench.perf.ceilings import Ceilings
from bench.perf.counting import Work
from bench.store.speeds import StageTime

PAINTED = ("render",)
"""Stages whose products are in the setting's precision."""


def bound(
    stages: Sequence[StageTime], works: Mapping[str, Work], ceilings: Ceilings, *, precision: str
) -> tuple[StageTime, ...]:
    """The stages with flops, bytes, bound and limit of those that were counted.

    works: of one frame, by stage. precision: of the painters. Copy and encode have their bytes but no bound: from a
    GPU they are limited by the way to the processor and by the processor, and on a processor a copy stays in its
    caches, all of which these ceilings say nothing of.
    """
    return tuple(_bounded(stage, works[stage.name], ceilings, precision) if stage.name in works else stage
                 for stage in stages)  # fmt: skip


def total(stages: Iterable[StageTime], works: Mapping[str, Work]) -> StageTime:
    """One stage of name "sum" of those that were bounded: what they took, and the share of it that they had to.

    flops, bytes: of all that were counted. bound: sum of the bounds' times over sum of the times; limit: what limits
    the larger part of the bounds' times.
    """
    chosen = [stage for stage in stages if stage.bound is not None and stage.name in works]
    least = {"compute": 0.0, "memory": 0.0}
    for stage in chosen:
        least[str(stage.limit)] += float(stage.bound or 0.0) * taken(stage)
    took, must = sum(taken(stage) for stage in chosen), sum(least.values())
    device = [stage.device for stage in chosen]
    return StageTime(
        name="sum",
        host=sum(stage.host for stage in chosen),
        device=sum(value or 0.0 for value in device) if any(value is not None for value in device) else None,
        flops=sum(stage.flops or 0.0 for stage in chosen),
        bytes=sum(stage.bytes or 0.0 for stage in chosen),
        bound=must / took if took > 0 else None,
        limit=max(least, key=lambda name: least[name]) if must > 0 else None,
    )


def taken(stage: StageTime) -> float:
    """Milliseconds a frame: the device's where it has a clock of its own."""
    return stage.host if stage.device is None else stage.device


def report(stages: Sequence[StageTime], works: Mapping[str, Work]) -> str:
    """A line a stage for a terminal, and one for the sum of those that have a bound."""
    summed = total(stages, works)
    shown = [*stages, *([summed] if summed.bound is not None else [])]
    return "\n".join(_line(stage) for stage in shown)


def _bounded(stage: StageTime, work: Work, ceilings: Ceilings, precision: str) -> StageTime:
    counted = replace(stage, flops=work.flops, bytes=work.bytes)
    took = taken(stage) / 1000
    if stage.name not in DEVICE_STAGES or stage.name == "copy" or took <= 0:
        return counted
    needed = {"compute": work.flops / _rate(stage.name, ceilings, precision), "memory": work.bytes / ceilings.copy}
    limit = max(needed, key=lambda name: needed[name])
    return replace(counted, bound=needed[limit] / took, limit=limit)


def _rate(name: str, ceilings: Ceilings, precision: str) -> float:
    """FLOP/s that the stage's products could have."""
    return ceilings.products[precision if name in PAINTED else "float32"]


def _line(stage: StageTime) -> str:
    line = f"{stage.name:<10} {taken(stage):9.3f} ms"
    if stage.flops is None:
        return line
    line += f"  {stage.flops / 1e9:8.3f} GFLOP  {(stage.bytes or 0.0) / 1e6:8.2f} MB"
    return line if stage.bound is None else f"{line}  {stage.bound:6.1%} of what {stage.limit} allows"
