"""SyncNet's protocols on a stand-in network that hears loudness and sees brightness: offsets, tracks, edge cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metrics import syncnet
from metrics.clip import Clip, Result
from metrics.errors import MetricError, MissingWeights
from metrics.registry import Variant, evaluate, find, variants

FAMILIES = ("sync_offset", "sync_confidence", "sync_distance")
OURS = [v for v in variants().values() if "syncnet_v2" in v.weights]
HOG, CROPPED = "syncnet-tracked-hog@1", "syncnet-cropped@1"
SIDE = 96


class Listener:
    """In SyncNet's place: its vectors are five brightnesses and five loudnesses on one scale."""

    def __init__(self) -> None:
        self.looked = 0

    def see(self, faces: Callable[[int, int], np.ndarray], windows: int) -> np.ndarray:
        self.looked += 1
        out = np.empty((windows, 5))
        for first in range(0, windows, 8):
            last = min(windows, first + 8)
            bright = faces(first, last + 4)[:, 80:140, 80:140].mean((1, 2, 3))
            out[first:last] = np.lib.stride_tricks.sliding_window_view((bright - 60) / 46 - 0.5, 5)
        return out

    def hear(self, cepstra: np.ndarray, windows: int) -> np.ndarray:
        loud = np.array([cepstra[4 * n : 4 * n + 3, 0].mean() for n in range(windows + 4)])
        # the log energy of 400 samples of white noise, pre-emphasised, at 16 bits
        level = (loud - np.log(400 * 32.768**2 * 1.94 / 2)) / (4 * np.log(10))
        return np.lib.stride_tricks.sliding_window_view(level - 0.5, 5)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    stand_in = Listener()
    monkeypatch.setattr(syncnet, "load", lambda: stand_in)
    return stand_in


