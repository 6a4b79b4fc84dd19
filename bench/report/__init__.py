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
    run: Path,
    *,
    out: Path | None = None,
    media: bool = True,
    only_clean: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write tables (table.md, .tex, .csv, .json, .html), paired.csv, figures/, media/ and the page of a run folder.

    The page is index.html with page/, which holds what it loads when asked for. The same rows, protocol and manifest
    give the same bytes. out: another folder to write to, the run's is then left as it is. media: False makes no browser
    copies of videos and shows those that are there. only_clean: leave out methods that were trained on what they are
    tested on. progress: called with how many copies are made, of how many.
    An unfinished run, failed cells and missing videos are shown as such; where no video is at hand, a contact sheet
    that is there is left as it is. Raises MissingError where rows or manifest are missing, StorageError where they are
    damaged or `out` cannot be written to, ConfigError where only_clean leaves no method.

    Rows of speed, which `perf` leaves, are reported as well (`bench.report.speed.writing.write_speeds`) and shown on
    the page, or alone where the folder has no others.
    """
    from bench.report.speed.writing import holds_quality, holds_speeds, write_speeds
    from bench.report.writing import write_report

    speeds = write_speeds(run, out=out) if holds_speeds(run) else None
    if speeds and not holds_quality(run):
        return Report(out or run, speeds.paths)
    section = speeds.section if speeds else None
    written = write_report(run, out or run, media=media, clean=only_clean, speed=section, progress=progress)
    return Report(out or run, (*written, *(speeds.paths if speeds else ())))


def share(run: Path, out: Path, *, only_clean: bool = False) -> Report:
    """Write a small copy of a run to `out`, of which `report` makes the same tables and figures byte for byte.

    Manifest, rows without the curves that no figure shows, tables and figures; no videos, journal or page. The contact
    sheet, which is made of videos, is copied. Raises as `write`, and ConfigError where `out` is the run folder.
    """
    from bench.report.sharing import share_run
    from bench.report.speed.writing import holds_quality, holds_speeds, share_speeds

    shared = share_run(run, out, clean=only_clean) if holds_quality(run) or not holds_speeds(run) else []
    speeds = share_speeds(run, out) if holds_speeds(run) else []
    return Report(out, tuple(dict.fromkeys([*shared, *speeds])))
