"""What `perf` prints: every row with its status and mode, and one row's stages beside what the device could do.

Rows that are not verified show no number, here no more than in any table; quick ones say that they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from bench.report.speed.columns import COLUMNS, SCENARIO_TITLES, SpeedColumn, find_figure, show_figure
from bench.report.speed.facts import describe_gate, describe_memory, describe_monitor
from bench.report.speed.order import link_gates, setting_name, sort_speeds
from bench.report.speed.stages import STAGE_HEADS, stage_cells, stage_table
from bench.report.tables.terminal import as_text
from bench.store.speeds import SCENARIOS, FidelityRow, SpeedRow

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLOURS = {"ok": "green", "unverified": "yellow", "failed": "red"}


def speed_table(
    source: Path | Iterable[SpeedRow], fidelities: Iterable[FidelityRow] = (), manifest: Mapping[str, Any] | None = None
) -> Group:
    """A grid for each scenario, for a run folder or for rows with their fidelity rows. Raises as `read_speeds`."""
    if isinstance(source, Path):
        from bench.report.speed.writing import read_speeds

        speeds, fidelities, manifest = read_speeds(source)
    else:
        speeds = list(source)
    rows = sort_speeds(speeds, manifest)
    parts: list[RenderableType] = []
    ordered = sorted(rows, key=lambda row: SCENARIOS.index(row.scenario))
    for scenario, some in groupby(ordered, key=lambda row: row.scenario):
        held = list(some)
        parts += [as_text(SCENARIO_TITLES[scenario], style="bold"), _grid(scenario, held)]
        parts += [as_text(line, style="dim") for line in _excluded(held)]
    if not rows:
        parts.append(Text("Nothing was timed: there is no row of speed.", style="yellow"))
    gates = link_gates(rows, fidelities)
    parts += _warnings(rows, gates)
    return Group(*parts)


def speed_row(row: SpeedRow, gate: FidelityRow | None = None) -> Group:
    """One row in full: figures, stages with their share of the bound, what adds up, and what is left out."""
    who = f"{row.method}, {setting_name(row)}, {row.scenario}"
    parts: list[RenderableType] = [Text.assemble(as_text(f"{who}  ", style="bold"), _status(row))]
    if row.status != "ok":
        parts.append(as_text(row.reason or "no reason is recorded", style=_COLOURS[row.status]))
        return Group(*parts)
    for column in COLUMNS:
        figure = find_figure(row, column) if column.scenario == row.scenario else None
        if figure is not None:
            words = " ".join(part for part in (*show_figure(figure, column), column.unit) if part)
            head = " (headline)" if column.figure == row.headline else ""
            parts.append(Text.assemble(f"  {column.heading}{head}  ", (words, "bold" if head else "")))
    if row.stages:
        stages = stage_table([row])
        grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=False)
        for place, head in enumerate(STAGE_HEADS):
            grid.add_column(Text(head), justify="right" if place else "left", no_wrap=True)
        for stage in stages.stages:
            grid.add_row(*map(as_text, stage_cells(stage, stages.wall)))
        bad = stages.adds_up is False
        parts += [grid, as_text(f"{stages.summary}.", style="yellow" if bad else "dim")]
    parts.append(as_text(f"excludes: {', '.join(row.excluded) or 'nothing'}"))
    parts.append(as_text(f"gate: {describe_gate(gate, row)}", style="dim"))
    parts.append(as_text(f"memory: {describe_memory(row.memory)}", style="dim"))
    parts.append(as_text(f"clocks and power: {describe_monitor(row.monitor)}", style="dim"))
    return Group(*parts)


def _grid(scenario: str, rows: Sequence[SpeedRow]) -> Grid:
    shown = [row for row in rows if row.status == "ok"]
    columns = [c for c in COLUMNS if c.scenario == scenario and any(find_figure(row, c) for row in shown)]
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="bold", expand=False)
    for name in ("method", "setting"):
        grid.add_column(Text(name), no_wrap=False, overflow="fold")
    for column in columns:
        unit = f"{column.arrow} {column.unit}".strip()
        grid.add_column(Text(f"{column.heading}\n{unit}", justify="right"), justify="right", no_wrap=True)
    grid.add_column(Text("status"), no_wrap=True)
    for row in rows:
        cells = [_cell(row, column) for column in columns]
        grid.add_row(as_text(row.method), as_text(setting_name(row)), *cells, _status(row))
    return grid


def _cell(row: SpeedRow, column: SpeedColumn) -> Text:
    figure = find_figure(row, column) if row.status == "ok" else None
    if figure is None:
        return Text("–", style="dim")
    value, interval = show_figure(figure, column)
    text = Text(value, style="bold" if column.figure == row.headline else "")
    return text.append(f"\n{interval}", style="dim") if interval else text


def _status(row: SpeedRow) -> Text:
    text = Text(row.status, style=_COLOURS[row.status])
    return text.append(" QUICK", style="bold magenta") if row.mode == "quick" else text


def _excluded(rows: Sequence[SpeedRow]) -> list[str]:
    held: dict[str, int] = {}
    for row in rows:
        if row.status == "ok":
            text = ", ".join(row.excluded) or "nothing"
            held[text] = held.get(text, 0) + 1
    several = len(held) > 1
    return [f"excludes: {text}{f' ({count} rows)' if several else ''}" for text, count in held.items()]


def _warnings(rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow]) -> list[Text]:
    lines = []
    for row in rows:
        who = f"{row.method}, {setting_name(row)}, {row.scenario}"
        if row.status != "ok":
            reason = row.reason or "no reason is recorded"
            lines.append(as_text(f"{row.status}: {who}: {reason}", style=_COLOURS[row.status]))
            continue
        if row.monitor.get("throttled"):
            lines.append(as_text(f"throttled: {who}: {describe_monitor(row.monitor)}", style="yellow"))
        if row.warmups.get("stable") is False:
            lines.append(as_text(f"not stable after its warm-ups: {who}", style="yellow"))
        if row.stages and stage_table([row]).adds_up is False:
            lines.append(as_text(f"stages: {who}: {stage_table([row]).verdict}", style="yellow"))
        if row.id not in gates and row.gate:
            lines.append(as_text(f"gate: {who}: the fidelity row {row.gate} is missing", style="yellow"))
    if any(row.mode == "quick" for row in rows):
        lines.append(Text("QUICK rows are too short for any table; a full run gives rows that count.", style="magenta"))
    return lines
