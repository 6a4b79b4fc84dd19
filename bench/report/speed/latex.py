"""table.tex of speed: a booktabs tabular for each scenario, facts, stages and rows without numbers in small print."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.report.speed.columns import SCENARIO_TITLES, SpeedColumn, show_figure
from bench.report.speed.facts import describe_excluded
from bench.report.speed.stages import STAGE_HEADS, StageTable, stage_cells
from bench.report.speed.table import SpeedCell, SpeedLine, SpeedTable, blocks, lines_of, name_of
from bench.report.tables.floats import NOTE, PAGE, Part, make_floats, set_notes
from bench.report.tables.markdown import mark
from bench.report.tables.tex import escape

_ROW, _STAGE_ROW, _HEAD = 17, 10, 70
"""Points of a line with its interval, of a stage, and of a tabular's title, heading and gaps."""
_LINES = (PAGE - _HEAD) // _ROW
_ACROSS = 130
"""Characters that a line of notes holds."""


def render_speed_latex(table: SpeedTable) -> str:
    """`table*` floats to be read with \\input. They need \\usepackage{booktabs} and nothing else."""
    names = ", ".join(rf"\texttt{{{escape(name)}}}" for name in table.protocols) or "no protocol"
    title = f"{escape(table.title)}. " if table.title else ""
    caption = f"{title}Speed, protocol {names}. {escape(table.basis)}."
    label = f"tab:speed-{re.sub('[^a-z0-9]+', '-', '-'.join(table.protocols).lower()).strip('-') or 'none'}"
    parts = []
    for scenario, places in blocks(table):
        some = lines_of(table, places)
        for first in range(0, len(some), _LINES):
            shown = some[first : first + _LINES]
            parts.append(Part(_tabular(table, scenario, places, shown), _HEAD + _ROW * len(shown)))
    parts += set_notes(_notes(table), across=_ACROSS)
    parts += [Part(_stages(stages), _HEAD + 2 * NOTE + _STAGE_ROW * len(stages.stages)) for stages in table.stages]
    lines = [r"% \usepackage{booktabs}", *make_floats(parts or [Part([], 0)], caption, label)]
    return "\n".join(lines) + "\n"


def _tabular(table: SpeedTable, scenario: str, places: Sequence[int], lines: Sequence[SpeedLine]) -> list[str]:
    columns = [table.columns[place] for place in places]
    text = [rf"\emph{{{SCENARIO_TITLES[scenario]}; {escape(describe_excluded([x.rows[scenario] for x in lines]))}}}"]
    text += [r"\par\smallskip", rf"\begin{{tabular}}{{ll{'r' * len(columns)}}}", r"\toprule"]
    text += [" & ".join(["Method", "Setting", *map(_heading, columns)]) + r" \\", r"\midrule"]
    for line in lines:
        cells = [_cell(line.cells[at], table.columns[at]) for at in places]
        text.append(" & ".join([escape(name_of(table, line)), escape(line.setting), *cells]) + r" \\")
    return [*text, r"\bottomrule", r"\end{tabular}"]


def _heading(column: SpeedColumn) -> str:
    last = " ".join(part for part in (column.arrow, f"({column.unit})" if column.unit else "") if part)
    return rf"\shortstack[r]{{{escape(column.heading)} \\ {escape(last)}}}"


def _cell(cell: SpeedCell, column: SpeedColumn) -> str:
    if cell.figure is None:
        return "--" if cell.note is None else rf"--$^{{\mathrm{{{mark(cell.note)}}}}}$"
    value, limits = (_number(part) for part in show_figure(cell.figure, column))
    return rf"\shortstack[r]{{{value} \\ {{\tiny {limits}}}}}" if limits else value


def _number(text: str) -> str:
    """Figures with minus signs and powers as LaTeX sets them."""
    text = re.sub(r"(\d+(?:\.\d+)?)e([+-]\d+)", lambda m: rf"${m[1]} \times 10^{{{int(m[2])}}}$", text)
    return re.sub(r"(?<![\^{\d])-(?=\d)", "$-$", text)


def _notes(table: SpeedTable) -> list[str]:
    notes = [rf"$^{{\mathrm{{{mark(i)}}}}}$~{escape(note)}." for i, note in enumerate(table.notes)]
    notes += [escape(f"No row has: {'; '.join(table.absent)}.")] if table.absent else []
    for group in table.facts:
        facts = escape(" · ".join(f"{name}: {text}" for name, text in group.pairs))
        notes.append(rf"\textbf{{{escape(group.who or 'All rows')}.}} {facts}.")
    for row in table.left_out:
        who = f"{row.method}, {row.setting}, {row.scenario} ({row.mode})"
        notes.append(escape(f"Not in the table: {who}: {row.status}: {row.reason}."))
    return notes


def _stages(table: StageTable) -> list[str]:
    text = [
        r"\par\medskip",
        rf"\emph{{{escape(table.title)}}}\par\smallskip",
        r"\begin{tabular}{lrrrrrrr}",
        r"\toprule",
    ]
    text += [" & ".join(map(escape, STAGE_HEADS)) + r" \\", r"\midrule"]
    text += [" & ".join(map(escape, stage_cells(stage, table.wall))) + r" \\" for stage in table.stages]
    return [*text, r"\bottomrule", r"\end{tabular}", r"\par\smallskip", rf"{{\scriptsize {escape(table.summary)}.}}"]
