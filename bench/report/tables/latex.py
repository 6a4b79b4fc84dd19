"""table.tex: tabulars that need nothing but booktabs, intervals small beneath their values, metrics of a kind together.

A float that is taller than a page would be cut: parts are counted out to as many floats as they need.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.report.tables.digits import show
from bench.report.tables.floats import Part, make_floats, set_notes
from bench.report.tables.groups import pack, runs
from bench.report.tables.markdown import mark
from bench.report.tables.published import TITLE, WARNING, Printed, PrintedCell, PrintedColumn
from bench.report.tables.table import WIDE, Column, Estimate, Line, Table, span
from bench.report.tables.tex import escape

_ROW, _NAME_ROW, _HEAD = 17, 12, 62
"""Points of a line with its interval, of one without, and of a tabular's heading and gaps."""
_ACROSS = 150
"""Characters that a line of notes holds."""


def render_latex(table: Table) -> str:
    """`table*` floats to be read with \\input. They need \\usepackage{booktabs} and nothing else."""
    setting = "" if table.several_settings or not table.lines else f" Setting: {escape(table.lines[0].setting)}."
    title = f"{escape(table.title)}. " if table.title else ""
    facts = "; ".join(part for part in (rf"\texttt{{{table.hash}}}" if table.hash else "", escape(table.state)) if part)
    identity = rf"\texttt{{{escape(table.protocol)}}}{f' ({facts})' if facts else ''}"
    caption = f"{title}Protocol {identity}. {escape(table.basis)}.{setting}"
    label = f"tab:{re.sub('[^a-z0-9]+', '-', table.protocol.lower()).strip('-')}"
    blocks = pack([column.group for column in table.columns], lambda some: len(some) <= WIDE)
    parts = [Part(_tabular(table, block), _tall(table)) for block in blocks]
    parts += set_notes(_notes(table), across=_ACROSS)
    text = [r"% \usepackage{booktabs}", *make_floats(parts, caption, label)]
    if table.printed:
        places = {column.card.id: number for number, column in enumerate(table.columns, start=1)}
        shown = [part for printed in table.printed for part in _printed(printed, places)]
        told = rf"{TITLE}, beside protocol \texttt{{{escape(table.protocol)}}}. {escape(WARNING)}"
        text += make_floats(shown, told, f"{label}-published")
    return "\n".join(text) + "\n"


def _tall(table: Table) -> float:
    settings = len(table.by_setting) if table.several_settings else 0
    return _HEAD + _ROW * len(table.lines) + _NAME_ROW * settings


def _tabular(table: Table, indices: Sequence[int]) -> list[str]:
    heads = ["Method", *(_heading(table.columns[index], index) for index in indices), "$n$", "Coverage"]
    lines = [rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}", r"\toprule"]
    lines += _kinds([table.columns[index].group for index in indices])
    lines += [" & ".join(heads) + r" \\", r"\midrule"]
    for number, (setting, some) in enumerate(table.by_setting.items()):
        if table.several_settings:
            lines += [r"\addlinespace"] if number else []
            lines.append(rf"\multicolumn{{{len(heads)}}}{{l}}{{\emph{{{escape(setting)}}}}} \\")
        lines += [_line(table, line, indices) for line in some]
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _kinds(groups: Sequence[str]) -> list[str]:
    """A line above the headings that says what kind of metrics they are, where a table has many."""
    if not any(groups):
        return []
    cells, rules, at = [""], [], 2
    for name, places in runs(groups):
        cells.append(rf"\multicolumn{{{len(places)}}}{{c}}{{{escape(name)}}}")
        rules.append(rf"\cmidrule(lr){{{at}-{at + len(places) - 1}}}")
        at += len(places)
    return [" & ".join([*cells, "", ""]) + r" \\", "".join(rules)]


def _line(table: Table, line: Line, indices: Sequence[int]) -> str:
    some = [line.estimates[index] for index in indices]
    cells = [escape(line.method) + (r"$^{\dag}$" if line.overlap else "")]
    cells += [_cell(line.estimates[index], table.columns[index]) for index in indices]
    cells += [escape(span([e.n for e in some], "d")), escape(span([e.coverage for e in some], ".2f"))]
    return " & ".join(cells) + r" \\"


