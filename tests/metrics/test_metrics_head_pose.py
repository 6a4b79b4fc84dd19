"""Head pose by the rigid head: against the corpus's exact poses, its signs, and what must not move it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from heads68 import head_clip, motion

from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import REST, perform_labels, rig, skeleton
from bench.datasets.puppets.skeleton import Moment
from metrics.head_pose import RIGID, angles_of, head_angles, wrapped
from metrics.landmarks import backend

HELD_OUT = ("test-000", "test-009", "test-018")


@lru_cache(maxsize=1)
def takes() -> list[tuple[np.ndarray, np.ndarray]]:
    """Exact landmarks (T, 68, 2) and angles (T, 3) in degrees of three held-out identities."""
    said = [r.id for r in speech.recordings() if r.split == "test"]
    found = (perform_labels(name, speech.speech(said[3 * k])) for k, name in enumerate(HELD_OUT))
    return [(marks.astype(np.float64), told(poses)) for marks, poses in found]


@lru_cache(maxsize=1)
def painted() -> tuple[np.ndarray, np.ndarray]:
    """Ten frames of a held-out identity and their angles."""
    shown = [rig("test-004").render(Moment(REST, turn)) for turn in motion.sway(100)[::10]]
    return np.stack([s.image for s in shown]), told(np.stack([s.pose for s in shown]))


def told(poses: np.ndarray) -> np.ndarray:
    """Pitch, yaw, roll of R = Rx Ry Rz of the corpus's rotation vectors."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(poses[:, :3].astype(float)).as_euler("XYZ", degrees=True)


def test_exact_landmarks_give_the_corpus_s_poses() -> None:
    errors = np.array([np.abs(head_angles(marks) - truth).mean(0) for marks, truth in takes()])
    assert (errors.mean(0) < [4, 1, 1]).all(), errors
    spread = np.array([(head_angles(marks) - truth).std(0) for marks, truth in takes()])
    assert (spread < 0.6).all(), spread  # what is off is a face's own constant


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_each_axis_alone_has_openface_s_sign(axis: int, noise: float) -> None:
    body = skeleton("test-001")
    still = head_angles(body.place(Moment(REST, None))[0][None].astype(float))[0]
    for turn in (-15.0, 15.0):
        turns = np.zeros(3)
        turns[axis] = turn
        marks = body.place(Moment(REST, turns, np.array([6.0, -4.0])))[0].astype(float)
        marks = marks + np.random.default_rng(2).normal(0, noise, (100, 68, 2))
        assert np.abs(head_angles(marks).mean(0) - still - turns).max() < 2.5


def test_signs_in_words() -> None:
    """Down, to the left of the picture, and clockwise are positive."""
    look = motion.talking_head(np.zeros((1, 3)))
    down, left, clockwise = (motion.talking_head(np.eye(3)[k : k + 1] * 20) for k in range(3))
    nose = 30
    assert down[0, nose, 1] > look[0, nose, 1] and head_angles(down)[0, 0] > head_angles(look)[0, 0] + 10
    assert left[0, nose, 0] < look[0, nose, 0] and head_angles(left)[0, 1] > head_angles(look)[0, 1] + 10
    # clockwise as seen: the right end of the eyes goes down
    assert clockwise[0, 45, 1] > look[0, 45, 1] and head_angles(clockwise)[0, 2] > head_angles(look)[0, 2] + 10


@pytest.mark.parametrize("name", ["puppet68", "dlib68"])
def test_a_backend_s_landmarks_give_poses_within_four_degrees(name: str) -> None:
    if name == "dlib68":
        pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    frames, truth = painted()
    errors = np.abs(head_angles(backend(name).detect(frames)) - truth).mean(0)
    assert (errors < 4).all(), errors


def test_place_and_size_are_none_of_its_business() -> None:
    marks, _ = takes()[0]
    want = head_angles(marks)
    for change in (lambda p: p + (300.0, -80.0), lambda p: 0.2 * p, lambda p: 9 * p - 1000):
        assert head_angles(change(marks)) == pytest.approx(want, abs=1e-6)


def test_a_turn_in_the_picture_is_roll() -> None:
    marks, _ = takes()[1]
    turn = np.deg2rad(25)
    plane = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    from scipy.spatial.transform import Rotation

    def matrices(angles: np.ndarray) -> np.ndarray:
        return Rotation.from_euler("XYZ", angles, degrees=True).as_matrix()

    both = np.eye(3)
    both[:2, :2] = plane
    assert matrices(head_angles(marks @ plane.T)) == pytest.approx(both @ matrices(head_angles(marks)), abs=1e-6)


def test_a_mirror_changes_the_sign_of_yaw_and_roll() -> None:
    from metrics.landmarks.scheme68 import MIRROR

    marks, _ = takes()[2]
    mirrored = (marks * (-1, 1))[:, MIRROR]
    assert head_angles(mirrored) == pytest.approx(head_angles(marks) * (1, -1, -1), abs=1e-6)


def test_speech_and_blinks_do_not_nod() -> None:
    body = skeleton("test-005")
    wide = np.array([1.0, 0.3, 0.3, 0, 0, 0.3, 0])
    shapes = [Moment(REST), Moment(wide), Moment(REST, blink=1.0)]
    angles = head_angles(np.stack([body.place(moment)[0] for moment in shapes]).astype(float))
    assert np.abs(angles - angles[0]).max() < 0.6
    noise = np.random.default_rng(0).normal(0, 30, (len(shapes), 68, 2))
    noise[:, RIGID] = 0
    assert (head_angles(np.stack([body.place(m)[0] for m in shapes]) + noise) == angles).all()


def test_frames_stand_alone_and_what_is_no_face_has_no_pose() -> None:
    marks, _ = takes()[0]
    holed = marks.copy()
    holed[3], holed[7], holed[9, 60] = np.nan, 5.0, np.nan
    found, want = head_angles(holed), head_angles(marks)
    assert np.isnan(found[[3, 7, 9]]).all()
    assert np.delete(found, [3, 7, 9], 0) == pytest.approx(np.delete(want, [3, 7, 9], 0), abs=1e-9)
    assert head_angles(marks[:1]) == pytest.approx(want[:1], abs=1e-9)
    assert np.isnan(head_angles(np.full((4, 68, 2), np.nan))).all()


def test_a_clip_s_angles_are_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = head_clip(takes()[0][0], takes()[1][0][: len(takes()[0][0])])
    assert angles_of(clip, "puppet68") is angles_of(clip, "puppet68")
    assert angles_of(clip, "puppet68") is not angles_of(clip, "puppet68", truth=True)


def test_wrapped() -> None:
    assert wrapped(np.array([0.0, 190, -190, 360, 179])).tolist() == [0, -170, 170, 0, 179]