def speech(frames: int, *, seed: int = 7, late: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Brightness of each frame and samples that are as loud, `late` frames after it."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0, 1, frames)
    tone = rng.normal(0, 1, (frames, 640))
    tone /= np.sqrt(np.square(tone).mean(1, keepdims=True))
    samples = (tone * 10 ** (-3 + 2 * np.roll(level, late)[:, None])).astype(np.float32).ravel()
    return level, samples


def filmed(level: np.ndarray, *, side: int = SIDE) -> np.ndarray:
    """Frames with a square in the middle that is as bright as the sound is loud."""
    frames = np.full((len(level), side, side, 3), 60, np.uint8)
    quarter = side // 4
    frames[:, quarter:-quarter, quarter:-quarter] = np.rint(60 + 46 * level)[:, None, None, None]
    return frames


def faces(*lines: tuple[int, int, float, float, float]) -> np.ndarray:
    """Boxes (first, last, x, y, half side) on every frame of first to last - 1."""
    found = [(t, x - h, y - h, x + h, y + h, h) for a, b, x, y, h in lines for t in range(a, b)]
    return np.array(sorted(found, key=lambda one: (one[0], -one[5])), np.float64).reshape(-1, 6)


def clip(length: int = 60, *, late: int = 0, found: np.ndarray | None = None, **other: object) -> Clip:
    level, samples = speech(length, late=late)
    boxes = faces((0, length, 48, 40, 30)) if found is None else found
    held = {"frames": filmed(level), "samples": samples, "faces": dict.fromkeys(("hog", "yunet", "s3fd"), boxes)}
    return Clip(**{**held, **other})


def told(which: str, of: Clip) -> list[Result]:
    return [evaluate(f"{family}/{which}", of) for family in FAMILIES]


@pytest.mark.parametrize("late", range(-12, 13))
@pytest.mark.parametrize("which", [CROPPED, HOG])
def test_sound_that_is_late_moves_the_offset_by_as_much_below_zero(late: int, which: str, listener: Listener) -> None:
    offset, confidence, distance = told(which, clip(late=late))
    assert offset.value == -late
    assert confidence.value > 2 * distance.value > 0
    curve = offset.notes["distance_by_offset"]
    assert len(curve) == 31 and int(np.argmin(curve)) - 15 == -late
    assert min(curve) == distance.value and np.median(curve) - min(curve) == pytest.approx(confidence.value)


def test_a_clip_is_looked_at_once(listener: Listener) -> None:
    of = clip(120, found=faces((0, 120, 48, 40, 30), (0, 110, 300, 40, 60), (0, 105, 600, 40, 60)))
    for variant in OURS:
        variant.measure(of)
    assert listener.looked == 1 + 3 * 3  # whole frames, and three tracks by each of three detectors


def test_curves_lie_on_the_windows_middle_frames(listener: Listener) -> None:
    offset, confidence, distance = told(CROPPED, clip(60))
    assert offset.per_frame is None and np.array_equal(distance.per_frame, distance.series["distance"], equal_nan=True)
    assert np.array_equal(confidence.per_frame, confidence.series["confidence"], equal_nan=True)
    assert np.flatnonzero(np.isfinite(distance.per_frame)).tolist() == list(range(2, 57))
    assert np.nanmean(distance.per_frame) == pytest.approx(distance.value)
    tracked = told(HOG, clip(90, found=faces((20, 80, 48, 40, 30))))[2]
    assert np.flatnonzero(np.isfinite(tracked.per_frame)).tolist() == list(range(22, 77))
    assert tracked.series["track"].sum() == 60 and tracked.coverage == pytest.approx(60 / 90)


def test_the_tracked_sound_begins_with_the_track(listener: Listener) -> None:
    late = clip(120, late=3, found=faces((30, 100, 48, 40, 30)))
    assert told(HOG, late)[0].value == -3


def test_the_longest_track_counts_and_the_others_are_listed(listener: Listener) -> None:
    of = clip(100, found=faces((0, 80, 48, 40, 30), (0, 70, 300, 40, 60), (90, 95, 48, 300, 30)))
    result = told(HOG, of)[0]
    assert result.notes["counted"] == 0
    assert [(t["first"], t["frames"], t["found"], t["side"]) for t in result.notes["tracks"]] == [
        (0, 80, 80, 60), (0, 70, 70, 120), (90, 5, 5, 60),
    ]  # fmt: skip
    assert result.coverage == 0.8


def test_a_small_face_in_front_does_not_count(listener: Listener) -> None:
    of = clip(100, found=faces((0, 100, 300, 40, 20), (0, 90, 48, 40, 30)))
    result = told(HOG, of)[0]
    assert result.notes["counted"] == 1 and result.value == 0


@pytest.mark.parametrize(
    ("frames", "boxes", "reason"),
    [
        (100, faces(), "no face was found in any frame"),
        (100, faces((0, 49, 48, 40, 30)), "no track has a face in 50 frames; the best of 1 tracks has it in 49"),
        (100, faces((0, 99, 48, 40, 20)), "the longest track's box has 40 pixels, expected at least 50"),
        (50, faces((0, 39, 48, 40, 30)), "no track has a face in 40 frames; the best of 1 tracks has it in 39"),
        (24, faces((0, 24, 48, 40, 30)), "24 frames, expected at least 25"),
    ],
)
def test_where_no_track_counts_the_reason_is_said(
    frames: int, boxes: np.ndarray, reason: str, listener: Listener
) -> None:
    for result in told(HOG, clip(frames, found=boxes)):
        assert (result.value, result.coverage, result.reason) == (None, 0.0, reason)
    assert listener.looked == 0


def test_a_short_clip_counts_with_four_fifths_of_its_frames(listener: Listener) -> None:
    for frames, least in ((25, 20), (40, 32), (62, 50), (63, 50), (200, 50)):
        for seen in (least, least - 1):
            boxes = faces((0, seen - 10, 48, 40, 30), (frames - 10, frames, 48, 40, 30))
            if frames - seen > 24:
                boxes = faces((0, seen, 48, 40, 30))
            result = told(HOG, clip(frames, found=boxes))[0]
            known = frames if frames - seen <= 24 else seen
            assert (result.value is not None) == (seen == least and known >= 25), (frames, seen)


def test_a_face_that_is_lost_for_a_while_is_followed(listener: Listener) -> None:
    boxes = faces((0, 30, 48, 40, 30), (50, 90, 48, 40, 30))
    offset = told(HOG, clip(90, late=2, found=boxes))[0]
    assert offset.value == -2 and offset.coverage == 1
    assert offset.notes["tracks"][0]["found"] == 70


@pytest.mark.parametrize("short", [0, 640 * 10, 640 * 36, 640 * 59])
def test_sound_may_end_before_the_frames(short: int, listener: Listener) -> None:
    whole = clip(60)
    cut = clip(60, samples=whole.samples[: len(whole.samples) - short])
    for which in (CROPPED, HOG):
        result = told(which, cut)[0]
        left = 60 - short // 640
        assert (result.value is None) == (left < 25)
        assert result.value is None or result.coverage == pytest.approx(left / 60)
        assert result.value is not None or f"sound for {left} frames" in result.reason


def test_sound_may_be_longer_than_the_frames(listener: Listener) -> None:
    whole = clip(60)
    longer = clip(60, samples=np.concatenate([whole.samples, np.zeros(9000, np.float32)]))
    assert told(CROPPED, longer)[2].value == told(CROPPED, whole)[2].value


def test_legacy_conventions(listener: Listener) -> None:
    first, second = (0, 130, 48, 40, 60), (0, 110, 400, 40, 60)
    two, one = clip(130, found=faces(first, second)), clip(130, found=faces(first))
    small = clip(130, found=faces((0, 130, 48, 40, 50)))
    for family, best in (("sync_confidence", max), ("sync_distance", min)):
        real, package = (
            evaluate(f"{family}/{which}@1", two) for which in ("legacy-wav2lip-real-hog", "legacy-syncnet-python-s3fd")
        )
        alone = evaluate(f"{family}/syncnet-tracked-hog@1", one).value
        values = real.notes["values"]
        assert len(values) == 2 and values[0] == alone and values[1] != alone
        assert real.value == pytest.approx(np.mean(values)) and package.value == best(values)
        none = evaluate(f"{family}/legacy-wav2lip-real-hog@1", small)
        assert none.value is None and none.reason == "no track of more than 100 frames and 100 pixels among 1"
    for seen, known in ((100, False), (101, True)):
        of = clip(130, found=faces((0, seen, 48, 40, 60)))
        assert (evaluate("sync_distance/legacy-wav2lip-real-hog@1", of).value is not None) == known
        assert evaluate("sync_distance/legacy-syncnet-python-s3fd@1", of).value is not None


def test_the_lrs_convention_is_ours_but_for_short_clips(listener: Listener) -> None:
    of = clip(60)
    for family in FAMILIES[1:]:
        assert evaluate(f"{family}/legacy-wav2lip-lrs@1", of).value == evaluate(f"{family}/{CROPPED}", of).value
    for frames, legacy in ((24, True), (6, True), (5, False)):
        assert (evaluate("sync_distance/legacy-wav2lip-lrs@1", clip(frames)).value is not None) == legacy
        assert evaluate(f"sync_distance/{CROPPED}", clip(frames)).reason == f"{frames} frames, expected at least 25"


def edges() -> dict[str, Clip]:
    two = faces((0, 60, 48, 40, 30), (0, 60, 150, 40, 30))
    odd = faces((0, 60, -4000, 9000, 300))
    tiny = np.zeros((60, 8, 5, 3), np.uint8)
    return {
        "one frame": clip(1), "five": clip(5), "six": clip(6), "half a second": clip(12), "a second": clip(25),
        "silent": clip(60, samples=np.zeros(60 * 640, np.float32)),
        "no sound": clip(60, samples=np.zeros(0, np.float32)), "no samples": clip(60, samples=None),
        "one sample": clip(60, samples=np.zeros(1, np.float32)), "two faces": clip(60, found=two),
        "no face": clip(60, found=faces()), "outside": clip(60, found=odd), "tiny": clip(60, frames=tiny),
        "every third frame": clip(60, found=faces((0, 60, 48, 40, 30))[::3]), "30 a second": clip(60, fps=30.0),
        "face of a point": clip(60, found=faces((0, 60, 48, 40, 0))), 
        "black": clip(60, frames=np.zeros((60, 64, 64, 3), np.uint8)),
    }  # fmt: skip


@pytest.mark.parametrize("variant", OURS, ids=lambda v: v.id)
def test_every_clip_has_a_value_or_a_reason(variant: Variant, listener: Listener) -> None:
    for name, of in edges().items():
        result = variant.measure(of)
        assert 0 <= result.coverage <= 1, name
        for curve in [*result.series.values(), *([] if result.per_frame is None else [result.per_frame])]:
            assert curve.shape == (len(of.frames),) and curve.dtype == np.float64, name
        if result.value is None:
            assert result.reason and "\n" not in result.reason, name
        else:
            low, high = variant.bounds
            assert np.isfinite(result.value) and result.value >= low and (high is None or result.value <= high), name
    assert variant.measure(edges()["30 a second"]).reason.startswith("30 frames a second: SyncNet knows 25 only")
    assert variant.measure(edges()["no samples"]).value is None
    if variant.legacy is False:
        assert variant.measure(edges()["half a second"]).reason == "12 frames, expected at least 25"


def test_without_weights_nothing_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path))
    syncnet.load.cache_clear()
    for variant in OURS:
        with pytest.raises(MissingWeights, match="syncnet_v2"):
            variant.measure(clip(60, frames=Unread()))


