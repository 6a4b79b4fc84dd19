"""What is said beside numbers: why an estimate is missing or partial, and warnings about the table as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.folder import Run, clip_of
from bench.report.tables.reasons import fold
from bench.stats.summary import Clip

if TYPE_CHECKING:
    from bench.report.tables.table import Column, Line

_LONGEST = 180
"""Characters of a reason in a note; failures are listed in full elsewhere."""
_STATES = {
    "as shipped": "as shipped",
    "own": "a protocol of the user's own",
}


def find_reasons(run: Run) -> dict[tuple[str, str, str], dict[Clip, str]]:
    """(method, setting, metric) -> why clips have no value."""
    out: dict[tuple[str, str, str], dict[Clip, str]] = {}
    for row in run.rows:
        if row["status"] == "pooled" or (row["status"] == "ok" and row["value"] is not None):
            continue
        what = f"failed at {row['stage']}" if row["status"] == "failed" else row["status"]
        text = " ".join((f"{what}: {row['reason']}" if row["reason"] else what).split())
        out.setdefault((row["method"], row["setting"], row["metric"]), {})[clip_of(row)] = text
    return out


def note(record: Mapping[str, Any], why: Mapping[Clip, str], protocol: Mapping[str, Any], expected: int) -> str | None:
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
        parts.append(record.get("ci_reason") or f"no interval from a single {protocol['statistics']['cluster']}")
    return "; ".join(parts) or None


def pooled_note(row: Mapping[str, Any], record: Mapping[str, Any], expected: int) -> str | None:
    """The same of a value that all clips have together."""
    if record["value"] is None:
        return _shortened(" ".join(f"{row['status']}: {row['reason'] or '?'}".split()))
    parts = [f"{record['n']} of {expected} clips"] if record["n"] < expected else []
    parts += [record.get("ci_reason") or "no interval from so few clips"] if record["ci_low"] is None else []
    return "; ".join(parts) or None


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def basis(protocol: Mapping[str, Any], expected: int) -> str:
    """What a value and its interval are."""
    chosen = protocol["statistics"]
    clips = "1 clip" if expected == 1 else f"{expected} clips"
    unit = chosen["cluster"]
    return (
        f"Mean over clips ({clips} asked for) with {100 * chosen['level']:g} % bootstrap interval by {unit}, "
        f"{chosen['resamples']} resamples"
    )


def identity(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """(the first 12 digits of the protocol's hash, whether it is the protocol of that name: "" where not recorded)."""
    state = manifest.get("protocol_state") or ""
    words = _STATES.get(state, state)
    if state == "changed":
        sets = " ".join(f"--set {text}" for text in manifest.get("protocol_sets") or ())
        words = f"changed from {manifest['protocol']['id']}{f' by {sets}' if sets else ''}"
    return (manifest.get("protocol_hash") or "")[:12], words


def remarks(run: Run, columns: Sequence[Column], lines: Sequence[Line]) -> list[str]:
    """Warnings that concern the table as a whole."""
    said = []
    if run.left_out:
        said.append(
            f"Left out (--only-clean), as trained on what is tested here: {', '.join(run.left_out)}. Methods that "
            "declare no training data are kept."
        )
    partial = sum(e.coverage < 1 for line in lines for e in line.estimates)
    if partial:
        said.append(
            f"Coverage is below 1 in {partial} of {len(lines) * len(columns)} values: they rest on fewer clips than "
            "the protocol asks for, so means of different lines are over different clips."
        )
    for column in columns:
        shares = [
            (r["coverage"], r["method"]) for r in run.rows if r["metric"] == column.card.id and r["value"] is not None
        ]
        if shares and min(shares)[0] < 1:
            low, method = min(shares)
            said.append(f"{column.heading}: not every frame entered; lowest share {low:.2f}, in a clip of {method}.")
    together = [c.heading for c in columns if any(row["metric"] == c.card.id for row in run.pooled)]
    if together:
        said.append(
            f"{', '.join(together)}: one value of all clips together, not a mean over clips; interval by "
            "bootstrap of up to 20 groups of clips, linearised by leaving out each."
        )
    return said


def overlaps(lines: Sequence[Line]) -> list[str]:
    """For each method that bears the dagger: what it was trained on among what it is tested on."""
    trained = dict.fromkeys((line.method, line.overlap) for line in lines if line.overlap)
    return [f"{name} was trained on what it is tested on: {', '.join(overlap)}" for name, overlap in trained]
