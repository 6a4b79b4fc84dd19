"""Places: by hand, and the property that a clip that fails never improves the place of the method it fails for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.report.tables.cards import Card
from bench.stats.ranking import COLUMNS, rank

METRIC = "m/x@1"
METHODS = ["a", "b", "c", "d"]
CARDS = {
    "lower": Card(METRIC, "", direction="lower"),
    "higher": Card(METRIC, "", direction="higher"),
    "target": Card(METRIC, "", direction="target", target=1.0),
}


def make_protocol(clips: int, *, speakers: int | None = None) -> dict:
    names = [f"d{k:02}" for k in range(clips)]
    drivers = {"s": names} if speakers is None else {f"s{i}": names[i::speakers] for i in range(speakers)}
    return {
        "id": "tiny@1",
        "methods": METHODS,
        "metrics": [METRIC],
        "settings": [{"name": "f32"}],
        "axes": {"drivers": drivers, "references": ["r"], "seeds": [0], "pairs": "all"},
        "statistics": {"resamples": 200, "level": 0.95, "seed": 0, "cluster": "clip", "fewest": 5},
    }


def make_rows(values: dict[str, list[float | None]]) -> list[dict]:
    return [
        {
            "method": method,
            "setting": "f32",
            "metric": METRIC,
            "speaker": "s",
            "reference": "r",
            "driver": f"d{index:02}",
            "seed": 0,
            "status": "failed" if value is None else "ok",
            "value": value,
        }
        for method, some in values.items()
        for index, value in enumerate(some)
    ]


def places(values: dict[str, list[float | None]], card: str = "lower", clips: int | None = None) -> dict[str, dict]:
    protocol = make_protocol(clips or max(map(len, values.values())))
    made = rank(make_rows(values), protocol, {METRIC: CARDS[card]}, list(values))
    assert all(tuple(line) == COLUMNS for line in made)
    return {line["method"]: line for line in made}


def test_among_equally_complete_methods_the_mean_on_shared_clips_decides():
    found = places({"a": [3.0, 9.0, None], "b": [4.0, None, 0.0], "c": [None, 1.0, 1.0]}, clips=3)
    assert {line["n"] for line in found.values()} == {0} and {line["rank"] for line in found.values()} == {1}
    found = places({"a": [3.0, 9.0, None], "b": [4.0, None, 0.0]}, clips=3)
    assert [(found[m]["rank"], found[m]["n"], found[m]["value"]) for m in "ab"] == [(1, 1, 3.0), (2, 1, 4.0)]


def test_a_method_with_fewer_clips_comes_after_those_with_more():
    found = places({"a": [5.0] * 6, "b": [1.0] * 5 + [None], "c": [None] * 6})
    assert [found[m]["rank"] for m in "abc"] == [1, 2, 3] and not found["b"]["first"]
    assert found["b"]["reason"] == "a value on 5 clips, the most complete on 6: after these"
    assert found["c"]["reason"] == "no clip has a value" and found["c"]["value"] is None
    assert found["a"]["n"] == 5  # what c lacks is not taken from the others
    assert found["b"]["value"] == 1.0


@pytest.mark.parametrize(("card", "order"), [("lower", [1, 2, 3]), ("higher", [3, 2, 1]), ("target", [2, 1, 3])])
def test_the_card_says_what_is_better(card: str, order: list[int]):
    found = places({"a": [0.0] * 6, "b": [1.5] * 6, "c": [4.0] * 6}, card)
    assert [found[m]["rank"] for m in "abc"] == order


def test_the_first_place_is_shared_where_the_test_cannot_tell():
    rng = np.random.default_rng(4)
    base = rng.normal(size=30)
    near, far = base + rng.normal(0.01, 1, 30), base + 3
    found = places({"a": base.tolist(), "b": near.tolist(), "c": far.tolist()})
    assert [found[m]["first"] for m in "abc"] == [True, True, False]
    assert found["c"]["rank"] == 3 and found["c"]["p_holm"] < 0.05 < max(found[m]["p_holm"] or 0 for m in "ab")


def test_too_few_clips_share_the_first_place_and_say_why():
    found = places({"a": [0.0] * 4, "b": [1.0] * 4})
    assert [(found[m]["rank"], found[m]["first"]) for m in "ab"] == [(1, True), (2, True)]
    assert found["b"]["reason"] == "no test from 4 clips, expected at least 5"


def test_without_a_direction_there_are_no_places():
    protocol = make_protocol(6)
    for cards in ({}, {METRIC: Card(METRIC, "")}, {METRIC: Card(METRIC, "", direction="target")}):
        (line,) = rank(make_rows({"a": [1.0] * 6}), protocol, cards, ["a"])
        assert line["rank"] is None and not line["first"] and "not known" in line["reason"]


def test_the_order_of_rows_and_clips_of_others_do_not_matter():
    values = {m: np.random.default_rng(k).normal(size=9).tolist() for k, m in enumerate(METHODS)}
    some, protocol, card = make_rows(values), make_protocol(9), {METRIC: CARDS["lower"]}
    assert rank(some[::-1], protocol, card, METHODS) == rank(some, protocol, card, METHODS)
    stray = {**some[0], "driver": "elsewhere", "value": -1e9}
    assert rank([*some, stray], protocol, card, METHODS) == rank(some, protocol, card, METHODS)


CELL = st.one_of(st.none(), st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))


@st.composite
def table(draw):
    clips = draw(st.integers(1, 9))
    methods = METHODS[: draw(st.integers(2, 4))]
    values = {m: draw(st.lists(CELL, min_size=clips, max_size=clips)) for m in methods}
    there = [(m, k) for m in methods for k in range(clips) if values[m][k] is not None]
    return values, draw(st.sampled_from(there)) if there else None, draw(st.sampled_from(sorted(CARDS)))


@settings(max_examples=400, deadline=None)
@given(table())
def test_a_clip_that_fails_never_improves_the_place_of_its_method(case):
    values, chosen, card = case
    if chosen is None:
        return
    method = chosen[0]
    failed = {m: [None if (m, k) == chosen else v for k, v in enumerate(some)] for m, some in values.items()}
    before, after = places(values, card), places(failed, card)
    assert after[method]["rank"] >= before[method]["rank"]
    assert after[method]["first"] <= before[method]["first"]
    for one in values:  # nor does it lift a third method over one that completed more clips
        for other in values:
            if method not in (one, other) and before[one]["completed"] < before[other]["completed"]:
                assert after[one]["rank"] > after[other]["rank"]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nor_by_a_metric_of_all_clips_together(data):
    made_of = {m: data.draw(st.sets(st.integers(0, 3))) for m in METHODS[:3]}
    value = {m: data.draw(st.floats(0, 10)) for m in made_of}
    loser = data.draw(st.sampled_from(sorted(made_of)))
    if not made_of[loser]:
        return
    less = {**made_of, loser: set(sorted(made_of[loser])[1:])}
    moved = {**value, loser: data.draw(st.floats(0, 10))}
    before, after = (pooled_places(*case) for case in ((made_of, value), (less, moved)))
    assert after[loser]["rank"] >= before[loser]["rank"]


def pooled_places(made_of: dict[str, set[int]], value: dict[str, float], reach: float | None = None) -> dict[str, dict]:
    rows = []
    for method, some in made_of.items():
        about = {"method": method, "setting": "f32", "metric": METRIC, "seed": 0}
        for k in some:
            rows.append(
                {**about, "speaker": "s", "reference": "r", "driver": f"d{k}", "status": "pooled", "value": None}
            )
        v = value[method] if some else None
        notes = {"clips": len(some)} | ({"interval": [v - reach, v + reach]} if reach is not None and some else {})
        every = {"speaker": "*", "reference": "*", "driver": "*", "status": "ok", "notes": notes}
        rows.append({**about, **every, "value": v})
    made = rank(rows, make_protocol(4), {METRIC: CARDS["lower"]}, list(made_of))
    return {line["method"]: line for line in made}


def test_values_of_all_clips_together_are_ranked_where_they_rest_on_the_same():
    same = {m: {0, 1, 2} for m in "abc"}
    found = pooled_places(same, {"a": 9.0, "b": 5.0, "c": 6.0}, reach=1.0)
    assert [(found[m]["rank"], found[m]["first"], found[m]["n"]) for m in "abc"] == [
        (3, False, 3),
        (1, True, 3),
        (2, True, 3),
    ]
    found = pooled_places({**same, "b": {1, 2}}, {"a": 9.0, "b": 5.0, "c": 6.0}, reach=0.1)
    assert [found[m]["rank"] for m in "abc"] == [2, 3, 1] and found["c"]["first"] and not found["a"]["first"]
    found = pooled_places({**same, "b": {1, 2, 3}}, {"a": 9.0, "b": 5.0, "c": 6.0}, reach=0.1)
    assert {found[m]["rank"] for m in "abc"} == {1} and "other clips" in found["a"]["reason"]
    found = pooled_places(same, {"a": 9.0, "b": 5.0, "c": 6.0})
    assert found["a"]["first"] and "no interval" in found["a"]["reason"]
