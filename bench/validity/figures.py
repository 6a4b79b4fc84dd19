"""Two pictures of the findings: every verdict at a glance, and the curves of the main variants on each ladder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.report.figures.style import FAINT, FULL, INK, MARKERS, NEUTRAL, looks, new_figure, plain
from bench.validity.findings import Findings
from bench.validity.ladders import LADDERS
from bench.validity.verdicts import harm, moved, usable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from metrics.registry import Variant

MAIN = (
    "psnr/mean-of-frames@1", "ssim/gauss11-rgb@1", "lpips/alex@1", "lmd/mouth20-centred-px-puppet68@1",
    "lip_opening_r/puppet68@1", "sync_confidence/puppet-sync-puppet68@1", "sync_offset/puppet-sync-puppet68@1",
    "identity_distance/dlib128@1", "jitter/puppet68@1", "pose_error/puppet68@1",
)  # fmt: skip
"""One of each kind; those that are not measured are left out."""
_SHADES = {
    "holds": "#0072B2", "FAILS": "#D55E00", "answers": "#9ecae9", "misled": "#E69F00", "mixed": "#dcdcdc",
    "blind": "#ffffff", "no value": "#f2f2f2",
}  # fmt: skip
_MARKS = {"FAILS": "×", "misled": "!", "mixed": "~", "no value": "–"}
_SAID = {
    "holds": "promised, holds", "FAILS": "promised, FAILS", "answers": "answers, unpromised",
    "misled": "gets better with harm", "mixed": "mixed", "blind": "blind", "no value": "no value",
}  # fmt: skip


def draw_matrix(found: Findings) -> Figure:
    """A square for each variant and ladder, legacy conventions left out."""
    from matplotlib.patches import Patch, Rectangle

    shown = [variant for variant in found.plan.variants if not variant.legacy]
    ladders = found.plan.ladders
    row = 0.118
    figure = new_figure(FULL, row * len(shown) + 1.5)
    axes = figure.add_subplot()
    for y, variant in enumerate(shown):
        for x, ladder in enumerate(ladders):
            word = found.verdicts[variant.id, ladder].word
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=_SHADES[word], edgecolor=FAINT, linewidth=0.4))
            if word in _MARKS:
                colour = "white" if word == "FAILS" else INK
                axes.text(x + 0.5, y + 0.52, _MARKS[word], ha="center", va="center", fontsize=5.5, color=colour)
    axes.set(xlim=(0, len(ladders)), ylim=(len(shown), 0))
    axes.set_xticks(np.arange(len(ladders)) + 0.5, ladders, rotation=40, ha="left")
    axes.set_yticks(np.arange(len(shown)) + 0.5, [plain(variant.id.partition("@")[0]) for variant in shown])
    axes.tick_params(length=0, labelsize=5.2, top=True, labeltop=True, bottom=False, labelbottom=False)
    for side in axes.spines.values():
        side.set_visible(False)
    handles = [Patch(facecolor=_SHADES[word], edgecolor=NEUTRAL, linewidth=0.4, label=_SAID[word]) for word in _SHADES]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, handlelength=1.0, handleheight=1.0)
    return figure


def draw_curves(found: Findings) -> Figure:
    """A panel for each ladder: the harm that each main variant sees, as a share of the most that it ever sees."""
    shown = [v for name in MAIN for v in found.plan.variants if v.id == name]
    styles = looks([variant.id for variant in shown])
    ladders = found.plan.ladders
    columns = min(5, len(ladders))
    rows = -(-len(ladders) // columns)
    figure = new_figure(FULL, 1.45 * rows + 0.6)
    grid: Any = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes, ladder in zip(grid, ladders, strict=False):
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        for k, variant in enumerate(shown):
            levels, shares = _shares(found, variant, ladder)
            look = styles[variant.id]
            axes.plot(
                levels, shares, color=look.colour, linestyle=look.dashes, marker=MARKERS[k % len(MARKERS)],
                markersize=2.4, linewidth=0.9, label=plain(variant.id.partition("@")[0]),
            )  # fmt: skip
        amounts = LADDERS[ladder].steps(found.plan.levels)
        axes.set_title(f"{ladder} ({LADDERS[ladder].unit})", fontsize=6.2)
        axes.set_xticks(range(len(amounts) + 1), ["truth", *(f"{amount:g}" for amount in amounts)], fontsize=5.2)
        axes.set_ylim(-0.35, 1.08)
    for axes in grid[len(ladders) :]:
        axes.set_visible(False)
    figure.supylabel("change of harm, share of the variant's largest", fontsize=6.5)
    if shown and ladders:
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _shares(found: Findings, variant: Variant, ladder: str) -> tuple[Sequence[int], np.ndarray]:
    """Levels and how far the mean harm went from the truth's, over the variant's largest move on any ladder."""
    curves = [found.curves[variant.id, name].values for name in found.plan.ladders]
    scale = max(moved(values, variant.direction, variant.target) for values in curves) or 1.0
    values = found.curves[variant.id, ladder].values
    levels, clips = usable(values)
    if not len(clips) or levels[0] != 0:
        return [], np.array([])
    means = harm(values[np.ix_(levels, clips)], variant.direction, variant.target).mean(1)
    return levels.tolist(), (means - means[0]) / scale
