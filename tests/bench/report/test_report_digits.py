"""Digits: as many as intervals bear, the same in a column."""

from __future__ import annotations

import pytest

from bench.report.tables.digits import choose_format, show


@pytest.mark.parametrize(
    ("values", "halves", "form"),
    [
        ([31.2, 33.9], [1.2, 0.9], ".1f"),
        ([0.93, 0.88], [0.004, 0.006], ".3f"),
        ([0.93, 0.88], [], ".3f"),
        ([1.0, 1.0], [1e-17, 0.0], ".2f"),
        ([1234.0, 1500.0], [200.0], ".0f"),
        ([9.1e11], [], ".2e"),
        ([3e-6], [], ".2e"),
        ([0.0, 0.0], [], ".2f"),
        ([], [], ".2f"),
        ([1.5], [1e-5], ".5f"),
    ],
)
def test_the_format_of_a_column(values: list[float], halves: list[float], form: str) -> None:
    assert choose_format(values, halves) == form


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (-0.0, ".2f", "0.00"),
        (-0.004, ".2f", "0.00"),
        (-0.006, ".2f", "-0.01"),
        (12.345, ".1f", "12.3"),
        (0.0, ".2e", "0.00e+00"),
    ],
)
def test_a_zero_has_no_sign(value: float, form: str, text: str) -> None:
    assert show(value, form) == text
