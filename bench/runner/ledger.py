"""What the journal already knows: videos by key, measurements by key, and the last word on each cell.

In memory are numbers of lines alone, some hundred bytes a cell; what the lines say is read when it is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.records import Cell
from bench.store.journal import Journal

_FIELDS = ("value", "coverage", "status", "stage", "reason", "per_frame", "series")


def cell_dict(cell: Cell) -> dict[str, Any]:
    """A cell as the journal holds it."""
    return {**cell.__dict__, "setting": dict(cell.setting.__dict__)}


class Ledger:
    """An index of a journal that grows as cells finish. Outcomes that failed are not in it: they are tried again.

    protocol_id: whose words on cells count; videos and measurements are anybody's.
    """

    def __init__(self, journal: Journal, protocol_id: str) -> None:
        self._journal, self._protocol_id = journal, protocol_id
        self._videos: dict[bytes, bytes] = {}
        self._outcomes: dict[bytes, int] = {}
        self._latest: dict[bytes, int] = {}
        self._failed: set[bytes] = set()
        for number, entry in enumerate(journal):
            self._add(number, entry)

    def __len__(self) -> int:
        return len(self._journal)

    def append(self, entries: Sequence[Mapping[str, Any]]) -> range:
        """Journal entries, all on the disk when this returns; their numbers. Of two on one cell the later counts."""
        numbers = self._journal.extend(entries)
        for number, entry in zip(numbers, entries, strict=True):
            self._add(number, entry)
        return numbers

    def read(self, number: int) -> Mapping[str, Any]:
        """The entry of that number."""
        return self._journal.read(number)

    def video(self, key: str) -> str | None:
        """The hash of the pixels that a generation key gave, if it gave any."""
        found = self._videos.get(_short(key))
        return None if found is None else found.hex()

    def outcome(self, measurement_key: str) -> dict[str, Any] | None:
        """The outcome of a measurement that was made, if it was."""
        number = self._outcomes.get(_short(measurement_key))
        if number is None:
            return None
        entry = self._journal.read(number)
        row = next(row for row in entry["rows"] if entry["measured"].get(row["metric"]) == measurement_key)
        return {name: row[name] for name in _FIELDS} | {"notes": row.get("notes") or {}}

    def latest(self, cell: Cell) -> int | None:
        """The number of the last entry on a cell."""
        return self._latest.get(_identify(cell_dict(cell)))

    def failed(self, cell: Cell) -> bool:
        """Whether the last word on a cell is a failure."""
        return _identify(cell_dict(cell)) in self._failed

    def _add(self, number: int, entry: Mapping[str, Any]) -> None:
        broken = False
        for row in entry["rows"]:
            if row["video_sha256"] is not None and entry["key"] is not None:
                self._videos[_short(entry["key"])] = bytes.fromhex(row["video_sha256"])
            key = entry["measured"].get(row["metric"])
            if row["status"] == "failed":
                broken = True
            elif key is not None:
                self._outcomes[_short(key)] = number
        if entry["rows"] and entry["rows"][0]["protocol"] == self._protocol_id:
            cell = _identify(entry["cell"])
            self._latest[cell] = number
            (self._failed.add if broken else self._failed.discard)(cell)


def _short(key: str) -> bytes:
    """16 bytes in place of a key's 64 letters: enough to tell keys apart."""
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


def _identify(cell: Mapping[str, Any]) -> bytes:
    """What tells one cell of a run folder from another: its axes, a setting by all that it says."""
    return _short(json.dumps(cell, sort_keys=True, separators=(",", ":")))
