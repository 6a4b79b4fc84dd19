"""Brings a report to the disk: tables, figures, browser copies, page, each file whole or not at all."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.figures.forest import Pairs, describe_pairs, draw_pairs, drawn_columns, find_pairs, render_paired_csv
from bench.report.figures.intervals import describe_intervals, draw_intervals
from bench.report.figures.lips import describe_lips, draw_lips, find_panels
from bench.report.figures.sheet import describe_sheets, draw_sheets, find_sheets
from bench.report.figures.style import COLUMN, FULL, as_pdf, as_png, styled
from bench.report.folder import Run, only_clean, read_run
from bench.report.media import Copies, copy_videos
from bench.report.page.page import FOLDER as PAGE
from bench.report.page.page import Picture, SpeedSection, data_files, render_page
from bench.report.tables.cards import Card, find_cards
from bench.report.tables.html import render_html
from bench.report.tables.latex import render_latex
from bench.report.tables.longform import render_csv
from bench.report.tables.markdown import render_markdown
from bench.report.tables.published import render_published_csv
from bench.report.tables.structured import render_json
from bench.report.tables.table import Table, build_table
from bench.store.files import make_folder, replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = "figures"
_WIDTHS = {"": FULL, "-column": COLUMN}
"""Every figure comes at both widths; the page shows the first, and the second on a phone."""
SHEET = "contact-sheet"
"""The one figure that is made of videos: without any at hand, the one that is there is left as it is."""
_NAMES = ("metrics", "paired", "lip-opening", SHEET)
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
    make_folder(out)
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
    for picture, files in _pictures(run, table, pairs, cards, copies, out):
        pictures.append(picture)
        paths += [_put(out / FIGURES / name, content) for name, content in files.items()]
    kept = {picture.name for picture in pictures} | (set() if _filmed(run, copies) else {SHEET})
    _remove([path for name in set(_NAMES) - kept for path in figure_files(out, name)])
    if not page:
        return paths
    make_folder(out / PAGE)
    data = [_put(out / PAGE / name, content.encode()) for name, content in data_files(run, table, copies)]
    _remove(set((out / PAGE).glob("*.js")) - set(data))
    paths += data
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
    return [out / FIGURES / f"{name}{suffix}.{kind}" for suffix in _WIDTHS for kind in ("png", "pdf")]


def _filmed(run: Run, copies: Copies) -> bool:
    """Whether a video, or a browser copy of one, is at hand."""
    return bool(copies.found) or any(path.is_file() for path in run.videos.values())


def _pictures(
    run: Run, table: Table, pairs: Pairs | None, cards: Mapping[str, Card], copies: Copies, out: Path
) -> Iterator[tuple[Picture, dict[str, bytes]]]:
    """Each figure with its files; one that has nothing to show is left out."""
    make_folder(out / FIGURES)
    metric, panels = find_panels(run, cards)
    sheets = find_sheets(run, cards, copies, out)
    drawn: list[tuple[str, str, str, Callable[[float], Figure]]] = []
    if any(estimate.value is not None for line in table.lines for estimate in line.estimates):
        drawn.append(
            ("Metrics by method", describe_intervals(table), "metrics", lambda w: draw_intervals(table, width=w))
        )
    if pairs and drawn_columns(pairs, table):
        words = describe_pairs(pairs)
        drawn.append(
            (f"Differences from {pairs.baseline}", words, "paired", lambda w: draw_pairs(pairs, table, width=w))
        )
    if panels:
        words = describe_lips(metric, run)
        drawn.append(("Lip opening", words, "lip-opening", lambda w: draw_lips(panels, run.methods, width=w)))
    if sheets:
        words = describe_sheets(run, cards)
        drawn.append(("Contact sheet", words, SHEET, lambda w: draw_sheets(sheets, width=w)))
    for title, caption, name, draw in drawn:
        files = {}
        for suffix, width in _WIDTHS.items():
            with styled():
                figure = draw(width)
                files[f"{name}{suffix}.png"] = as_png(figure)
                files[f"{name}{suffix}.pdf"] = as_pdf(figure)
        yield (
            Picture(name, title, caption, png_size(files[f"{name}.png"]), png_size(files[f"{name}-column.png"])),
            files,
        )


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height from a PNG's first chunk."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _put(path: Path, content: bytes) -> Path:
    replace_file(path, content)
    return path


def _remove(paths: Iterable[Path]) -> None:
    """Remove files of an earlier report that this one has nothing to show in."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
