"""The ladders do the harm they name, the same harm every time, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bench.errors import ConfigError
from bench.validity import scenes as scenery
from bench.validity.ladders import LADDERS, OFFSETS, STAND_INS
from bench.validity.measurement import show
from bench.validity.performances import delayed, exchanged, opened, swayed
from bench.validity.plan import OFFSET, TRUTH, Case
from bench.validity.scenes import Stage, joined, scenes, stage
from metrics.landmarks.scheme68 import LOWER_LIP_INNER, UPPER_LIP_INNER

FRAMES = 26
PIXELS_ONLY = ("blur", "noise", "jpeg", "h264", "colour")
MOUTH = slice(48, 68)


@pytest.fixture(scope="module")
def at() -> Iterator[Stage]:
    """A short scene: a second is enough to see what a ladder touches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenery, "FRAMES", FRAMES)
        stage.cache_clear()
        yield stage(scenes(1)[0])
        stage.cache_clear()


def opening(points: np.ndarray) -> np.ndarray:
    return points[:, LOWER_LIP_INNER, 1] - points[:, UPPER_LIP_INNER, 1]


def test_scenes_are_always_the_same_and_never_share_a_sentence() -> None:
    every = scenes(28)
    assert every[:3] == scenes(3)
    assert len({scene.reference for scene in every}) == 28
    assert len({sentence for scene in every for sentence in scene.said}) == 56
    assert all(scene.reference != scene.becomes and scene.said != scene.instead for scene in every)
    with pytest.raises(ConfigError, match="1 to 28 clips"):
        scenes(29)


def test_joined_speech_has_phones_without_gaps_to_its_end() -> None:
    said = joined(*scenes(1)[0].said)
    assert said.phones is not None and said.phones[0].start == 0
    assert len(said.samples) == 80 * 640 and said.phones[-1].end == pytest.approx(3.2)
    assert all(a.end == b.start for a, b in zip(said.phones, said.phones[1:], strict=False))


@pytest.mark.parametrize("name", list(LADDERS))
def test_amounts_rise_from_slight_to_severe(name: str) -> None:
    amounts = LADDERS[name].amounts
    steps = np.diff(amounts)
    assert len(amounts) == 5 and ((steps > 0).all() or (steps < 0).all())
    assert LADDERS[name].steps(6) == amounts
    assert [LADDERS[name].steps(levels)[-1] for levels in (3, 4, 5)] == [amounts[-1]] * 3
    assert len(set(LADDERS[name].steps(5))) == 4
    for levels in (2, 7):
        with pytest.raises(ConfigError, match="3 to 6 levels"):
            LADDERS[name].steps(levels)


@pytest.mark.parametrize("name", [n for n in LADDERS if n != "identity"])
def test_each_ladder_changes_its_own_side_alone_and_ever_more(name: str, at: Stage) -> None:
    ladder, truth = LADDERS[name], at.truth
    shown = [ladder.harm(at, amount) for amount in (ladder.amounts[1], ladder.amounts[-1])]
    if ladder.alters == "sound":
        assert all(s.frames is truth.frames and s.points is truth.points for s in shown)
        assert all(len(s.samples) == len(truth.samples) and not np.array_equal(s.samples, truth.samples) for s in shown)
        return
    assert all(s.samples is truth.samples for s in shown)
    harm = [float(np.square(s.frames.astype(float) - truth.frames).mean()) for s in shown]
    assert 0 < harm[0] < harm[1]
    still = [np.array_equal(s.points, truth.points) for s in shown]
    assert all(still) if name in PIXELS_ONLY else not any(still)


@pytest.mark.parametrize("name", ["noise", "h264", "jitter", "pose-noise", "audio-delay"])
def test_ladders_are_deterministic(name: str, at: Stage) -> None:
    once, again = (LADDERS[name].harm(at, LADDERS[name].amounts[2]) for _ in range(2))
    assert np.array_equal(once.frames, again.frames) and np.array_equal(once.samples, again.samples)


def test_the_truth_is_untouched_and_so_is_a_scene_played_without_a_change(at: Stage) -> None:
    assert show(Case(at.scene, TRUTH), at) is at.truth
    again = LADDERS["mouth-larger"].harm(at, 1.0)
    assert np.array_equal(again.frames, at.truth.frames) and np.array_equal(again.points, at.truth.points)
    assert np.array_equal(show(Case(at.scene, OFFSET, 0.0), at).samples, at.truth.samples)


def test_lips_open_as_much_less_or_more_as_asked(at: Stage) -> None:
    true = opening(at.truth.points)
    for scale in (0.4, 1.5):
        made = opening(LADDERS["mouth-smaller"].harm(at, scale).points)
        assert np.polyfit(true, made, 1)[0] == pytest.approx(scale, abs=0.1)
    assert opening(LADDERS["mouth-smaller"].harm(at, 0.0).points).std() < 0.1 * true.std()


def test_wrong_speech_takes_the_end_and_nothing_before_it(at: Stage) -> None:
    other = np.ones_like(at.lips)
    half = exchanged(at.lips, other, 0.5)
    assert np.array_equal(half[: FRAMES // 2 - 1], at.lips[: FRAMES // 2 - 1])
    assert (half[FRAMES // 2 + 3 :] == 1).all()
    assert (exchanged(at.lips, other, 1.0) == 1).all()


def test_pose_errors_have_the_asked_size_and_share_one_shape(at: Stage) -> None:
    small, large = (swayed(at.moves, d, "x").rotation - at.moves.rotation for d in (0.5, 2.0))
    assert small.std(0) == pytest.approx(np.full(3, 0.5))
    assert large == pytest.approx(4 * small)


def test_sound_moves_by_whole_frames_both_ways(at: Stage) -> None:
    samples = at.truth.samples
    late, early = delayed(samples, 3, "x"), delayed(samples, -3, "x")
    assert np.array_equal(late[1920:], samples[:-1920]) and np.array_equal(early[:-1920], samples[1920:])
    assert 0 < np.abs(late[:1920]).max() < 1e-3  # the floor is heard, and is no speech
    assert len(OFFSETS) == 25 and OFFSETS[0] == -12 and OFFSETS[-1] == 12


def test_a_face_half_way_to_another_is_between_both(at: Stage) -> None:
    half = LADDERS["identity"].harm(at, 0.6)
    assert np.array_equal(half.samples, at.truth.samples)
    assert 0.5 < float(np.abs(half.points - at.truth.points).mean()) < 12
    corner = np.s_[:, :24, :24]  # the room is not the face's
    assert float(np.abs(half.frames[corner].astype(float) - at.truth.frames[corner]).mean()) < 6


def test_opened_leaves_the_other_controls_alone(at: Stage) -> None:
    changed = opened(at.lips, 0.5) != at.lips
    assert changed[:, [0, 2]].any() and not changed[:, [1, 3, 4, 5, 6]].any()


def test_stand_ins_differ_from_the_truth_and_from_each_other(at: Stage) -> None:
    first, second = (make(at) for make in STAND_INS.values())
    assert not np.array_equal(first.frames, at.truth.frames) and not np.array_equal(first.frames, second.frames)
    assert np.abs(first.points[:, MOUTH] - at.truth.points[:, MOUTH]).mean() > 0.1
