"""The table of speed as the renderers see it: a line for each method and setting, columns by scenario.

Only rows of a full run that passed the gate give numbers. Others are named with their reason, quick ones are counted:
they have a list of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bench.report.speed.columns import COLUMNS, RATIO, RATIO_WORDS, SpeedColumn, describe_column, find_figure
from bench.report.speed.facts import FactGroup, find_facts
from bench.report.speed.order import line_key, link_gates, setting_name, sort_speeds
from bench.report.speed.stages import StageTable, stage_tables
from bench.store.speeds import FidelityRow, Figure, SpeedRow, final

BASIS = "Each figure with the limits of its 95 % interval (bootstrap over blocks of frames) where it has one"


@dataclass(frozen=True)
class SpeedCell:
    """A figure, or the place in the table's notes that says why there is none."""

    figure: Figure | None
    note: int | None = None


@dataclass(frozen=True)
class SpeedLine:
    """A method under a setting. rows: the final ones, by scenario. cells: one for each column of the table."""

    protocol: str
    method: str
    setting: str
    rows: Mapping[str, SpeedRow]
    cells: Sequence[SpeedCell]


@dataclass(frozen=True)
class LeftOut:
    """A row that gives no number, and why."""

    id: str
    method: str
    setting: str
    scenario: str
    mode: str
    status: str
    reason: str


@dataclass(frozen=True)
class SpeedTable:
    """All that stands in the table and under it. quick: how many rows of quick runs are kept apart.

    absent: figures that no row has. gates: fidelity rows of the rows shown, by the id of the speed row. empty: why
    there is no line, else "".
    """

    title: str
    protocols: Sequence[str]
    columns: Sequence[SpeedColumn]
    lines: Sequence[SpeedLine]
    notes: Sequence[str]
    absent: Sequence[str]
    facts: Sequence[FactGroup]
    stages: Sequence[StageTable]
    left_out: Sequence[LeftOut]
    quick: int
    gates: Mapping[str, FidelityRow]
    empty: str

    @property
    def basis(self) -> str:
        """What a figure is, or why there is none."""
        if self.empty:
            return self.empty
        return f"{BASIS}; {RATIO_WORDS}" if any(column.figure == RATIO for column in self.columns) else BASIS

    @property
    def several_protocols(self) -> bool:
        """Whether lines must say which protocol they are of."""
        return len(self.protocols) > 1


def build_speeds(
    speeds: Iterable[SpeedRow], fidelities: Iterable[FidelityRow], manifest: Mapping[str, Any] | None = None
) -> SpeedTable:
    """The table of these rows, the same whatever their order. manifest: of the run, for title and order of settings."""
    rows = sort_speeds(speeds, manifest)
    shown = final(rows)
    gates = link_gates(shown, fidelities)
    held: dict[tuple[str, str, str], dict[str, SpeedRow]] = {}
    others = {(line_key(row), row.scenario): row for row in rows if row.status != "ok" or row.mode != "full"}
    for row in shown:
        held.setdefault(line_key(row), {})[row.scenario] = row
    columns = [c for c in COLUMNS if any(find_figure(some.get(c.scenario), c) for some in held.values())]
    notes: list[str] = []
    lines = []
    for key, some in held.items():
        cells = [_cell(some, others.get((key, column.scenario)), column, notes) for column in columns]
        first = next(iter(some.values()))
        lines.append(SpeedLine(first.protocol, first.method, setting_name(first), some, cells))
    protocol = (manifest or {}).get("protocol") or {}
    quick = sum(row.mode == "quick" and row.status == "ok" for row in rows)
    return SpeedTable(
        title=str(protocol.get("title") or ""),
        protocols=sorted({row.protocol for row in rows}),
        columns=columns,
        lines=lines,
        notes=notes,
        absent=[describe_column(c) for c in COLUMNS if c not in columns] if lines else [],
        facts=find_facts(shown, gates, manifest),
        stages=stage_tables(shown),
        left_out=left_out(rows),
        quick=quick,
        gates=gates,
        empty="" if lines else _why_empty(rows, quick),
    )


def left_out(rows: Iterable[SpeedRow]) -> list[LeftOut]:
    """Rows that failed or were not verified, whatever their mode."""
    return [
        LeftOut(row.id, row.method, setting_name(row), row.scenario, row.mode, row.status, row.reason or _REASON)
        for row in rows
        if row.status != "ok"
    ]


_REASON = "no reason is recorded"


def _cell(rows: Mapping[str, SpeedRow], other: SpeedRow | None, column: SpeedColumn, notes: list[str]) -> SpeedCell:
    row = rows.get(column.scenario)
    figure = find_figure(row, column)
    if figure is not None:
        return SpeedCell(figure)
    if row is not None:
        why = "this row has no such figure"
    elif other is None:
        why = "not timed in this scenario"
    elif other.status == "ok":
        why = "timed in quick mode alone"
    else:
        why = f"{other.status}: listed below with the reason"
    if why not in notes:
        notes.append(why)
    return SpeedCell(None, notes.index(why))


def _why_empty(rows: Sequence[SpeedRow], quick: int) -> str:
    if not rows:
        return "Nothing was timed: there is no row of speed"
    bad = sum(row.status != "ok" for row in rows)
    parts = [f"{quick} of quick runs" if quick else "", f"{bad} unverified or failed" if bad else ""]
    counted = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    return f"No row of a full run passed the gate: of {counted}, {' and '.join(part for part in parts if part)}"


def blocks(table: SpeedTable) -> list[tuple[str, list[int]]]:
    """(scenario, places of its columns) of each scenario that has columns."""
    numbered = groupby(range(len(table.columns)), key=lambda place: table.columns[place].scenario)
    return [(scenario, list(places)) for scenario, places in numbered]


def lines_of(table: SpeedTable, places: Sequence[int]) -> list[SpeedLine]:
    """The lines that have a figure in any of these columns."""
    return [line for line in table.lines if any(line.cells[place].figure for place in places)]


def name_of(table: SpeedTable, line: SpeedLine) -> str:
    """The line's method, with its protocol where there are several."""
    return f"{line.protocol}: {line.method}" if table.several_protocols else line.method
