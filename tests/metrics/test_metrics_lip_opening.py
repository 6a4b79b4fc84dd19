"""Lip opening against numpy's own correlation and fit, in closed forms, and where it has no value."""

from __future__ import annotations

import numpy as np
import pytest
from faces68 import marked, syllables, talk

from metrics.clip import Clip, Result
from metrics.lip_opening import MIN_FRAMES, STILL, face_height, opening
from metrics.registry import evaluate, get

PAIRED = ("r", "slope", "bias")
HEIGHT = face_height(talk(np.zeros(1)))


def lips(kind: str, ours: np.ndarray, theirs: np.ndarray) -> Result:
    """The answer for openings in pixels, or for landmarks."""
    ours, theirs = (talk(x) if x.ndim == 1 else x for x in (ours, theirs))
    return evaluate(f"lip_opening_{kind}/puppet68@1", marked(ours, theirs))


def values(ours: np.ndarray, theirs: np.ndarray) -> tuple[float | None, ...]:
    return tuple(lips(kind, ours, theirs).value for kind in PAIRED)


def test_as_numpy() -> None:
    rng = np.random.default_rng(0)
    theirs = syllables()
    ours = np.abs(0.6 * theirs + rng.normal(0, 1, 50))
    a, b = 100 * ours / HEIGHT, 100 * theirs / HEIGHT
    assert lips("r", ours, theirs).value == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-12)
    assert lips("slope", ours, theirs).value == pytest.approx(np.polyfit(b, a, 1)[0], abs=1e-9)
    assert lips("bias", ours, theirs).value == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    assert lips("std", ours, theirs).value == pytest.approx(a.std(), abs=1e-12)


@pytest.mark.parametrize("share", [1.0, 0.5, 2.0])
def test_lips_that_open_a_share_as_far(share: float) -> None:
    theirs = syllables()
    r, slope, bias = values(share * theirs + 2, theirs)
    assert r == pytest.approx(1, abs=1e-12) and slope == pytest.approx(share, abs=1e-12)
    assert bias == pytest.approx(100 * ((share - 1) * theirs.mean() + 2) / HEIGHT, abs=1e-9)


def test_what_the_cards_promise_of_mouths_that_move_less_more_and_otherwise() -> None:
    theirs = syllables(100)
    for family, target in (("slope", 1.0), ("bias", 0.0)):
        assert {"mouth-smaller", "mouth-larger"} <= set(get(f"lip_opening_{family}/puppet68@1").promises)
        for shares in ((1.0, 0.75, 0.5, 0.25, 0.0), (1.0, 1.15, 1.3, 1.5)):
            off = [abs(lips(family, share * theirs, theirs).value - target) for share in shares]
            assert off[0] == pytest.approx(0, abs=1e-12) and (np.diff(off) > 0).all()
    assert "mouth-smaller" not in get("lip_opening_bias/dlib68@1").promises  # whole pixels: see the card
    held = [theirs.copy() for _ in range(4)]
    for k, curve in enumerate(held):
        curve[100 - 25 * k :] = curve[99 - 25 * k]
    assert (np.diff([lips("r", curve, theirs).value for curve in held]) < 0).all()


def test_a_clip_s_curves_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = marked(talk(0.5 * syllables()), talk(syllables()))
    first = evaluate("lip_opening_r/puppet68@1", clip)
    monkeypatch.setattr("metrics.lip_opening.opening", None)
    again = evaluate("lip_opening_slope/puppet68@1", clip)
    assert again.value == pytest.approx(0.5) and again.series["opening"] is first.series["opening"]


def test_lips_that_do_the_opposite() -> None:
    theirs = syllables()
    r, slope, _ = values(theirs.max() + 1 - theirs, theirs)
    assert r == pytest.approx(-1, abs=1e-12) and slope == pytest.approx(-1, abs=1e-12)


def test_a_still_mouth() -> None:
    theirs = syllables()
    still = np.full(50, theirs.mean())
    none = lips("r", still, theirs)
    assert none.value is None and none.coverage == 1.0
    assert none.reason.startswith("constant lip opening: standard deviation ") and none.reason.endswith("under 0.1")
    assert lips("slope", still, theirs).value == pytest.approx(0, abs=1e-12)
    assert lips("bias", still, theirs).value == pytest.approx(0, abs=1e-9)
    assert lips("std", still, theirs).value == pytest.approx(0, abs=1e-12)


