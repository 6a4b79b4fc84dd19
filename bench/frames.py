"""Results as pandas frames with one call, and the report's figures as functions of them: what a notebook needs.

    from bench import frames

    run = frames.load("results/puppet-oneshot")
    frames.draw_intervals(run.table)

`run.meaning("table")` says what a frame's columns hold. Frames may be filtered before they are drawn; methods keep the
colours that they have in the report.
"""

from __future__ import annotations

from bench.report.figures.bars import draw_bars
from bench.report.figures.forest import draw_pairs
from bench.report.figures.intervals import draw_intervals
from bench.report.figures.lips import draw_lips
from bench.report.figures.offsets import draw_offsets
from bench.report.figures.ranks import draw_ranks
from bench.report.figures.sheet import draw_sheets
from bench.report.figures.speeds import draw_batch, draw_fidelity, draw_latency, draw_scaling, draw_stages
from bench.report.figures.style import COLUMN, FULL
from bench.report.figures.sweep import draw_sweep
from bench.report.figures.tradeoff import draw_tradeoff
from bench.report.frames.loading import Frames, load

__all__ = [
    "COLUMN", "FULL", "Frames", "draw_bars", "draw_batch", "draw_fidelity", "draw_intervals", "draw_latency",
    "draw_lips", "draw_offsets", "draw_pairs", "draw_ranks", "draw_scaling", "draw_sheets", "draw_stages",
    "draw_sweep", "draw_tradeoff", "load",
]  # fmt: skip
