"""Differences from the baseline: which one it is, where the marks lie, and that nothing overlaps."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from report_run import LIPS, PSNR, SSIM, make_protocol, make_run
from test_report_figures import LONG, SETTINGS, require_room

from bench.report.figures.forest import Pairs, describe_pairs, draw_pairs, find_pairs, render_paired_csv
from bench.report.figures.style import COLUMN, FULL
from bench.report.folder import Run, read_run
from bench.report.frames.quality import frame_pairs
from bench.report.tables.cards import find_cards
from bench.report.tables.table import Table, build_table


def paired(folder: Path, **changes) -> tuple[Run, Table, Pairs]:
    run = read_run(make_run(folder / "run", make_protocol(**changes)))
    cards = find_cards(run.protocol["metrics"])
    table = build_table(run, cards)
    pairs = find_pairs(run, cards, table)
    assert pairs is not None
    return run, table, pairs


def test_the_protocol_names_the_baseline(tmp_path: Path) -> None:
    _, _, pairs = paired(tmp_path, baseline="still")
    assert (pairs.baseline, pairs.chosen) == ("still", "the protocol's baseline")
    assert {record["method"] for record in pairs.records} == {"loudness", "avct"}, "the truth is no contender"


def test_without_one_it_is_the_best_by_the_first_metric(tmp_path: Path) -> None:
    run, table, pairs = paired(tmp_path)
    assert (pairs.baseline, pairs.chosen) == ("avct", f"the best by {LIPS}")
    assert "avct" in describe_pairs(frame_pairs(run, table, pairs))


def test_one_method_has_nobody_to_be_compared_with(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", make_protocol(methods=["ground-truth", "avct"])))
    cards = find_cards(run.protocol["metrics"])
    assert find_pairs(run, cards, build_table(run, cards)) is None


def test_marks_lie_on_the_differences_and_are_filled_where_told_apart(tmp_path: Path) -> None:
    run, table, pairs = paired(tmp_path, baseline="still", metrics=[SSIM])
    frame = frame_pairs(run, table, pairs)
    assert frame["difference"].tolist() == [record["difference"] for record in pairs.records]
    frame["verdict"] = ["open" if method == "avct" else "better" for method in frame["method"]]
    (axes,) = draw_pairs(frame, width=FULL).axes
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [mark.get_xdata()[0] for mark in marks] == frame["difference"].tolist()
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False, True]


@pytest.mark.parametrize("width", [COLUMN, FULL])
def test_there_is_room(tmp_path: Path, width: float) -> None:
    made = paired(tmp_path, metrics=[LIPS, PSNR, SSIM], settings=SETTINGS, methods=["still", "avct", LONG])
    require_room(draw_pairs(frame_pairs(*made), width=width))


def test_metrics_without_a_difference_have_no_panel_and_the_csv_has_them(tmp_path: Path) -> None:
    run, table, pairs = paired(tmp_path, methods=["still", "avct"], baseline="avct")
    panels = draw_pairs(frame_pairs(run, table, pairs)).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["PSNR ↑", "SSIM ↑"]
    read = list(csv.DictReader(io.StringIO(render_paired_csv(pairs))))
    assert [row["metric"] for row in read] == [LIPS, PSNR, SSIM]
    assert read[0]["difference"] == "" and read[0]["reason"] and float(read[2]["difference"]) < 0
