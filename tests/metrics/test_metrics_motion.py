"""Every metric of movement: golden values, laws of place, size and order, and input that has no value."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest
from contract import sound
from heads68 import MOTION, change_points, motion

from metrics.clip import Clip
from metrics.landmarks import BACKENDS
from metrics.registry import evaluate, get, variants

VALUES = json.loads(MOTION.with_suffix(".json").read_text())
EVERY = pytest.mark.parametrize("id", [id.replace("*", "puppet68") for id in sorted(VALUES)])
IN_ORDER = ("head_beat", "blink_rate", "jitter", "jitter_ratio", "bilabial_closure")
SECOND = ("head_beat", "blink_rate", "head_motion_std")


@pytest.fixture(scope="module")
def clip() -> Clip:
    return motion.open_motion(tuple(BACKENDS))


def golden(id: str) -> dict[str, float]:
    return VALUES[id.replace("puppet68", "*")]


def cut(clip: Clip, frames: int) -> Clip:
    """The first frames alone, with all the sound."""
    return change_points(clip, lambda points: points[:frames])


def test_every_variant_of_these_families_has_a_golden_value() -> None:
    found = {id for id, variant in variants().items() if variant.family in motion.FAMILIES}
    assert found == {id.replace("*", name) for id in VALUES for name in BACKENDS}, "run tests/golden/metrics/motion.py"
    assert all(expected["value"] is not None for expected in VALUES.values())
    for id in found:
        backend = next(name for name in BACKENDS if f"landmarks:{name}" in get(id).needs)
        assert get(id).weights == tuple(BACKENDS[backend])


@EVERY
def test_no_value_moves_without_a_new_version(id: str, clip: Clip) -> None:
    result = evaluate(id, clip)
    sound(result, motion.FRAMES, get(id).bounds)
    # librosa's mel spectrogram is float32
    near = 1e-4 if "samples" in get(id).needs else 1e-9
    assert result.value == pytest.approx(golden(id)["value"], rel=near)
    assert result.coverage == golden(id)["coverage"] == 0.98
    for name in BACKENDS:
        assert evaluate(id.replace("puppet68", name), clip).value == result.value


@EVERY
def test_the_truth_itself_is_best(id: str, clip: Clip) -> None:
    variant = get(id)
    same = dataclasses.replace(clip, landmarks=clip.truth_landmarks)
    if variant.family == "pose_error":
        assert evaluate(id, same).value == 0
    if variant.target is not None:
        assert evaluate(id, same).value == variant.target != golden(id)["value"]


@EVERY
@pytest.mark.parametrize(
    "change", [lambda p: p + (40.0, -7.5), lambda p: 1.7 * p, lambda p: 0.4 * p + 300], ids=["moved", "larger", "both"]
)
def test_where_and_how_large_the_face_is_does_not_matter(id: str, change: Callable, clip: Clip) -> None:
    assert evaluate(id, change_points(clip, change)).value == pytest.approx(golden(id)["value"], rel=1e-4)


@EVERY
def test_only_numbers_of_neighbours_depend_on_the_order(id: str, clip: Clip) -> None:
    order = np.random.default_rng(3).permutation(motion.FRAMES)
    value = evaluate(id, change_points(clip, lambda points: points[order])).value
    assert (value == pytest.approx(golden(id)["value"], rel=1e-9)) == (get(id).family not in IN_ORDER)


@EVERY
def test_no_face_and_too_few_faces(id: str, clip: Clip) -> None:
    none = evaluate(id, change_points(clip, lambda points: np.full_like(points, np.nan)))
    sound(none, motion.FRAMES, get(id).bounds)
    assert none.value is None and none.coverage == 0.0 and "0 of 100 frames" in none.reason
    lost = np.arange(motion.FRAMES) % 4 == 0
    few = evaluate(id, change_points(clip, lambda points: np.where(lost[:, None, None], np.nan, points)))
    sound(few, motion.FRAMES, get(id).bounds)
    assert few.value is None and "under 80%" in few.reason and few.coverage == pytest.approx(0.74, abs=0.02)


@EVERY
@pytest.mark.parametrize("frames", [1, 2, 3, 12, 24, 25])
def test_short_clips(id: str, frames: int, clip: Clip) -> None:
    whole = change_points(clip, lambda points: np.where(np.isnan(points), points[:1], points))
    result = evaluate(id, cut(whole, frames))
    sound(result, frames, get(id).bounds)
    family = get(id).family
    if family in SECOND and frames < 25:
        assert result.reason == f"{frames} frames with a face, expected at least 25"
    elif family.startswith("jitter"):
        assert (result.value is None) == (frames < 3)
    elif family == "bilabial_closure" and frames <= 12:
        assert result.reason == "no frame with a face at any of 3 P, B and M"
    elif family != "head_beat":
        assert result.value is not None


@EVERY
def test_gaps_are_never_differenced_over(id: str, clip: Clip) -> None:
    """A face that jumps while it is out of sight has not trembled, and has not turned fast."""
    if get(id).family not in ("jitter", "jitter_ratio", "head_beat"):
        return
    away = np.arange(motion.FRAMES) > 55
    jumped = evaluate(id, change_points(clip, lambda p: p + np.where(away, 50.0, 0.0)[:, None, None]))
    assert jumped.value == pytest.approx(golden(id)["value"], rel=1e-6)


@EVERY
def test_faces_of_one_point_and_noise(id: str, clip: Clip) -> None:
    rng = np.random.default_rng(5)
    for change in (lambda p: np.full_like(p, 20.0), lambda p: rng.uniform(0, 40, p.shape)):
        strange = change_points(clip, change)
        sound(evaluate(id, strange), motion.FRAMES, get(id).bounds)
    flat = evaluate(id, change_points(clip, lambda p: np.full_like(p, 20.0)))
    assert flat.value is None and flat.reason


@EVERY
def test_inputs_are_left_alone_and_answers_repeat(id: str, clip: Clip) -> None:
    before = [points.tobytes() for points in (*clip.landmarks.values(), *clip.truth_landmarks.values())]
    again = dataclasses.replace(clip)  # remembers nothing
    assert evaluate(id, clip).value == evaluate(id, again).value
    assert [points.tobytes() for points in (*clip.landmarks.values(), *clip.truth_landmarks.values())] == before
