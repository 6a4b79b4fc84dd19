"""Blinks: planted ones by formula and the corpus's own, counted exactly."""

from __future__ import annotations

import numpy as np
import pytest
from heads68 import head_clip, motion

from metrics.blink import SHUT, blinks, eye_aspect_ratio
from metrics.clip import Result
from metrics.registry import evaluate

FPS = 25.0


def eyes(lids: np.ndarray, *, height: float = 8.0) -> np.ndarray:
    """Landmarks float64 (T, 68, 2): eyes 28 pixels wide, `height` high at most, open by `lids` (T,) in 0..1."""
    points = motion.talking_head(np.zeros((len(lids), 3)))
    for first in (36, 42):
        left = points[0, first]
        corners = np.array([[0, 0], [9, -1], [19, -1], [28, 0], [19, 1], [9, 1]])
        shape = np.repeat(corners[None].astype(float), len(lids), 0)
        shape[:, [1, 2, 4, 5], 1] *= height / 2 * lids[:, None]
        points[:, first : first + 6] = left + shape
    return points


def lids(frames: int, *stretches: tuple[int, int], shut: float = 0.1) -> np.ndarray:
    """Open eyes, shut in each stretch (first, length)."""
    out = np.ones(frames)
    for first, length in stretches:
        out[first : first + length] = shut
    return out


def rate(points: np.ndarray) -> Result:
    return evaluate("blink_rate/puppet68@1", head_clip(points))


def test_the_ratio_is_the_papers() -> None:
    assert eye_aspect_ratio(eyes(np.array([1.0, 0.5, 0.0]))) == pytest.approx([8 / 28, 4 / 28, 0])
    one = eyes(np.ones(1))
    one[0, 42:48, 1] = one[0, 42, 1]
    assert eye_aspect_ratio(one) == pytest.approx([4 / 28])


@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_planted_blinks_are_counted(count: int) -> None:
    points = eyes(lids(250, *((20 + 30 * k, 2 + k % 4) for k in range(count))))
    result = rate(points + np.random.default_rng(count).normal(0, 0.15, points.shape))
    assert result.value == pytest.approx(count * 6.0) and result.coverage == 1.0
    assert np.count_nonzero(np.diff(result.series["blink"]) > 0) == count


@pytest.mark.parametrize(("length", "counted"), [(1, False), (2, True), (12, True), (13, False), (40, False)])
def test_how_long_a_blink_is(length: int, counted: bool) -> None:
    assert blinks(eye_aspect_ratio(eyes(lids(100, (30, length)))), FPS) == ([(30, 30 + length)] if counted else [])
    # half a second at another rate
    assert bool(blinks(eye_aspect_ratio(eyes(lids(200, (30, 2 * length)))), 50.0)) == (length <= 12)


@pytest.mark.parametrize("shut", [SHUT - 0.02, SHUT + 0.02])
@pytest.mark.parametrize("height", [4.0, 11.0])
def test_how_far_lids_go_is_against_the_clip_s_own_eyes(shut: float, height: float) -> None:
    points = eyes(lids(100, (30, 4), (60, 3), shut=shut), height=height)
    assert rate(points).value == (30.0 if shut < SHUT else 0.0)


def test_open_eyes_are_the_median_s_even_where_many_frames_are_shut() -> None:
    """A long look downwards is no blink, and does not hide a shallow one."""
    half_shut = lids(100, (10, 30), shut=0.0)
    half_shut[60:64] = 0.6
    assert blinks(eye_aspect_ratio(eyes(half_shut)), FPS) == [(60, 64)]


def test_blinks_at_the_ends_and_beside_a_gap_count_as_what_is_left() -> None:
    points = eyes(lids(100, (0, 3), (97, 3), (50, 6)))
    points[53] = np.nan
    found = blinks(eye_aspect_ratio(points), FPS)
    assert found == [(0, 3), (50, 53), (54, 56), (97, 100)]
    assert rate(points).value == pytest.approx(4 / (99 / 25 / 60))
    assert np.isnan(rate(points).series["blink"][53])


def test_eyes_that_are_shut_half_the_time_or_have_no_width() -> None:
    shut = rate(eyes(lids(60, (0, 40), shut=0.0)))
    assert shut.value is None and shut.reason.startswith("eyes of no height")
    points = eyes(np.ones(40))
    points[:, 39] = points[:, 36]
    assert rate(points).value is None and rate(points).coverage == 0.0


def test_the_corpus_s_blinks_are_counted_by_exact_landmarks() -> None:
    """Every blink that its gestures plant, and no other, in four identities."""
    from bench.datasets.puppets import speech
    from bench.datasets.puppets.corpus import perform_labels, stream
    from bench.datasets.puppets.gestures import gestures

    said = [r.id for r in speech.recordings() if r.split == "test"]
    for k, name in enumerate(("test-001", "test-006", "test-012", "test-020")):
        spoken = speech.speech(said[5 * k])
        marks, _ = perform_labels(name, spoken)
        planted = gestures(spoken.samples, len(marks), stream("gestures", name, spoken.driver)).blink
        begun = np.count_nonzero(np.diff(np.concatenate([[0], planted >= 0.45])) > 0)
        assert len(blinks(eye_aspect_ratio(marks.astype(float)), FPS)) == begun > 0
