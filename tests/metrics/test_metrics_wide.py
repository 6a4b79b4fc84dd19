"""Goldens of metrics whose pictures must be wider than those of the golden clip: MS-SSIM and CPBD.

wide.json holds what each variant gave for a clip made of integers alone, 200 pixels wide. A value that moves needs a
new version in its id. A new variant's value is written by hand, from the message of the test that misses it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from metrics.clip import Clip
from metrics.registry import evaluate, find, get

VALUES = json.loads((Path(__file__).parents[1] / "golden" / "metrics" / "wide.json").read_text())
EVERY = pytest.mark.parametrize("id", sorted(VALUES))


@pytest.fixture(scope="module")
def clip() -> Clip:
    """Two frames of 180x200: ramps, discs and a board, coarser in the video than in its truth."""
    y, x = np.mgrid[:180, :200]
    truth = np.empty((2, 180, 200, 3), np.int64)
    for t in range(2):
        board = ((x + 3 * t) // 13 + y // 17) % 2 * 60
        disc = ((x - 90 - 5 * t) ** 2 + (y - 80) ** 2 < 3000) * 70
        for c in range(3):
            truth[t, ..., c] = (x * (c + 2) + y * 3) // 12 + board + disc + (x * y * (c + 1)) % 11
    frames = truth.copy()
    frames[:, 1:, 1:] = (truth[:, 1:, 1:] + truth[:, :-1, 1:] + truth[:, 1:, :-1] + truth[:, :-1, :-1]) // 4
    frames[..., 1] += 6
    assert truth.min() >= 0 and max(truth.max(), frames.max()) <= 255
    return Clip(frames=frames.astype(np.uint8), truth=truth.astype(np.uint8))


@EVERY
def test_no_value_moves_without_a_new_version(id: str, clip: Clip) -> None:
    result = evaluate(id, clip)
    assert result.value == pytest.approx(VALUES[id], rel=1e-9)
    assert result.coverage == 1 and result.per_frame.shape == (2,) and result.value == result.per_frame.mean()


def test_every_variant_of_these_families_is_here(clip: Clip) -> None:
    families = {get(id).family for id in VALUES}
    lacking = {v.id: v.measure(clip).value for family in families for v in find(family) if v.id not in VALUES}
    assert not lacking


@EVERY
def test_the_truth_itself_is_best(id: str, clip: Clip) -> None:
    ideal = evaluate(id, Clip(frames=clip.truth, truth=clip.truth)).value
    assert ideal > VALUES[id] and (get(id).needs == () or ideal == 1)
