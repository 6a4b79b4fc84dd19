"""The columns of a table of speed: what a scenario gives, in which unit, and how a figure is written."""

from __future__ import annotations

from dataclasses import dataclass

from bench.report.tables.digits import choose_format, show
from bench.store.speeds import Figure, SpeedRow

RATIO = "end_to_end_share"
"""Offline frames/s end to end over those of the networks alone; made here where a row has it not."""


RATIO_WORDS = "share: frames/s end to end over those of the networks alone"


@dataclass(frozen=True)
class SpeedColumn:
    """A figure of a scenario. arrow: the better way. whole: counted, not measured. scale: what it is shown times."""

    figure: str
    scenario: str
    heading: str
    unit: str
    arrow: str
    whole: bool = False
    scale: float = 1.0


COLUMNS = (
    SpeedColumn("p50", "single-stream", "p50", "ms/frame", "↓"),
    SpeedColumn("p90", "single-stream", "p90", "ms/frame", "↓"),
    SpeedColumn("p99", "single-stream", "p99", "ms/frame", "↓"),
    SpeedColumn("first_frame", "single-stream", "first frame", "ms", "↓"),
    SpeedColumn("rtf_p50", "clip-latency", "RTF p50", "s/s", "↓"),
    SpeedColumn("rtf_p90", "clip-latency", "RTF p90", "s/s", "↓"),
    SpeedColumn("frames_per_s", "offline", "end to end", "frames/s", "↑"),
    SpeedColumn("network_frames_per_s", "offline", "network only", "frames/s", "↑"),
    SpeedColumn(RATIO, "offline", "share", "", "↑"),
    SpeedColumn("frames_per_j", "offline", "energy", "frames/J", "↑"),
    SpeedColumn("talkers", "multi-stream", "live talkers", "", "↑", whole=True),
    SpeedColumn("missed", "multi-stream", "late frames", "%", "↓", scale=100.0),
    SpeedColumn("p99", "multi-stream", "delay p99", "ms", "↓"),
    SpeedColumn("cold_s", "cold-start", "start", "s", "↓"),
    SpeedColumn("cold_cached_s", "cold-start", "start, compiled before", "s", "↓"),
)  # fmt: skip
SCENARIO_TITLES = {
    "single-stream": "Single-stream", "clip-latency": "Clip latency", "offline": "Offline",
    "multi-stream": "Multi-stream", "cold-start": "Cold start",
}  # fmt: skip


def find_figure(row: SpeedRow | None, column: SpeedColumn) -> Figure | None:
    """The row's figure for a column in the column's unit, None where it has none or no value."""
    if row is None:
        return None
    if column.figure == RATIO and RATIO not in row.figures:
        return _share(row.figures.get("frames_per_s"), row.figures.get("network_frames_per_s"))
    found = row.figures.get(column.figure)
    if found is None or found.value is None:
        return None
    if column.scale == 1.0:
        return found
    value, low, high = (None if v is None else v * column.scale for v in (found.value, found.low, found.high))
    return Figure(value, column.unit, low, high, found.n)


def show_figure(figure: Figure, column: SpeedColumn) -> tuple[str, str]:
    """(value, "[low, high]" or "") with as many digits as the interval bears. The figure must have a value."""
    value = figure.value or 0.0
    bounded = figure.low is not None and figure.high is not None
    low, high = (figure.low or 0.0, figure.high or 0.0) if bounded else (value, value)
    form = choose_format([value], [(high - low) / 2] if bounded else [])
    if column.whole and all(part == int(part) for part in (value, low, high)):
        form = ".0f"
    return show(value, form), f"[{show(low, form)}, {show(high, form)}]" if bounded else ""


def tell_figures(row: SpeedRow) -> str:
    """A row's figures in one line."""
    shown = [
        f"{column.heading} {' '.join(part for part in (*show_figure(figure, column), column.unit) if part)}"
        for column in COLUMNS
        if column.scenario == row.scenario and (figure := find_figure(row, column))
    ]
    return "; ".join(shown) or "no figures"


def describe_column(column: SpeedColumn) -> str:
    """A column in words, with its scenario and unit."""
    unit = f" ({column.unit})" if column.unit else ""
    return f"{column.scenario} {column.heading}{unit}"


def heading(column: SpeedColumn) -> str:
    """What stands above a column: name, the better way, unit."""
    return " ".join(part for part in (column.heading, column.arrow, f"({column.unit})" if column.unit else "") if part)


def _share(end_to_end: Figure | None, network: Figure | None) -> Figure | None:
    """One over the other; its limits are those of the two at their worst, so they are wide rather than narrow."""
    if end_to_end is None or network is None or end_to_end.value is None or not network.value:
        return None
    limits = (end_to_end.low, end_to_end.high, network.low, network.high)
    if any(limit is None for limit in limits) or not network.low or not network.high:
        return Figure(end_to_end.value / network.value, "", n=min(end_to_end.n, network.n))
    low, high = (end_to_end.low or 0.0) / network.high, (end_to_end.high or 0.0) / network.low
    return Figure(end_to_end.value / network.value, "", low, high, min(end_to_end.n, network.n))
