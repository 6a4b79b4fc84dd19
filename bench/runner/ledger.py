"""What the journal already knows: videos by key, measurements by key, and the last word on each cell.

In memory are numbers of lines and short digests, some hundred bytes a cell; lines are read when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench.records import Cell
from bench.runner.entries import broken_row, cell_dict, identify, stamp
from bench.store.journal import Journal

_FIELDS = ("value", "coverage", "status", "stage", "reason", "per_frame", "series")


class Word(NamedTuple):
    """The last entry on a cell: its number, its stamp (`bench.runner.entries.stamp`), and whether a row failed."""

    number: int
    stamp: bytes
    failed: bool


class Ledger:
    """An index of a journal that grows as cells finish. Outcomes that failed are not in it: they are tried again.

    protocol_id: whose words on cells count; videos and measurements are anybody's.
    """

    def __init__(self, journal: Journal, protocol_id: str) -> None:
        self._journal, self._protocol_id = journal, protocol_id
        self._videos: dict[bytes, bytes] = {}
        self._outcomes: dict[bytes, int] = {}
        self._pooled: set[bytes] = set()
        self._latest: dict[bytes, Word] = {}
        for number, entry in enumerate(journal):
            self._add(number, entry)

    def __len__(self) -> int:
        return len(self._journal)

    def append(self, entries: Sequence[Mapping[str, Any]]) -> range:
        """Journal entries; their numbers. Of two on one cell the later counts."""
        numbers = self._journal.extend(entries)
        for number, entry in zip(numbers, entries, strict=True):
            self._add(number, entry)
        return numbers

    @property
    def synced(self) -> bool:
        """Whether all that was appended outlives a power cut."""
        return self._journal.synced

    def sync(self) -> None:
        """See to it that it does."""
        self._journal.sync()

    def read(self, number: int) -> Mapping[str, Any]:
        """The entry of that number."""
        return self._journal.read(number)

    def video(self, key: str) -> str | None:
        """The hash of the pixels that a generation key gave, if it gave any."""
        found = self._videos.get(_half(key))
        return None if found is None else found.hex()

    def knows(self, measurement_key: str) -> bool:
        """Whether a measurement was made."""
        return _half(measurement_key) in self._outcomes

    def is_pooled(self, measurement_key: str) -> bool:
        """Whether its outcome entered a value of all clips."""
        return _half(measurement_key) in self._pooled

    def outcome(self, measurement_key: str) -> dict[str, Any]:
        """The outcome of a measurement that was made."""
        entry = self._journal.read(self._outcomes[_half(measurement_key)])
        row = next(row for row in entry["rows"] if entry["measured"].get(row["metric"]) == measurement_key)
        return {name: row[name] for name in _FIELDS} | {"notes": row.get("notes") or {}}

    def latest(self, cell: Cell) -> Word | None:
        """The last word on a cell."""
        return self._latest.get(identify(cell_dict(cell)))

    def _add(self, number: int, entry: Mapping[str, Any]) -> None:
        for row in entry["rows"]:
            if row["video_sha256"] is not None and entry["key"] is not None:
                self._videos[_half(entry["key"])] = bytes.fromhex(row["video_sha256"])
            key = entry["measured"].get(row["metric"])
            if key is not None and row["status"] != "failed":
                short = _half(key)
                self._outcomes[short] = number
                (self._pooled.add if row["status"] == "pooled" else self._pooled.discard)(short)
        if entry["rows"] and entry["rows"][0]["protocol"] == self._protocol_id:
            word = Word(number, stamp(entry), broken_row(entry) is not None)
            self._latest[identify(entry["cell"])] = word


def _half(key: str) -> bytes:
    """Half of a sha256, enough to tell keys apart, in a quarter of the memory of its text."""
    return bytes.fromhex(key[:32])
