"""Paired comparison: by hand, against simulation, and what it says of clips that are not paired."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.paired import COLUMNS, compare, detectable, holm, sign_flip

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


def test_by_hand():
    base = [1.0, 2.0, 3.0, 4.0, None]
    lines = compare(rows(base=base, ours=[2.0, 4.0, 6.0, 4.0, 9.0], theirs=[0.0] * 4), PROTOCOL, baseline="base")
    assert [tuple(line) for line in lines] == [COLUMNS] * 2
    ours, theirs = lines
    assert (ours["method"], ours["difference"], ours["n"], ours["missing"]) == ("ours", 1.5, 4, 16)
    assert (ours["higher"], ours["lower"], ours["ties"]) == (3, 0, 1)
    # Differences 1, 2, 3, 0: of 16 sign patterns four have a sum of 6 or -6 (the sign of 0 is free).
    assert ours["p"] == 4 / 16
    assert (theirs["difference"], theirs["p"]) == (-2.5, 2 / 16)
    assert (theirs["p_holm"], ours["p_holm"]) == (0.25, 0.25)
    assert ours["detectable"] == pytest.approx((1.959964 + 0.841621) * np.std([1, 2, 3, 0], ddof=1) / 2, rel=1e-5)


def test_holm_by_hand():
    assert holm([0.01, None, 0.04, 0.03]) == [0.03, None, 0.06, 0.06]
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_too_few_clips_have_no_test():
    (line, _) = compare(rows(base=[1.0], ours=[2.0]), PROTOCOL, baseline="base")
    assert (line["difference"], line["p"], line["ci_low"], line["detectable"], line["n"]) == (1.0, None, None, None, 1)
    (line, _) = compare(rows(base=[1.0], ours=[None]), PROTOCOL, baseline="base")
    assert (line["difference"], line["n"], line["missing"]) == (None, 0, 20)


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
    assert whole["detectable"] == pytest.approx(2 * single["detectable"], rel=0.1)
