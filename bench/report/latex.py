"""table.tex: tabulars that need nothing but booktabs, intervals small beneath their values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from bench.report.digits import show
from bench.report.markdown import mark
from bench.report.table import Column, Estimate, Table, span

_MOST = 6
"""Metrics side by side: with names and intervals they fill the text width of a two-column paper."""
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': "''",
    "–": "--", "—": "---", "…": r"\dots{}", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "−": "$-$",
    "→": r"$\rightarrow$", "←": r"$\leftarrow$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "≤": r"$\leq$",
    "≥": r"$\geq$", "°": r"$^\circ$", "²": "$^2$", "³": "$^3$", "µ": r"$\mu$", "‘": "`", "’": "'", "“": "``",
    "”": "''", "Σ": r"$\Sigma$", "σ": r"$\sigma$", "μ": r"$\mu$", "√": r"$\surd$", "∞": r"$\infty$",
    # At the start of a line these would be read as an option of the line break before it.
    "[": "{[}", "]": "{]}", "*": "{*}",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
"""Combining marks and the command that sets each with every font encoding."""


def render_latex(table: Table) -> str:
    """A `table*` float to be read with \\input. Needs \\usepackage{booktabs} and nothing else."""
    setting = "" if table.several_settings or not table.lines else f" Setting: {escape(table.lines[0].setting)}."
    title = f"{escape(table.title)}. " if table.title else ""
    parts = [
        r"% \usepackage{booktabs}",
        r"\begin{table*}",
        r"\centering",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{title}Protocol \texttt{{{escape(table.protocol)}}}. {escape(table.basis)}.{setting}}}",
        rf"\label{{tab:{re.sub('[^a-z0-9]+', '-', table.protocol.lower()).strip('-')}}}",
    ]
    for number, block in enumerate(split(len(table.columns))):
        parts += [r"\par\medskip"] if number else []
        parts += _tabular(table, block)
    parts += [r"\par\medskip", r"\begin{minipage}{\linewidth}", r"\raggedright\scriptsize"]
    parts += [rf"{line}\par" for line in _notes(table)]
    parts += [r"\end{minipage}", r"\end{table*}"]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX prints as it is; what its own fonts lack, as letters beyond Latin, is given by code point."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    letters = map(_letter, line)
    # Hyphens are kept apart, lest two of them become a dash.
    return "".join(f"{{}}{new}" if old == new == "-" else new for old, new in pairwise(["", *letters]))


def _letter(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char.isascii() and char.isprintable():
        return char
    base, *marks = list(unicodedata.normalize("NFD", char))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii() and base.isalpha():
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"{{[}}U+{ord(char):04X}{{]}}"


def split(count: int) -> list[list[int]]:
    """Column indices for each tabular: as few tabulars as possible, filled alike."""
    parts = max(1, -(-count // _MOST))
    edges = [round(part * count / parts) for part in range(parts + 1)]
    return [list(range(low, high)) for low, high in pairwise(edges)]


def _tabular(table: Table, indices: Sequence[int]) -> list[str]:
    names = ["Method", "Setting"] if table.several_settings else ["Method"]
    heads = [*names, *(_heading(table.columns[index], index) for index in indices), "$n$", "Coverage"]
    lines = [rf"\begin{{tabular}}{{{'l' * len(names)}{'r' * (len(heads) - len(names))}}}", r"\toprule"]
    lines += [" & ".join(heads) + r" \\", r"\midrule"]
    for line in table.lines:
        some = [line.estimates[index] for index in indices]
        cells = [escape(line.method), escape(line.setting)][: len(names)]
        cells += [_cell(line.estimates[index], table.columns[index]) for index in indices]
        cells += [escape(span([e.n for e in some], "d")), escape(span([e.coverage for e in some], ".2f"))]
        lines.append(" & ".join(cells) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _heading(column: Column, index: int) -> str:
    unit = f"({column.unit})" if column.unit else ""
    last = " ".join(part for part in (column.card.arrow, unit) if part)
    rows = [escape(part) for part in (*column.name, last) if part]
    rows[-1] += rf"$^{{{index + 1}}}$"
    stacked = r" \\ ".join(rows)
    return rf"\shortstack[r]{{{stacked}}}"


def _cell(estimate: Estimate, column: Column) -> str:
    note = "" if estimate.note is None else rf"$^{{\mathrm{{{mark(estimate.note)}}}}}$"
    if estimate.value is None:
        return f"--{note}"
    text = _number(estimate.value, column.form) + note
    if estimate.low is None or estimate.high is None:
        return text
    limits = f"[{_number(estimate.low, column.form)}, {_number(estimate.high, column.form)}]"
    return rf"\shortstack[r]{{{text} \\ {{\tiny {limits}}}}}"


def _number(value: float, form: str) -> str:
    text = show(value, form)
    if "e" in text:
        digits, _, power = text.partition("e")
        return rf"${digits} \times 10^{{{int(power)}}}$"
    return f"${text}$" if text.startswith("-") else text


def _notes(table: Table) -> list[str]:
    lines = []
    for number, column in enumerate(table.columns, start=1):
        card = column.card
        words = "; ".join(part for part in (card.title, card.unit and f"in {card.unit}", card.wish) if part)
        lines.append(rf"$^{{{number}}}$~\texttt{{{escape(card.id)}}}: {escape(words)}.")
    lines += [rf"$^{{\mathrm{{{mark(i)}}}}}$~{escape(note)}." for i, note in enumerate(table.notes)]
    lines += [escape(remark) for remark in table.remarks]
    for failure in table.failures:
        count = "1 clip" if len(failure.clips) == 1 else f"{len(failure.clips)} clips"
        who = f"{failure.method}, {failure.setting}"
        lines.append(escape(f"Failed: {who}: stage {failure.stage}: {failure.reason} ({count})."))
    return lines
