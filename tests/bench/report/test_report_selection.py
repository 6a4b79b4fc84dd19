"""Which clips are shown, and in what orders."""

from __future__ import annotations

from pathlib import Path

from report_run import LIPS, PSNR, SSIM, make_entries, make_protocol, make_run

from bench.report.folder import Run, read_run
from bench.report.selection import Ranking, rank_clips
from bench.report.tables.cards import find_cards

CARDS = find_cards([LIPS, PSNR, SSIM, "strange/x@1"])
A1, A2, B1 = (("ann", "face", "a1", 0), ("ann", "face", "a2", 0), ("bob", "face", "b1", 0))


def with_values(folder: Path, metric: str, values: dict[tuple[str, str], float | None]) -> Run:
    """A run of one metric whose values are given by (method, driver)."""
    protocol = make_protocol(metrics=[metric], methods=list(dict.fromkeys(method for method, _ in values)))
    entries = make_entries(protocol)
    for entry in entries:
        value = values[entry["cell"]["method"], entry["cell"]["driver"]]
        status = "undefined" if value is None else "ok"
        entry["rows"] = [{**row, "value": value, "status": status, "reason": None} for row in entry["rows"]]
    return read_run(make_run(folder, protocol, entries=entries))


def test_clips_go_from_best_to_worst_without_the_truth(tmp_path: Path) -> None:
    values = {("m", "a1"): 30.0, ("m", "a2"): 20.0, ("m", "b1"): 25.0}
    truth = {("ground-truth", name): value for name, value in (("a1", 0.0), ("a2", 99.0), ("b1", 99.0))}
    assert rank_clips(with_values(tmp_path / "run", PSNR, values | truth), CARDS) == Ranking(PSNR, (A1, B1, A2))


def test_a_clip_is_not_good_because_a_bad_method_failed_on_it(tmp_path: Path) -> None:
    good = {("good", "a1"): 35.0, ("good", "a2"): 34.0, ("good", "b1"): 33.0}
    bad = {("bad", "a1"): 15.0, ("bad", "a2"): 14.0, ("bad", "b1"): None}
    assert rank_clips(with_values(tmp_path / "run", PSNR, good | bad), CARDS).clips == (A1, A2, B1)


def test_ties_keep_the_protocols_order_and_clips_without_value_are_left_out(tmp_path: Path) -> None:
    values = {("m", "a1"): 1.0, ("m", "a2"): None, ("m", "b1"): 1.0}
    assert rank_clips(with_values(tmp_path / "run", PSNR, values), CARDS).clips == (A1, B1)


def test_lips_come_first_and_no_direction_means_no_ranking(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "a", make_protocol(metrics=[PSNR, LIPS])))
    assert rank_clips(run, CARDS).metric == LIPS
    run = read_run(make_run(tmp_path / "b", make_protocol(metrics=["strange/x@1"])))
    assert rank_clips(run, CARDS) == Ranking(None, (A1, A2, B1))


def test_spread_shows_best_middle_and_worst_once_each() -> None:
    clips = tuple(("s", "r", str(number), 0) for number in range(5))
    assert Ranking("m", clips).spread(3) == [("best", clips[0]), ("median", clips[2]), ("worst", clips[4])]
    assert Ranking("m", clips[:1]).spread(3) == [("median", clips[0])]
    assert Ranking(None, clips).spread(2) == [("first in the protocol", clips[0]), ("next", clips[1])]
    assert Ranking("m", ()).spread(2) == []
