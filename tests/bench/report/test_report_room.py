"""Every figure of frames with few and many methods of hostile names: nothing is cut, nothing overlaps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from matplotlib.figure import Figure
from report_frames import IDENTITY, METRICS, SYNC, make_ranks, make_sync, make_table, name_methods
from test_report_figures import require_room, texts

from bench.errors import ConfigError
from bench.frames import COLUMN, FULL, draw_bars, draw_intervals, draw_offsets, draw_ranks, draw_sweep, draw_tradeoff

SETTINGS = ("f32", "a-setting-with-a-very-long-name")


SIZES = [(1, FULL), (7, COLUMN), (12, FULL), (40, COLUMN)]
"""The most methods at the narrower width, where room is scarcest."""


def _intervals(methods: list[str], width: float) -> Figure:
    return draw_intervals(make_table(methods, settings=SETTINGS, metrics=METRICS[:2], missing=0.2), width=width)


def _bars(methods: list[str], width: float) -> Figure:
    return draw_bars(make_table(methods, settings=SETTINGS, metrics=METRICS[:2], missing=0.2), width=width)


def _ranks(methods: list[str], width: float) -> Figure:
    ranks = {name: 1 + 0.9 * place for place, name in enumerate(methods)}
    return draw_ranks(*make_ranks(ranks, list(pairwise(methods))), width=width)


def _offsets(methods: list[str], width: float) -> Figure:
    return draw_offsets(make_sync(methods, settings=SETTINGS), width=width)


def _tradeoff(methods: list[str], width: float) -> Figure:
    return draw_tradeoff(make_table(methods, settings=SETTINGS), across=IDENTITY, up=SYNC, width=width)


def _sweep(methods: list[str], width: float) -> Figure:
    return draw_sweep(make_table(methods, settings=SETTINGS, metrics=METRICS[:1], missing=0.3), width=width)


@pytest.mark.parametrize(("count", "width"), SIZES)
@pytest.mark.parametrize("draw", [_intervals, _bars, _ranks, _offsets, _tradeoff, _sweep])
def test_there_is_room(draw: Callable[[list[str], float], Figure], count: int, width: float) -> None:
    figure = draw(name_methods(count), width)
    require_room(figure, least=3)
    if count > 2:
        shown = [text for text, _ in texts(figure)]
        assert any("<img" in text for text in shown), "markup is text"
        assert any(r"\$x" in text for text in shown), "a dollar sign starts no formula"
        assert any("u8bf4" in text for text in shown), "what the typeface has no letter for is named"


@pytest.mark.parametrize(("count", "width"), [(12, COLUMN), (40, FULL)])
def test_many_columns_stand_their_numbers_on_their_heads(count: int, width: float) -> None:
    table = make_table(name_methods(count), metrics=METRICS[:1])
    require_room(draw_sweep(table, down="setting", across="method", width=width))


def test_more_columns_than_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"do not fit across 3\.4 in"):
        draw_sweep(make_table(name_methods(40)), down="setting", across="method", width=COLUMN)


def test_frames_of_nothing_are_refused_and_not_drawn_empty() -> None:
    nothing = make_table([])
    for draw in (draw_intervals, draw_bars, draw_sweep, draw_tradeoff):
        with pytest.raises(ConfigError, match="nothing to draw"):
            draw(nothing)
    with pytest.raises(ConfigError, match="nothing to draw"):
        draw_offsets(make_sync([]))
    with pytest.raises(ConfigError, match="nothing to draw"):
        draw_ranks(*make_ranks({}, []))
