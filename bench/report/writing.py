"""Brings a report to the disk: tables, figures, browser copies, page, each file whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bench.report.figures.drawn import NAMES, SHEET, WIDTHS, draw_pictures
from bench.report.figures.forest import find_pairs, render_paired_csv
from bench.report.folder import Run, only_clean, read_run
from bench.report.media import Copies, copy_videos
from bench.report.page.page import FOLDER as PAGE
from bench.report.page.page import SpeedSection, data_files, render_page
from bench.report.tables.cards import find_cards
from bench.report.tables.html import render_html
from bench.report.tables.latex import render_latex
from bench.report.tables.longform import render_csv
from bench.report.tables.markdown import render_markdown
from bench.report.tables.published import render_published_csv
from bench.report.tables.structured import render_json
from bench.report.tables.table import build_table
from bench.store.files import make_folder, replace_file

FIGURES = "figures"
_DATA = re.compile(r"(values|clip)-\d+\.js")
"""Files below page/ that are ours to remove."""
_LINKED = (
    *("table.csv", "table.md", "table.tex", "table.json", "table.html", "paired.csv", "published.csv"),
    *("rows.parquet", "manifest.json"),
)


def write_report(
    folder: Path,
    out: Path,
    *,
    media: bool,
    clean: bool = False,
    page: bool = True,
    speed: SpeedSection | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """The paths of all files written or, for browser copies, found; see `bench.report.write`."""
    run = only_clean(read_run(folder)) if clean else read_run(folder)
    cards = find_cards(run.protocol["metrics"])
    table = build_table(run, cards)
    pairs = find_pairs(run, cards, table)
    make_folder(out / FIGURES)
    texts = {
        "table.md": render_markdown(table),
        "table.tex": render_latex(table),
        "table.csv": render_csv(table.records),
        "table.json": render_json(table),
        "table.html": render_html(table, run.methods),
        "paired.csv": render_paired_csv(pairs) if pairs else None,
        "published.csv": render_published_csv(table.printed) if table.printed else None,
    }
    paths = [_put(out / name, text.encode()) for name, text in texts.items() if text is not None]
    _remove([out / name for name, text in texts.items() if text is None])
    copies = copy_videos(run, out, make=media, progress=progress)
    paths += sorted({out / name for copy in copies.found.values() for name in (copy.video, copy.poster)})
    pictures = []
    for picture, files in draw_pictures(run, table, pairs, cards, copies, out):
        pictures.append(picture)
        paths += [_put(out / FIGURES / name, content) for name, content in files.items()]
    kept = {picture.name for picture in pictures} | (set() if _filmed(run, copies) else {SHEET})
    _remove([path for name in set(NAMES) - kept for path in figure_files(out, name)])
    if not page:
        return paths
    paths += _put_data(out / PAGE, data_files(run, table, copies))
    text = render_page(
        run,
        table,
        pictures=pictures,
        pairs=pairs,
        files=[name for name in _LINKED if (out / name).is_file()],
        speed=speed,
    )
    paths.append(_put(out / "index.html", text.encode()))
    return paths


def figure_files(out: Path, name: str) -> list[Path]:
    """The files of a figure, whether they are there or not."""
    return [out / FIGURES / f"{name}{suffix}.{kind}" for suffix in WIDTHS for kind in ("png", "pdf")]


def _filmed(run: Run, copies: Copies) -> bool:
    """Whether a video, or a browser copy of one, is at hand."""
    return bool(copies.found) or any(path.is_file() for path in run.videos.values())


def _put_data(folder: Path, files: Iterable[tuple[str, str]]) -> list[Path]:
    """The paths of the page's data files, which may be thousands; those of an earlier report are gone afterwards."""
    make_folder(folder)
    paths = []
    for name, text in files:
        replace_file(folder / name, text.encode(), lasting=False)
        paths.append(folder / name)
    _remove({path for path in folder.glob("*.js") if _DATA.fullmatch(path.name)} - set(paths))
    return paths


def _put(path: Path, content: bytes) -> Path:
    replace_file(path, content)
    return path


def _remove(paths: Iterable[Path]) -> None:
    """Remove files of an earlier report that this one has nothing to show in."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
