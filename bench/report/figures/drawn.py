"""Which figures a report has, with captions, and their files at both widths; one with nothing to show is left out.

Where a table has many metrics, diagrams of ranks and heat maps show the first of each kind that it is known of which
value is better: more would be a wall, and `bench.frames` draws the others.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.report.figures.bars import describe_bars, draw_bars
from bench.report.figures.forest import Pairs, describe_pairs, draw_pairs
from bench.report.figures.intervals import describe_intervals, draw_intervals
from bench.report.figures.lips import describe_lips, draw_lips
from bench.report.figures.offsets import describe_offsets, draw_offsets
from bench.report.figures.ranks import describe_ranks, draw_ranks
from bench.report.figures.sheet import describe_sheets, draw_sheets, find_sheets
from bench.report.figures.style import COLUMN, FULL, as_pdf, as_png, styled
from bench.report.figures.sweep import describe_sweep, draw_sweep
from bench.report.figures.tradeoff import describe_tradeoff, draw_tradeoff, pick_tradeoff
from bench.report.folder import Run
from bench.report.media import Copies
from bench.report.page.page import Picture
from bench.report.tables.best import contenders
from bench.report.tables.cards import Card
from bench.report.tables.table import WIDE, Table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.figure import Figure

WIDTHS = {"": FULL, "-column": COLUMN}
"""Every figure comes at both widths; the page shows the first, and the second on a phone."""
SHEET = "contact-sheet"
"""The one figure that is made of videos: without any at hand, the one that is there is left as it is."""
NAMES = ("metrics", "bars", "paired", "ranks", "sweep", "faces", "identity-sync", "sync-offsets", "lip-opening", SHEET)
"""Every figure that a report can have."""
_MOST_BARS = 4
"""Metrics that are drawn as bars too: a row of panels over both columns of a paper."""
_FEWEST_RANKED = 3
"""Methods below which a diagram of ranks says nothing that the differences do not."""
_MOST_DOWN, _MOST_ACROSS = 40, 16
"""Names beyond which a heat map is longer than a page, or has no room for its numbers in one column of a paper."""


class Drawn(NamedTuple):
    """A figure before it is drawn."""

    title: str
    caption: str
    name: str
    draw: Callable[[float], Figure]


def draw_pictures(
    run: Run, table: Table, pairs: Pairs | None, cards: Mapping[str, Card], copies: Copies, out: Path
) -> Iterator[tuple[Picture, dict[str, bytes]]]:
    """Each figure of a report with its files by name."""
    for title, caption, name, draw in _choose(run, table, pairs, cards, copies, out):
        files = {}
        for suffix, width in WIDTHS.items():
            with styled():
                figure = draw(width)
                files[f"{name}{suffix}.png"] = as_png(figure)
                files[f"{name}{suffix}.pdf"] = as_pdf(figure)
        sizes = png_size(files[f"{name}.png"]), png_size(files[f"{name}-column.png"])
        yield Picture(name, title, caption, *sizes), files


def lead(table: pd.DataFrame) -> list[str]:
    """The metrics that have a direction and values, of a table with many the first of each kind, in its order.

    One that has a target is the first of its kind only where all have.
    """
    directed = table[table["direction"].isin(["higher", "lower", "target"]) & table["value"].notna()]
    if table["metric"].nunique() > WIDE:
        sided = directed[directed["direction"] != "target"].drop_duplicates("group")
        others = directed[~directed["group"].isin(sided["group"])].drop_duplicates("group")
        directed = directed[directed["metric"].isin([*sided["metric"], *others["metric"]])]
    return list(dict.fromkeys(directed["metric"]))


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height from a PNG's first chunk."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _choose(
    run: Run, table: Table, pairs: Pairs | None, cards: Mapping[str, Card], copies: Copies, out: Path
) -> Iterator[Drawn]:
    from bench.report.frames.curves import frame_lips, frame_offsets, frame_sync
    from bench.report.frames.quality import frame_pairs, frame_table

    estimates = frame_table(run, table)
    if estimates["value"].notna().any():
        words = describe_intervals(estimates)
        yield Drawn("Metrics by method", words, "metrics", lambda w: draw_intervals(estimates, width=w))
        some = estimates[estimates["metric"].isin(lead(estimates)[:_MOST_BARS])]
        if some["value"].notna().any():
            yield Drawn("Leading metrics", describe_bars(some), "bars", lambda w: draw_bars(some, width=w))
    compared = frame_pairs(run, table, pairs)
    if compared["difference"].notna().any():
        title = f"Differences from {compared['baseline'].iloc[0]}"
        yield Drawn(title, describe_pairs(compared), "paired", lambda w: draw_pairs(compared, width=w))
    yield from _ranks(run, cards, estimates)
    yield from _sweeps(run, estimates, pairs)
    if pick_tradeoff(estimates):
        words = describe_tradeoff(estimates)
        yield Drawn("Identity and lip sync", words, "identity-sync", lambda w: draw_tradeoff(estimates, width=w))
    sync = frame_sync(run, frame_offsets(run))
    if len(sync):
        yield Drawn("Lips and sound", describe_offsets(sync), "sync-offsets", lambda w: draw_offsets(sync, width=w))
    lips = frame_lips(run, cards)
    if len(lips):
        yield Drawn("Lip opening", describe_lips(lips), "lip-opening", lambda w: draw_lips(lips, width=w))
    sheets = find_sheets(run, cards, copies, out)
    if sheets:
        yield Drawn("Contact sheet", describe_sheets(run, cards), SHEET, lambda w: draw_sheets(sheets, width=w))


def _ranks(run: Run, cards: Mapping[str, Card], estimates: pd.DataFrame) -> Iterator[Drawn]:
    from bench.report.frames.ranks import frame_ranks

    ranks, contests = frame_ranks(run, cards, metrics=lead(estimates), settings=run.settings[:1])
    shown = set(ranks.loc[ranks["methods"] >= _FEWEST_RANKED, "metric"])
    ranks, contests = (frame[frame["metric"].isin(shown)] for frame in (ranks, contests))
    if len(ranks):
        words = describe_ranks(ranks, contests)
        words += f" Under {run.settings[0]}." if len(run.settings) > 1 else ""
        yield Drawn("Ranks over clips", words, "ranks", lambda w: draw_ranks(ranks, contests, width=w))


def _sweeps(run: Run, estimates: pd.DataFrame, pairs: Pairs | None) -> Iterator[Drawn]:
    """Heat maps of setting and method, and of speaker and reference for one method."""
    from bench.report.frames.quality import frame_rows

    leading = lead(estimates)
    shown = estimates[estimates["metric"].isin(leading)]
    if axes := _axes(shown, "method", "setting"):
        words = describe_sweep(shown, what="Means over clips by method and setting")
        yield Drawn("Methods by setting", words, "sweep", lambda w: draw_sweep(shown, width=w, **axes))
    rows = frame_rows(run)
    method = pairs.baseline if pairs else (contenders(run) or run.methods)[0]
    cards = shown.drop_duplicates("metric")[["metric", "unit", "direction", "target", "format"]]
    faces = rows[(rows["method"] == method) & (rows["setting"] == run.settings[0]) & rows["metric"].isin(leading)]
    if faces["value"].notna().any() and (sides := _axes(faces, "reference", "speaker")):
        places = {metric: place for place, metric in enumerate(leading)}
        faces = faces.merge(cards, on="metric")
        faces = faces.iloc[faces["metric"].astype(str).map(places).to_numpy().argsort(kind="stable")]
        what = f"{method} under {run.settings[0]}: means over clips by reference and speaker"
        words = describe_sweep(faces, what=what)
        yield Drawn(f"Faces and voices of {method}", words, "faces", lambda w: draw_sweep(faces, width=w, **sides))


def _axes(frame: pd.DataFrame, one: str, two: str) -> dict[str, str]:
    """Which goes down and which across a heat map; empty where either has one name only, or more than a page holds."""
    counts = {name: frame[name].nunique() for name in (one, two)}
    down, across = (one, two) if counts[two] <= _MOST_ACROSS else (two, one)
    if min(counts.values()) < 2 or counts[across] > _MOST_ACROSS or counts[down] > _MOST_DOWN:
        return {}
    return {"down": down, "across": across}
