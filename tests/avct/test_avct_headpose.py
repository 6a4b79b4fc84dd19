"""Head pose from landmarks: against the corpus's exact poses, with exact landmarks and dlib's, and on real people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avct.errors import AvctError
from avct.headpose import as_openface, pose_from_landmarks, poses_from_landmarks
from bench.datasets.puppets import speech
from bench.datasets.puppets.corpus import REST, perform, perform_labels, skeleton
from bench.datasets.puppets.skeleton import Moment

REAL = Path(__file__).parents[3] / "shared" / "data" / "real"
SIZE = 256
HELD_OUT = [f"test-{k:03d}" for k in (0, 4, 9, 14, 18, 26)]


def clips() -> list[tuple[np.ndarray, np.ndarray]]:
    """Exact landmarks and poses of six held-out identities, each in two held-out voices."""
    said = [r.id for r in speech.recordings() if r.split == "test"]
    return [
        perform_labels(name, speech.speech(said[(k + half * len(said) // 2) % len(said)]))
        for k, name in enumerate(HELD_OUT)
        for half in (0, 1)
    ]


def degrees(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean absolute error (3,) of the rotation in degrees."""
    return np.abs(np.degrees(found[:, :3].astype(float) - truth[:, :3])).mean(0)


def jerk(poses: np.ndarray) -> np.ndarray:
    """Deviation (3,) of the second difference of the rotation in degrees: what the eye sees as jitter."""
    return np.degrees(np.diff(poses[:, :3].astype(float), 2, axis=0)).std(0)


@pytest.fixture(scope="module")
def tracks() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [(marks, truth, poses_from_landmarks(marks, SIZE)) for marks, truth in clips()]


def test_speaking_heads_are_found_within_three_degrees_on_each_axis(tracks: list) -> None:
    errors = np.array([degrees(found, truth) for _, truth, found in tracks])
    assert (errors.mean(0) < [2.5, 0.8, 0.6]).all(), errors.mean(0)
    assert (errors < 5).all(), errors.max(0)
    places = np.array([np.abs(found - truth)[:, 3:].mean(0) for _, truth, found in tracks])
    assert (places.mean(0) < [1, 3, 18]).all(), places.mean(0)


def test_tracks_are_as_smooth_as_the_truth_and_never_late(tracks: list) -> None:
    found, true = (np.mean([jerk(p) for p in side], 0) for side in zip(*[(t[2], t[1]) for t in tracks], strict=True))
    assert (found < 1.5 * true + 0.02).all(), (found, true)
    for _, truth, track in tracks:
        a, b = track[:, 1] - track[:, 1].mean(), truth[:, 1] - truth[:, 1].mean()
        lags = {lag: np.corrcoef(np.roll(a, -lag)[4:-4], b[4:-4])[0, 1] for lag in (-2, -1, 0, 1, 2)}
        assert max(lags, key=lags.__getitem__) == 0 and lags[0] > 0.98, lags


def test_signs_and_places_are_the_corpus_s() -> None:
    """Each axis alone, both ways; the nasion lies where the translation says."""
    body = skeleton("test-001")
    for axis in range(3):
        for turn in (-10.0, 10.0):
            turns = np.zeros(3)
            turns[axis] = turn
            marks, truth = body.place(Moment(REST, turns, np.array([6.0, -4.0])))
            found = pose_from_landmarks(marks, SIZE)
            still, rest = body.place(Moment(REST, None))
            difference = np.degrees(found - pose_from_landmarks(still, SIZE))[:3] - np.degrees(truth - rest)[:3]
            assert np.abs(difference).max() < 2.0, (axis, turn, difference)
            seen = found[3:5] / found[5] * 233.333 + SIZE / 2
            assert np.linalg.norm(seen - marks[27]) < 4


def test_a_mouth_that_opens_does_not_nod_the_head() -> None:
    body = skeleton("test-005")
    shut, wide = REST, np.array([1.0, 0.3, 0.3, 0, 0, 0.3, 0])
    poses = [pose_from_landmarks(body.place(Moment(lips))[0], SIZE) for lips in (shut, wide)]
    assert np.abs(np.degrees(poses[1] - poses[0])[:3]).max() < 1.0


def test_one_bad_landmark_hardly_moves_a_pose(tracks: list) -> None:
    marks = tracks[0][0][10]
    good = pose_from_landmarks(marks, SIZE)
    for k in range(0, 68, 5):
        bad = marks.copy()
        bad[k] += (60, -45)
        assert np.abs(np.degrees(pose_from_landmarks(bad, SIZE) - good)[:3]).max() < 1.0, k


