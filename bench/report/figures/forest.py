"""Figure: differences from the baseline, clip by clip, with intervals; filled where the test tells them apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.report.figures.columns import columns_of, known, names_of, require_values
from bench.report.figures.intervals import lay_out, legend
from bench.report.figures.style import FULL, INK, MARKERS, Look, in_style, method_looks
from bench.report.folder import Run
from bench.report.tables.best import contenders
from bench.report.tables.cards import Card
from bench.report.tables.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAND = 0.7
_TOLD = ("better", "worse", "different")
"""Verdicts of a test that tells two methods apart."""


@dataclass(frozen=True)
class Pairs:
    """Every method against the baseline. chosen: why this baseline. records: as `bench.stats.paired.compare` gives."""

    baseline: str
    chosen: str
    records: tuple[Mapping[str, Any], ...]


def find_pairs(run: Run, cards: Mapping[str, Card], table: Table) -> Pairs | None:
    """All methods that are not given the truth against the protocol's baseline, or the best by its first metric.

    None where there are fewer than two, or nothing says which is best.
    """
    from bench.stats.paired import compare

    names = contenders(run)
    asked = run.protocol.get("baseline")
    if asked in names:
        baseline, chosen = asked, "the protocol's baseline"
    else:
        ahead = [place for place in table.places if place["rank"] == 1 and place["completed"]]
        if not ahead:
            return None
        baseline, chosen = ahead[0]["method"], f"the best by {ahead[0]['metric']}"
    if len(names) < 2:
        return None
    # The truth is no contender; with it, every correction for many tests would be stricter for nothing.
    protocol = {**run.protocol, "methods": names}
    return Pairs(
        baseline, chosen, tuple(compare([*run.rows, *run.pooled], protocol, baseline=baseline, cards=dict(cards)))
    )


def render_paired_csv(pairs: Pairs) -> str:
    """paired.csv: one line for each setting, metric and method, at full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name for name in pairs.records[0] if name != "missing_clips"] if pairs.records else []
    writer.writerow(names)
    for record in pairs.records:
        writer.writerow([_plain(record[name]) for name in names])
    return text.getvalue()


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else value


@in_style
def draw_pairs(pairs: pd.DataFrame, *, width: float = FULL) -> Figure:
    """A panel for each metric: methods down, the difference from the baseline across, zero marked.

    pairs: as `bench.frames` has it, or a part. ConfigError where it has no difference.
    """
    methods, settings = names_of(pairs, "method"), names_of(pairs, "setting")
    columns = columns_of(require_values(pairs, "difference", "differences"))
    figure, panels = lay_out(columns, methods, len(settings), width=width)
    look = method_looks(pairs)
    found = {(r["method"], r["setting"], r["metric"]): r for r in pairs.to_dict("records")}
    for axes, column in zip(panels, columns, strict=False):
        axes.axvline(0.0, color=INK, linewidth=0.7, zorder=1)
        lines = [[found.get((method, setting, column.card.id)) for setting in settings] for method in methods]
        _panel(axes, column, lines, [look[method] for method in methods])
    legend(figure, settings, width=width)
    return figure


def _panel(
    axes: Axes, column: Column, lines: Sequence[Sequence[Mapping[Any, Any] | None]], styles: Sequence[Look]
) -> None:
    step = _BAND / max(len(lines[0]), 1)
    for row, (records, look) in enumerate(zip(lines, styles, strict=True)):
        for place, record in enumerate(records):
            if record is None or known(record["difference"]) is None:
                continue
            height = row + (place - (len(records) - 1) / 2) * step
            if known(record["ci_low"]) is not None:
                limits = [record["ci_low"], record["ci_high"]]
                axes.plot(limits, [height, height], color=look.colour, linewidth=1.3, alpha=0.75)
            inside = look.colour if record["verdict"] in _TOLD else "white"
            style: dict[str, Any] = {"markerfacecolor": inside, "markeredgecolor": look.colour, "markeredgewidth": 0.9}
            size = 2.6 if len(records) > 2 else 3.6
            marker = MARKERS[place % len(MARKERS)]
            axes.plot([record["difference"]], [height], marker, markersize=size, zorder=3, clip_on=False, **style)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])
    if column.card.direction == "target" and column.card.target is not None:
        axes.set_xlabel("farther from target →")


def describe_pairs(pairs: pd.DataFrame) -> str:
    """The figure in words, for those who do not see it and as its caption."""
    baseline, chosen = pairs["baseline"].iloc[0], pairs["baseline_is"].iloc[0]
    return (
        f"Difference from {baseline} ({chosen}) on the clips that both have a value on, with interval; "
        f"the line is no difference. Filled: told apart by the paired test (Holm, {pairs['p_holm'].count()} tests). "
        "Arrow: the better side; by a metric with a target, of distances from it."
    )
