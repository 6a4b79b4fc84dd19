"""Paired comparison: by hand, against simulation, and what it says of clips that are not paired."""

from __future__ import annotations

import numpy as np
import pytest

from bench.report.tables.cards import Card
from bench.stats.paired import COLUMNS, compare, detectable, holm, rank_biserial, sign_flip

PROTOCOL = {
    "id": "tiny@1",
    "methods": ["base", "ours", "theirs"],
    "metrics": ["m/x@1"],
    "settings": [{"name": "f32"}],
    "axes": {"drivers": {"s": [f"d{i:02d}" for i in range(20)]}, "references": ["r"], "seeds": [0], "pairs": "all"},
    "statistics": {"resamples": 2000, "level": 0.95, "seed": 0, "cluster": "clip"},
}


def rows(**values: list[float | None]) -> list[dict]:
    return [
        {
            "method": method,
            "setting": "f32",
            "metric": "m/x@1",
            "speaker": "s",
            "reference": "r",
            "driver": f"d{index:02d}",
            "seed": 0,
            "status": "failed" if value is None else "ok",
            "value": value,
        }
        for method, some in values.items()
        for index, value in enumerate(some)
    ]


HIGHER, LOWER = Card("m/x@1", "", direction="higher"), Card("m/x@1", "", direction="lower")
TARGET = Card("m/x@1", "", direction="target", target=1.0)


def test_by_hand():
    base = [1.0, 2.0, 3.0, 4.0, 5.0, None]
    some = rows(base=base, ours=[2.0, 4.0, 6.0, 4.0, 4.0, 9.0], theirs=[0.0] * 5)
    lines = compare(some, PROTOCOL, baseline="base", cards={"m/x@1": HIGHER})
    assert [tuple(line) for line in lines] == [COLUMNS] * 2
    ours, theirs = lines
    assert (ours["method"], ours["difference"], ours["n"], ours["missing"]) == ("ours", 1.0, 5, 15)
    assert (ours["mean"], ours["mean_baseline"], ours["clusters"]) == (4.0, 3.0, 5)
    assert (ours["higher"], ours["lower"], ours["ties"], ours["wins"], ours["losses"]) == (3, 1, 1, 3, 1)
    # Differences 1, 2, 3, 0, -1: sums of 1+2+3+1, 1+2+3-1, -1+2+3+1 and their negatives are 5 or more, 6 of 16.
    assert ours["p"] == 6 / 16
    assert ours["effect"] == pytest.approx((1.5 + 3 + 4 - 1.5) / 10)
    assert (theirs["difference"], theirs["p"], theirs["effect"]) == (-3.0, 2 / 32, -1.0)
    assert (theirs["p_holm"], ours["p_holm"], ours["verdict"]) == (0.125, 0.375, "open")
    error = np.std([1, 2, 3, 0, -1], ddof=1) / np.sqrt(5)
    # t of 4 degrees of freedom at 1 - 0.05 / 2 / 2, for there are two tests, and at the power
    assert ours["detectable"] == pytest.approx((3.495406 + 0.940965) * error, rel=1e-5)


def test_wins_and_verdict_follow_the_metrics_card():
    values = np.random.default_rng(2).normal(size=20)
    some = rows(base=values.tolist(), ours=(values + 3).tolist())
    found = {
        word: compare(some, PROTOCOL, baseline="base", cards=cards)[0]
        for word, cards in {"higher": {"m/x@1": HIGHER}, "lower": {"m/x@1": LOWER}, "none": None}.items()
    }
    assert [(found[w]["wins"], found[w]["losses"], found[w]["verdict"]) for w in ("higher", "lower", "none")] == [
        (20, 0, "better"),
        (0, 20, "worse"),
        (None, None, "different"),
    ]


def test_by_a_target_the_distance_is_compared():
    some = rows(base=[3.0] * 10, ours=[0.9, 1.1] * 5)
    line = compare(some, PROTOCOL, baseline="base", cards={"m/x@1": TARGET})[0]
    assert line["difference"] == pytest.approx(-1.9) and line["mean"] == pytest.approx(1.0)
    assert (line["wins"], line["losses"], line["verdict"]) == (10, 0, "better")


def test_clips_that_are_not_paired_are_named_with_whom_they_lack():
    line = compare(rows(base=[1.0, None, 3.0], ours=[None, None, 4.0]), PROTOCOL, baseline="base")[0]
    assert line["n"] == 1 and line["missing"] == len(line["missing_clips"]) == 19
    assert line["missing_clips"][0] == {
        "speaker": "s",
        "reference": "r",
        "driver": "d00",
        "seed": 0,
        "without": ["ours"],
    }
    assert [m["without"] for m in line["missing_clips"][1:3]] == [["ours", "base"]] * 2


