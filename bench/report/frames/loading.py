"""One call from a folder to frames; each is made when it is first asked for, since a large run has many curves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.report.figures.forest import Pairs, find_pairs
from bench.report.figures.sheet import Sheet, find_sheets
from bench.report.folder import Run, read_run
from bench.report.frames.columns import MEANINGS, frame_of
from bench.report.frames.curves import frame_curves, frame_lips, frame_offsets, frame_sync
from bench.report.frames.quality import frame_pairs, frame_rows, frame_table
from bench.report.frames.ranks import frame_ranks
from bench.report.frames.speeds import frame_fidelities, frame_speeds
from bench.report.media import copy_videos
from bench.report.tables.cards import Card, find_cards
from bench.report.tables.table import Table, build_table
from bench.store.journal import FILE as JOURNAL
from bench.store.manifest import FILE as MANIFEST
from bench.store.manifest import read_manifest
from bench.store.rows import FILE as ROWS
from bench.store.speeds import FILE as SPEEDS
from bench.store.speeds import FidelityRow, SpeedRow, read

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Frames:
    """A folder's results as pandas frames; `meaning(name)` says what their columns hold.

    rows, table, pairs, ranks, contests, curves, lips, offsets, sync: of a run; speeds, fidelities: of what `perf`
    timed. A frame of what the folder does not hold has its columns and no lines. run: None without rows of metrics.
    """

    folder: Path
    run: Run | None
    speed: tuple[list[SpeedRow], list[FidelityRow]]
    manifest: Mapping[str, Any]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """A line for each clip and metric."""
        return frame_of("rows", ()) if self.run is None else frame_rows(self.run)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A line for each method, setting and metric: estimate, interval, rank. Costs as much as `report`'s table."""
        return frame_of("table", ()) if self.run is None else frame_table(self.run, self._table)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every method against the baseline, clip by clip."""
        return frame_of("pairs", ()) if self.run is None else frame_pairs(self.run, self._table, self._pairs)

    @property
    def ranks(self) -> pd.DataFrame:
        """Mean rank of each method over clips, by metric and setting."""
        return self._ranked[0]

    @property
    def contests(self) -> pd.DataFrame:
        """Every pair of ranked methods with its test."""
        return self._ranked[1]

    @cached_property
    def curves(self) -> pd.DataFrame:
        """A line for each frame of each curve: large where clips are many."""
        return frame_of("curves", ()) if self.run is None else frame_curves(self.run)

    @cached_property
    def lips(self) -> pd.DataFrame:
        """Lip opening and truth on the best, the median and the worst clip."""
        return frame_of("lips", ()) if self.run is None else frame_lips(self.run, self._cards)

    @cached_property
    def offsets(self) -> pd.DataFrame:
        """Distance of lips and sound by offset, of every clip."""
        return frame_of("offsets", ()) if self.run is None else frame_offsets(self.run)

    @cached_property
    def sync(self) -> pd.DataFrame:
        """The same, mean over clips with limits."""
        return frame_of("sync", ()) if self.run is None else frame_sync(self.run, self.offsets)

    @cached_property
    def speeds(self) -> pd.DataFrame:
        """A line for each method, setting and scenario that was timed."""
        return frame_speeds(self.speed[0], self.manifest)

    @cached_property
    def fidelities(self) -> pd.DataFrame:
        """A line for each time that emitted frames were held against the plain loop."""
        return frame_fidelities(self.speed[1])

    @cached_property
    def sheets(self) -> list[Sheet]:
        """Frames of videos for `draw_sheets`; empty where no video is at hand. These are pictures, not a frame."""
        if self.run is None:
            return []
        return find_sheets(self.run, self._cards, copy_videos(self.run, self.folder, make=False), self.folder)

    def meaning(self, name: str) -> pd.Series:
        """What each column of a frame holds, by column. ConfigError for a name that is none of these frames."""
        import pandas as pd

        if name not in MEANINGS:
            raise ConfigError(f"expected one of {', '.join(MEANINGS)}, got {name!r}")
        return pd.Series(dict(MEANINGS[name]), name="meaning")

    def __repr__(self) -> str:
        rows, speeds = (0 if self.run is None else len(self.run.rows)), len(self.speed[0])
        return f"Frames({self.folder}: {rows} rows of metrics, {speeds} of speed)"

    @cached_property
    def _cards(self) -> dict[str, Card]:
        return {} if self.run is None else find_cards(self.run.protocol["metrics"])

    @cached_property
    def _table(self) -> Table:
        assert self.run is not None
        return build_table(self.run, self._cards)

    @cached_property
    def _pairs(self) -> Pairs | None:
        assert self.run is not None
        return find_pairs(self.run, self._cards, self._table)

    @cached_property
    def _ranked(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        if self.run is None:
            return frame_of("ranks", ()), frame_of("contests", ())
        return frame_ranks(self.run, self._cards)


def load(path: str | os.PathLike[str]) -> Frames:
    """The results in a folder: of `run` or `score`, of `report --share`, of `perf`, or of several of these.

    Raises MissingError where the folder or its rows are missing, ConfigError where it is a file, StorageError or
    MediaError where rows are damaged.
    """
    folder = Path(path)
    timed = (folder / SPEEDS).is_file()
    measured = (folder / JOURNAL).is_file() or (folder / ROWS).is_file()
    if timed and not measured:
        manifest = read_manifest(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
        return Frames(folder, None, read(folder), manifest)
    run = read_run(folder)
    return Frames(folder, run, read(folder), run.manifest)
