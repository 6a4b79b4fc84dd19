"""Figures of speed: what is drawn is what rows say, one point or none is drawn or said, bytes are the same twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from speed_rows import make_gate, make_row, make_rows, make_setting
from test_report_style import SIGHT, lab

from bench.report.figures.style import COLUMN, FULL, as_pdf, as_png, styled
from bench.report.speed.batch import describe_batch, draw_batch, memory_of, why_no_batch
from bench.report.speed.latency import draw_latency, why_no_latency
from bench.report.speed.order import link_gates, sort_speeds
from bench.report.speed.pareto import describe_pareto, draw_pareto, why_no_pareto
from bench.report.speed.scaling import describe_scaling, draw_scaling, why_no_scaling
from bench.report.speed.series import find_kinds
from bench.report.speed.stack import COLOURS, draw_stack, why_no_stack
from bench.store.speeds import SpeedRow, final, replace

Draw = Callable[..., Any]
FIGURES: dict[str, tuple[Draw, Draw]] = {
    "latency": (draw_latency, why_no_latency),
    "batch": (draw_batch, why_no_batch),
    "stack": (draw_stack, why_no_stack),
    "pareto": (
        lambda rows, width: draw_pareto(rows, gates_of(rows), width=width),
        lambda rows: why_no_pareto(rows, gates_of(rows)),
    ),
    "scaling": (draw_scaling, why_no_scaling),
}


def gates_of(rows: list[SpeedRow]) -> dict[str, Any]:
    return link_gates(rows, [make_gate(row) for row in rows])


def drawn(draw: Draw, rows: list[SpeedRow], width: float = FULL) -> Any:
    with styled():
        figure = draw(rows, width=width)
        as_png(figure)  # lays it out
    return figure


def words(figure: Any) -> str:
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.fixture(scope="module")
def rows() -> list[SpeedRow]:
    return final(sort_speeds(make_rows()[0]))


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_to_draw_is_said_in_words(name: str) -> None:
    draw, why = FIGURES[name]
    assert why([]) and why([]).split(":")[0] in words(drawn(draw, [], COLUMN)).replace("\n", " ")


@pytest.mark.parametrize("name", ["latency", "batch", "stack", "pareto"])
def test_one_row_is_drawn(name: str) -> None:
    draw, why = FIGURES[name]
    row = make_row("single-stream" if name == "latency" else "offline")
    assert why([row]) == ""
    assert all(axes.has_data() for axes in drawn(draw, [row], COLUMN).axes)


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_leaves_the_figure(name: str, rows: list[SpeedRow]) -> None:
    from matplotlib.text import Text

    figure = drawn(FIGURES[name][0], rows, COLUMN)
    with styled():
        figure.draw_without_rendering()
    ticks = [tick for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.majorTicks]
    labels = [label for tick in ticks for label in (tick.label1, tick.label2)]  # those beyond the limits are not drawn
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and text not in labels:
            box = text.get_window_extent()
            assert box.x0 > -1 and box.x1 < figure.bbox.width + 1, text.get_text()
            assert box.y0 > -1 and box.y1 < figure.bbox.height + 1, text.get_text()


def test_bytes_are_the_same_twice_and_in_any_order() -> None:
    speeds = [make_row("offline", setting=make_setting(batch=batch)) for batch in (1, 8, 32)]
    found = set()
    for given in (speeds, speeds[::-1]):
        with styled():
            figure = draw_batch(final(sort_speeds(given)), width=COLUMN)
            found.add((as_png(figure), as_pdf(figure)))
    assert len(found) == 1


def test_latency_marks_are_the_rows_percentiles() -> None:
    row = make_row("single-stream")
    axes = drawn(draw_latency, [row]).axes[0]
    curve, marks = axes.lines[:2]
    assert list(marks.get_xdata()) == [row.figures[name].value for name in ("p50", "p90", "p99")]
    assert len(curve.get_xdata()) == len(row.curves["latency_ms"])
    assert np.all(np.diff(curve.get_xdata()) >= 0)
    # the curve passes near its marks
    assert np.interp(row.figures["p90"].value, curve.get_xdata(), curve.get_ydata()) == pytest.approx(0.9, abs=0.01)


def test_far_apart_latencies_get_a_logarithmic_axis(rows: list[SpeedRow]) -> None:
    assert drawn(draw_latency, rows).axes[0].get_xscale() == "log"
    assert drawn(draw_latency, [make_row("single-stream")]).axes[0].get_xscale() == "linear"


def test_batches_share_an_axis_with_their_memory(rows: list[SpeedRow]) -> None:
    upper, lower = drawn(draw_batch, rows).axes
    assert upper.get_xlim() == lower.get_xlim()
    ends = [line for line in upper.lines if len(line.get_xdata()) == 7 and line.get_linestyle() == "-"]
    assert len(ends) == 3 and all(list(line.get_xdata()) == [1, 2, 4, 8, 16, 32, 64] for line in ends)
    assert "at batch 64" in describe_batch(rows)


def test_memory_is_the_devices_then_the_allocators_then_the_processs() -> None:
    row = make_row("offline")
    gib = 1024**3
    assert memory_of(replace(row, memory={"process": gib, "allocator": 2 * gib, "device": 3 * gib})) == (3.0, "device")
    assert memory_of(replace(row, memory={"process": gib, "allocator": 2 * gib, "device": None})) == (2.0, "allocator")
    assert memory_of(replace(row, memory={})) == (None, "")


def test_a_bar_is_as_long_as_the_wall_time() -> None:
    row = make_row("offline")
    axes = drawn(draw_stack, [row]).axes[0]
    bars = [patch for patch in axes.patches if patch.get_width() > 0]
    assert max(bar.get_x() + bar.get_width() for bar in bars) == pytest.approx(row.wall)
    assert [bool(bar.get_hatch()) for bar in bars].count(True) == 1 and bars[-1].get_hatch()
    assert bars[-1].get_width() == pytest.approx(row.unaccounted)


def test_neighbouring_stages_are_told_apart_by_everyone() -> None:
    for sight in (None, *SIGHT.values()):
        seen = [lab(colour, sight) for colour in COLOURS.values()]
        assert min(np.linalg.norm(a - b) for a, b in itertools.pairwise(seen)) > 10


def test_the_front_is_what_none_beats_in_both() -> None:
    slow, best, beaten = (make_row("offline", setting=make_setting(name=name), pace=pace)
                          for name, pace in (("slow", 0.5), ("best", 2.0), ("beaten", 1.0)))  # fmt: skip
    quality = {slow.id: 50.0, best.id: 45.0, beaten.id: 44.0}
    gates = {row.id: make_gate(row, psnr_mean=quality[row.id]) for row in (slow, best, beaten)}
    text = describe_pareto([slow, best, beaten], gates)
    assert "slow (" in text and "best (" in text and "beaten (" not in text


def test_equal_frames_stand_above_all_others() -> None:
    whole = make_row("offline", setting=make_setting(precision="float32"))
    half = make_row("offline")
    axes = drawn(FIGURES["pareto"][0], [whole, half]).axes[0]
    assert "exact" in [label.get_text() for label in axes.get_yticklabels()]
    assert "exact" in describe_pareto([whole], gates_of([whole]))


def test_scaling_needs_several_numbers_of_devices(rows: list[SpeedRow]) -> None:
    one = make_row("offline", setting=make_setting(devices=1))
    assert "several numbers of devices" in why_no_scaling([one])
    two = make_row("offline", setting=make_setting(devices=2), pace=1.5)
    assert "2 devices 75 %" in describe_scaling([one, two])
    ideal = drawn(draw_scaling, [one, two]).axes[0].lines[0]
    first = one.figures["frames_per_s"].value
    assert list(ideal.get_xdata()) == [1, 2] and list(ideal.get_ydata()) == pytest.approx([first, 2 * first])


def test_a_kind_looks_the_same_in_every_figure(rows: list[SpeedRow]) -> None:
    kinds = find_kinds(rows)
    held: dict[str, set[Any]] = {}
    for kind in kinds.values():
        held.setdefault(kind.name, set()).add((kind.look.colour, kind.marker))
    assert all(len(looks) == 1 for looks in held.values())
    assert len(set.union(*held.values())) == len(held)
