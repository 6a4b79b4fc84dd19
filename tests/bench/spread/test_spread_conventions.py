"""How far methods are apart in published tables: from the files of published numbers, not typed a second time."""

from __future__ import annotations

import pytest

from bench.spread.conventions import NAMES


def test_gaps_are_the_medians_of_published_neighbours() -> None:
    gaps = {name.title: name.gap for name in NAMES}
    assert gaps["PSNR"] == pytest.approx(20.69 - 19.49)
    assert gaps["SSIM"] == pytest.approx(0.832 - 0.795)
    assert gaps["FID"] == pytest.approx(((22.432 - 22.057) + (24.392 - 22.432)) / 2)
    assert gaps["LPIPS"] is None


def test_films_and_recalled_numbers_do_not_enter() -> None:
    confidence = next(name for name in NAMES if "LSE-C" in name.title)
    # neither Real's 8.211 nor the 4.932 that is only recalled
    assert confidence.neighbours == {"sadtalker-2023-hdtf": [5.110, 7.290, 7.357, 10.221]}
    assert confidence.gap == pytest.approx(2.18)
    assert "10.221" in confidence.source
