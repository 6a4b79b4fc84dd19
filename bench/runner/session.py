"""The course of one run, in the parent: which task follows which, and when a cell is finished and journaled.

Memory holds no rows: groups of cells are forgotten when they are finished, and rows are read back from the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import StorageError
from bench.io.digest import sha256_json
from bench.records import Cell
from bench.runner.entries import Group, broken_row
from bench.runner.keys import generation_key, measurement_basis, measurement_key
from bench.runner.ledger import Ledger
from bench.runner.measure import failed
from bench.runner.methods import Method
from bench.runner.overwrite import Choice, choose
from bench.runner.pooling import SIGHTINGS
from bench.runner.prepare import Digests
from bench.runner.sightings import SightingStore
from bench.runner.tally import Progress, Tally
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
        overwrite: str,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._methods = methods
        self._variants = {variant.id: variant for variant in variants}
        self._bases = {variant.id: measurement_basis(variant) for variant in variants}
        self._ledger = Ledger(journal, protocol_id)
        self._cells: dict[Source, list[Cell]] = {}
        self._groups: dict[int, Group] = {}
        self._numbered = 0
        self._folder, self._overwrite = folder, overwrite
        self._sightings = SightingStore(folder / SIGHTINGS)
        self.tally = Tally(
            self._ledger, protocol_id=protocol_id, metrics=self._variants, total=total, progress=progress
        )
        self.sources = 0
        self.inputs: dict[str, str] = {}

    def begin(self, cells: Mapping[Source, list[Cell]]) -> list[Task]:
        """The first tasks: one for each clip's inputs."""
        self.sources = len(cells)
        tasks: list[Task] = []
        # nothing is journaled yet, or all is made anew: all is to be measured at once, while a video is decoded
        at_once = self._overwrite == "always" or not len(self._ledger)
        for source, some in cells.items():
            asked = [cell for cell in some if self._choose(cell) is not Choice.LEAVE]
            self.tally.left += len(some) - len(asked)
            if isinstance(source, Files) and source.lacking is not None:
                for cell in asked:
                    self._refuse(cell, source, Failure("match", source.lacking))
            elif asked:
                self._cells[source] = asked
                tasks.append(Prepare(source, tuple(self._variants) if at_once and isinstance(source, Files) else ()))
        return tasks

    def _choose(self, cell: Cell) -> Choice:
        if self._overwrite in ("only-missing", "always"):
            return Choice.RUN
        word = self._ledger.latest(cell)
        return choose(self._overwrite, known=word is not None, failed=word is not None and word.failed)

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
            group.outcomes[metric] = outcome
        return self._finish(group)

    def _prepared(self, source: Source, result: Result) -> list[Task]:
        cells = self._cells[source]
        if isinstance(result, Failure):
            for cell in cells:
                self._refuse(cell, source, result)
            return []
        assert isinstance(result, Prepared)
        self.inputs[_name_clip(source, cells[0])] = sha256_json(result.digests.as_dict())
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
                self._refuse(cell, pair, Failure("generate", method.lacking), prepared.digests)
                continue
            fingerprint = method.fingerprints[cell.setting.name]
            key = generation_key(method.spec, fingerprint, prepared.digests, size=pair.size, seed=cell.seed)
            if key not in groups:
                video, seconds = f"videos/{key}.mkv", dict(prepared.seconds)
                groups[key] = Group(
                    key, pair, [], video, prepared.digests, seconds=seconds, phones_by=prepared.phones_by
                )
            groups[key].cells.append(cell)
        return [group for group in groups.values() if self._keep_some(group)]

    def _keep_some(self, group: Group) -> bool:
        """Settle the cells of a group whose rows stay as they are; whether others are left."""
        for cell in [cell for cell in group.cells if self._choose(cell) is Choice.KEEP]:
            group.cells.remove(cell)
            self._keep(cell, group)
        return bool(group.cells)

    def _keep(self, cell: Cell, group: Group | None) -> None:
        """Settle a cell whose rows stay as they are. group: what its key would be now, None where nobody can tell."""
        word = self._ledger.latest(cell)
        assert word is not None
        stale = group is None or self._is_stale(self._ledger.read(word.number), group)
        self.tally.keep(cell, word.number, stale=stale)

    def _is_stale(self, entry: Mapping[str, Any], group: Group) -> bool:
        """Whether a cell's key, or one of its measurements', is another today."""
        broken = broken_row(entry) is not None
        if entry["key"] != group.key:
            return not broken or entry["key"] is not None  # without a key it failed before there was one
        shown = entry["rows"][0]["video_sha256"]
        if broken or shown is None:
            return False
        return any(entry["measured"].get(name) != self._key(name, shown, group) for name in self._variants)

    def _generate(self, group: Group) -> list[Task]:
        """Nothing where the journal knows every value, else the task that makes the video."""
        assert group.key is not None and group.digests is not None and isinstance(group.source, Pair)
        group.video_sha256 = None if self._anew else self._ledger.video(group.key)
        if group.video_sha256 is not None and not self._look_up(group):
            return self._finish(group)
        first, number = group.cells[0], self._number(group)
        task = Generate(
            number,
            group.key,
            first.method,
            group.source,
            first.setting,
            first.seed,
            tuple(self._methods[first.method].spec.uses),
            group.digests,
            anew=self._anew,
        )
        return [task]

    @property
    def _anew(self) -> bool:
        return self._overwrite == "always"

    def _scored(self, source: Source, cells: Sequence[Cell], prepared: Prepared) -> list[Task]:
        """The measurement of a video made elsewhere; its key is the hash of its pixels."""
        assert isinstance(source, Files) and source.video is not None and prepared.video_sha256 is not None
        group = Group(prepared.video_sha256, source, list(cells), str(source.video.resolve()), prepared.digests)
        group.video_sha256, group.seconds = prepared.video_sha256, dict(prepared.seconds)
        if not self._keep_some(group):
            return []
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
        """The metrics of the group's video that the journal does not know."""
        assert group.video_sha256 is not None
        group.measured = {name: self._key(name, group.video_sha256, group) for name in self._variants}
        if self._anew:
            return list(self._variants)
        return [name for name, key in group.measured.items() if not self._is_known(name, key, group)]

    def _key(self, name: str, video_sha256: str, group: Group) -> str:
        assert group.digests is not None
        needs, basis = self._variants[name].needs, self._bases[name]
        return measurement_key(needs, video_sha256, group.digests, basis=basis)

    def _is_known(self, name: str, key: str, group: Group) -> bool:
        """Whether a measurement was made, and what it brought to a value of all clips still lies in the cache."""
        corpus = self._variants[name].corpus
        if not self._ledger.knows(key) or corpus is None or not self._ledger.is_pooled(key):
            return self._ledger.knows(key)
        assert group.video_sha256 is not None and group.digests is not None
        wanted = [group.video_sha256, group.digests.truth]
        return all(pixels is None or self._sightings.holds("features", corpus.features, pixels) for pixels in wanted)

    def _number(self, group: Group) -> int:
        if group.number is None:
            group.number, self._numbered = self._numbered, self._numbered + 1
            self._groups[group.number] = group
        return group.number

    def _refuse(self, cell: Cell, source: Source, failure: Failure, digests: Digests | None = None) -> None:
        """Fail a cell that cannot be begun; one whose rows are to stay keeps them."""
        if self._choose(cell) is Choice.KEEP:
            self._keep(cell, None)
        else:
            self._fail(Group(None, source, [cell], None, digests), failure)

    def _fail(self, group: Group, failure: Failure) -> list[Task]:
        """Finish a group's cells with what is known and the failure in place of the rest."""
        for name in self._variants:
            key = group.measured.get(name)
            if self._anew or key is None or not self._is_known(name, key, group):
                group.outcomes.setdefault(name, failed(failure.stage, failure.reason))
        if group.video_sha256 is None:
            group.video = None
        return self._finish(group)

    def _finish(self, group: Group) -> list[Task]:
        if group.number is not None:
            del self._groups[group.number]
        self.tally.finish(group, anew=self._anew)
        return []


def _name_clip(source: Source, cell: Cell) -> str:
    """A name for a clip's inputs that does not say where they lie."""
    if isinstance(source, Pair):
        return f"{cell.reference}/{cell.driver}/{source.size}/{source.pose}"
    return f"{cell.method}/{cell.reference}" + ("" if source.pair is None else f"/{cell.driver}/{cell.seed}")
