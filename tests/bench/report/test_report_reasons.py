"""Reasons that differ by numbers alone are said once."""

from __future__ import annotations

import itertools

from bench.report.tables.reasons import fold


def test_numbers_become_a_range() -> None:
    reasons = {"a": "spread 0.3 %, under 0.5", "b": "spread 0.01 %, under 0.5", "c": "no face"}
    assert fold(reasons) == {"spread 0.01 to 0.3 %, under 0.5": ["a", "b"], "no face": ["c"]}


def test_names_hashes_and_versions_are_no_numbers() -> None:
    reasons = {
        "a": "lmd/face68@1 failed (traceback 1a2b) in v1.2.3",
        "b": "lmd/face51@1 failed (traceback 9a2b) in v1.2.3",
    }
    assert list(fold(reasons)) == list(reasons.values())


def test_the_order_of_items_does_not_matter() -> None:
    texts = {"a": "1 of 1.0", "b": "1.0 of 1", "c": "-3e-2 of 7"}
    said = {tuple(fold(dict(order))) for order in itertools.permutations(texts.items())}
    assert said == {("-3e-2 to 1.0 of 1 to 7",)}
