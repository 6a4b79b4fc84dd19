"""Figure: a contact sheet, one line of frames for each method at the same instants of one clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import MediaError, MissingError
from bench.records import FPS
from bench.report.figures.style import COLUMN, FULL, NEUTRAL, bare_figure, fitted, in_style, plain, text_width
from bench.report.folder import TRUTH, Run, cell_of, name_clip
from bench.report.media import Copies
from bench.report.selection import rank_clips
from bench.report.tables.cards import Card
from bench.stats.summary import Clip

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 2
"""Sheets: the clip in the middle, and the worst."""
_ACROSS = {COLUMN: 4, FULL: 8}
_TILE = 200
"""Pixels a side of a tile: at 200 dpi, what one column of eight holds at full width, with some to spare."""
_GAP = 4
_ABOVE, _BELOW, _EDGE = 0.25, 0.25, 0.05
"""Inches for a sheet's title, for the instants beneath it, and at the figure's edge."""


@dataclass(frozen=True)
class Sheet:
    """One clip's tiles. lines: (method, tiles) with uint8 (TILE, TILE, 3) each, or why there are none."""

    title: str
    instants: tuple[float, ...]
    lines: tuple[tuple[str, list[np.ndarray] | str], ...]


def find_sheets(run: Run, cards: Mapping[str, Card], copies: Copies, out: Path) -> list[Sheet]:
    """Up to two sheets under the protocol's first setting, of clips that have at least one video that can be read.

    Frames come from the lossless video, from its browser copy where that is all that is left.
    """
    setting = run.settings[0]
    lengths = {cell_of(row): row["frames"] for row in run.rows if row["frames"] and row["video_sha256"]}
    failed = {cell_of(row): row["stage"] for row in reversed(run.rows) if row["status"] == "failed"}
    methods = sorted(run.methods, key=lambda name: name != TRUTH)
    sheets: list[Sheet] = []
    for word, clip in rank_clips(run, cards).spread(_SHOWN):
        keys = {name: (name, setting, clip) for name in methods}
        length = max((lengths[key] for key in keys.values() if key in lengths), default=0)
        picks = [int((place + 0.5) * length / 8) for place in range(8)]
        lines: list[tuple[str, list[np.ndarray] | str]] = []
        for name, key in keys.items():
            tiles: list[np.ndarray] | str = f"failed: {failed[key]}" if key in failed else "no video"
            if key in lengths:
                tiles = _tiles(_sources(run, copies, out, key), picks) or tiles
            lines.append((name, tiles))
        if any(not isinstance(tiles, str) for _, tiles in lines):
            title = f"{word}: {name_clip(clip, seeds=len(run.protocol['axes']['seeds']) > 1)}"
            sheets.append(Sheet(title, tuple(pick / FPS for pick in picks), tuple(lines)))
    return sheets


@in_style
def draw_sheets(sheets: Sequence[Sheet], *, width: float = FULL) -> Figure:
    """Contact sheets under one another, for a figure of `width` inches. sheets: at least one."""
    across = _ACROSS.get(width, 8)
    chosen = range(0, 8, 8 // across)
    names = {name: fitted(name, 0.3 * width, 7.0) for sheet in sheets for name, _ in sheet.lines}
    # Placed by hand: automatic layout does not know how far pictures of a fixed shape will shrink.
    left = max(text_width(name, 7.0) for name in names.values()) + 0.12
    room = width - left - _EDGE
    heights = [room * len(sheet.lines) / across for sheet in sheets]
    total = sum(heights) + len(sheets) * (_ABOVE + _BELOW)
    figure = bare_figure(width, total)
    top = total
    step = _TILE + _GAP
    for sheet, height in zip(sheets, heights, strict=True):
        top -= _ABOVE + height
        axes = figure.add_axes((left / width, top / total, room / width, height / total))
        title = fitted(sheet.title, width - 2 * _EDGE, 7.5, weight="bold")
        figure.text(_EDGE / width, (top + height + 0.07) / total, title, fontsize=7.5, weight="bold")
        top -= _BELOW
        axes.imshow(_mosaic(sheet, chosen), interpolation="antialiased", aspect="auto")
        axes.set_yticks(
            [_TILE / 2 + step * row for row in range(len(sheet.lines))], [names[name] for name, _ in sheet.lines]
        )
        axes.set_xticks(
            [_TILE / 2 + step * place for place in range(across)], [f"{sheet.instants[pick]:.2f} s" for pick in chosen]
        )
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for row, (_, tiles) in enumerate(sheet.lines):
            if isinstance(tiles, str):
                axes.text(
                    step * across / 2, _TILE / 2 + step * row, plain(tiles), ha="center", va="center", color=NEUTRAL
                )
    return figure


def describe_sheets(run: Run, cards: Mapping[str, Card]) -> str:
    """The figure in words."""
    ranking = rank_clips(run, cards)
    how = "the first of the protocol" if ranking.metric is None else f"the median and the worst by {ranking.metric}"
    return (
        f"Frames at the same instants under {run.settings[0]}, a line for each method. Clips: {how}, mean over methods."
    )


def _sources(run: Run, copies: Copies, out: Path, key: tuple[str, str, Clip]) -> list[Path]:
    paths = [run.videos[key]] if key in run.videos else []
    return paths + ([out / copies.found[key].video] if key in copies.found else [])


def _tiles(sources: Sequence[Path], picks: Sequence[int]) -> list[np.ndarray] | None:
    """The picked frames of the first source that can be read, cropped to a square and resized; None without one."""
    from bench.io.decode import frames

    for source in sources:
        try:
            wanted, found = set(picks), {}
            for number, frame in enumerate(islice(frames(source), max(picks) + 1)):
                if number in wanted:
                    found[number] = _tile(frame)
        except (MediaError, MissingError):
            continue
        if found:
            last = found[max(found)]
            return [found.get(pick, last) for pick in picks]
    return None


def _tile(frame: np.ndarray) -> np.ndarray:
    from PIL import Image

    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(np.ascontiguousarray(frame[top : top + side, left : left + side]))
    return np.asarray(square.resize((_TILE, _TILE), Image.Resampling.LANCZOS))


def _mosaic(sheet: Sheet, chosen: Sequence[int]) -> np.ndarray:
    """uint8 (H, W, 3): the tiles with white gaps; light grey where there are none."""
    step = _TILE + _GAP
    canvas = np.full((step * len(sheet.lines) - _GAP, step * len(chosen) - _GAP, 3), 255, np.uint8)
    for row, (_, tiles) in enumerate(sheet.lines):
        for place, pick in enumerate(chosen):
            tile = np.full((_TILE, _TILE, 3), 240, np.uint8) if isinstance(tiles, str) else tiles[pick]
            canvas[step * row : step * row + _TILE, step * place : step * place + _TILE] = tile
    return canvas