def test_a_truth_that_does_not_speak() -> None:
    for kind in ("r", "slope"):
        none = lips(kind, syllables(), np.full(50, 3.0))
        assert none.value is None and none.reason.startswith("constant lip opening of the truth")
    assert lips("bias", syllables(), np.full(50, 3.0)).value is not None


def test_movement_finer_than_landmarks_is_no_movement() -> None:
    wave = np.sin(np.arange(50.0))
    wave /= wave.std()
    for factor, known in ((0.9, False), (1.1, True)):
        small = 5 + wave * STILL * factor * HEIGHT / 100
        assert (lips("r", small, syllables()).value is not None) == known
        assert (lips("slope", syllables(), small).value is not None) == known


def test_where_and_how_large_the_face_is_does_not_matter() -> None:
    ours, theirs = talk(0.7 * syllables(), seed=1), talk(syllables(), seed=2)
    want = values(ours, theirs)
    assert values(3 * ours, 3 * theirs) == pytest.approx(want, rel=1e-9)
    assert values(ours + (9, -5), theirs + (2, 2)) == pytest.approx(want, rel=1e-9)
    # one unit for both: a video's smaller face opens less
    assert values(0.5 * ours, theirs)[1] == pytest.approx(want[1] / 2, rel=1e-9)


def test_curves_are_in_per_cent_of_the_truths_face() -> None:
    result = lips("bias", syllables(), syllables() + 1)
    assert result.series["opening"] == pytest.approx(100 * syllables() / HEIGHT)
    assert result.series["truth"] - result.series["opening"] == pytest.approx(np.full(50, 100 / HEIGHT))
    assert result.per_frame == pytest.approx(np.full(50, -100 / HEIGHT))
    assert set(lips("r", syllables(), syllables()).series) == {"opening", "truth"}
    assert set(lips("std", syllables(), syllables()).series) == {"opening"}


def test_distances_are_euclidean_and_the_height_is_a_median() -> None:
    points = talk(np.array([5.0, 5.0, 5.0]))
    points[:, 66] = points[:, 62] + (3.0, 4.0)
    assert opening(points) == pytest.approx([5, 5, 5])
    points[0, 8] += 1000
    assert face_height(points) == pytest.approx(HEIGHT)
    points[1:] = np.nan
    assert face_height(points) == pytest.approx(np.linalg.norm(points[0, 8] - points[0, 27]))
    assert np.isnan(face_height(points[1:]))


def test_frames_that_enter() -> None:
    ours, theirs = talk(syllables()), talk(1.5 * syllables())
    ours[:4], theirs[3:10] = np.nan, np.nan
    for kind, want in zip(PAIRED, values(ours[10:], theirs[10:]), strict=True):
        result = lips(kind, ours, theirs)
        assert result.value == pytest.approx(want, rel=1e-9) and result.coverage == 0.8
        assert np.isnan(result.series["opening"][:10]).all() and np.isfinite(result.series["opening"][10:]).all()
    ours[10] = np.nan
    for kind in (*PAIRED, "std"):
        lost = ours if kind != "std" else np.where(np.arange(50)[:, None, None] < 11, np.nan, ours)
        result = lips(kind, lost, theirs)
        assert result.value is None and result.reason == "a face was found in 39 of 50 frames, under 80%"


def test_a_second_of_speech_is_needed_for_all_but_the_bias() -> None:
    for frames, known in ((MIN_FRAMES - 1, False), (MIN_FRAMES, True)):
        cut = syllables()[:frames]
        for kind in ("r", "slope", "std"):
            result = lips(kind, cut, cut)
            assert (result.value is not None) == known
            assert known or result.reason == "24 frames with a face, expected at least 25"
        assert lips("bias", cut, cut).value == 0.0


def test_a_face_of_no_height_has_no_unit() -> None:
    flat = talk(syllables())
    flat[:, 8] = flat[:, 27]
    for kind in PAIRED:
        result = lips(kind, talk(syllables()), flat)
        assert result.value is None and result.coverage == 0.0 and result.reason


def test_the_spread_needs_no_truth() -> None:
    clip = Clip(frames=np.zeros((50, 8, 8, 3), np.uint8), landmarks={"dlib68": talk(syllables())})
    assert evaluate("lip_opening_std/dlib68@1", clip).value == pytest.approx(100 * syllables().std() / HEIGHT)