def test_rank_biserial_by_hand():
    assert rank_biserial(np.array([])) is None and rank_biserial(np.zeros(3)) == 0.0
    assert rank_biserial(np.array([1.0, 1.0, -5.0])) == pytest.approx((1.5 + 1.5 - 3) / 6)
    # one odd clip, however odd, weighs no more than its rank
    assert rank_biserial(np.array([1.0, 1.0, -5e9])) == rank_biserial(np.array([1.0, 1.0, -5.0]))


def test_values_of_all_clips_together_have_no_pairs():
    together = {"speaker": "*", "reference": "*", "driver": "*", "notes": {"clips": 20}}
    some = [{**row, **together} for row in rows(base=[9.0], ours=[7.0])]
    line = compare(some, PROTOCOL, baseline="base", cards={"m/x@1": LOWER})[0]
    assert (line["mean"], line["mean_baseline"], line["difference"], line["p"]) == (7.0, 9.0, -2.0, None)
    assert line["verdict"] is None and "no pairs" in line["reason"]


def test_holm_by_hand():
    assert holm([0.01, None, 0.04, 0.03]) == [0.03, None, 0.06, 0.06]
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_too_few_clips_have_no_test():
    (line, _) = compare(rows(base=[1.0] * 4, ours=[2.0] * 4), PROTOCOL, baseline="base")
    found = (line["difference"], line["p"], line["ci_low"], line["detectable"], line["n"], line["verdict"])
    assert found == (1.0, None, None, None, 4, None)
    assert line["reason"] == "no interval or test from 4 clips, expected at least 5"
    (line, _) = compare(rows(base=[1.0], ours=[None]), PROTOCOL, baseline="base")
    assert (line["difference"], line["n"], line["missing"]) == (None, 0, 20)
    assert line["reason"] == "no clip that both have a value on"
    lenient = {**PROTOCOL, "statistics": {**PROTOCOL["statistics"], "fewest": 4}}
    (line, _) = compare(rows(base=[1.0] * 4, ours=[2.0] * 4), lenient, baseline="base")
    assert line["p"] == 2 / 16 and line["reason"] is None


def test_order_of_rows_does_not_matter():
    generator = np.random.default_rng(1)
    some = rows(base=generator.normal(size=20).tolist(), ours=generator.normal(size=20).tolist())
    first = compare(some, PROTOCOL, baseline="base")
    assert compare(some[::-1], PROTOCOL, baseline="base") == first
    with pytest.raises(ValueError, match="expected a baseline among base, ours, theirs, got 'none'"):
        compare(some, PROTOCOL, baseline="none")


@pytest.mark.parametrize("units", [8, 25])
def test_without_a_difference_p_is_below_five_percent_in_about_five_percent(units: int):
    generator = np.random.default_rng(units)
    below = sum(sign_flip(generator.normal(size=units), resamples=399, seed=trial) <= 0.05 for trial in range(800))
    assert 0.03 <= below / 800 <= 0.07


def test_the_detectable_difference_is_found_about_as_often_as_stated():
    generator = np.random.default_rng(3)
    size = detectable(generator.normal(size=4000), np.ones(4000), level=0.95) * np.sqrt(4000 / 40)
    found = sum(sign_flip(generator.normal(loc=size, size=40), resamples=299, seed=t) <= 0.05 for t in range(400))
    assert 0.72 <= found / 400 <= 0.88


def test_clusters_are_flipped_and_resampled_whole():
    # Ten speakers whose four clips are equal: 40 clips say no more than ten.
    protocol = {**PROTOCOL, "statistics": {**PROTOCOL["statistics"], "cluster": "speaker"}}
    protocol["axes"] = {
        **PROTOCOL["axes"],
        "drivers": {f"s{i}": [f"d{4 * i + k:02d}" for k in range(4)] for i in range(10)},
    }
    values = np.repeat(np.random.default_rng(5).normal(0.4, 1, 10), 4)
    some = rows(base=[0.0] * 40, ours=values.tolist())
    for row in some:
        row["speaker"] = f"s{int(row['driver'][1:]) // 4}"
    whole = compare(some, protocol, baseline="base")[0]
    single = compare(some, {**protocol, "statistics": PROTOCOL["statistics"]}, baseline="base")[0]
    assert whole["difference"] == pytest.approx(single["difference"]) and whole["p"] > single["p"]
    assert whole["ci_high"] - whole["ci_low"] > 1.5 * (single["ci_high"] - single["ci_low"])
    # twice the standard error, and t of 9 degrees of freedom in place of 39
    assert whole["detectable"] == pytest.approx(2 * (2.262 + 0.883) / (2.023 + 0.851) * single["detectable"], rel=0.05)
