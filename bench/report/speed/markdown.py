"""table.md and quick.md of speed: a table a scenario, the report block beneath, and quick rows line by line apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from bench.report.speed.columns import SCENARIO_TITLES, SpeedColumn, heading, show_figure, tell_figures
from bench.report.speed.facts import describe_excluded, row_facts
from bench.report.speed.order import link_gates, setting_name, sort_speeds
from bench.report.speed.stages import STAGE_HEADS, StageTable, stage_cells, stage_table, tell_stage
from bench.report.speed.table import SpeedCell, SpeedTable, blocks, lines_of, name_of
from bench.report.tables.markdown import escape, mark
from bench.store.speeds import FidelityRow, SpeedRow

QUICK = "QUICK"


def render_speed_markdown(table: SpeedTable) -> str:
    """table.md: a table for each scenario, facts, stages, and rows that give no number with their reason."""
    parts = [f"# Speed: {escape(', '.join(table.protocols) or 'no protocol')}", ""]
    parts += [f"{escape(table.title)}", ""] if table.title else []
    parts += [f"{escape(table.basis)}.", ""]
    for scenario, places in blocks(table):
        parts += [f"## {SCENARIO_TITLES[scenario]}", "", *_grid(_columns(table, scenario, places), left=1), ""]
        some = [line.rows[scenario] for line in lines_of(table, places)]
        parts += [f"{escape(describe_excluded(some).capitalize())}.", ""]
    if table.absent:
        parts += [f"No row has: {escape('; '.join(table.absent))}.", ""]
    parts += _facts(table)
    if table.stages:
        parts += ["## Stages", "", "Milliseconds a frame; of bound: share of what the device could do.", ""]
        for stages in table.stages:
            parts += _stages(stages)
    parts += left_out_lines(table)
    parts += [f"[^{mark(index)}]: {escape(note)}." for index, note in enumerate(table.notes)]
    return "\n".join(parts).rstrip("\n") + "\n"


def render_quick(speeds: Iterable[SpeedRow], fidelities: Iterable[FidelityRow]) -> str | None:
    """quick.md: rows of quick runs, every line marked, or None where there is none. Nothing of it is a result."""
    rows = [row for row in sort_speeds(speeds) if row.mode == "quick"]
    if not rows:
        return None
    gates = link_gates(rows, fidelities)
    lines = [
        f"# {QUICK} runs: too short for any table",
        "",
        f"{QUICK}: for a look only; a full run gives rows that count.",
    ]
    for row in rows:
        who = f"{QUICK} {escape(row.method)}, {escape(setting_name(row))}, {row.scenario}"
        if row.status != "ok":
            lines += ["", f"- {who}: {row.status}: {escape(row.reason or 'no reason is recorded')}"]
            continue
        lines += ["", f"- {who}: {escape(tell_figures(row))}"]
        lines += [f"  - {QUICK} {escape(f'{k}: {v}')}" for k, v in row_facts(row, gates.get(row.id)).items()]
        if row.stages:
            stages = stage_table([row])
            told = [tell_stage(stage, stages.wall) for stage in stages.stages]
            lines.append(f"  - {QUICK} {escape('; '.join([*told, stages.summary]))}")
    return "\n".join(lines) + "\n"


def left_out_lines(table: SpeedTable) -> list[str]:
    """A section on rows that give no number, and how many quick ones there are."""
    lines: list[str] = []
    if table.left_out:
        lines += ["## Not in the table", ""]
        for row in table.left_out:
            who = f"{escape(row.method)}, {escape(row.setting)}, {row.scenario} ({row.mode})"
            lines.append(f"- {who}: {row.status}: {escape(row.reason)}")
        lines.append("")
    if table.quick:
        counted = "1 row" if table.quick == 1 else f"{table.quick} rows"
        lines += [f"{counted} of quick runs: apart, in quick.md.", ""]
    return lines


def _columns(table: SpeedTable, scenario: str, places: Sequence[int]) -> list[list[str]]:
    rows = [["method", "setting", *(escape(heading(table.columns[place])) for place in places)]]
    for line in lines_of(table, places):
        cells = [_cell(line.cells[place], table.columns[place]) for place in places]
        rows.append([escape(name_of(table, line)), escape(line.setting), *cells])
    return [list(cells) for cells in zip(*rows, strict=True)]


def _cell(cell: SpeedCell, column: SpeedColumn) -> str:
    if cell.figure is None:
        return "–" if cell.note is None else f"–[^{mark(cell.note)}]"
    return " ".join(part for part in show_figure(cell.figure, column) if part)


def _grid(columns: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Columns of cells, heading first, as a table whose first `left` columns, and the next, are flush left."""
    padded, rules = [], []
    for number, cells in enumerate(columns):
        width = max(3, *map(cell_len, cells))
        spaces = [" " * (width - cell_len(cell)) for cell in cells]
        flush = number <= left
        padded.append([c + s if flush else s + c for c, s in zip(cells, spaces, strict=True)])
        rules.append("-" * width if flush else "-" * (width - 1) + ":")
    lines = ["| " + " | ".join(cells) + " |" for cells in zip(*padded, strict=True)]
    return [lines[0], "| " + " | ".join(rules) + " |", *lines[1:]]


def _facts(table: SpeedTable) -> list[str]:
    if not table.lines:
        return []
    lines = ["## How it was measured", ""]
    for group in table.facts:
        if group.who:
            facts = " · ".join(escape(f"{name}: {text}") for name, text in group.pairs)
            lines.append(f"- **{escape(group.who)}** {facts}")
        else:
            lines += [f"- {escape(f'{name}: {text}')}" for name, text in group.pairs]
    return [*lines, ""]


def _stages(table: StageTable) -> list[str]:
    rows = [list(STAGE_HEADS)]
    for stage in table.stages:
        name, *numbers = stage_cells(stage, table.wall)
        rows.append([escape(name), *numbers])
    columns = [list(cells) for cells in zip(*rows, strict=True)]
    return [f"**{escape(table.title)}**", "", *_grid(columns, left=0), "", f"{escape(table.summary)}.", ""]
