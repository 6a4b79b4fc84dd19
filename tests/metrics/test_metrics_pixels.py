"""Pixel metrics together: videos that stay on disk, mouths that a detector finds, frames that are left out."""

from __future__ import annotations

import numpy as np
import pytest
from contract import DiskFrames

from metrics.clip import Clip, Result
from metrics.mouthbox import lacking_boxes, mouth_boxes
from metrics.registry import evaluate, variants

FAMILIES = ("psnr", "ssim", "ms_ssim", "cpbd", "sharpness")
IDS = sorted(v.id for v in variants().values() if v.family in FAMILIES)
BOXED = [id for id in IDS if "mouthbox" in id]
DETECTED = [id for id in BOXED if "dlib68" in id]
SIDE = 192


@pytest.fixture(scope="module")
def held() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Video, truth (40 frames) and landmarks of the truth, the mouth 40 pixels wide and moving."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (SIDE // 6, SIDE // 6, 3)).repeat(6, 0).repeat(6, 1)
    truth = np.stack([np.roll(coarse, t, 1) for t in range(40)]).astype(np.uint8)
    frames = np.clip(truth + rng.normal(0, 12, truth.shape), 0, 255).astype(np.uint8)
    points = rng.uniform((60, 90), (100, 120), (40, 68, 2))
    points[:, 48], points[:, 54] = (60, 105), (100, 105)
    return frames, truth, points + np.arange(40)[:, None, None] * (0.5, 0.2)


def clip_with(frames: object, truth: object, points: np.ndarray) -> Clip:
    return Clip(frames=frames, truth=truth, truth_landmarks={"exact": points, "dlib68": points})  # type: ignore[arg-type]


@pytest.mark.parametrize("id", IDS)
def test_videos_may_stay_on_disk(id: str, held: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    frames, truth, points = (part[:20] for part in held)
    here = evaluate(id, clip_with(frames, truth, points))
    there = clip_with(DiskFrames(frames), DiskFrames(truth), points)
    assert evaluate(id, there).value == here.value is not None
    assert there.frames.most <= 16 and there.truth.most <= 16  # type: ignore[union-attr]


@pytest.mark.parametrize("id", BOXED)
def test_the_box_follows_the_truths_mouth_alone(id: str, held: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    frames, truth, points = held
    ideal = evaluate(id, clip_with(truth, truth, points)).value
    outside = frames.copy()
    for t, box in enumerate(mouth_boxes(points, SIDE, SIDE)):
        outside[t][box] = truth[t][box]
    assert evaluate(id, clip_with(outside, truth, points)).value == ideal
    assert evaluate(id, clip_with(frames, truth, points)).value != ideal


@pytest.mark.parametrize("id", DETECTED)
def test_a_detector_must_find_most_mouths(id: str, held: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    frames, truth, points = held

    def without(count: int) -> Result:
        lost = points.copy()
        lost[:count] = np.nan
        return evaluate(id, clip_with(frames, truth, lost))

    enough, few = without(8), without(9)
    assert enough.coverage == 0.8 and enough.value is not None and np.isnan(enough.per_frame).sum() == 8
    assert few.value is None and few.coverage == 31 / 40
    assert few.reason == "the truth's mouth was found in 31 of 40 frames, under 80%"
    none = without(40)
    assert none.value is None and none.reason == "no frame has landmarks of a mouth that lies within the picture"
    exact = id.replace("dlib68", "exact68")
    lost = np.where(np.arange(40)[:, None, None] < 39, np.nan, points)
    assert evaluate(exact, clip_with(frames, truth, lost)).value is not None  # what a corpus knows may be one mouth


def test_boxes_too_small_for_the_window_do_not_enter(held: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    frames, truth, _ = held
    points = np.full((40, 68, 2), 50.0)
    points[:, 54] = (56, 50)  # 6 wide: a box of 9, which PSNR takes and SSIM cannot
    clip = clip_with(frames, truth, points)
    assert evaluate("psnr/mouthbox-exact68@1", clip).value is not None
    result = evaluate("ssim/mouthbox-gauss11-rgb-exact68@1", clip)
    assert result.value is None and result.coverage == 0.0


def test_boxes_that_suffice() -> None:
    box = (slice(0, 9), slice(0, 9))
    assert lacking_boxes([box] * 8 + [None] * 2, "dlib68") is None
    assert lacking_boxes([box] + [None] * 9, "exact") is None
    assert lacking_boxes([box] * 7 + [None] * 3, "dlib68") is not None


def test_ssim_of_a_box_is_ssim_of_the_cut_out(held: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    frames, truth, points = held
    found = evaluate("ssim/mouthbox-gauss11-rgb-exact68@1", clip_with(frames, truth, points))
    box = mouth_boxes(points, SIDE, SIDE)[7]
    cut = Clip(frames=frames[7][box][None], truth=truth[7][box][None])
    assert found.per_frame[7] == evaluate("ssim/gauss11-rgb@1", cut).value


def test_identical_frames_in_three_conventions() -> None:
    truth = np.full((3, 8, 8, 3), 100, np.uint8)
    frames = truth.copy()
    frames[0] += 10
    clip = Clip(frames=frames, truth=truth)
    one = 20 * np.log10(25.5)
    assert evaluate("psnr/mean-of-frames@1", clip).value == pytest.approx((one + 200) / 3)
    assert evaluate("psnr/legacy-piq-eps@1", clip).value == pytest.approx((one + 160) / 3, abs=1e-4)
    left = evaluate("psnr/legacy-without-identical@1", clip)
    assert left.value == pytest.approx(one) and left.coverage == pytest.approx(1 / 3)
    assert np.isnan(left.per_frame[1:]).all()
    none = evaluate("psnr/legacy-without-identical@1", Clip(frames=truth, truth=truth))
    assert none.value is None and none.reason == "every frame equals its truth, and such frames are left out"


def test_squares_are_exact_at_any_size() -> None:
    from metrics.psnr import mean_squared_error

    rng = np.random.default_rng(3)
    for shape in ((1, 1, 3), (5, 17, 3), (16, 16, 1), (255, 3, 3), (100, 101, 3)):
        a, b = rng.integers(0, 256, (2, *shape)).astype(np.uint8)
        assert mean_squared_error(a, b) == int(np.square(a.astype(int) - b).sum()) / a.size
    white = np.full((512, 512, 3), 255, np.uint8)
    assert mean_squared_error(white, white * 0) == 255.0**2


def test_frames_are_compared_once_for_all_that_rest_on_their_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    from metrics import psnr

    calls = []
    monkeypatch.setattr(psnr, "mean_squared_error", lambda a, b: calls.append(1) or 4.0)
    clip = Clip(frames=np.zeros((5, 8, 8, 3), np.uint8), truth=np.ones((5, 8, 8, 3), np.uint8))
    for name in ("mean-of-frames", "pooled", "legacy-piq-eps", "legacy-without-identical"):
        evaluate(f"psnr/{name}@1", clip)
    assert len(calls) == 5
