"""The table for a terminal of any width: value over half the width of its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from bench.report.folder import only_clean as leave_out
from bench.report.folder import read_run
from bench.report.tables.cards import find_cards
from bench.report.tables.digits import show
from bench.report.tables.markdown import DAGGER, mark
from bench.report.tables.table import Column, Estimate, Table, build_table, span

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_LISTED = 8
"""Failures shown; the tables in the folder list all."""


@dataclass(frozen=True)
class TerminalTable:
    """What rich prints of a table, in as many parts as the console's width asks for."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield render_terminal(self.table, options.max_width)


def terminal_table(folder: Path, *, only_clean: bool = False) -> TerminalTable | Group:
    """What the command line prints of a run folder: the table, its notes and its failures; of one that holds rows of
    speed alone, those. Raises as `read_run`."""
    from bench.report.speed.terminal import speed_table
    from bench.report.speed.writing import holds_quality, holds_speeds

    if holds_speeds(folder) and not holds_quality(folder):
        return speed_table(folder)
    run = leave_out(read_run(folder)) if only_clean else read_run(folder)
    return TerminalTable(build_table(run, find_cards(run.protocol["metrics"])))


def render_terminal(table: Table, width: int) -> Group:
    """The table for a console of `width` columns; names are shown as they are, not as markup."""
    title = as_text(f"{table.identity}  {table.title}".rstrip(), style="bold")
    parts: list[RenderableType] = [title]
    if not table.several_settings and table.lines:
        parts.append(as_text(f"setting {table.lines[0].setting}", style="dim"))
    parts += [_grid(table, block) for block in _blocks(table, width)]
    parts.append(Text(f"{table.basis}; ± half its width.", style="dim"))
    parts += [as_text(f"{mark(index)}  {note}", style="yellow") for index, note in enumerate(table.notes)]
    parts += [as_text(f"{table.bold}.", style="dim")] if table.bold else []
    parts += [as_text(f"{DAGGER} {text}.", style="yellow") for text in table.overlap]
    parts += [as_text(remark, style="yellow") for remark in table.remarks]
    if table.printed:
        names = ", ".join(printed.name for printed in table.printed)
        parts.append(as_text(f"Numbers that papers print stand apart, in table.md: {names}.", style="dim"))
    for failure in table.failures[:_LISTED]:
        count = "1 clip" if len(failure.clips) == 1 else f"{len(failure.clips)} clips"
        who = f"failed: {failure.method}, {failure.setting}, {count}"
        parts.append(as_text(f"{who}: stage {failure.stage}: {failure.reason}", style="red"))
    if len(table.failures) > _LISTED:
        parts.append(Text(f"and {len(table.failures) - _LISTED} more, listed in table.md", style="red"))
    return Group(*parts)


def as_text(text: str, *, style: str = "") -> Text:
    """Text whose control characters, which could steer the terminal, are spelt out."""
    return Text("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text), style=style)


def _blocks(table: Table, width: int) -> list[list[int]]:
    """Column indices for each part, as many as fit."""
    fixed = (
        4
        + max([len("method"), *(cell_len(line.method) + 2 * bool(line.overlap) for line in table.lines)])
        + 2
        + len("coverage")
        + 2
    )
    if table.several_settings:
        fixed += max([len("setting"), *(cell_len(line.setting) for line in table.lines)]) + 2
    blocks: list[list[int]] = []
    room = 0
    for index, column in enumerate(table.columns):
        cells = [_heading(column), *(_cell(line.estimates[index], column) for line in table.lines)]
        needed = 2 + max(cell_len(part) for cell in cells for part in cell.plain.split("\n"))
        if not blocks or room < needed:
            blocks.append([])
            room = width - fixed - 4
        blocks[-1].append(index)
        room -= needed
    return blocks


def _grid(table: Table, indices: Sequence[int]) -> Grid:
    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="bold", expand=False)
    grid.add_column(Text("method"), no_wrap=True, vertical="top")
    if table.several_settings:
        grid.add_column(Text("setting"), no_wrap=True)
    for index in indices:
        grid.add_column(_heading(table.columns[index]), justify="right", no_wrap=True)
    grid.add_column(Text("n"), justify="right", no_wrap=True)
    grid.add_column(Text("coverage"), justify="right", no_wrap=True)
    for line in table.lines:
        some = [line.estimates[index] for index in indices]
        names = [
            as_text(line.method + (f" {DAGGER}" if line.overlap else "")),
            *([as_text(line.setting)] if table.several_settings else []),
        ]
        values = [_cell(line.estimates[index], table.columns[index]) for index in indices]
        whole = all(e.coverage == 1 for e in some)
        counts = [Text(span([e.n for e in some], "d")), Text(span([e.coverage for e in some], ".2f"))]
        counts[1].stylize("" if whole else "yellow")
        grid.add_row(*names, *values, *counts)
    return grid


def _heading(column: Column) -> Text:
    unit = f"{column.card.arrow} {column.unit}".strip()
    return Text("\n".join([*(part for part in column.name if part), *([unit] if unit else [])]), justify="right")


def _cell(estimate: Estimate, column: Column) -> Text:
    note = "" if estimate.note is None else f" {mark(estimate.note)}"
    if estimate.value is None:
        return Text(f"–{note}", style="yellow")
    text = Text(show(estimate.value, column.form), style="bold" if estimate.best else "")
    text.append(note, style="yellow")
    if estimate.low is not None and estimate.high is not None:
        text.append(f"\n±{show((estimate.high - estimate.low) / 2, column.form)}", style="dim")
    return text
