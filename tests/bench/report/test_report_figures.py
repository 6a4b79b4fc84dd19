"""The three figures, measured: nothing is cut, nothing overlaps, and the curves and frames are the right ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from report_run import FRAMES, LIPS, PSNR, SKILL, SSIM, make_entries, make_protocol, make_run, opening

from bench.errors import ConfigError
from bench.frames import load
from bench.report.figures.intervals import describe_intervals, draw_intervals
from bench.report.figures.lips import draw_lips, find_panels
from bench.report.figures.sheet import draw_sheets, find_sheets
from bench.report.figures.style import COLUMN, FULL, styled
from bench.report.folder import read_run
from bench.report.media import Copies
from bench.report.tables.cards import find_cards

LONG = "our-method-with-a-name-that-nobody-can-remember-v17"
SETTINGS = [{**make_protocol()["settings"][0], "name": name} for name in ("float32", "bfloat16", "a-third")]
NONE = Copies({}, {})


@pytest.fixture(autouse=True)
def _styled() -> Iterator[None]:
    with styled():
        yield


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every visible text with its box in pixels, after layout."""
    FigureCanvasAgg(figure).draw()
    unseen: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = axis.get_major_ticks()
            # matplotlib keeps labels of ticks that lie outside, and does not draw them
            unseen |= {tick.label1 for tick in ticks if not (axes.axison and low <= tick.get_loc() <= high)}
            unseen |= {tick.label2 for tick in ticks}
    drawn = [a for a in figure.findobj(Text) if a not in unseen and a.get_visible() and a.get_text().strip()]
    return [(artist.get_text(), artist.get_window_extent()) for artist in drawn]


def require_room(figure: Figure, least: int = 6) -> None:
    """Fails where a text leaves the figure or lies over another, or where there are fewer than `least`."""
    boxes = [(text, box) for text, box in texts(figure) if box.width > 1]
    assert len(boxes) >= least
    for text, box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1, f"{text!r} is cut"
        assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, f"{text!r} is cut"
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        over = Bbox.intersection(a, b)
        assert over is None or min(over.width, over.height) < 1, f"{one!r} lies over {two!r}"


@pytest.mark.parametrize("width", [COLUMN, FULL])
@pytest.mark.parametrize("settings", [1, 3])
def test_intervals_have_room(tmp_path: Path, width: float, settings: int) -> None:
    metrics = [LIPS, PSNR, "lmd/mouth20-procrustes-px-puppet68@1", "lmd/mouth20-centred-px-puppet68@1", "odd/one@1"]
    protocol = make_protocol(metrics=metrics, settings=SETTINGS[:settings], methods=["ground-truth", "still", LONG])
    figure = draw_intervals(load(make_run(tmp_path / "run", protocol)).table, width=width)
    require_room(figure)
    assert any("…" in text for text, _ in texts(figure))


def test_a_truth_far_away_does_not_press_the_methods_together(tmp_path: Path) -> None:
    protocol = make_protocol(metrics=[PSNR, SSIM])
    entries = make_entries(protocol)
    for entry in entries:
        for row in entry["rows"]:
            if row["metric"] == PSNR and row["method"] == "ground-truth":
                row["value"] = 100.0
    table = load(make_run(tmp_path / "run", protocol, entries=entries)).table
    figure = draw_intervals(table, width=FULL)
    require_room(figure)
    psnr, ssim = figure.axes
    assert psnr.get_xlim()[1] < 50, "the axis is the methods'"
    assert [text.get_text() for text in psnr.texts] == ["100.0 →"]
    assert "Arrow: the truth lies beyond the axis." in describe_intervals(table)
    assert not ssim.texts, "a truth that is near keeps its mark"


def test_marks_of_settings_stand_apart(tmp_path: Path) -> None:
    protocol = make_protocol(metrics=[PSNR], settings=SETTINGS[:2])
    figure = draw_intervals(load(make_run(tmp_path / "run", protocol)).table, width=FULL)
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    marks = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    assert len(marks) == 8
    heights = sorted(axes.transData.transform((0, line.get_ydata()[0]))[1] for line in marks)
    assert min(np.diff(heights)) >= marks[0].get_markersize() * figure.dpi / 72


