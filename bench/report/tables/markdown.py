"""table.md: aligned for a terminal, footnoted for a page; columns in blocks, so that no line is over-long."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from bench.report.tables.digits import show
from bench.report.tables.groups import fill, runs
from bench.report.tables.published import TITLE, WARNING, Printed, PrintedCell, PrintedColumn
from bench.report.tables.table import Column, Estimate, Failure, Line, Table, span

WIDTH = 100
"""Characters a table line may have: what a terminal shows without wrapping."""
DAGGER = "†"
_LISTED = 6
"""Clips named for one failure; the page names all."""


def render_markdown(table: Table) -> str:
    """The table as GitHub-flavoured Markdown with footnotes; metric ids are footnotes of the headings."""
    parts = [f"# {escape(table.protocol)}", ""]
    if table.title:
        parts += [f"{escape(table.title)}", ""]
    if table.identity != table.protocol:
        parts += [f"Protocol {escape(table.identity)}.", ""]
    parts += [f"{escape(table.basis)}.", ""]
    if not table.several_settings and table.lines:
        parts += [f"Setting: {escape(table.lines[0].setting)}.", ""]
    for block in fill(len(table.columns), lambda some: _width(table, some) <= WIDTH):
        kinds = [kind for kind, _ in runs([table.columns[index].group for index in block]) if kind]
        parts += [f"**{escape(', '.join(kinds))}**", ""] if kinds else []
        parts += [*_block(table, block), ""]
    if table.bold:
        parts += [f"{escape(table.bold)}.", ""]
    for text in table.overlap:
        parts += [f"{DAGGER} {escape(text)}.", ""]
    for remark in table.remarks:
        parts += [f"**Note.** {escape(remark)}", ""]
    parts += _published(table)
    if table.failures:
        parts += ["## Failed cells", "", *(_failure(failure) for failure in table.failures), ""]
    parts += [_definition(number, column) for number, column in enumerate(table.columns, start=1)]
    parts += [f"[^{mark(index)}]: {escape(note)}." for index, note in enumerate(table.notes)]
    for number, printed in enumerate(table.printed, start=1):
        parts += [f"[^p{number}{mark(index)}]: {escape(note)}." for index, note in enumerate(printed.notes)]
        parts += [f"[^p{number}]: {escape(printed.trust)}."] if printed.lines else []
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line, also within a table."""
    line = " ".join(text.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*\[\]|#~])", r"\\\1", line)
    # At the start of a line these would begin a list, a rule or a heading.
    line = re.sub(r"^([-+=]|\d+(?=[.)]))", lambda m: f"{m[1]}\\" if m[1].isdigit() else f"\\{m[1]}", line)
    # An underscore within a word is no emphasis; left alone it stays readable.
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", line)


def mark(index: int) -> str:
    """The name of a note: a, b, ..., z, aa, ab, ..."""
    name = ""
    number = index + 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(ord("a") + digit) + name
    return name


def _width(table: Table, indices: Sequence[int]) -> int:
    return 1 + sum(3 + cell_len(cells[0]) for cells in _columns(table, indices))


def _block(table: Table, indices: Sequence[int]) -> list[str]:
    return _grid(_columns(table, indices), left=1)


def _grid(columns: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Padded columns, heading first, as a table whose first `left` columns are flush left."""
    rules = [
        "-" * cell_len(cells[0]) if number < left else "-" * (cell_len(cells[0]) - 1) + ":"
        for number, cells in enumerate(columns)
    ]
    lines = ["| " + " | ".join(cells) + " |" for cells in zip(*columns, strict=True)]
    return [lines[0], "| " + " | ".join(rules) + " |", *lines[1:]]


def _columns(table: Table, indices: Sequence[int]) -> list[list[str]]:
    """The columns of a block as padded cells, heading first: method, metrics, n, coverage; settings as rows."""
    rows: list[Line | str] = []
    for setting, lines in table.by_setting.items():
        rows += [setting, *lines] if table.several_settings else lines
    heads = ["method", *(_heading(table.columns[index], index) for index in indices), "n", "coverage"]
    cells = [_row(table, row, indices) for row in rows]
    return _padded([heads, *cells], left=1)


def _row(table: Table, row: Line | str, indices: Sequence[int]) -> list[str]:
    if isinstance(row, str):
        return [f"*{escape(row)}*", *("" for _ in range(len(indices) + 2))]
    some = [row.estimates[index] for index in indices]
    values = [_cell(row.estimates[index], table.columns[index]) for index in indices]
    name = escape(row.method) + (f" {DAGGER}" if row.overlap else "")
    return [name, *values, span([e.n for e in some], "d"), span([e.coverage for e in some], ".2f")]


def _padded(rows: Sequence[Sequence[str]], *, left: int) -> list[list[str]]:
    """The columns of rows, each as wide as its widest cell."""
    columns = []
    for number, cells in enumerate(zip(*rows, strict=True)):
        width = max(3, *map(cell_len, cells))
        spaces = [" " * (width - cell_len(cell)) for cell in cells]
        columns.append(
            [cell + space if number < left else space + cell for cell, space in zip(cells, spaces, strict=True)]
        )
    return columns


def _heading(column: Column, index: int) -> str:
    unit = f"({column.unit})" if column.unit else ""
    words = " ".join(part for part in (column.heading, column.card.arrow, unit) if part)
    return f"{escape(words)}[^{index + 1}]"


def _cell(estimate: Estimate, column: Column) -> str:
    note = "" if estimate.note is None else f"[^{mark(estimate.note)}]"
    if estimate.value is None:
        return f"–{note}"
    text = show(estimate.value, column.form)
    text = f"**{text}**" if estimate.best else text
    if estimate.low is not None and estimate.high is not None:
        text += f" [{show(estimate.low, column.form)}, {show(estimate.high, column.form)}]"
    return text + note


def _definition(number: int, column: Column) -> str:
    card = column.card
    facts = [f"`{card.id}`: {escape(card.title)}"]
    facts += [f"in {escape(card.unit)}"] if card.unit else []
    facts += [escape(card.wish)] if card.wish else []
    facts += ["a legacy convention, kept to reproduce old numbers"] if card.legacy else []
    return f"[^{number}]: {'; '.join(facts)}."


def _published(table: Table) -> list[str]:
    """The tables of papers, under a heading of their own, each with what differs."""
    if not table.printed:
        return []
    places = {column.card.id: number for number, column in enumerate(table.columns, start=1)}
    parts = [f"## {TITLE}", "", f"**Note.** {escape(WARNING)}", ""]
    for number, printed in enumerate(table.printed, start=1):
        parts += [f"### {escape(printed.title)}{f'[^p{number}]' if printed.lines else ''}", ""]
        if printed.lines:
            heads = ["method", *(_printed_heading(column, places) for column in printed.columns)]
            rows = [[escape(method), *(_printed_cell(c, number) for c in cells)] for method, cells in printed.lines]
            parts += [*_grid(_padded([heads, *rows], left=1), left=1), ""]
        parts += _printed_words(printed)
    return parts


def _printed_heading(column: PrintedColumn, places: dict[str, int]) -> str:
    words = escape(" ".join(part for part in (column.name, column.arrow) if part))
    return f"{words} (near[^{places[column.beside]}])" if column.beside else words


def _printed_cell(cell: PrintedCell, number: int) -> str:
    note = "" if cell.note is None else f"[^p{number}{mark(cell.note)}]"
    return f"{cell.text or '–'}{note}"


def _printed_words(printed: Printed) -> list[str]:
    said = [f"- {escape(text)}." for text in printed.differs]
    said += [f"- Not at hand: {escape(text)}." for text in printed.lacking]
    return [*said, ""] if said else []


def _failure(failure: Failure) -> str:
    names = [escape(name) for name in failure.clips[:_LISTED]]
    more = len(failure.clips) - len(names)
    clips = ", ".join(names) + (f" and {more} more" if more else "")
    count = "1 clip" if len(failure.clips) == 1 else f"{len(failure.clips)} clips"
    who = f"{escape(failure.method)}, {escape(failure.setting)}"
    return f"- {who}: stage {escape(failure.stage)}: {escape(failure.reason)} ({count}: {clips})"
