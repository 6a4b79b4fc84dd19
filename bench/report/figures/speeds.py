"""Figures of speed from frames; what they show and how is `bench.report.speed`'s, which reports draw from as well.

Imports wait until a figure is drawn: the figures of speed rest on this package's style.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import ConfigError
from bench.report.figures.style import FULL, in_style

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    from matplotlib.figure import Figure

    from bench.store.speeds import SpeedRow


@in_style
def draw_latency(speeds: pd.DataFrame, *, width: float = FULL) -> Figure:
    """How long frames of a single stream take, the share that took at most so long. ConfigError without such rows."""
    from bench.report.speed import latency

    rows = _counting(speeds)
    _require(latency.why_no_latency(rows))
    return latency.draw_latency(rows, width=width)


@in_style
def draw_batch(speeds: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Frames a second and memory by batch. ConfigError where no offline row counts."""
    from bench.report.speed import batch

    rows = _counting(speeds)
    _require(batch.why_no_batch(rows))
    return batch.draw_batch(rows, width=width)


@in_style
def draw_stages(speeds: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Where the time of a frame goes. ConfigError where no row was timed stage by stage."""
    from bench.report.speed import stack

    rows = _counting(speeds)
    _require(stack.why_no_stack(rows))
    return stack.draw_stack(rows, width=width)


@in_style
def draw_scaling(speeds: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Frames a second by number of devices. ConfigError where none was timed on several."""
    from bench.report.speed import scaling

    rows = _counting(speeds)
    _require(scaling.why_no_scaling(rows))
    return scaling.draw_scaling(rows, width=width)


@in_style
def draw_fidelity(speeds: pd.DataFrame, fidelities: pd.DataFrame, *, width: float = FULL) -> Figure:
    """Fidelity of emitted frames against speed. ConfigError where no row has both."""
    from bench.report.frames.speeds import fidelity_rows
    from bench.report.speed import pareto
    from bench.report.speed.order import link_gates

    rows = _counting(speeds)
    gates = link_gates(rows, fidelity_rows(fidelities))
    _require(pareto.why_no_pareto(rows, gates))
    return pareto.draw_pareto(rows, gates, width=width)


def _counting(speeds: pd.DataFrame) -> list[SpeedRow]:
    """The rows that reports count: verified, and not of a quick run."""
    from bench.report.frames.speeds import speed_rows
    from bench.store.speeds import final

    return final(speed_rows(speeds))


def _require(why_not: str) -> None:
    if why_not:
        raise ConfigError(why_not)