def test_bad_and_missing_frames_are_bridged(tracks: list) -> None:
    marks, truth, whole = tracks[1]
    holed = marks.copy()
    holed[:3], holed[20:24], holed[-1] = np.nan, np.nan, np.nan
    holed[12] = holed[12, ::-1] * 0.4
    holed[30] += np.random.default_rng(0).normal(0, 40, (68, 2))
    found = poses_from_landmarks(holed, SIZE)
    assert found.shape == (len(marks), 6) and found.dtype == np.float32 and np.isfinite(found).all()
    assert np.abs(np.degrees(found - whole)[:, :3]).max() < 2.5
    assert (degrees(found, truth) < 4).all()


def test_poses_do_not_depend_on_the_picture_s_size(tracks: list) -> None:
    marks = tracks[2][0][5]
    np.testing.assert_allclose(
        pose_from_landmarks(marks * 3, 3 * SIZE), pose_from_landmarks(marks, SIZE), rtol=1e-4, atol=1e-4
    )


def test_openface_s_translation_is_that_of_the_middle_of_the_points(tracks: list) -> None:
    """The middle of the landmarks, projected through OpenFace's camera, lies where the translation says."""
    marks, _, found = tracks[3]
    turned = as_openface(found)
    np.testing.assert_array_equal(turned[:, :3], found[:, :3])
    seen = turned[:, 3:5] / turned[:, 5:] * 233.333 + SIZE / 2
    assert np.abs(seen - marks.mean(1)).max() < 6
    assert np.abs(turned[:, 3:] - found[:, 3:]).max(0)[1] == pytest.approx(41, abs=4)
    np.testing.assert_array_equal(as_openface(found[0]), turned[0])


@pytest.mark.parametrize("frames", [1, 2, 5, 13])
def test_short_tracks(tracks: list, frames: int) -> None:
    assert poses_from_landmarks(tracks[0][0][:frames], SIZE).shape == (frames, 6)


def test_what_is_no_face_is_one_line(tracks: list) -> None:
    marks = tracks[0][0]
    with pytest.raises(AvctError, match="none of 4 frames"):
        poses_from_landmarks(np.full((4, 68, 2), np.nan), SIZE)
    with pytest.raises(AvctError, match=r"expected landmarks \(T, 68, 2\), got \(3, 5, 2\)"):
        poses_from_landmarks(np.zeros((3, 5, 2)), SIZE)
    with pytest.raises(AvctError, match=r"expected landmarks \(68, 2\), got \(2, 68, 2\)"):
        pose_from_landmarks(marks[:2], SIZE)
    with pytest.raises(AvctError, match="fit no head"):
        pose_from_landmarks(np.full((68, 2), np.nan), SIZE)
    with pytest.raises(AvctError, match="fit no head"):
        pose_from_landmarks(np.random.default_rng(1).uniform(0, SIZE, (68, 2)), SIZE)
    with pytest.raises(AvctError, match="picture size"):
        pose_from_landmarks(marks[0], 0)


def test_painted_faces_by_dlib_are_found_within_three_degrees() -> None:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    from metrics.landmarks import backend

    said = [r.id for r in speech.recordings() if r.split == "test"]
    errors, jerks = [], []
    for k, name in enumerate(("test-002", "test-012", "test-024")):
        whole = speech.speech(said[7 * k])
        take = perform(name, replace(whole, samples=whole.samples[: 20 * 640]))
        found = poses_from_landmarks(backend("dlib68").detect(take.frames), SIZE)
        errors.append(degrees(found, take.pose))
        jerks.append(jerk(found))
    assert (np.mean(errors, 0) < 3).all(), errors
    assert np.max(jerks) < 0.6, jerks


@pytest.mark.real
def test_real_films_give_sane_smooth_poses() -> None:
    films = sorted((REAL / "video").glob("*_dlib68.npz"))
    if not films:
        pytest.skip(f"no real clips at {REAL}")
    for film in films:
        marks = np.load(film)["lm"]
        found = poses_from_landmarks(marks, SIZE)
        assert np.abs(np.degrees(found[:, :3])).max() < 60, film
        assert (np.abs(found[:, 3:5]) < 110).all() and ((found[:, 5] > 180) & (found[:, 5] < 330)).all(), film
        assert (jerk(found) < 1.0).all(), (film, jerk(found))
        mirrored = marks[:, _mirror()] * [-1, 1] + [SIZE, 0]
        np.testing.assert_allclose(poses_from_landmarks(mirrored, SIZE) * [1, -1, -1, -1, 1, 1], found, atol=0.05)


def _mirror() -> list[int]:
    from metrics.landmarks.scheme68 import MIRROR

    return list(MIRROR)
