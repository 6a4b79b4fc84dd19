"""Sync curves: each method's mean by offset, its band, its minimum, a panel for each setting."""

from __future__ import annotations

from report_frames import make_sync

from bench.frames import draw_offsets
from bench.report.figures.offsets import describe_offsets

METHODS = ["ground-truth", "a", "b"]


def test_lines_bands_and_minima_are_the_frames() -> None:
    sync = make_sync(METHODS)
    (axes,) = draw_offsets(sync).axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 11]
    for name, line in zip(METHODS, lines, strict=True):
        mine = sync[sync["method"] == name]
        assert (
            line.get_xdata().tolist() == mine["offset"].tolist() and line.get_ydata().tolist() == mine["value"].tolist()
        )
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [mark.get_xdata()[0] for mark in marks] == [-2, -1, 0]
    bands = [collection.get_paths()[0].vertices for collection in axes.collections]
    assert len(bands) == 3 and bands[0][:, 1].max() == sync[sync["method"] == "ground-truth"]["ci_high"].max()
    assert "intervals" in describe_offsets(sync) and "intervals" not in describe_offsets(
        make_sync(METHODS, limits=False)
    )


def test_a_panel_for_each_setting_and_a_legend_of_those_that_are_drawn() -> None:
    sync = make_sync(METHODS, settings=["f32", "bf16"])
    figure = draw_offsets(sync[sync["method"] != "b"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["f32", "bf16"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ground-truth", "a"]


def test_rows_may_come_in_any_order() -> None:
    sync = make_sync(["a"])
    (axes,) = draw_offsets(sync.sample(frac=1, random_state=3)).axes
    assert axes.lines[1].get_ydata().tolist() == sync["value"].tolist()
