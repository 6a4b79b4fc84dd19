"""Identity against sync: which metrics, who is on the front, where marks lie, which corner is better."""

from __future__ import annotations

import pytest
from report_frames import IDENTITY, LIPS, METRICS, SYNC, make_table

from bench.errors import ConfigError
from bench.frames import draw_tradeoff
from bench.report.figures.tradeoff import Point, describe_tradeoff, find_front, pick_tradeoff
from bench.report.tables.cards import Card

DISTANCE = "identity_distance/dlib128@1"
UP, DOWN = Card("a/a@1", "", direction="higher"), Card("b/b@1", "", direction="lower")


def point(method: str, x: float, y: float, *, ranked: bool = True) -> Point:
    return Point(method, (x, None, None), (y, None, None), ranked)


def test_metrics_are_chosen_by_what_has_values() -> None:
    table = make_table(["a", "b"])
    assert pick_tradeoff(table) == (IDENTITY, SYNC)
    assert pick_tradeoff(table[table["metric"] != SYNC]) == (IDENTITY, LIPS)
    assert pick_tradeoff(make_table(["a", "b"], metrics=[DISTANCE, LIPS])) == (DISTANCE, LIPS)
    assert pick_tradeoff(table[table["metric"] != IDENTITY]) is None
    assert pick_tradeoff(table[table["method"] == "a"]) is None
    assert pick_tradeoff(make_table(["ground-truth", "a"])) is None, "the truth is no method to trade with"
    assert pick_tradeoff(make_table(["a", "b"], missing=1.0)) is None


def test_the_front_is_what_nothing_beats_by_both() -> None:
    points = [point("a", 1, 9), point("b", 5, 5), point("c", 4, 4), point("d", 9, 1), point("e", 5, 5)]
    assert [p.method for p in find_front(points, (UP, UP))] == ["d", "b", "e", "a"]
    assert [p.method for p in find_front(points, (DOWN, UP))] == ["a"]
    points.append(point("truth", 99, 99, ranked=False))
    assert [p.method for p in find_front(points, (UP, UP))] == ["d", "b", "e", "a"]


@pytest.mark.parametrize(("across", "up", "corner"), [(IDENTITY, SYNC, (1, 1)), (METRICS[3], SYNC, (0, 1))])
def test_marks_intervals_and_corner(across: str, up: str, corner: tuple[int, int]) -> None:
    table = make_table(["ground-truth", "a", "b", "c"])
    (axes,) = draw_tradeoff(table, across=across, up=up).axes
    values = table.pivot(index="method", columns="metric", values="value")
    marks = {line.get_markeredgecolor(): line for line in axes.lines if len(line.get_xdata()) == 1}
    drawn = {(line.get_xdata()[0], line.get_ydata()[0]) for line in marks.values()}
    assert drawn == {(values.loc[name, across], values.loc[name, up]) for name in values.index}
    hollow = [line for line in marks.values() if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata()[0] for line in hollow] == [values.loc["ground-truth", across]]
    bars = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    assert len(bars) == 8, "an interval either way for each method"
    assert tuple(axes.patches[0].get_xy()[0]) == corner


def test_a_panel_for_each_setting_and_the_front_in_words() -> None:
    table = make_table(["a", "b", "c"], settings=["f32", "bf16"])
    assert [axes.get_title(loc="left") for axes in draw_tradeoff(table).axes] == ["f32", "bf16"]
    assert "under f32" in describe_tradeoff(table) and "under bf16" in describe_tradeoff(table)
    assert describe_tradeoff(table[table["metric"] == SYNC]) == ""


def test_metrics_without_a_side_are_refused() -> None:
    with pytest.raises(ConfigError, match="better higher or lower, got 'nothing/x@1'"):
        draw_tradeoff(make_table(["a", "b"]), across="nothing/x@1")
