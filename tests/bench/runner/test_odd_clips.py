"""Clips as people have them: every offline metric gives a value or a reason on each, and none breaks.

Made by degrading NASA's public-domain portrait of Eileen Collins (scikit-image): she nods a little, her mouth is
painted open and shut. Each clip is scored against the untouched one, as `score` does when nobody chooses metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from bench.io.encode import write_lossless
from bench.runner.choice import fitting
from bench.runner.how import How
from bench.runner.score import score
from bench.store.rows import read_rows

pytestmark = pytest.mark.slow

FRAMES = 28
CLIPS = ("no-face", "two-faces", "profile", "dark", "half-a-second", "thirty", "silent", "long-sound", "short-sound")
CLIPS += ("mute", "one-frame", "plain")
NEEDS_A_FACE = ("lmd/mouth20-centred-px-dlib68@1", "lip_opening_r/dlib68@1", "pose_error/dlib68@1", "jitter/dlib68@1")


def portrait() -> np.ndarray:
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[30:250, 120:340])


def talking(hold: int) -> np.ndarray:
    """uint8 (FRAMES, 220, 220, 3): every picture stays for some frames, since what looks for faces looks at it once."""
    shown = []
    for t in range(FRAMES):
        image, turn = portrait().copy(), t // hold * hold
        cv2.ellipse(image, (99, 126), (11, 1 + turn % 7), 0, 0, 360, (70, 20, 20), -1)
        shown.append(np.roll(image, turn // 2 % 4, axis=1))
    return np.stack(shown)


def sound(frames: float) -> np.ndarray:
    time = np.arange(round(frames * 640)) / 16000
    return (0.3 * np.sin(2 * np.pi * 180 * time) * (np.sin(2 * np.pi * 3 * time) > 0)).astype(np.float32)


def spoil(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, int]:
    """Frames, true frames, sound and frame rate of a clip."""
    # where nothing is found at first, the dear detectors are asked: seconds for a frame
    frames, fps = talking(7 if name in ("dark", "profile") else 2), 25
    samples: np.ndarray | None = sound(FRAMES)
    if name == "no-face":
        frames = np.stack([np.full_like(frames[0], 90 + t // 14) for t in range(FRAMES)])
    elif name == "two-faces":
        frames = np.concatenate([frames, frames[:, :, ::-1]], 2)
    elif name == "profile":
        frames = np.stack([cv2.resize(f, (70, 220), interpolation=cv2.INTER_AREA) for f in frames])
    elif name == "dark":
        frames = (frames * 0.06).astype(np.uint8)
    elif name == "half-a-second":
        frames = frames[:12]
    elif name == "one-frame":
        frames = frames[:1]
    elif name == "thirty":
        fps = 30
    elif name == "silent":
        samples = np.zeros(FRAMES * 640, np.float32)
    elif name == "long-sound":
        samples = sound(2.5 * FRAMES)
    elif name == "short-sound":
        samples = sound(0.4 * FRAMES)
    elif name == "mute":
        samples = None
    return frames, frames[..., ::-1] // 2 + frames // 2, samples, fps


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], dict]]:
    """(clip, metric) -> row, of all clips and all metrics that `score` chooses."""
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    home = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AVCT_BENCH_PATH", raising=False)
        patch.delenv("AVCT_BENCH_WEIGHTS", raising=False)
        for name in CLIPS:
            frames, truth, samples, fps = spoil(name)
            for side, pictures in (("mine", frames), ("true", truth)):
                place = home / side / f"{name}.mkv"
                place.parent.mkdir(exist_ok=True)
                write_lossless(place, pictures, fps=Fraction(fps), samples=samples)
        ids = fitting(home / "mine", home / "true")
        result = score(home / "mine", truth=home / "true", metrics=ids, out=home / "out", how=How(workers=0))
        found = read_rows(home / "out" / "rows.parquet")
        assert result.failed == 0, [r["reason"] for r in found if r["status"] == "failed"]
        yield {(row["driver"], row["metric"]): row for row in found}


@pytest.mark.slow
@pytest.mark.parametrize("clip", CLIPS)
def test_every_metric_has_a_value_or_a_reason(rows: dict, clip: str) -> None:
    mine = [row for (name, _), row in rows.items() if name == clip]
    assert len(mine) > 35
    for row in mine:
        assert row["status"] in ("ok", "pooled", "undefined", "unavailable"), (row["metric"], row["reason"])
        assert (row["value"] is not None) == (row["status"] == "ok")
        assert row["status"] in ("ok", "pooled") or row["reason"], row["metric"]
        assert 0 <= row["coverage"] <= 1


@pytest.mark.parametrize("clip", ["no-face"])
def test_without_a_face_there_is_no_value_and_never_zero(rows: dict, clip: str) -> None:
    for metric in NEEDS_A_FACE:
        assert rows[clip, metric]["value"] is None and "face" in rows[clip, metric]["reason"]
    assert rows[clip, "psnr/mean-of-frames@1"]["value"] is not None
    assert rows[clip, "identity_distance/dlib128@1"]["value"] is None


def test_short_clips_have_what_needs_no_length(rows: dict) -> None:
    for clip in ("half-a-second", "one-frame"):
        assert rows[clip, "psnr/mean-of-frames@1"]["value"] is not None
        assert rows[clip, "lip_opening_r/dlib68@1"]["value"] is None
    assert "frames" in rows["half-a-second", "lip_opening_r/dlib68@1"]["reason"]


def test_thirty_frames_a_second_are_read_at_25(rows: dict) -> None:
    assert rows["thirty", "psnr/mean-of-frames@1"]["frames"] == round(FRAMES * 25 / 30)


def test_whole_clips_have_values(rows: dict) -> None:
    for clip in ("plain", "silent", "long-sound", "short-sound", "mute", "two-faces"):
        for metric in NEEDS_A_FACE:
            assert rows[clip, metric]["value"] is not None, (clip, metric, rows[clip, metric]["reason"])
    for clip in ("silent", "mute"):
        assert rows[clip, "head_beat/dlib68@1"]["value"] is None