def _heading(column: Column, index: int) -> str:
    unit = f"({column.unit})" if column.unit else ""
    last = " ".join(part for part in (column.card.arrow, unit) if part)
    rows = [escape(part) for part in (*column.name, last) if part]
    rows[-1] += rf"$^{{{index + 1}}}$"
    return _stacked(rows)


def _stacked(rows: Sequence[str]) -> str:
    stacked = r" \\ ".join(rows)
    return rf"\shortstack[r]{{{stacked}}}"


def _cell(estimate: Estimate, column: Column) -> str:
    note = "" if estimate.note is None else rf"$^{{\mathrm{{{mark(estimate.note)}}}}}$"
    if estimate.value is None:
        return f"--{note}"
    number = _number(estimate.value, column.form)
    text = (rf"\textbf{{{number}}}" if estimate.best else number) + note
    if estimate.low is None or estimate.high is None:
        return text
    limits = f"[{_number(estimate.low, column.form)}, {_number(estimate.high, column.form)}]"
    return rf"\shortstack[r]{{{text} \\ {{\tiny {limits}}}}}"


def _number(value: float, form: str) -> str:
    text = show(value, form)
    if "e" in text:
        digits, _, power = text.partition("e")
        return rf"${digits} \times 10^{{{int(power)}}}$"
    return f"$-${text[1:]}" if text.startswith("-") else text


def _notes(table: Table) -> list[str]:
    lines = []
    for number, column in enumerate(table.columns, start=1):
        card = column.card
        words = "; ".join(part for part in (card.title, card.unit and f"in {card.unit}", card.wish) if part)
        lines.append(rf"$^{{{number}}}$~\texttt{{{escape(card.id)}}}: {escape(words)}.")
    lines += [rf"$^{{\mathrm{{{mark(i)}}}}}$~{escape(note)}." for i, note in enumerate(table.notes)]
    lines += [escape(f"{table.bold}.")] if table.bold else []
    lines += [rf"$^{{\dag}}$~{escape(text)}." for text in table.overlap]
    lines += [escape(remark) for remark in table.remarks]
    for failure in table.failures:
        count = "1 clip" if len(failure.clips) == 1 else f"{len(failure.clips)} clips"
        who = f"{failure.method}, {failure.setting}"
        lines.append(escape(f"Failed: {who}: stage {failure.stage}: {failure.reason} ({count})."))
    return lines


def _printed(printed: Printed, places: dict[str, int]) -> list[Part]:
    """A published table: its name, its numbers, and how far they can be trusted."""
    name = rf"\emph{{{escape(printed.title)}}}\par\smallskip"
    parts = []
    if printed.lines:
        heads = ["Method", *(_printed_heading(column, places) for column in printed.columns)]
        lines = [rf"\begin{{tabular}}{{l{'r' * len(printed.columns)}}}", r"\toprule"]
        lines += [" & ".join(heads) + r" \\", r"\midrule"]
        lines += [" & ".join([escape(method), *map(_printed_cell, cells)]) + r" \\" for method, cells in printed.lines]
        parts.append(
            Part(
                [name, *lines, r"\bottomrule", r"\end{tabular}"],
                _HEAD + _NAME_ROW * (1 + len(printed.lines)),
            )
        )
    notes = [rf"$^{{\mathrm{{{mark(i)}}}}}$~{escape(note)}." for i, note in enumerate(printed.notes)]
    notes += [escape(f"Numbers: {printed.trust}.")] if printed.lines else [escape(f"{printed.title}.")]
    notes += [escape(f"{text}.") for text in printed.differs]
    lacking = [escape(f"Not at hand: {text}.") for text in printed.lacking]
    return parts + set_notes([*notes, *lacking], across=_ACROSS)


def _printed_heading(column: PrintedColumn, places: dict[str, int]) -> str:
    words = escape(" ".join(part for part in (column.name, column.arrow) if part))
    return _stacked([words, rf"(near $^{{{places[column.beside]}}}$)"]) if column.beside else words


def _printed_cell(cell: PrintedCell) -> str:
    note = "" if cell.note is None else rf"$^{{\mathrm{{{mark(cell.note)}}}}}$"
    return (escape(cell.text) or "--") + note
