"""Where a frame's time goes: stages of a row with their share of what the device could do, and whether they add up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.speed.order import line_key, setting_name
from bench.report.tables.digits import show_alone
from bench.store.speeds import SpeedRow, StageTime

TOLERANCE = 0.05
"""Share of the wall time that may be unaccounted for."""


@dataclass(frozen=True)
class StageTable:
    """The stages of a line's pass. rows: those that hold this pass, one or several scenarios of a method and setting.

    adds_up: both clocks agree, None where there is no wall time. unaccounted: ms a frame, below zero where stages ran
    side by side. apart: ms a frame that the host's clock is longer than the device's, of stages that have both.
    """

    rows: Sequence[SpeedRow]
    stages: Sequence[StageTime]
    wall: float | None
    unaccounted: float | None
    apart: float
    adds_up: bool | None

    @property
    def title(self) -> str:
        """Method, setting and scenarios."""
        row = self.rows[0]
        return ", ".join([row.method, setting_name(row), *(some.scenario for some in self.rows)])

    @property
    def verdict(self) -> str:
        """In words, whether the stages make up the wall time."""
        if self.wall is None or self.unaccounted is None:
            return "no wall time was taken beside the stages"
        share = self.unaccounted / self.wall if self.wall else 0.0
        kept = "adds up" if self.adds_up else "DOES NOT ADD UP"
        apart = f", the two clocks differ by {self.apart / self.wall * 100:+.1f} %" if self.apart and self.wall else ""
        return f"{kept} within {TOLERANCE * 100:.0f} %: {share * 100:+.1f} % of the wall time is unaccounted for{apart}"

    @property
    def summary(self) -> str:
        """Wall time, what is left of it, and the verdict."""
        if self.wall is None:
            return self.verdict[0].upper() + self.verdict[1:]
        left = show_alone(self.unaccounted)
        return f"Wall {show_alone(self.wall)} ms, unaccounted {left} ms; {self.verdict}"


def stage_tables(rows: Iterable[SpeedRow]) -> list[StageTable]:
    """One for each pass stage by stage; rows of a line that hold the same pass share it."""
    held: dict[Any, list[SpeedRow]] = {}
    for row in rows:
        if row.stages:
            held.setdefault((line_key(row), tuple(row.stages), row.wall, row.unaccounted), []).append(row)
    return [stage_table(some) for some in held.values()]


def stage_table(rows: Sequence[SpeedRow]) -> StageTable:
    """The pass that these rows hold; it is the first's."""
    row = rows[0]
    apart = sum(stage.host - stage.device for stage in row.stages if stage.device is not None)
    adds_up = None
    if row.wall is not None and row.unaccounted is not None:
        adds_up = max(abs(row.unaccounted), abs(apart)) <= TOLERANCE * row.wall
    return StageTable(rows, list(row.stages), row.wall, row.unaccounted, apart, adds_up)


def stage_cells(stage: StageTime, wall: float | None) -> list[str]:
    """Name, host ms, device ms, share of the wall time, GFLOP, MB, share of the bound, limit; "–" where unknown."""
    return [
        stage.name,
        show_alone(stage.host),
        show_alone(stage.device),
        "–" if not wall else f"{stage.host / wall * 100:.1f} %",
        "–" if stage.flops is None else show_alone(stage.flops / 1e9),
        "–" if stage.bytes is None else show_alone(stage.bytes / 1e6),
        "–" if stage.bound is None else f"{stage.bound * 100:.1f} %",
        stage.limit or "–",
    ]


def tell_stage(stage: StageTime, wall: float | None) -> str:
    """A stage in a few words, without what is not known."""
    cells = zip(STAGE_HEADS[1:], stage_cells(stage, wall)[1:], strict=True)
    return f"{stage.name} {', '.join(f'{head} {cell}' for head, cell in cells if cell != '–')}"


STAGE_HEADS = ("stage", "host ms", "device ms", "of wall", "GFLOP", "MB", "of bound", "limit")
