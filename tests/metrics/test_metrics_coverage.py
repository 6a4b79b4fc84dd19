"""Which frames count, and when too few do."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.coverage import seen, too_few


def test_a_frame_counts_where_all_have_a_face() -> None:
    a, b = np.zeros((4, 68, 2)), np.zeros((4, 68, 2))
    a[0], b[2] = np.nan, np.nan
    assert seen(a).tolist() == [False, True, True, True]
    assert seen(a, b).tolist() == seen(b, a).tolist() == [False, True, False, True]


@pytest.mark.parametrize(("frames", "lost", "enough"), [(10, 2, True), (10, 3, False), (1, 0, True), (1, 1, False)])
def test_four_fifths(frames: int, lost: int, enough: bool) -> None:
    said = too_few(np.arange(frames) >= lost)
    assert said is None if enough else said == f"a face was found in {frames - lost} of {frames} frames, under 80%"
