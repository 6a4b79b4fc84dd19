"""Bars begin at zero or at the target, end at the value, and bear the interval."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from report_frames import LIPS, METRICS, make_table

from bench.errors import ConfigError
from bench.frames import draw_bars
from bench.report.figures.bars import describe_bars


def test_every_bar_begins_at_zero_and_ends_at_its_value_with_its_interval() -> None:
    table = make_table(["a", "b", "c"], settings=["f32", "bf16"], metrics=METRICS[2:])
    figure = draw_bars(table)
    for axes, metric in zip(figure.axes, METRICS[2:], strict=True):
        mine = table[table["metric"] == metric]
        assert [bar.get_x() for bar in axes.patches] == [0.0] * 6
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(list(mine["value"]))
        drawn = [list(line.get_xdata()) for line in axes.lines[:-1]]
        assert drawn == [[low, high] for low, high in zip(mine["ci_low"], mine["ci_high"], strict=True)]
        assert axes.get_xlim()[0] <= 0 <= axes.get_xlim()[1]
        # one under the other, none over another
        tops = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches)
        assert all(above[1] <= below[0] for above, below in pairwise(tops))


def test_bars_of_a_metric_with_a_target_begin_there() -> None:
    table = make_table(["a", "b"], metrics=[LIPS]).assign(direction="target", target=1.0)
    (axes,) = draw_bars(table).axes
    assert [bar.get_x() for bar in axes.patches] == [1.0, 1.0]
    assert [bar.get_x() + bar.get_width() for bar in axes.patches] == pytest.approx(list(table["value"]))
    assert "at the target" in describe_bars(table)


def test_fewer_clips_are_hatched_and_missing_values_are_said() -> None:
    table = make_table(["a", "b"], metrics=[LIPS])
    table.loc[0, "coverage"], table.loc[1, "value"] = 0.5, np.nan
    (axes,) = draw_bars(table).axes
    (bar,) = axes.patches
    assert bar.get_hatch() and [text.get_text() for text in axes.texts] == ["no value"]
    assert "Hatched" in describe_bars(table)
    with pytest.raises(ConfigError, match="estimates"):
        draw_bars(table.assign(value=np.nan))
