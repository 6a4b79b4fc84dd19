"""The course of one run, in the parent: which task follows which, and when a cell is finished and journaled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import StorageError
from bench.records import Cell
from bench.runner.entries import Group, make_entry, says_the_same
from bench.runner.expand import name_cell
from bench.runner.keys import generation_key, measurement_basis, measurement_key
from bench.runner.ledger import Ledger
from bench.runner.measure import failed
from bench.runner.methods import Method
from bench.runner.pooling import SIGHTINGS
from bench.runner.sightings import SightingStore
from bench.runner.tasks import (
    Failure,
    Files,
    Generate,
    Made,
    Measure,
    Measured,
    Pair,
    Prepare,
    Prepared,
    Result,
    Source,
    Task,
)
from bench.store.journal import Journal

if TYPE_CHECKING:
    from metrics.registry import Variant


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


class Session:
    """State of a run: what is known, what is under way, and how many cells are finished."""

    def __init__(
        self,
        *,
        protocol_id: str,
        methods: Mapping[str, Method],
        variants: Sequence[Variant],
        journal: Journal,
        folder: Path,
        total: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._protocol_id, self._methods = protocol_id, methods
        self._variants = {variant.id: variant for variant in variants}
        self._bases = {variant.id: measurement_basis(variant) for variant in variants}
        self._journal, self._ledger, self._progress = journal, Ledger(journal.entries), progress
        self._cells: dict[Source, list[Cell]] = {}
        self._groups: list[Group] = []
        self._folder, self._total = folder, total
        self._sightings = SightingStore(folder / SIGHTINGS)
        self.sources = self.done = self.failed = self.reused = 0
        self.inputs: dict[str, Mapping[str, Any]] = {}
        self.final: list[Mapping[str, Any]] = []

    def begin(self, cells: Mapping[Source, list[Cell]]) -> list[Task]:
        """The first tasks: one for each clip's inputs."""
        self._cells, self.sources = dict(cells), len(cells)
        tasks: list[Task] = []
        for source, some in cells.items():
            if isinstance(source, Files) and source.lacking is not None:
                for cell in some:
                    self._fail(Group(None, source, [cell], None), Failure("match", source.lacking))
            else:
                # nothing is journaled yet, so all is to be measured: at once, while the video is decoded
                at_once = isinstance(source, Files) and not self._journal.entries
                tasks.append(Prepare(source, tuple(self._variants) if at_once else ()))
        return tasks

    def advance(self, task: Task, result: Result) -> Iterable[Task]:
        """Take in a result; the tasks that follow from it."""
        if isinstance(result, Failure) and result.fatal:
            raise StorageError(result.reason)
        if isinstance(task, Prepare):
            return self._prepared(task.source, result)
        group = self._groups[task.group]
        if isinstance(result, Failure):
            return self._fail(group, result)
        if isinstance(result, Made):
            group.seconds.update({f"generate:{name}": value for name, value in result.seconds.items()})
            group.video_sha256 = result.video_sha256
            return self._measure(group)
        assert isinstance(result, Measured)
        return self._take(group, result)

    def _take(self, group: Group, measured: Measured) -> list[Task]:
        """Take a group's outcomes in: it is finished."""
        group.seconds.update({f"measure:{name}": value for name, value in measured.seconds.items()})
        for metric, outcome in measured.outcomes.items():
            self._ledger.keep(group.measured[metric], outcome)
            group.outcomes[metric] = outcome
        return self._finish(group)

    def _prepared(self, source: Source, result: Result) -> list[Task]:
        cells = self._cells[source]
        if isinstance(result, Failure):
            for cell in cells:
                self._fail(Group(None, source, [cell], None), result)
            return []
        assert isinstance(result, Prepared)
        self.inputs[_name_clip(source, cells[0])] = result.digests.as_dict()
        if not isinstance(source, Pair):
            return self._scored(source, cells, result)
        tasks: list[Task] = []
        for group in self._grouped(source, cells, result):
            tasks += self._generate(group)
        return tasks

    def _grouped(self, pair: Pair, cells: Sequence[Cell], prepared: Prepared) -> list[Group]:
        """Cells by generation key; those of a method that cannot run fail at once."""
        groups: dict[str, Group] = {}
        for cell in cells:
            method = self._methods[cell.method]
            if method.lacking is not None:
                self._fail(Group(None, pair, [cell], None, prepared.digests), Failure("generate", method.lacking))
                continue
            fingerprint = method.fingerprints[cell.setting.name]
            key = generation_key(method.spec, fingerprint, prepared.digests, size=pair.size, seed=cell.seed)
            if key not in groups:
                video, seconds = f"videos/{key}.mkv", dict(prepared.seconds)
                groups[key] = Group(
                    key, pair, [], video, prepared.digests, seconds=seconds, phones_by=prepared.phones_by
                )
            groups[key].cells.append(cell)
        return list(groups.values())

    def _generate(self, group: Group) -> list[Task]:
        """Nothing where the journal knows every value, else the task that makes the video."""
        assert group.key is not None and group.digests is not None and isinstance(group.source, Pair)
        group.video_sha256 = self._ledger.video(group.key)
        if group.video_sha256 is not None and not self._look_up(group):
            return self._finish(group)
        first, number = group.cells[0], self._number(group)
        uses = tuple(self._methods[first.method].spec.uses)
        return [Generate(number, group.key, first.method, group.source, first.setting, first.seed, uses, group.digests)]

    def _scored(self, source: Source, cells: Sequence[Cell], prepared: Prepared) -> list[Task]:
        """The measurement of a video made elsewhere; its key is the hash of its pixels."""
        assert isinstance(source, Files) and source.video is not None and prepared.video_sha256 is not None
        group = Group(prepared.video_sha256, source, list(cells), str(source.video.resolve()), prepared.digests)
        group.video_sha256, group.seconds = prepared.video_sha256, dict(prepared.seconds)
        if prepared.measured is not None:
            self._look_up(group)
            return self._take(group, prepared.measured)
        return self._measure(group)

    def _measure(self, group: Group) -> list[Task]:
        """The task that measures what is not known yet, or nothing more."""
        wanted = self._look_up(group)
        if not wanted:
            return self._finish(group)
        assert group.video is not None and group.video_sha256 is not None and group.digests is not None
        video = self._folder / group.video  # a scored video's path is absolute and stands for itself
        number = self._number(group)
        return [Measure(number, group.source, video, group.video_sha256, group.digests, tuple(wanted))]

    def _look_up(self, group: Group) -> list[str]:
        """Fill in what the journal knows of the group's video; the metrics that it does not know."""
        assert group.video_sha256 is not None and group.digests is not None
        wanted = []
        for name, variant in self._variants.items():
            key = measurement_key(variant.needs, group.video_sha256, group.digests, basis=self._bases[name])
            group.measured[name] = key
            known = self._ledger.outcome(key)
            if known is None or not self._pooled_is_whole(variant, known, group):
                wanted.append(name)
            else:
                group.outcomes[name] = known
        return wanted

    def _pooled_is_whole(self, variant: Variant, known: Mapping[str, Any], group: Group) -> bool:
        """Whether what a clip brought to a value of all clips still lies in the cache; true of other outcomes."""
        if variant.corpus is None or known["status"] != "pooled":
            return True
        assert group.video_sha256 is not None and group.digests is not None
        wanted = [group.video_sha256, group.digests.truth]
        return all(
            pixels is None or self._sightings.holds("features", variant.corpus.features, pixels) for pixels in wanted
        )

    def _number(self, group: Group) -> int:
        if group.number is None:
            group.number = len(self._groups)
            self._groups.append(group)
        return group.number

    def _fail(self, group: Group, failure: Failure) -> list[Task]:
        """Finish a group's cells with what is known and the failure in place of the rest."""
        for name in self._variants:
            group.outcomes.setdefault(name, failed(failure.stage, failure.reason))
        if group.video_sha256 is None:
            group.video = None
        return self._finish(group)

    def _finish(self, group: Group) -> list[Task]:
        for cell in group.cells:
            entry = make_entry(cell, group, protocol_id=self._protocol_id)
            earlier = self._ledger.latest(entry["cell"])
            broken = next((row for row in entry["rows"] if row["status"] == "failed"), None)
            same = earlier is not None and not broken and says_the_same(earlier, entry)
            if not same:
                self._journal.append(entry)
                entry = self._journal.entries[-1]
                self._ledger.add(entry)
            self.final += entry["rows"]
            self._count(cell, broken, same=same)
        return []

    def _count(self, cell: Cell, broken: Mapping[str, Any] | None, *, same: bool) -> None:
        if broken is not None:
            self.failed += 1
            status, reason = "failed", f"{broken['stage']}: {broken['reason']}"
        else:
            self.done += 1
            self.reused += same
            status, reason = ("reused" if same else "done"), None
        if self._progress is not None:
            counts = (self.done, self.failed, self.reused, self._total)
            self._progress(Progress(name_cell(cell), status, reason, *counts))


def _name_clip(source: Source, cell: Cell) -> str:
    """A name for a clip's inputs that does not say where they lie."""
    if isinstance(source, Pair):
        return f"{cell.reference}/{cell.driver}/{source.size}/{source.pose}"
    return f"{cell.method}/{cell.reference}"
