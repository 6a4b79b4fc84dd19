"""How much a head moves and when: planted angles, planted beats and planted onsets."""

from __future__ import annotations

import numpy as np
import pytest
from heads68 import head_clip, motion

from metrics.clip import Result
from metrics.head_beat import SIGMA, alignment
from metrics.head_beat import motion as movement
from metrics.head_motion import continuous
from metrics.onsets import onset_times
from metrics.registry import evaluate

FPS = 25.0


def nods(times: np.ndarray, frames: int = 100) -> np.ndarray:
    """Angles (T, 3) of a head that turns from one side to the other and rests at each of `times` in seconds, where
    its speed is least."""
    t = (np.arange(frames) + 0.5) / FPS
    stops = np.concatenate([[times[0] - 0.5], times, [times[-1] + 0.5]])
    sides = 8.0 * (-1) ** np.arange(len(stops))
    at = np.clip(np.searchsorted(stops, t) - 1, 0, len(stops) - 2)
    share = np.clip((t - stops[at]) / (stops[at + 1] - stops[at]), 0, 1)
    yaw = sides[at] + (sides[at + 1] - sides[at]) * (1 - np.cos(np.pi * share)) / 2
    return np.stack([np.zeros(frames), yaw, np.zeros(frames)], 1)


def beat(points: np.ndarray, samples: np.ndarray, *, over: str = "") -> Result:
    return evaluate(f"head_beat/{over}puppet68@1", head_clip(points, samples=samples))


STOPS = np.array([0.7, 1.2, 1.9, 2.5, 3.2])


def test_the_spread_is_that_of_the_angles() -> None:
    still = evaluate("head_motion_std/puppet68@1", head_clip(motion.talking_head(np.zeros((30, 3)))))
    assert still.value == pytest.approx(0, abs=1e-9)
    values = [
        evaluate("head_motion_std/puppet68@1", head_clip(motion.talking_head(k * motion.sway(60)))) for k in (0.5, 1, 2)
    ]
    want = motion.sway(60).std(0).mean()
    assert values[1].value == pytest.approx(want, rel=0.25)
    assert values[0].value < values[1].value < values[2].value
    found = np.stack([values[1].series[axis] for axis in ("pitch", "yaw", "roll")], 1)
    assert values[1].value == pytest.approx(found.std(0).mean())


def test_a_whole_turn_is_no_jump() -> None:
    angles = np.array([[0, 0, 178.0], [np.nan] * 3, [0, 0, -179.0], [0, 0, 179.0]])
    assert continuous(angles)[[0, 2, 3], 2].tolist() == [178, 181, 179]


def test_beats_lie_where_the_head_rests() -> None:
    found = movement(nods(STOPS), FPS)
    assert (found.beats + 0.5) / FPS == pytest.approx(STOPS, abs=0.041)
    assert found.speed.shape == (100,) and np.isnan(found.speed[[0, -1]]).all()
    # no speed, and no beat, beside a frame without a face
    holed = nods(STOPS)
    holed[30] = np.nan
    speed = movement(holed, FPS)
    assert np.isnan(speed.speed[[29, 30, 31]]).all() and 30 not in speed.beats and len(speed.beats) == 4


def test_speed_is_in_degrees_a_second() -> None:
    steady = np.outer(np.arange(50), [0.3, 0.0, 0.4])
    assert movement(steady, FPS).speed[10:40] == pytest.approx(np.full(30, 12.5))


def test_heads_that_rest_have_no_beats() -> None:
    assert len(movement(np.zeros((60, 3)), FPS).beats) == 0
    assert len(movement(np.random.default_rng(0).normal(0, 1e-6, (60, 3)), FPS).beats) == 0
    result = beat(motion.talking_head(np.zeros((60, 3))), motion.bursts((0.5, 1.0), 2.4))
    assert result.value is None and result.reason == "the head's motion has no beat while picture and sound both last"


@pytest.mark.parametrize("gap", [0.0, SIGMA, 0.3])
def test_the_formula(gap: float) -> None:
    times = np.array([1.0, 2.0, 3.0])
    assert alignment(times, times + gap) == pytest.approx(np.full(3, np.exp(-(gap**2) / (2 * SIGMA**2))))
    assert alignment(times, np.array([2.0 - gap]))[1] == pytest.approx(np.exp(-(gap**2) / (2 * SIGMA**2)))


def test_nearest_counts_on_either_side() -> None:
    rng = np.random.default_rng(3)
    times, others = np.sort(rng.uniform(0, 9, 40)), np.sort(rng.uniform(0, 9, 25))
    gaps = np.abs(times[:, None] - others).min(1)
    assert alignment(times, others) == pytest.approx(np.exp(-(gaps**2) / (2 * SIGMA**2)))


def test_onsets_are_heard_within_two_hundredths() -> None:
    found = onset_times(motion.bursts(motion.ONSETS, 4.0))
    assert found == pytest.approx(np.array(motion.ONSETS), abs=0.02)


def test_sound_that_is_silent_short_or_begins_at_once() -> None:
    assert onset_times(np.zeros(16000, np.float32)).size == 0
    assert onset_times(np.empty(0, np.float32)).size == 0
    assert onset_times(np.full(100, 0.5, np.float32)).size == 0
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    assert not (onset_times(noise) < 0.03).any()


def test_a_head_in_time_scores_high_and_a_late_one_low() -> None:
    points = motion.talking_head(nods(STOPS))
    values = {
        late: [beat(points, motion.bursts(tuple(STOPS + late), 4.0), over=over).value for over in ("", "onsets-")]
        for late in (0.0, 0.12, 0.24)
    }
    assert min(values[0.0]) > 0.8
    for side in (0, 1):
        assert values[0.0][side] > values[0.12][side] + 0.4 and values[0.12][side] > values[0.24][side]


def test_the_two_means_punish_different_failures() -> None:
    points = motion.talking_head(nods(STOPS))
    few, many = motion.bursts((STOPS[0],), 4.0), motion.bursts((*STOPS, 0.95, 1.55, 2.2, 2.85), 4.0)
    assert beat(points, many).value > 0.8 > 0.65 > beat(points, many, over="onsets-").value
    assert beat(points, few, over="onsets-").value > 0.8 > 0.4 > beat(points, few).value
    curve = beat(points, few).per_frame
    assert np.count_nonzero(~np.isnan(curve)) == 5 and np.nanmean(curve) == pytest.approx(beat(points, few).value)
    assert beat(points, few, over="onsets-").per_frame is None


@pytest.mark.parametrize("over", ["", "onsets-"])
def test_sound_that_is_longer_shorter_or_silent(over: str) -> None:
    points = motion.talking_head(nods(STOPS))
    whole = motion.bursts(tuple(STOPS), 4.0)
    want = beat(points, whole, over=over).value
    longer = np.concatenate([whole, motion.bursts((0.5, 1.0, 1.5), 3.0)])
    assert beat(points, longer, over=over).value == pytest.approx(want, abs=0.02)
    # the head's beats after the sound's end are not held against it
    assert beat(points, whole[: 16000 * 2], over=over).value == pytest.approx(want, abs=0.1)
    for silent in (np.zeros(64000, np.float32), np.empty(0, np.float32), np.full(64000, 5e-4, np.float32)):
        result = beat(points, silent, over=over)
        assert result.value is None and result.reason.startswith("silent audio: loudest sample ")
    hum = (0.3 * np.sin(np.arange(64000) * 0.05)).astype(np.float32)
    steady = beat(points, hum[: 16000 // 2], over=over)
    assert steady.value is None and "has no beat while picture and sound both last" in steady.reason
