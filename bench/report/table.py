"""The table that every rendering shows: lines, columns, notes and failures, made once from rows and protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.cards import Card, headings
from bench.report.digits import choose_format, show
from bench.report.folder import CellKey, Run, cell_of, clip_of, name_clip
from bench.report.reasons import fold
from bench.stats.summary import Clip, pooled_rows, summarise

_LONGEST = 180
"""Characters of a reason in a note; failures are listed in full elsewhere."""


@dataclass(frozen=True)
class Column:
    """A metric. name: (family, distinction). form: number format of the whole column."""

    card: Card
    name: tuple[str, str]
    form: str

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
    """A mean over clips with its interval. note: index into the table's notes, or None."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    coverage: float
    note: int | None


@dataclass(frozen=True)
class Line:
    """A method under a setting: one estimate for each column. overlap: test data that the method was trained on."""

    method: str
    setting: str
    estimates: tuple[Estimate, ...]
    overlap: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Cells of one method and setting that broke in the same way."""

    method: str
    setting: str
    stage: str
    reason: str
    clips: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """All that a rendering needs. expected: clips that the protocol asks for. records: as `summarise` gives them."""

    protocol: str
    title: str
    expected: int
    basis: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
    failures: tuple[Failure, ...]
    records: tuple[Mapping[str, Any], ...]

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
    why = _reasons(run)
    names = headings(protocol["metrics"])
    columns = [_column(cards[name], names[name], records) for name in protocol["metrics"]]
    notes: dict[str, int] = {}
    overlap = {m["name"]: tuple(m.get("overlap") or ()) for m in run.manifest.get("methods") or ()}
    lines = []
    for method in run.methods:
        for setting in run.settings:
            estimates = []
            for column in columns:
                record = found[method, setting, column.card.id]
                key = (method, setting, column.card.id)
                if key in pooled:
                    text = _pooled_note(pooled[key], record, len(run.clips))
                else:
                    text = _note(record, why.get(key, {}), protocol, len(run.clips))
                note = None if text is None else notes.setdefault(text, len(notes))
                numbers = (record["value"], record["ci_low"], record["ci_high"])
                estimates.append(Estimate(*numbers, record["n"], record["coverage"], note))
            lines.append(Line(method, setting, tuple(estimates), overlap.get(method, ())))
    return Table(
        protocol=protocol["id"],
        title=protocol.get("title") or "",
        expected=len(run.clips),
        basis=_basis(protocol, len(run.clips)),
        columns=tuple(columns),
        lines=tuple(lines),
        notes=tuple(notes),
        remarks=tuple(_remarks(run, columns, lines)),
        failures=tuple(_failures(run)),
        records=tuple(records),
    )


def span(values: Sequence[float], form: str) -> str:
    """Equal values once, different ones as "lowest–highest": what the n and coverage columns show."""
    texts = [show(value, form) for value in (min(values), max(values))]
    return texts[0] if texts[0] == texts[1] else "–".join(texts)


def _column(card: Card, name: tuple[str, str], records: Sequence[Mapping[str, Any]]) -> Column:
    mine = [r for r in records if r["metric"] == card.id and r["value"] is not None]
    halves = [(r["ci_high"] - r["ci_low"]) / 2 for r in mine if r["ci_low"] is not None]
    return Column(card, name, choose_format([r["value"] for r in mine], halves))


def _reasons(run: Run) -> dict[tuple[str, str, str], dict[Clip, str]]:
    """(method, setting, metric) -> why clips have no value."""
    out: dict[tuple[str, str, str], dict[Clip, str]] = {}
    for row in run.rows:
        if row["status"] == "pooled" or (row["status"] == "ok" and row["value"] is not None):
            continue
        what = f"failed at {row['stage']}" if row["status"] == "failed" else row["status"]
        text = " ".join((f"{what}: {row['reason']}" if row["reason"] else what).split())
        out.setdefault((row["method"], row["setting"], row["metric"]), {})[clip_of(row)] = text
    return out


def _note(record: Mapping[str, Any], why: Mapping[Clip, str], protocol: Mapping[str, Any], expected: int) -> str | None:
    """Why an estimate is missing, partial or without an interval; None where it is whole."""
    n = record["n"]
    counts = sorted((_shortened(text), len(clips)) for text, clips in fold(why).items())
    missing = expected - n - len(why)
    counts += [("not run", missing)] if missing > 0 else []
    if n == 0:
        return "; ".join(text if len(counts) == 1 else f"{count} {text}" for text, count in counts) or "no clips"
    parts = []
    if counts:
        parts.append(f"{n} of {expected} clips; " + "; ".join(f"{count} {text}" for text, count in counts))
    if record["ci_low"] is None:
        parts.append(f"no interval from a single {protocol['statistics']['cluster']}")
    return "; ".join(parts) or None


def _pooled_note(row: Mapping[str, Any], record: Mapping[str, Any], expected: int) -> str | None:
    """The same of a value that all clips have together."""
    if record["value"] is None:
        return _shortened(" ".join(f"{row['status']}: {row['reason'] or '?'}".split()))
    parts = [f"{record['n']} of {expected} clips"] if record["n"] < expected else []
    parts += ["no interval from so few clips"] if record["ci_low"] is None else []
    return "; ".join(parts) or None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def _basis(protocol: Mapping[str, Any], expected: int) -> str:
    chosen = protocol["statistics"]
    clips = "1 clip" if expected == 1 else f"{expected} clips"
    unit = chosen["cluster"]
    return (
        f"Mean over clips ({clips} asked for) with {100 * chosen['level']:g} % bootstrap interval by {unit}, "
        f"{chosen['resamples']} resamples"
    )


def _remarks(run: Run, columns: Sequence[Column], lines: Sequence[Line]) -> list[str]:
    """Warnings that concern the table as a whole."""
    remarks = []
    partial = sum(e.coverage < 1 for line in lines for e in line.estimates)
    if partial:
        remarks.append(
            f"Coverage is below 1 in {partial} of {len(lines) * len(columns)} values: they rest on fewer clips than "
            "the protocol asks for, so means of different lines are over different clips."
        )
    for column in columns:
        shares = [
            (r["coverage"], r["method"]) for r in run.rows if r["metric"] == column.card.id and r["value"] is not None
        ]
        if shares and min(shares)[0] < 1:
            low, method = min(shares)
            remarks.append(f"{column.heading}: not every frame entered; lowest share {low:.2f}, in a clip of {method}.")
    together = [c.heading for c in columns if any(row["metric"] == c.card.id for row in run.pooled)]
    if together:
        remarks.append(
            f"{', '.join(together)}: one value of all clips together, not a mean over clips; interval by leaving "
            "out each of up to 20 groups of clips (delete-a-group jackknife)."
        )
    for name, overlap in dict.fromkeys((line.method, line.overlap) for line in lines if line.overlap):
        remarks.append(f"{name} was trained on what it is tested on: {', '.join(overlap)}.")
    return remarks


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
                    failures.append(Failure(method, setting, stage, reason, names))
    return failures
