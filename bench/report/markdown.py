"""table.md: aligned for a terminal, footnoted for a page; columns in blocks, so that no line is over-long."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from bench.report.digits import show
from bench.report.table import Column, Estimate, Failure, Table, span

WIDTH = 100
"""Characters a table line may have: what a terminal shows without wrapping."""
_LISTED = 6
"""Clips named for one failure; the page names all."""


def render_markdown(table: Table) -> str:
    """The table as GitHub-flavoured Markdown with footnotes; metric ids are footnotes of the headings."""
    parts = [f"# {escape(table.protocol)}", ""]
    if table.title:
        parts += [f"{escape(table.title)}", ""]
    parts += [f"{escape(table.basis)}.", ""]
    if not table.several_settings and table.lines:
        parts += [f"Setting: {escape(table.lines[0].setting)}.", ""]
    for block in _blocks(table):
        parts += [*_block(table, block), ""]
    for remark in table.remarks:
        parts += [f"**Note.** {escape(remark)}", ""]
    if table.failures:
        parts += ["## Failed cells", "", *(_failure(failure) for failure in table.failures), ""]
    parts += [_definition(number, column) for number, column in enumerate(table.columns, start=1)]
    parts += [f"[^{mark(index)}]: {escape(note)}." for index, note in enumerate(table.notes)]
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


def _blocks(table: Table) -> list[list[int]]:
    """Column indices for each part of the table, as many as fit in WIDTH."""
    blocks: list[list[int]] = []
    for index in range(len(table.columns)):
        if not blocks or _width(table, [*blocks[-1], index]) > WIDTH:
            blocks.append([])
        blocks[-1].append(index)
    return blocks


def _width(table: Table, indices: Sequence[int]) -> int:
    return 1 + sum(3 + cell_len(cells[0]) for cells in _rows(table, indices))


def _block(table: Table, indices: Sequence[int]) -> list[str]:
    columns = _rows(table, indices)
    left = 2 if table.several_settings else 1
    rules = [
        "-" * cell_len(cells[0]) if number < left else "-" * (cell_len(cells[0]) - 1) + ":"
        for number, cells in enumerate(columns)
    ]
    lines = ["| " + " | ".join(cells) + " |" for cells in zip(*columns, strict=True)]
    return [lines[0], "| " + " | ".join(rules) + " |", *lines[1:]]


def _rows(table: Table, indices: Sequence[int]) -> list[list[str]]:
    """The columns of a block as padded cells, heading first: method, (setting,) metrics, n, coverage."""
    columns = [["method", *(escape(line.method) for line in table.lines)]]
    if table.several_settings:
        columns.append(["setting", *(escape(line.setting) for line in table.lines)])
    left = len(columns)
    for index in indices:
        column = table.columns[index]
        columns.append([_heading(column, index), *(_cell(line.estimates[index], column) for line in table.lines)])
    shown = [[line.estimates[index] for index in indices] for line in table.lines]
    columns.append(["n", *(span([e.n for e in some], "d") if some else "" for some in shown)])
    columns.append(["coverage", *(span([e.coverage for e in some], ".2f") if some else "" for some in shown)])
    for number, cells in enumerate(columns):
        width = max(3, *map(cell_len, cells))
        columns[number] = [_padded(cell, width, left=number < left) for cell in cells]
    return columns


def _padded(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - cell_len(text))
    return text + space if left else space + text


def _heading(column: Column, index: int) -> str:
    unit = f"({column.unit})" if column.unit else ""
    words = " ".join(part for part in (column.heading, column.card.arrow, unit) if part)
    return f"{escape(words)}[^{index + 1}]"


def _cell(estimate: Estimate, column: Column) -> str:
    note = "" if estimate.note is None else f"[^{mark(estimate.note)}]"
    if estimate.value is None:
        return f"–{note}"
    text = show(estimate.value, column.form)
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


def _failure(failure: Failure) -> str:
    names = [escape(name) for name in failure.clips[:_LISTED]]
    more = len(failure.clips) - len(names)
    clips = ", ".join(names) + (f" and {more} more" if more else "")
    count = "1 clip" if len(failure.clips) == 1 else f"{len(failure.clips)} clips"
    who = f"{escape(failure.method)}, {escape(failure.setting)}"
    return f"- {who}: stage {escape(failure.stage)}: {escape(failure.reason)} ({count}: {clips})"
