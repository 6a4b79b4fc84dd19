"""What papers print, beside the measured table and never in it: columns in the same order, trust as footnotes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.tables.digits import show
from protocols.errors import ProtocolError
from protocols.published import COLUMNS, MEANING, PublishedNumber, load_published

TITLE = "Published (not computed here)"
WARNING = (
    "Numbers that papers print; none of them was computed here. Other clips, other crops and face sizes, other "
    "SyncNet and landmark versions: between papers the numbers of one method differ by a factor of up to two. Only "
    "numbers that one harness made can be compared."
)


@dataclass(frozen=True)
class PrintedColumn:
    """A column in the paper's words. beside: the measured variant that comes nearest, or "" where there is none."""

    name: str
    arrow: str
    beside: str


@dataclass(frozen=True)
class PrintedCell:
    """A number as the paper prints it, "" where there is none. note: index into the table's notes, or None."""

    text: str
    note: int | None


@dataclass(frozen=True)
class Printed:
    """One published table. differs: what is known of how its numbers came about. lacking: what is not at hand."""

    name: str
    title: str
    trust: str
    columns: tuple[PrintedColumn, ...]
    lines: tuple[tuple[str, tuple[PrintedCell, ...]], ...]
    notes: tuple[str, ...]
    differs: tuple[str, ...]
    lacking: tuple[str, ...]
    numbers: tuple[PublishedNumber, ...]


def find_printed(names: Sequence[str], metrics: Sequence[str]) -> tuple[list[Printed], list[str]]:
    """The published tables of those names beside measured `metrics`, and why others cannot be shown."""
    found, broken = [], []
    for name in names:
        try:
            found.append(arrange(name, load_published(name), metrics))
        except ProtocolError as error:
            # A file that is not here must not keep rows that are there from being shown.
            broken.append(f"The published numbers {name} cannot be shown: {error}")
    return found, broken


def arrange(name: str, numbers: Sequence[PublishedNumber], metrics: Sequence[str]) -> Printed:
    """The table of one file: columns that have a measured neighbour first, in the measured order."""
    first = numbers[0]
    columns, forms = _columns(numbers, metrics)
    common = _common_trust(numbers)
    notes: dict[str, int] = {}
    lines, empty = [], []
    cells = {(n.method, n.metric): n for n in numbers}
    for method in dict.fromkeys(n.method for n in numbers):
        mine = [cells.get((method, column.name)) for column in columns]
        if not any(n is not None and n.value is not None for n in mine):
            empty.append(method)
            continue
        shown = tuple(_cell(n, forms[c.name], common, notes) for n, c in zip(mine, columns, strict=True))
        lines.append((method, shown))
    return Printed(
        name=name,
        title=f"{first.paper}, {first.table}, on {first.dataset}",
        trust=f"{MEANING[common]} ({first.source})" if lines else "",
        columns=tuple(columns),
        lines=tuple(lines),
        notes=tuple(notes),
        differs=tuple(_conventions(numbers, columns)) if lines else (),
        lacking=tuple(_lacking(numbers, empty)),
        numbers=tuple(numbers),
    )


def render_published_csv(tables: Sequence[Printed]) -> str:
    """All numbers of all tables in the columns of their files, after the table's name and the measured neighbour."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["published", "beside", *COLUMNS])
    for table in tables:
        beside = {column.name: column.beside for column in table.columns}
        for number in table.numbers:
            writer.writerow([table.name, beside[number.metric], *(_plain(number, name) for name in COLUMNS)])
    return text.getvalue()


def _plain(number: PublishedNumber, name: str) -> str:
    value = getattr(number, name)
    if value is None:
        return ""
    return ";".join(value) if isinstance(value, tuple) else repr(value) if isinstance(value, float) else str(value)


def _columns(numbers: Sequence[PublishedNumber], metrics: Sequence[str]) -> tuple[list[PrintedColumn], dict[str, str]]:
    """Columns in order, and how many decimals the paper gives in each."""
    columns, forms = [], {}
    for name in dict.fromkeys(n.metric for n in numbers):
        mine = [n for n in numbers if n.metric == name]
        beside = next((v for v in mine[0].comparable if v in metrics), "")
        columns.append(PrintedColumn(name, _arrow(mine[0].direction), beside))
        texts = [repr(n.value).partition(".")[2] for n in mine if n.value is not None]
        # A film's own 0 or 1 is given without decimals: the others say how many the column has.
        forms[name] = f".{max((len(text) for text in texts if text != '0'), default=0)}f"
    place = {metric: number for number, metric in enumerate(metrics)}
    return sorted(columns, key=lambda c: place.get(c.beside, len(place))), forms


def _arrow(direction: str) -> str:
    kind, _, target = direction.partition(":")
    return f"→ {target}" if kind == "target" else {"higher": "↑", "lower": "↓"}.get(kind, "")


def _common_trust(numbers: Sequence[PublishedNumber]) -> str:
    """The trust that most numbers with a value have, which is said once."""
    counts = Counter(n.trust for n in numbers if n.value is not None)
    return max(counts, key=lambda trust: (counts[trust], trust)) if counts else "not-at-hand"


def _cell(number: PublishedNumber | None, form: str, common: str, notes: dict[str, int]) -> PrintedCell:
    if number is None:
        return PrintedCell("", None)
    said = [] if number.trust == common or number.value is None else [MEANING[number.trust]]
    text = "; ".join([*said, *([number.note] if number.note else [])])
    shown = "" if number.value is None else show(number.value, form)
    return PrintedCell(shown, notes.setdefault(text, len(notes)) if text else None)


def _conventions(numbers: Sequence[PublishedNumber], columns: Sequence[PrintedColumn]) -> list[str]:
    """How the paper computed its columns, those alike together, and which measured variant comes nearest."""
    stated = {n.metric: n.convention for n in reversed(numbers)}
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(stated[column.name], []).append(column.name)
    said = [f"{', '.join(names)}: convention {text}" for text, names in groups.items()]
    return [*said, *(f"{c.name} stands nearest to {c.beside}, not equal to it" for c in columns if c.beside)]


def _lacking(numbers: Sequence[PublishedNumber], empty: Sequence[str]) -> list[str]:
    """Methods without any number, by reason."""
    reasons: dict[str, list[str]] = {}
    for method in empty:
        notes = "; ".join(dict.fromkeys(n.note for n in numbers if n.method == method))
        reasons.setdefault(notes, []).append(method)
    names = ", ".join(dict.fromkeys(n.metric for n in numbers))
    return [f"{', '.join(methods)} ({names}): {reason}" for reason, methods in reasons.items()]
