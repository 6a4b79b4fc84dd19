"""What a run has finished: cells journaled or kept, their counts, and their rows in the order of the row file.

No row stays in memory: they are read back from the journal.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.records import Cell
from bench.runner.entries import Group, broken_row, make_entry, says_the_same, stamp_group
from bench.runner.expand import name_cell
from bench.runner.ledger import Ledger
from bench.store.rows import place, sort_rows


@dataclass(frozen=True)
class Progress:
    """A finished cell and the counts so far. status: "done", "reused" or "failed"; reason: of a failure."""

    cell: str
    status: str
    reason: str | None
    done: int
    failed: int
    reused: int
    total: int


class Tally:
    """The finished cells of a run. metrics: ids of those that it asks for; total: cells in all.

    done and failed count every finished cell, reused those of `done` that said nothing new; stale: kept although their
    keys changed; left: cells without a row that the policy leaves out.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        protocol_id: str,
        metrics: Collection[str],
        total: int,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._ledger, self._protocol_id, self._metrics = ledger, protocol_id, frozenset(metrics)
        self._total, self._progress = total, progress
        self._final: list[tuple[Cell, int]] = []
        self._untold: list[Progress] = []
        self.done = self.failed = self.reused = self.stale = self.left = 0

    def finish(self, group: Group, *, anew: bool) -> None:
        """Journal what is new of a group's cells, all in one go, and count them. anew: also what was said before."""
        broken = next((one for _, one in sorted(group.outcomes.items()) if one["status"] == "failed"), None)
        found = [None if anew or broken else self._said(cell, group) for cell in group.cells]
        if None in found:
            self._recall(group)
        entries = [
            make_entry(cell, group, protocol_id=self._protocol_id)
            for cell, number in zip(group.cells, found, strict=True)
            if number is None
        ]
        added = iter(self._ledger.append(entries) if entries else ())
        for cell, number in zip(group.cells, found, strict=True):
            self._final.append((cell, next(added) if number is None else number))
            self._count(cell, broken, reused=number is not None)
        if self._ledger.synced:
            self.settle()

    def settle(self) -> None:
        """Bring what was journaled to the disk, and tell of it: what was told of outlives a power cut."""
        self._ledger.sync()
        untold, self._untold = self._untold, []
        if self._progress is not None:
            for one in untold:
                self._progress(one)

    def keep(self, cell: Cell, number: int, *, stale: bool) -> None:
        """Count a cell whose entry stays as it is."""
        self._final.append((cell, number))
        self.stale += stale
        self._count(cell, broken_row(self._ledger.read(number)), reused=True)
        if self._ledger.synced:
            self.settle()

    def rows(self, others: Iterable[Mapping[str, Any]] = ()) -> Iterator[Mapping[str, Any]]:
        """The rows of all finished cells and `others`, in the order in which they are stored."""
        mine = (row for _, number in sorted(self._final, key=_place_cell) for row in self._rows_of(number))
        return heapq.merge(mine, sort_rows(others), key=place)

    def _rows_of(self, number: int) -> list[Mapping[str, Any]]:
        rows = [row for row in self._ledger.read(number)["rows"] if row["metric"] in self._metrics]
        return sorted(rows, key=place)

    def _said(self, cell: Cell, group: Group) -> int | None:
        """The number of the last entry on a cell where that says it all already; a failure is always said again."""
        word = self._ledger.latest(cell)
        if word is None or word.failed:
            return None
        if word.stamp == stamp_group(group, self._protocol_id):
            return word.number
        earlier = self._ledger.read(word.number)  # it may say more: of metrics that are not asked for today
        if not set(self._metrics) < set(earlier["measured"]):
            return None
        self._recall(group)
        same = says_the_same(earlier, make_entry(cell, group, protocol_id=self._protocol_id))
        return word.number if same else None

    def _recall(self, group: Group) -> None:
        """Fill in what the journal knows of a group's outcomes."""
        for metric in self._metrics - set(group.outcomes):
            group.outcomes[metric] = self._ledger.outcome(group.measured[metric])

    def _count(self, cell: Cell, broken: Mapping[str, Any] | None, *, reused: bool) -> None:
        if broken is not None:
            self.failed += 1
            status, reason = "failed", f"{broken['stage']}: {broken['reason']}"
        else:
            self.done += 1
            self.reused += reused
            status, reason = ("reused" if reused else "done"), None
        if self._progress is not None:
            counts = (self.done, self.failed, self.reused, self._total)
            self._untold.append(Progress(name_cell(cell), status, reason, *counts))


def _place_cell(finished: tuple[Cell, int]) -> tuple[Any, ...]:
    cell = finished[0]
    return cell.method, cell.setting.name, cell.speaker, cell.reference, cell.driver, cell.seed