def test_marks_lie_on_the_estimates_and_are_hollow_where_clips_lack(tmp_path: Path) -> None:
    table = load(make_run(tmp_path / "run", make_protocol(metrics=[PSNR]))).table
    (axes,) = draw_intervals(table, width=FULL).axes
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in marks] == table["value"].tolist()
    assert [line.get_markerfacecolor() == "white" for line in marks] == [False, False, True, True]
    bars = [tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "None"]
    limits = table[["ci_low", "ci_high"]].dropna().itertuples(index=False, name=None)
    assert bars == list(limits) and len(bars) == 2
    assert "Hollow" in describe_intervals(table)


@pytest.mark.parametrize("width", [COLUMN, FULL])
def test_lips_have_room(tmp_path: Path, width: float) -> None:
    lips = load(make_run(tmp_path / "run", make_protocol(methods=[*SKILL, LONG]))).lips
    assert set(lips["metric"]) == {LIPS}
    require_room(draw_lips(lips, width=width))


def test_lips_are_those_of_the_best_the_median_and_the_worst_clip(tmp_path: Path) -> None:
    lips = load(make_run(tmp_path / "run")).lips
    panels = draw_lips(lips).axes
    titles = ["best: ann / face / a1", "median: ann / face / a2", "worst: bob / face / b1"]
    assert [axes.get_title(loc="left") for axes in panels] == titles
    for place, axes in enumerate(panels):
        truth, *curves = axes.lines
        assert np.array_equal(truth.get_ydata(), opening(place)) and truth.get_label() == "truth"
        # the truth is not drawn a second time over itself; what failed has no curve
        drawn = {curve.get_label().partition(",")[0]: curve for curve in curves}
        assert list(drawn) == (["still", "avct"] if place == 2 else ["still", "loudness", "avct"])
        assert np.allclose(drawn["avct"].get_ydata(), 0.9 * opening(place) + 0.1)
        assert drawn["still"].get_label() == "still" and "r = 0." in drawn["avct"].get_label()


def test_lips_of_a_clip_of_ones_own_choice_are_drawn_from_all_curves(tmp_path: Path) -> None:
    curves = load(make_run(tmp_path / "run")).curves
    (axes,) = draw_lips(curves[(curves["driver"] == "a2") & (curves["metric"] == LIPS)]).axes
    assert axes.get_title(loc="left") == "ann / face / a2"
    assert np.array_equal(axes.lines[0].get_ydata(), opening(1)) and len(axes.lines) == 4


def test_too_many_curves_are_refused(tmp_path: Path) -> None:
    settings = load(make_run(tmp_path / "run", make_protocol(settings=SETTINGS[:2]))).curves
    with pytest.raises(ConfigError, match="one setting and one metric"):
        draw_lips(settings[settings["metric"] == LIPS])
    with pytest.raises(ConfigError, match="got 0 clips"):
        draw_lips(settings[settings["metric"] == PSNR])


def test_no_curves_no_lips(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", make_protocol(metrics=[PSNR])))
    assert find_panels(run, find_cards([PSNR])) == ("", [])
    assert load(run.folder).lips.empty


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("filmed") / "run", videos=True)


def test_sheets_hold_the_frames_of_their_instants(filmed: Path) -> None:
    run = read_run(filmed)
    sheets = find_sheets(run, find_cards(run.protocol["metrics"]), NONE, filmed)
    assert [sheet.title.partition(":")[0] for sheet in sheets] == ["median", "worst"]
    worst = dict(sheets[1].lines)
    assert worst["loudness"] == "failed: generate"
    assert sheets[1].instants == tuple((2 * place + 1) / 25 for place in range(8))
    number = [entry["cell"]["method"] + entry["cell"]["driver"] for entry in make_entries(run.protocol)].index("avctb1")
    for place, tile in enumerate(worst["avct"]):
        assert tuple(tile[100, 100]) == (10 * (2 * place + 1), 16 * number, 0)
    assert FRAMES == 16


@pytest.mark.parametrize("width", [COLUMN, FULL])
def test_sheets_have_room(filmed: Path, width: float) -> None:
    run = read_run(filmed)
    sheets = find_sheets(run, find_cards(run.protocol["metrics"]), NONE, filmed)
    figure = draw_sheets(sheets, width=width)
    require_room(figure)
    for axes in figure.axes:
        (image,) = axes.images
        height, wide = image.get_array().shape[:2]
        box = axes.get_window_extent()
        assert box.width / box.height == pytest.approx(wide / height, rel=0.03), "tiles are squeezed"


def test_videos_that_are_gone_leave_no_sheet(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run"))
    assert find_sheets(run, find_cards(run.protocol["metrics"]), NONE, tmp_path) == []
