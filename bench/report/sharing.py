"""A run made small: what tables and figures need and nothing else, to be committed or sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import ConfigError
from bench.report.figures.lips import find_panels
from bench.report.folder import Run, clip_of, read_run
from bench.report.tables.cards import find_cards
from bench.report.writing import FIGURES, SHEET, figure_files, write_report
from bench.stats.summary import Clip
from bench.store.files import make_folder, replace_file
from bench.store.manifest import FILE as MANIFEST
from bench.store.rows import FILE as ROWS
from bench.store.rows import write_rows


def share_run(folder: Path, out: Path, *, clean: bool) -> list[Path]:
    """The paths of what was written; see `bench.report.share`."""
    if out.exists() and out.resolve() == folder.resolve():
        raise ConfigError(f"{out}: expected another folder than the run's own, which would lose its curves")
    run = read_run(folder)
    metric, panels = find_panels(run, find_cards(run.protocol["metrics"]))
    shown = {panel.clip for panel in panels}
    make_folder(out / FIGURES)
    replace_file(out / MANIFEST, (folder / MANIFEST).read_bytes())
    write_rows(out / ROWS, [*(_thin(row, metric, shown, run) for row in run.rows), *run.pooled])
    for path in figure_files(folder, SHEET):
        if path.is_file():
            replace_file(out / FIGURES / path.name, path.read_bytes())
    # Made from the copy itself, so that whoever makes them again cannot get others.
    written = write_report(out, out, media=False, clean=clean, page=False)
    sheets = [path for path in figure_files(out, SHEET) if path.is_file()]
    return [out / MANIFEST, out / ROWS, *written, *sheets]


def _thin(row: Mapping[str, Any], metric: str, shown: set[Clip], run: Run) -> dict[str, Any]:
    """The row without its curves, unless the figure of lip opening shows them."""
    if row["metric"] == metric and row["setting"] == run.settings[0] and clip_of(row) in shown:
        return {**row, "per_frame": None}
    return {**row, "per_frame": None, "series": {}}
