"""The summary: columns, order, n and coverage, seeds that belong to a line, clusters."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.bootstrap import derive_seed, interval
from bench.stats.summary import COLUMNS, clips, summarise

PROTOCOL = {
    "id": "tiny@1",
    "methods": ["b", "a"],
    "metrics": ["psnr/x@1", "ssim/y@1"],
    "settings": [{"name": "f32"}, {"name": "bf16"}],
    "axes": {"drivers": {"s1": ["d1", "d2"], "s2": ["d3"]}, "references": ["r1", "r2"], "seeds": [0], "pairs": "all"},
    "statistics": {"resamples": 200, "level": 0.9, "seed": 4, "cluster": "clip"},
}


def make_rows() -> list[dict]:
    values = np.random.default_rng(0)
    return [
        {
            "method": method,
            "setting": setting["name"],
            "metric": metric,
            "speaker": clip[0],
            "reference": clip[1],
            "driver": clip[2],
            "seed": clip[3],
            "status": "ok",
            "value": values.normal(),
        }
        for method in PROTOCOL["methods"]
        for setting in PROTOCOL["settings"]
        for metric in PROTOCOL["metrics"]
        for clip in clips(PROTOCOL)
    ]


def test_lines_have_the_columns_in_the_protocols_order():
    lines = summarise(make_rows(), PROTOCOL)
    assert [tuple(line) for line in lines] == [COLUMNS] * 8
    assert [(line["method"], line["setting"], line["metric"]) for line in lines[:3]] == [
        ("b", "f32", "psnr/x@1"),
        ("b", "f32", "ssim/y@1"),
        ("b", "bf16", "psnr/x@1"),
    ]
    assert all(line["n"] == 6 and line["coverage"] == 1.0 for line in lines)


def test_row_order_and_other_methods_do_not_matter():
    rows = make_rows()
    first = summarise(rows, PROTOCOL)
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    assert summarise(shuffled, PROTOCOL) == first
    alone = summarise([row for row in rows if row["method"] == "a"], {**PROTOCOL, "methods": ["a"]})
    assert alone == [line for line in first if line["method"] == "a"]


def test_a_line_is_the_interval_of_its_clips_with_its_own_seed():
    rows = make_rows()
    values = np.array(
        [r["value"] for r in rows if (r["method"], r["setting"], r["metric"]) == ("a", "f32", "ssim/y@1")]
    )
    made = interval(values, resamples=200, level=0.9, seed=derive_seed(4, "a", "f32", "ssim/y@1"))
    (line,) = [ln for ln in summarise(rows, PROTOCOL) if ln["method"] == "a" and ln["setting"] == "f32"][1:]
    assert (line["value"], line["ci_low"], line["ci_high"]) == (made.value, made.low, made.high)


def test_failures_lower_n_and_coverage_and_never_enter_the_mean():
    rows = make_rows()
    for row in rows[:5]:
        row.update(status="failed", value=None)
    lines = summarise(rows, PROTOCOL)
    assert (lines[0]["n"], lines[0]["coverage"]) == (1, 1 / 6)
    assert lines[0]["value"] == rows[5]["value"] and lines[0]["ci_low"] is None
    assert lines[0]["ci_reason"] == "no interval from 1 clip, expected at least 5"
    rows[5].update(status="unavailable", value=None)
    lines = summarise(rows, PROTOCOL)
    assert (lines[0]["value"], lines[0]["n"], lines[0]["coverage"]) == (None, 0, 0.0)
    assert lines[0]["ci_reason"] == "no clip has a value" and lines[1]["ci_reason"] is None


def test_clips_that_are_missing_from_the_rows_count_as_expected():
    assert summarise([], PROTOCOL)[0]["coverage"] == 0.0
    axes = {**PROTOCOL["axes"], "references": ["d1", "d3", "z"]}
    assert len(clips({**PROTOCOL, "axes": {**axes, "pairs": "same"}})) == 2
    dealt = clips({**PROTOCOL, "axes": {**axes, "pairs": "dealt"}})
    assert sorted(clip[2] for clip in dealt) == sorted(d for some in axes["drivers"].values() for d in some)


def test_two_rows_for_one_clip_are_refused():
    rows = make_rows()
    with pytest.raises(ValueError, match="two rows"):
        summarise([*rows, rows[0]], PROTOCOL)


def test_the_protocol_says_how_few_clips_are_too_few():
    rows = make_rows()
    assert summarise(rows, PROTOCOL)[0]["ci_reason"] is None
    strict = {**PROTOCOL, "statistics": {**PROTOCOL["statistics"], "fewest": 7}}
    (line, *_) = summarise(rows, strict)
    assert line["value"] is not None and (line["ci_low"], line["ci_high"]) == (None, None)
    assert line["ci_reason"] == "no interval from 6 clips, expected at least 7"


def test_clusters_are_named_where_they_are_too_few():
    by_speaker = {**PROTOCOL, "statistics": {**PROTOCOL["statistics"], "cluster": "speaker"}}
    (line, *_) = summarise(make_rows(), by_speaker)
    assert line["ci_reason"] == "no interval from clips of 2 speakers, expected at least 3"


def test_drivers_can_be_drawn_instead_of_clips():
    by_driver = {**PROTOCOL, "statistics": {**PROTOCOL["statistics"], "cluster": "driver"}}
    one, two = summarise(make_rows(), PROTOCOL)[0], summarise(make_rows(), by_driver)[0]
    assert one["value"] == two["value"] and (one["ci_low"], one["ci_high"]) != (two["ci_low"], two["ci_high"])


def test_a_pooled_value_without_limits_says_why():
    row = {"method": "b", "setting": "f32", "metric": "psnr/x@1", "reference": "*", "value": 3.0, "reason": None}
    lines = summarise([{**row, "notes": {"clips": 3, "no_interval": "of two groups"}}], PROTOCOL)
    assert (lines[0]["value"], lines[0]["n"], lines[0]["ci_reason"]) == (3.0, 3, "of two groups")
    lines = summarise([{**row, "notes": {"clips": 3, "interval": [2.0, 4.0]}}], PROTOCOL)
    assert (lines[0]["ci_low"], lines[0]["ci_high"], lines[0]["ci_reason"]) == (2.0, 4.0, None)
