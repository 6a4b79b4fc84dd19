"""Tables, figures and page of a run, from its rows and manifest alone: delete them and write them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """What was written. paths: every file of the report, browser copies included, in the order they are made."""

    folder: Path
    paths: tuple[Path, ...]


def write(
    run: Path, *, out: Path | None = None, media: bool = True, progress: Callable[[int, int], None] | None = None
) -> Report:
    """Write table.md, table.tex, table.csv, figures/, index.html and media/ of the run folder `run`.

    The same rows, protocol and manifest give the same bytes. out: another folder to write to, the run's is then left
    as it is. media: False makes no browser copies of videos and shows those that are there. progress: called with
    how many copies are made, and of how many. An unfinished run, failed cells and missing videos are shown as such.
    Raises MissingError where rows or manifest are missing, StorageError where they are damaged or `out` cannot be
    written to.
    """
    from bench.report.writing import write_report

    return Report(out or run, tuple(write_report(run, out or run, media=media, progress=progress)))
