"""Faces followed through films: found where they are, lost when they go, parted where shots change."""

from __future__ import annotations

import numpy as np
import pytest
import speaking_films as films

from bench.errors import MediaError
from bench.footage.pieces import bridge, main_track, pieces
from bench.footage.watch import Shots, Track, Watched, watch


def watched(frames: np.ndarray, **options: np.ndarray) -> Watched:
    *counts, last = watch(iter(frames), **options)
    assert counts == list(range(1, len(frames) + 1)) and isinstance(last, Watched)
    return last


def test_a_face_is_followed_and_its_landmarks_lie_on_it() -> None:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    take = films.take()
    frames, where = films.place(take.frames[:14], width=900, height=500, at=(500, 120), side=320)
    found = watched(frames)
    assert (found.frames, found.height, found.width, found.shots) == (14, 500, 900, (0,))
    (track,) = found.tracks
    assert (track.start, track.stop) == (0, 14) and np.isfinite(track.points).all()
    truth = films.moved(take.landmarks[:14], where)
    width = np.linalg.norm(truth[:, 16] - truth[:, 0], axis=1).mean()
    off = np.linalg.norm(track.points - truth, axis=2) / width
    assert np.median(off) < 0.03 and off[:, 36:48].mean() < 0.03, np.median(off)


def test_of_two_faces_the_larger_is_the_film_s_and_both_are_known() -> None:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    take = films.take()
    frames, _ = films.place(take.frames[:4], width=760, height=400, at=(20, 100), side=190)
    large, _ = films.place(take.frames[:4], width=760, height=400, at=(400, 60), side=300)
    frames[:, :, 390:] = large[:, :, 390:]
    found = watched(frames)
    assert len(found.tracks) == 2
    main = main_track(found)
    assert main is not None and main.points[0, 30, 0] > 390
    (piece,) = pieces(found, frames=4, longest=10, shortest=0.1)
    assert piece.others == 1 and piece.points[0, 30, 0] > 390


def test_a_face_that_leaves_ends_its_track_and_a_new_shot_begins_another() -> None:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    take = films.take()
    frames, _ = films.place(take.frames[:24])
    frames[6:14] = (70, 90, 110)
    found = watched(frames)
    first, later = found.tracks
    assert (first.start, first.stop) == (0, 6)
    assert 14 <= later.start <= 14 + 5 and later.stop == 24


def test_cuts_are_seen_and_movement_and_fades_are_not() -> None:
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (90, 400, 3)).astype(np.uint8)
    shots = Shots()
    one = [shots.begins(texture[:, k : k + 160]) for k in range(0, 40, 4)]
    two = [shots.begins(255 - texture[:, k : k + 160] // 2) for k in range(0, 40, 4)]
    fade = [shots.begins((texture[:, :160] * (1 - k / 30)).astype(np.uint8)) for k in range(30)]
    assert one == [True] + [False] * 9 and two == [True] + [False] * 9 and not any(fade[1:])


def test_given_landmarks_are_parted_where_there_is_no_face_and_at_cuts() -> None:
    points = np.random.default_rng(0).uniform(100, 200, (40, 68, 2))
    points[10:13], points[20:28] = np.nan, np.nan
    frames = np.zeros((40, 90, 160, 3), np.uint8)
    frames[34:] = 255
    found = watched(frames, given=points)
    assert found.shots == (0, 34)
    assert [(t.start, t.stop) for t in found.tracks] == [(0, 20), (28, 34), (34, 40)]
    assert np.isnan(found.tracks[0].points[10:13]).all()
    assert np.isfinite(bridge(found.tracks[0].points)).all()


def test_long_tracks_are_parted_evenly_and_short_ones_left_out() -> None:
    points = np.random.default_rng(0).uniform(100, 200, (640, 68, 2)).astype(np.float32)
    film = Watched(700, 360, 480, (0,), (Track(5, points), Track(660, points[:20])))
    found = pieces(film, frames=700, longest=10, shortest=1)
    assert [(p.start, p.stop) for p in found] == [(5, 218), (218, 432), (432, 645)]
    cut_short = pieces(film, frames=100, longest=10, shortest=1)
    assert [(p.start, p.stop) for p in cut_short] == [(5, 100)]
    with pytest.raises(
        MediaError, match=r"expected a face for 60 s or more, the longest in 700 frames .* for 25\.60 s"
    ):
        pieces(film, frames=700, longest=60, shortest=60)
    with pytest.raises(MediaError, match="no face was found in 9 frames of 480x360"):
        pieces(Watched(9, 360, 480, (0,), ()), frames=9, longest=10, shortest=1)
