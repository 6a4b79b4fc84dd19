"""Where the mouth's square lies, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.mouthbox import SMALLEST, Box, mouth_boxes


def box(left: float, top: float, right: float, bottom: float, *, height: int = 100, width: int = 100) -> Box | None:
    """The square around a mouth whose points span that rectangle."""
    points = np.full((1, 68, 2), -50.0)
    points[:, 48:] = (left + right) / 2, (top + bottom) / 2
    points[:, 48], points[:, 54] = (left, top), (right, bottom)
    return mouth_boxes(points, height, width)[0]


def test_one_and_a_half_times_the_larger_extent_around_its_middle() -> None:
    assert box(40, 50, 60, 54) == (slice(38, 68), slice(36, 66))  # 30: from 35.5 to 64.5, from 37.5 to 66.5
    assert box(50, 40, 54, 60) == (slice(36, 66), slice(38, 68))
    assert box(40, 50, 59, 54) == (slice(38, 67), slice(36, 65))  # 28.5 rounds up to 29


def test_halves_round_alike_everywhere() -> None:
    lefts = [box(x, 50, x + 20, 50)[1].start for x in (40, 41, 42, 43)]
    assert np.diff(lefts).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("span", "rows", "columns"),
    [
        ((0, 50, 20, 50), slice(36, 66), slice(0, 26)),
        ((80, 50, 99, 50), slice(36, 65), slice(76, 100)),
        ((40, 0, 60, 0), slice(0, 16), slice(36, 66)),
        ((40, 99, 60, 99), slice(85, 100), slice(36, 66)),
    ],
)
def test_the_frame_cuts(span: tuple[float, ...], rows: slice, columns: slice) -> None:
    assert box(*span) == (rows, columns)


def test_a_mouth_out_of_the_frame_or_tiny_is_none() -> None:
    assert box(200, 50, 220, 50) is None and box(-60, 50, -40, 50) is None
    assert box(50, 50, 50, 50) is None
    assert box(50, 50, 50 + SMALLEST / 1.5, 50) is not None
    assert box(50, 50, 50 + (SMALLEST - 1) / 1.5, 50) is None
    assert box(40, 50, 60, 50, height=40) is None  # four rows are left


def test_only_the_mouths_points_count_and_each_frame_for_itself() -> None:
    points = np.random.default_rng(0).uniform(-500, 500, (3, 68, 2))
    points[:, 48:] = 30.0
    points[0, 48], points[0, 54] = (20, 30), (40, 30)
    points[1] = np.nan
    points[2, 48], points[2, 54] = (24, 30), (36, 30)
    first, second, third = mouth_boxes(points, 64, 64)
    assert first == (slice(16, 46), slice(16, 46)) and second is None and third == (slice(22, 40), slice(22, 40))
