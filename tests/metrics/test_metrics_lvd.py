"""Landmark velocity difference: closed forms, and what it must not see."""

from __future__ import annotations

import numpy as np
import pytest
from faces68 import marked, syllables, talk

from metrics.clip import Result
from metrics.registry import evaluate

MOUTH, CENTRED, FACE = "mouth20-px", "mouth20-centred-px", "face68-px"
ALL = (MOUTH, CENTRED, FACE)


def lvd(name: str, ours: np.ndarray, theirs: np.ndarray, size: tuple[int, int] = (256, 256)) -> Result:
    return evaluate(f"lvd/{name}-puppet68@1", marked(ours, theirs, size=size))


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    return talk(syllables(), seed=1), talk(syllables()[::-1], seed=2)


@pytest.mark.parametrize("name", ALL)
def test_identity_symmetry_and_direction_of_time(name: str, pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    assert lvd(name, ours, ours).value == 0
    value = lvd(name, ours, theirs).value
    assert value > 0 and lvd(name, theirs, ours).value == pytest.approx(value, rel=1e-12)
    assert lvd(name, ours[::-1], theirs[::-1]).value == pytest.approx(value, rel=1e-12)


def test_one_point_that_moves_has_a_closed_form() -> None:
    still = talk(np.zeros(4))
    moving = talk(np.array([0.0, 20, 20, 0]))  # one point by 20, not at all, and back
    assert lvd(MOUTH, moving, still).per_frame == pytest.approx([np.nan, 1, 0, 1], nan_ok=True)
    assert lvd(MOUTH, moving, still).value == pytest.approx(2 / 3)
    assert lvd(FACE, moving, still).value == pytest.approx(2 / 3 * 20 / 68)
    assert lvd(CENTRED, moving, still).value == pytest.approx(2 / 3 * (19 + 19) / 20)


@pytest.mark.parametrize("name", ALL)
def test_where_the_face_is_does_not_count(name: str, pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    assert lvd(name, ours + (30.0, -7.0), theirs).value == pytest.approx(lvd(name, ours, theirs).value, rel=1e-9)


def test_a_head_that_drifts(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, _ = pair
    drift = ours + np.arange(len(ours))[:, None, None] * (0.3, 0.4)
    assert lvd(MOUTH, drift, ours).value == pytest.approx(0.5) and lvd(FACE, drift, ours).value == pytest.approx(0.5)
    assert lvd(CENTRED, drift, ours).value == pytest.approx(0, abs=1e-9)


def test_lips_that_move_too_little_or_too_far() -> None:
    opening = syllables()
    truth = talk(opening)
    values = [lvd(MOUTH, talk(opening.mean() + k * (opening - opening.mean())), truth).value for k in (1, 0.5, 0, -0.5)]
    assert values[0] == 0 and np.diff(values) == pytest.approx([values[1]] * 3)


def test_pixels_at_256_do_not_depend_on_the_resolution(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    for name in ALL:
        small = lvd(name, ours, theirs, (128, 128)).value
        assert lvd(name, 3 * ours, 3 * theirs, (384, 384)).value == pytest.approx(small, rel=1e-9)
        assert small == pytest.approx(2 * lvd(name, ours, theirs).value, rel=1e-9)


def test_frames_without_a_face(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = (points.copy() for points in pair)
    ours[10] = np.nan
    result = lvd(MOUTH, ours, theirs)
    assert result.coverage == 0.98 and np.flatnonzero(np.isnan(result.per_frame)).tolist() == [0, 10, 11]
    assert result.value == pytest.approx(np.nanmean(result.per_frame))
    ours[:11] = np.nan
    result = lvd(MOUTH, ours, theirs)
    assert result.value is None and result.reason == "a face was found in 39 of 50 frames, under 80%"


def test_one_frame_has_no_velocity(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    result = lvd(MOUTH, ours[:1], theirs[:1])
    assert result.value is None and result.coverage == 1 and "expected at least 2" in result.reason
