"""The table that every rendering shows: lines, columns, notes and failures, made once from rows and protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.folder import CellKey, Run, cell_of, name_clip
from bench.report.tables.best import describe_bold, find_best, remark_fewer
from bench.report.tables.cards import Card, headings
from bench.report.tables.digits import choose_format, show
from bench.report.tables.groups import group_of, grouped
from bench.report.tables.published import Printed, find_printed
from bench.report.tables.reasons import fold
from bench.report.tables.remarks import basis, find_reasons, identity, note, overlaps, pooled_note, remarks
from bench.stats.summary import Clip, pooled_rows, summarise

WIDE = 6
"""Metrics beyond which those of a kind are put together: what the text width of a two-column paper holds."""


@dataclass(frozen=True)
class Column:
    """A metric. name: (family, distinction). form: number format. group: its kind, "" where a table has few."""

    card: Card
    name: tuple[str, str]
    form: str
    group: str = ""

    @property
    def heading(self) -> str:
        """The short name in one line."""
        return " ".join(part for part in self.name if part)

    @property
    def unit(self) -> str:
        """The unit's first word, for a narrow heading: "px" of "px at 256"; the card has all of it."""
        return self.card.unit.partition(" ")[0]


@dataclass(frozen=True)
class Estimate:
    """A mean over clips with its interval. note: index into the table's notes, or None. best: set in bold."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    coverage: float
    note: int | None
    best: bool = False


@dataclass(frozen=True)
class Line:
    """A method under a setting: one estimate for each column. overlap: test data that the method was trained on."""

    method: str
    setting: str
    estimates: tuple[Estimate, ...]
    overlap: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Cells of one method and setting that broke in the same way. clips: their names, where: what they name."""

    method: str
    setting: str
    stage: str
    reason: str
    clips: tuple[str, ...]
    where: tuple[Clip, ...]


@dataclass(frozen=True)
class Table:
    """All that a rendering needs. expected: clips that the protocol asks for. records: as `summarise` gives them.

    hash: of the protocol, its first digits. state: whether it is the one of that name. bold: what bold says. overlap:
    a sentence for each method with a dagger. printed: tables of papers, to be shown apart. places: of `rank`.
    """

    protocol: str
    hash: str
    state: str
    title: str
    expected: int
    basis: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
    failures: tuple[Failure, ...]
    records: tuple[Mapping[str, Any], ...]
    bold: str = ""
    overlap: tuple[str, ...] = ()
    printed: tuple[Printed, ...] = ()
    places: tuple[Mapping[str, Any], ...] = ()

    @property
    def identity(self) -> str:
        """The protocol's id with its hash and state, in one line."""
        facts = "; ".join(part for part in (self.hash, self.state) if part)
        return f"{self.protocol} ({facts})" if facts else self.protocol

    @property
    def by_setting(self) -> dict[str, list[Line]]:
        """The lines of each setting, in the protocol's order."""
        return {name: [line for line in self.lines if line.setting == name] for name in self._settings}

    @property
    def _settings(self) -> list[str]:
        return list(dict.fromkeys(line.setting for line in self.lines))

    @property
    def several_settings(self) -> bool:
        """Whether lines differ by setting."""
        return len({line.setting for line in self.lines}) > 1


def build_table(run: Run, cards: Mapping[str, Card]) -> Table:
    """The table of a run. It depends on rows, protocol, cards and the methods' declared training sets alone."""
    protocol = run.protocol
    records = summarise([*run.rows, *run.pooled], protocol)
    pooled = pooled_rows(run.pooled)
    found = {(r["method"], r["setting"], r["metric"]): r for r in records}
    why, best = find_reasons(run), find_best(run, cards)
    names, wide = headings(protocol["metrics"]), len(protocol["metrics"]) > WIDE
    shown = grouped(protocol["metrics"]) if wide else protocol["metrics"]
    columns = [_column(cards[name], names[name], records, group_of(name) if wide else "") for name in shown]
    notes: dict[str, int] = {}
    overlap = {m["name"]: tuple(m.get("overlap") or ()) for m in run.manifest.get("methods") or ()}
    lines = []
    for method in run.methods:
        for setting in run.settings:
            estimates = []
            for column in columns:
                key = (method, setting, column.card.id)
                record = found[key]
                if key in pooled:
                    text = pooled_note(pooled[key], record, len(run.clips))
                else:
                    text = note(record, why.get(key, {}), protocol, len(run.clips))
                place = None if text is None else notes.setdefault(text, len(notes))
                numbers = (record["value"], record["ci_low"], record["ci_high"])
                estimates.append(Estimate(*numbers, record["n"], record["coverage"], place, key in best.first))
            lines.append(Line(method, setting, tuple(estimates), overlap.get(method, ())))
    printed, broken = find_printed(protocol.get("published") or (), [column.card.id for column in columns])
    hashed, state = identity(run.manifest)
    said = remarks(run, columns, lines) + remark_fewer(run, best, {c.card.id: c.heading for c in columns}) + broken
    return Table(
        protocol=protocol["id"],
        hash=hashed,
        state=state,
        title=protocol.get("title") or "",
        expected=len(run.clips),
        basis=basis(protocol, len(run.clips)),
        columns=tuple(columns),
        lines=tuple(lines),
        notes=tuple(notes),
        remarks=tuple(said),
        failures=tuple(_failures(run)),
        records=tuple(records),
        bold=describe_bold(run, best),
        overlap=tuple(overlaps(lines)),
        printed=tuple(printed),
        places=best.records,
    )


def span(values: Sequence[float], form: str) -> str:
    """Equal values once, different ones as "lowest–highest": what the n and coverage columns show."""
    texts = [show(value, form) for value in (min(values), max(values))]
    return texts[0] if texts[0] == texts[1] else "–".join(texts)


def _column(card: Card, name: tuple[str, str], records: Sequence[Mapping[str, Any]], group: str) -> Column:
    mine = [r for r in records if r["metric"] == card.id and r["value"] is not None]
    halves = [(r["ci_high"] - r["ci_low"]) / 2 for r in mine if r["ci_low"] is not None]
    return Column(card, name, choose_format([r["value"] for r in mine], halves), group)


def _failures(run: Run) -> list[Failure]:
    """Failed cells, and cells without a row, in the protocol's order; those that broke alike are one entry."""
    broken: dict[CellKey, tuple[str, str]] = {}
    present = set()
    for row in run.rows:
        present.add(cell_of(row))
        if row["status"] == "failed":
            broken.setdefault(cell_of(row), (row["stage"] or "?", " ".join((row["reason"] or "?").split())))
    seeds = len(run.protocol["axes"]["seeds"]) > 1
    failures = []
    for method in run.methods:
        for setting in run.settings:
            stages: dict[str, dict[Clip, str]] = {}
            for clip in run.clips:
                key = (method, setting, clip)
                if key in broken or key not in present:
                    stage, reason = broken.get(key, ("run", "not run: the run has not come to this cell"))
                    stages.setdefault(stage, {})[clip] = reason
            for stage, reasons in stages.items():
                for reason, clips in fold(reasons).items():
                    names = tuple(name_clip(clip, seeds=seeds) for clip in clips)
                    failures.append(Failure(method, setting, stage, reason, names, tuple(clips)))
    return failures
