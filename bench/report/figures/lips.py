"""Figure: lip opening over time against the truth, for a few clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import ConfigError
from bench.report.figures.columns import known
from bench.report.figures.legends import shown
from bench.report.figures.style import COLUMN, FAINT, FULL, NEUTRAL, Look, fitted, in_style, method_looks, new_figure
from bench.report.folder import TRUTH, Run, clip_of
from bench.report.selection import LIPS, rank_clips
from bench.report.tables.cards import Card
from bench.stats.summary import Clip

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 3
"""Clips: the best, the middle one and the worst."""
_MOST = 24
"""Clips beyond which a figure would be metres high: whoever asks for so many has forgotten to choose."""


@dataclass(frozen=True)
class Panel:
    """A clip that is shown. word: its place."""

    word: str
    clip: Clip


def find_panels(run: Run, cards: Mapping[str, Card]) -> tuple[str, list[Panel]]:
    """The metric and its panels under the protocol's first setting; no panels where no row holds the curves."""
    for metric in run.protocol["metrics"]:
        if not metric.startswith(f"{LIPS}/"):
            continue
        there = {
            clip_of(row)
            for row in run.rows
            if row["metric"] == metric
            and row["setting"] == run.settings[0]
            and {"opening", "truth"} <= set(row["series"])
        }
        chosen = rank_clips(run, cards, among=[metric]).spread(_SHOWN)
        if panels := [Panel(word, clip) for word, clip in chosen if clip in there]:
            return metric, panels
    return "", []


@in_style
def draw_lips(lips: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Opening over time, a panel for each clip, the truth thick and grey, for a figure of `width` inches.

    lips: as `bench.frames` has it, or lines of its `curves` whose series are opening and truth, of one setting and
    metric. ConfigError where there are none, or too many clips.
    """
    drawn = lips[lips["series"].isin(["opening", "truth"])]
    panels = [part for _, part in drawn.groupby(["speaker", "reference", "driver", "seed"], observed=True, sort=False)]
    if not 0 < len(panels) <= _MOST:
        raise ConfigError(f"expected curves of lip opening on 1 to {_MOST} clips, got {len(panels)} clips")
    if drawn.groupby(["setting", "metric"], observed=True).ngroups > 1:
        raise ConfigError("expected curves of one setting and one metric: methods would be drawn twice")
    narrow = width <= COLUMN
    curves = [_curves(part) for part in panels]
    look = method_looks(lips)
    drawn_names = [name for name in look if any(name in mine for _, mine in curves)]
    # At one column the legend goes beneath each panel, in two columns of names.
    lines = -(-(len(drawn_names) + 1) // 2) if narrow else len(drawn_names) + 1
    figure = new_figure(width, len(panels) * (1.3 + 0.13 * lines if narrow else max(1.3, 0.3 + 0.125 * lines)) + 0.05)
    for axes, part, found in zip(figure.subplots(len(panels), 1, squeeze=False).flat, panels, curves, strict=True):
        _panel(axes, part, found, look, width=width)
    figure.supylabel("lip opening (% of face height)", fontsize=7)
    return figure


def describe_lips(lips: pd.DataFrame) -> str:
    """The figure in words."""
    first = lips.iloc[0]
    return (
        f"Lip opening over time against the truth (thick grey) under {first['setting']}: the clips whose "
        f"{first['metric']}, mean over methods, is best, median and worst. Beside a method: its r with the truth on "
        "that clip, if it has one."
    )


Curve = tuple[np.ndarray, np.ndarray]
"""Seconds and opening, float64 (T,) each, NaN where not known."""


def _curves(part: pd.DataFrame) -> tuple[Curve | None, dict[str, Curve]]:
    """The truth, None where the frame has none, and each method's curve."""
    truths, openings = part[part["series"] == "truth"], part[part["series"] == "opening"]
    truth = None
    if len(truths):
        first = truths[truths["method"] == truths["method"].iloc[0]]
        truth = (first["seconds"].to_numpy(), first["value"].to_numpy())
    found = {}
    for name, mine in openings.groupby("method", observed=True, sort=False):
        curve = (mine["seconds"].to_numpy(), mine["value"].to_numpy())
        # The truth measured like a method is drawn only where it differs from the truth it is held against.
        same = truth is not None and name == TRUTH and curve[1].shape == truth[1].shape
        if not (same and truth is not None and np.allclose(curve[1], truth[1], equal_nan=True)):
            found[str(name)] = curve
    return truth, found


def _panel(
    axes: Axes,
    part: pd.DataFrame,
    found: tuple[Curve | None, Mapping[str, Curve]],
    look: Mapping[str, Look],
    *,
    width: float,
) -> None:
    truth, curves = found
    if truth is not None:
        axes.plot(*truth, color=NEUTRAL, alpha=0.55, linewidth=3.2, label="truth", solid_capstyle="round")
    values = dict(zip(part["method"], part["r"], strict=True)) if "r" in part.columns else {}
    for name, curve in curves.items():
        value = known(values.get(name))
        # A true minus, as on the axes.
        told = "" if value is None else f", r = {value:.2f}".replace("-", "−")
        style: dict[str, Any] = {"color": look[name].colour, "linestyle": look[name].dashes}
        axes.plot(*curve, label=shown(f"{fitted(name, 0.75, 6.5)}{told}"), **style)
    word = f"{part['place'].iloc[0]}: " if "place" in part.columns else ""
    _dress(axes, f"{word}{part['clip'].iloc[0]}", width=width)


def _dress(axes: Axes, title: str, *, width: float) -> None:
    narrow = width <= COLUMN
    # Long names are cut to what the figure can hold, the axis' own labels apart.
    axes.set_title(fitted(title, width - (0.5 if narrow else 1.9), 7.5, weight="bold"))
    axes.grid(axis="y", color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.locator_params(axis="y", nbins=4)
    axes.xaxis.set_major_formatter("{x:g} s")
    if narrow:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, columnspacing=1.0, labelspacing=0.3)
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelspacing=0.35)
