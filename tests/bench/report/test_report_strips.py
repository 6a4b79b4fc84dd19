"""Curves beneath the videos: paths within their box, broken where nothing is known, on one scale for a clip."""

from __future__ import annotations

import re
from pathlib import Path

from report_run import FRAMES, LIPS, PSNR, make_entries, make_protocol, make_run

from bench.report.folder import read_run
from bench.report.page.strips import Strips, find_strips
from bench.report.tables.cards import find_cards

CARDS = find_cards([LIPS, PSNR, "strange/x@1"])


def strips_of(folder: Path, metrics: list[str], change=lambda row: row) -> Strips:
    protocol = make_protocol(metrics=metrics)
    entries = [{**entry, "rows": [change(row) for row in entry["rows"]]} for entry in make_entries(protocol)]
    return find_strips(read_run(make_run(folder, protocol, entries=entries)), CARDS)


def points(path: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in re.findall(r"[ML](\d+) (\d+)", path)]


def test_lips_are_drawn_over_the_truth(tmp_path: Path) -> None:
    strips = strips_of(tmp_path / "run", [PSNR, LIPS])
    assert strips.title.startswith("lip opening") and len(strips.found) == 11
    strip = strips.found["avct", "f32", ("ann", "face", "a1", 0)]
    assert strip.frames == FRAMES
    for path in (strip.curve, strip.truth):
        assert [x for x, _ in points(path)] == list(range(FRAMES))
        assert all(0 <= y <= 100 for _, y in points(path))
    still = strips.found["still", "f32", ("ann", "face", "a1", 0)]
    assert len({y for _, y in points(still.curve)}) == 1
    assert still.truth == strip.truth, "one scale for all of a clip"


def test_else_the_first_metric_by_frame(tmp_path: Path) -> None:
    strips = strips_of(tmp_path / "run", [PSNR])
    assert PSNR in strips.title
    assert strips.found["avct", "f32", ("bob", "face", "b1", 0)].truth == ""


def test_a_gap_breaks_the_line(tmp_path: Path) -> None:
    def gap(row: dict) -> dict:
        curve = row["series"].get("opening")
        if curve:
            row["series"] = {**row["series"], "opening": [*curve[:5], None, *curve[6:]]}
        return row

    curve = strips_of(tmp_path / "run", [LIPS], gap).found["avct", "f32", ("ann", "face", "a1", 0)].curve
    assert curve.count("M") == 2 and 5 not in [x for x, _ in points(curve)]


def test_no_curves_no_strips(tmp_path: Path) -> None:
    assert strips_of(tmp_path / "run", ["strange/x@1"], lambda row: {**row, "per_frame": None}) == Strips("", {})
