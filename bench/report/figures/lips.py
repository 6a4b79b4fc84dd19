"""Figure: lip opening over time against the truth, for a few clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.records import FPS
from bench.report.figures.style import COLUMN, FAINT, NEUTRAL, fitted, looks, new_figure
from bench.report.folder import TRUTH, Run, clip_of, name_clip
from bench.report.selection import LIPS, rank_clips
from bench.report.tables.cards import Card
from bench.stats.summary import Clip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 3
"""Clips: the best, the middle one and the worst."""


@dataclass(frozen=True)
class Panel:
    """One clip. truth, curves: float64 (T,), NaN where not known. values: the metric by method, where it has one."""

    clip: Clip
    title: str
    truth: np.ndarray
    curves: Mapping[str, np.ndarray]
    values: Mapping[str, float]


def find_panels(run: Run, cards: Mapping[str, Card]) -> tuple[str, list[Panel]]:
    """The metric and its panels under the protocol's first setting; no panels where no row holds the curves."""
    for metric in run.protocol["metrics"]:
        if not metric.startswith(f"{LIPS}/"):
            continue
        rows: dict[Clip, list[Mapping[str, Any]]] = {}
        for row in run.rows:
            ours = row["metric"] == metric and row["setting"] == run.settings[0]
            if ours and {"opening", "truth"} <= set(row["series"]):
                rows.setdefault(clip_of(row), []).append(row)
        chosen = [
            (word, clip)
            for word, clip in rank_clips(run, cards, among=[metric]).spread(_SHOWN)
            if clip in rows
        ]  # fmt: skip
        if chosen:
            return metric, [_panel(run, word, clip, rows[clip]) for word, clip in chosen]
    return "", []


def draw_lips(panels: Sequence[Panel], methods: Sequence[str], *, width: float) -> Figure:
    """Opening over time, the truth thick and grey, for a figure of `width` inches. panels: at least one."""
    narrow = width <= COLUMN
    shown = [name for name in methods if any(name in panel.curves for panel in panels)]
    # At one column the legend goes beneath each panel, in two columns of names.
    lines = -(-(len(shown) + 1) // 2) if narrow else len(shown) + 1
    figure = new_figure(width, len(panels) * (1.3 + 0.13 * lines if narrow else max(1.3, 0.3 + 0.125 * lines)) + 0.05)
    look = looks(methods)
    for axes, panel in zip(figure.subplots(len(panels), 1, squeeze=False).flat, panels, strict=True):
        time = np.arange(len(panel.truth)) / FPS
        axes.plot(time, panel.truth, color=NEUTRAL, alpha=0.55, linewidth=3.2, label="truth", solid_capstyle="round")
        for name, curve in panel.curves.items():
            value = panel.values.get(name)
            # A true minus, as on the axes.
            number = "" if value is None else f", r = {value:.2f}".replace("-", "−")
            label = f"{fitted(name, 0.75, 6.5)}{number}"
            style: dict[str, Any] = {"color": look[name].colour, "linestyle": look[name].dashes, "label": label}
            axes.plot(np.arange(len(curve)) / FPS, curve, **style)
        _dress(axes, panel, width=width)
    figure.supylabel("lip opening (% of face height)", fontsize=7)
    return figure


def describe_lips(metric: str, run: Run) -> str:
    """The figure in words."""
    return (
        f"Lip opening over time against the truth (thick grey) under {run.settings[0]}: the clips whose {metric}, mean "
        "over methods, is best, median and worst. Beside a method: its r with the truth on that clip, if it has one."
    )


def _dress(axes: Axes, panel: Panel, *, width: float) -> None:
    narrow = width <= COLUMN
    # Long names are cut to what the figure can hold, the axis' own labels apart.
    axes.set_title(fitted(panel.title, width - (0.5 if narrow else 1.9), 7.5, weight="bold"))
    axes.grid(axis="y", color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.locator_params(axis="y", nbins=4)
    axes.xaxis.set_major_formatter("{x:g} s")
    if narrow:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, columnspacing=1.0, labelspacing=0.3)
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelspacing=0.35)


def _panel(run: Run, word: str, clip: Clip, rows: Sequence[Mapping[str, Any]]) -> Panel:
    by_method = {row["method"]: row for row in rows}
    truth = _curve(rows[0]["series"]["truth"])
    curves = {}
    for method in run.methods:
        if method in by_method:
            curve = _curve(by_method[method]["series"]["opening"])
            # The truth measured like a method is drawn only where it differs from the truth it is held against.
            if method == TRUTH and curve.shape == truth.shape and np.allclose(curve, truth, equal_nan=True):
                continue
            curves[method] = curve
    values = {name: row["value"] for name, row in by_method.items() if row["value"] is not None}
    title = f"{word}: {name_clip(clip, seeds=len(run.protocol['axes']['seeds']) > 1)}"
    return Panel(clip, title, truth, curves, values)


def _curve(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
