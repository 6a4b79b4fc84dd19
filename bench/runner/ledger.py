"""What the journal already knows: videos by key, measurements by key, and the last word on each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.records import Cell

_FIELDS = ("value", "coverage", "status", "stage", "reason", "per_frame", "series")
CellId = tuple[str, ...]


def cell_id(cell: Mapping[str, Any]) -> CellId:
    """What tells one cell of a run folder from another: its axes, a setting by all that it says."""
    setting = cell["setting"]
    names = [str(setting[name]) for name in sorted(setting)]
    return (cell["method"], *names, cell["speaker"], cell["reference"], cell["driver"], str(cell["seed"]))


def cell_dict(cell: Cell) -> dict[str, Any]:
    """A cell as the journal holds it."""
    return {**cell.__dict__, "setting": dict(cell.setting.__dict__)}


class Ledger:
    """An index of journal entries that grows as cells finish. Failures are not in it: they are tried again."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self._videos: dict[str, str] = {}
        self._outcomes: dict[str, dict[str, Any]] = {}
        self._latest: dict[CellId, Mapping[str, Any]] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take in an entry; of two on one cell the later counts."""
        self._latest[cell_id(entry["cell"])] = entry
        for row in entry["rows"]:
            if row["video_sha256"] is not None and entry["key"] is not None:
                self._videos[entry["key"]] = row["video_sha256"]
            key = entry["measured"].get(row["metric"])
            if key is not None and row["status"] != "failed":
                self._outcomes[key] = {name: row[name] for name in _FIELDS} | {"notes": row.get("notes") or {}}

    def video(self, key: str) -> str | None:
        """The hash of the pixels that a generation key gave, if it gave any."""
        return self._videos.get(key)

    def outcome(self, measurement_key: str) -> dict[str, Any] | None:
        """The outcome of a measurement that was made, if it was."""
        return self._outcomes.get(measurement_key)

    def keep(self, measurement_key: str, outcome: Mapping[str, Any]) -> None:
        """Remember an outcome before its cell is finished."""
        if outcome["status"] != "failed":
            self._outcomes[measurement_key] = dict(outcome)

    def latest(self, cell: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The last entry on a cell."""
        return self._latest.get(cell_id(cell))
