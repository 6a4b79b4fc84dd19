"""CPBD: widths of edges in closed form, which blocks and edges count, and what blur does to it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from metrics.clip import Clip, Result
from metrics.cpbd import BLOCK, run_widths, sharp_share, upright_edges
from metrics.registry import evaluate

ID = "cpbd/sobel-grey@1"


def bars(width: int, *, low: int = 40, high: int = 200, side: int = 64) -> np.ndarray:
    """uint8 (side, side): one upright bar whose two flanks are ramps `width` pixels wide."""
    x = np.arange(side)
    rise, fall = (np.clip((x - at) / width, 0, 1) for at in (12, 40))
    return np.repeat(np.rint(low + (high - low) * (rise - fall)).astype(np.uint8)[None], side, 0)


def measured(grey: np.ndarray) -> Result:
    return evaluate(ID, Clip(frames=np.repeat(grey[None, ..., None], 3, 3)))


def photograph(name: str) -> np.ndarray:
    from skimage import data

    return getattr(data, name)()[:256, 100:356].astype(float)


@pytest.mark.parametrize("width", [1, 2, 4, 5, 8])
def test_widths_of_ramps(width: int) -> None:
    grey = bars(width)
    y, x, rising = upright_edges(grey)
    assert len(y) == 2 * 62 and set(y.tolist()) == set(range(1, 63))
    assert rising.sum() == 62 and (rising == (x < 30)).all()
    assert (run_widths(grey, y, x, rising) == width).all()


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6, 7])
def test_just_noticed_widths_at_both_contrasts(width: int) -> None:
    assert sharp_share(bars(width)) == (width <= 3)
    assert sharp_share(bars(width, low=100, high=150)) == (width <= 5)  # a contrast of 50
    assert sharp_share(bars(width, low=100, high=151)) == (width <= 3)


def test_runs_end_at_extrema_plateaus_and_borders() -> None:
    grey = np.array([[9, 5, 6, 8, 8, 9, 12, 11, 3, 1]], np.uint8)
    for x, rising, width in ((2, True, 2), (5, True, 2), (8, False, 3), (6, True, 2), (0, False, 1), (9, False, 3)):
        found = run_widths(grey, np.array([0]), np.array([x]), np.array([rising]))
        assert found.tolist() == [width], x
    two = np.array([[1, 2, 3], [3, 4, 5]], np.uint8)  # a run does not go on in the next row
    assert run_widths(two, np.array([0, 1]), np.array([1, 1]), np.array([True, True])).tolist() == [2, 2]


def test_edges_are_upright_and_strong() -> None:
    grey = bars(2)
    assert len(upright_edges(np.ascontiguousarray(grey.T))[0]) == 0
    faint = grey.copy()
    faint[:, 50:] += 4  # a step too weak beside the bar
    assert set(upright_edges(faint)[1].tolist()) == set(upright_edges(grey)[1].tolist())


def test_a_block_needs_edges_in_more_than_a_five_hundredth() -> None:
    few = np.full((64, 64), 90, np.uint8)
    few[20:26, 30:] = 200  # six rows, and one at either side by Sobel's height: eight edges of 4,096 pixels
    y, _, _ = upright_edges(few)
    assert len(y) <= 8 and np.isnan(sharp_share(few))
    few[20:40, 30:] = 200
    assert sharp_share(few) == 1.0


def test_each_block_has_its_own_contrast_and_the_rest_is_left_out() -> None:
    strong, weak = bars(4, low=90, high=162), bars(4, low=100, high=148)
    assert sharp_share(strong) == 0.0 and sharp_share(weak) == 1.0
    assert sharp_share(np.concatenate([strong, weak], 0)) == 0.5  # ramps of one width, seen as blurred above only
    assert sharp_share(np.concatenate([weak, bars(8, low=100, high=148)[:, :60]], 1)) == 1.0


@pytest.mark.parametrize("name", ["astronaut", "coffee", "cat"])
def test_blur_lowers_it(name: str) -> None:
    sharp = photograph(name)
    values = [
        evaluate(ID, Clip(frames=np.rint(gaussian_filter(sharp, (s, s, 0))).astype(np.uint8)[None])).value
        for s in (0, 0.5, 0.75, 1, 1.5, 2)
    ]
    assert (np.diff(values) < 0).all() and values[0] > 0.3 and values[-1] < 0.1


def test_frames_are_averaged_and_flat_ones_left_out() -> None:
    frames = np.repeat(np.stack([bars(2), np.full((64, 64), 7, np.uint8), bars(6)])[..., None], 3, 3)
    result = evaluate(ID, Clip(frames=frames))
    assert result.value == 0.5 and result.coverage == pytest.approx(2 / 3)
    assert result.per_frame[[0, 2]].tolist() == [1, 0] and np.isnan(result.per_frame[1])


def test_no_value_without_edges_or_room() -> None:
    flat = measured(np.full((64, 70), 9, np.uint8))
    assert flat.value is None and flat.coverage == 0 and flat.reason == "no frame has a block with edges"
    small = measured(np.zeros((63, 200), np.uint8))
    assert small.value is None and small.reason == f"frames of 200x63 are smaller than a block of {BLOCK}x{BLOCK}"
