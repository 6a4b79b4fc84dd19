"""Values that all clips of one level have together, by the runs' own pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.runner.pooling import pool
from bench.stats.bootstrap import Interval
from bench.validity.measurement import Entry
from bench.validity.sensitivity import pseudo_values
from bench.validity.verdicts import LEVEL

if TYPE_CHECKING:
    from metrics.registry import Variant

_SETTING = "corpus"


def pooled(groups: Mapping[str, Sequence[Entry]], variant: Variant, work: Path) -> dict[str, tuple[Interval, str]]:
    """Value with limits, and the reason where there is none, of each named group of entries."""
    rows = [_row(label, entry, variant) for label, entries in groups.items() for entry in entries]
    protocol: dict[str, Any] = {
        "id": "metric-validity",
        "methods": list(groups),
        "settings": [{"name": _SETTING}],
        "statistics": {"cluster": "clip", "level": LEVEL},
        "axes": {"seeds": [0]},
    }
    made = pool(rows, variants=[variant], protocol=protocol, folder=work, expected=max(map(len, groups.values())))
    out = {}
    for row in made:
        low, high = row["notes"].get("interval", (None, None))
        count = row["notes"].get("clips", 0)
        out[row["method"]] = (Interval(row["value"], low, high, count), row["reason"] or "")
    return out


def shares(entries: Mapping[str, Sequence[Entry]], variant: Variant, work: Path) -> dict[str, list[float]] | None:
    """What each clip brings to the value of each of two groups of entries of the same clips, as jackknife values.

    None where a group has no value, or none without one of its clips.
    """
    out = {}
    for label, every in entries.items():
        groups = {label: list(every)} | {
            f"{label} less {k}": [entry for j, entry in enumerate(every) if j != k] for k in range(len(every))
        }
        values = [found.value for found, _ in pooled(groups, variant, work).values()]
        if any(value is None for value in values) or len(values) < 3:
            return None
        out[label] = pseudo_values(values[0], values[1:]).tolist()  # type: ignore[arg-type]
    return out


def _row(label: str, entry: Entry, variant: Variant) -> dict[str, Any]:
    outcome = entry["outcomes"][variant.id]
    return {
        "method": label,
        "setting": _SETTING,
        "metric": variant.id,
        "speaker": "",
        "reference": entry["scene"],
        "driver": entry["scene"],
        "seed": 0,
        "status": outcome["status"],
        "reason": outcome["reason"],
        "video_sha256": entry["video_sha256"],
        "truth_sha256": entry["truth_sha256"],
    }