class Unread:
    """Frames that must not be read."""

    shape, dtype = (60, SIDE, SIDE, 3), np.dtype(np.uint8)

    def __len__(self) -> int:
        return 60


def test_what_is_lacking_is_said() -> None:
    bare = Clip(np.zeros((30, 16, 16, 3), np.uint8))
    with pytest.raises(MetricError, match="needs samples"):
        evaluate(f"sync_offset/{CROPPED}", bare)
    with pytest.raises(MetricError, match="needs faces by hog"):
        evaluate(f"sync_offset/{HOG}", bare)


def test_cards_say_lse_and_with_what_to_verify_weights() -> None:
    assert len(OURS) == 22 and all("LSE-" in v.title for v in OURS if v.family != "sync_offset")
    assert all(("5.353" in v.equals) == (v.id.endswith(CROPPED)) for v in OURS if not v.legacy)
    assert {v.id for v in find("sync_offset")} >= {
        f"sync_offset/syncnet-tracked-{d}@1" for d in ("hog", "yunet", "s3fd")
    }
    directions = {v.family: v.direction for v in OURS}
    assert directions == {"sync_offset": "target", "sync_confidence": "higher", "sync_distance": "lower"}
    assert all(v.legacy == ("/legacy-" in v.id) and (v.legacy or v.promises) for v in OURS)
