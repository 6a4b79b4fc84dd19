"""Figure: distance of lips and sound by how far one is moved against the other, a line for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.report.figures.columns import names_of, require_values
from bench.report.figures.legends import legend, legend_height
from bench.report.figures.style import COLUMN, FAINT, FULL, NEUTRAL, Look, fitted, in_style, method_looks, new_figure

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_EACH = 0.08
"""Opacity of a band: a dozen of them over one another still let lines through."""


@in_style
def draw_offsets(sync: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Mean distance by offset with a band, each line's minimum marked; a panel for each metric and setting.

    sync: as `bench.frames` has it, or a part. ConfigError where it has no value.
    """
    from matplotlib.lines import Line2D

    drawn = require_values(sync, "value", "distances by offset")
    metrics, settings = names_of(drawn, "metric"), names_of(drawn, "setting")
    keys = [(metric, setting) for metric in metrics for setting in settings]
    across = min(1 if width <= COLUMN else 2, len(keys))
    down = -(-len(keys) // across)
    shown = set(drawn["method"])
    look = {name: style for name, style in method_looks(sync).items() if name in shown}
    figure = new_figure(width, down * 2.1 + legend_height(list(look), width=width) + 0.1)
    panels = list(figure.subplots(down, across, sharex=True, sharey="row", squeeze=False).flat)
    for number, (axes, (metric, setting)) in enumerate(zip(panels, keys, strict=False)):
        mine = drawn[(drawn["metric"] == metric) & (drawn["setting"] == setting)]
        words = [family_of(metric)] if len(metrics) > 1 else []
        words += [setting] if len(settings) > 1 or not words else []
        _panel(axes, mine, look, fitted(", ".join(words), width / across - 0.5, 7.5, weight="bold"))
        if number >= len(keys) - across:
            axes.set_xlabel("offset (frames)")
            axes.tick_params(labelbottom=True)
        if number % across == 0:
            axes.set_ylabel("distance, mean over clips")
    for axes in panels[len(keys) :]:
        axes.set_axis_off()
    styles: list[dict[str, Any]] = [{"color": style.colour, "linestyle": style.dashes} for style in look.values()]
    legend(figure, [Line2D([], [], label=name, **style) for name, style in zip(look, styles, strict=True)], width=width)
    return figure


def describe_offsets(sync: pd.DataFrame) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    clips = sorted(set(sync["n"]))
    counted = str(clips[0]) if len(clips) == 1 else f"{clips[0]} to {clips[-1]}"
    bands = " with intervals (jackknife)" if sync["ci_low"].notna().any() else ""
    return (
        f"Distance of lips and sound by the frames that one is moved against the other, mean over {counted} clips"
        f"{bands}; dots mark each method's smallest. In step is a deep minimum at 0; a flat line follows no sound."
    )


def family_of(metric: str) -> str:
    """What tells curves apart: the variant, which metrics that were read from one curve share."""
    return metric.partition("/")[2].partition("@")[0] or metric


def _panel(axes: Axes, lines: pd.DataFrame, look: dict[str, Look], title: str) -> None:
    axes.axvline(0.0, color=NEUTRAL, linewidth=0.6, linestyle=(0, (3, 2)), zorder=1)
    for name, style in look.items():
        mine = lines[lines["method"] == name].sort_values("offset")
        if not len(mine):
            continue
        x = mine["offset"].to_numpy()
        axes.fill_between(x, mine["ci_low"], mine["ci_high"], color=style.colour, alpha=_EACH, linewidth=0)
        axes.plot(x, mine["value"], color=style.colour, linestyle=style.dashes)
        lowest = mine[mine["lowest"]].iloc[:1]
        axes.plot(lowest["offset"], lowest["value"], "o", color=style.colour, markersize=3.4, zorder=4)
    axes.set_title(title)
    axes.grid(axis="y", color=FAINT, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.locator_params(axis="x", integer=True)
    axes.locator_params(axis="y", nbins=5)
