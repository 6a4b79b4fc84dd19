"""Pose error: planted turns, and what is neither pose nor error."""

from __future__ import annotations

import numpy as np
import pytest
from heads68 import head_clip, motion

from metrics.clip import Result
from metrics.registry import evaluate


def error(ours: np.ndarray, theirs: np.ndarray) -> Result:
    return evaluate("pose_error/puppet68@1", head_clip(ours, theirs))


def test_a_planted_roll_counts_a_third() -> None:
    truth = motion.talking_head(np.zeros((10, 3)))
    turn = np.deg2rad(6)
    plane = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    result = error(truth @ plane.T, truth)
    assert result.series["roll"] - result.series["truth_roll"] == pytest.approx(np.full(10, 6.0), abs=0.2)
    assert result.value == pytest.approx(2, abs=0.4) and result.per_frame == pytest.approx(np.full(10, result.value))
    back = error(truth, truth @ plane.T)
    assert back.value == pytest.approx(result.value, abs=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_it_grows_with_every_turn(axis: int) -> None:
    truth = motion.talking_head(motion.sway(40))
    values = []
    for turn in (0.0, 2.0, 5.0, 10.0, 20.0):
        turns = np.zeros(3)
        turns[axis] = turn
        values.append(error(motion.talking_head(motion.sway(40) + turns), truth).value)
    assert values[0] == 0 and (np.diff(values) > 0.3).all()
    assert values[-1] == pytest.approx(20 / 3, abs=2.5)


def test_an_upside_down_head_is_no_more_than_a_half_turn_away() -> None:
    rolls = np.arange(165.0, 196)[:, None] * (0, 0, 1)
    result = error(motion.talking_head(rolls + (0, 0, 4)), motion.talking_head(rolls))
    assert (np.abs(result.series["roll"] - result.series["truth_roll"]) > 300).any()
    assert (result.per_frame < 3).all() and result.value == pytest.approx(4 / 3, abs=0.1)


def test_a_picture_s_size_and_the_mouth_do_not_enter() -> None:
    truth = motion.talking_head(motion.sway(30))
    spoken = motion.talking_head(motion.sway(30), shut=(4, 20), blinks=(9,), size=1.6)
    assert error(spoken, truth).value == pytest.approx(0, abs=1e-6)


def test_frames_that_enter() -> None:
    ours, truth = motion.talking_head(motion.sway(30)), motion.talking_head(motion.sway(30) + 3)
    want = error(ours, truth).per_frame[6:].mean()
    ours[:3], truth[2:6] = np.nan, np.nan
    result = error(ours, truth)
    assert result.coverage == 0.8 and result.value == pytest.approx(want)
    assert np.isnan(result.per_frame[:6]).all() and np.isfinite(result.series["pitch"][3:]).all()
