"""A clip refuses what metrics could not trust, in one line that says what was expected and what came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metrics.clip import Clip
from metrics.errors import MetricError

FRAMES = np.zeros((3, 8, 6, 3), np.uint8)
POINTS = np.zeros((3, 68, 2))
SOUND = np.zeros(100, np.float32)


def partly(value: float, *, whole: bool = False) -> np.ndarray:
    points = POINTS.copy()
    points[1, ... if whole else 5] = value
    return points


def test_what_is_right_passes() -> None:
    clip = Clip(
        frames=FRAMES,
        truth=FRAMES,
        fps=29.97,
        samples=SOUND,
        truth_samples=np.ones(7, np.float32),
        landmarks={"puppet68": POINTS, "dlib68": partly(np.nan, whole=True)},
        truth_landmarks={"exact": POINTS},
        phones=(("AA", 0.0, 0.5), ("sil", 0.5, 0.5)),
    )
    assert clip.fps == 29.97 and Clip(frames=FRAMES[:1]).truth is None and Clip(frames=FRAMES, fps=25).fps == 25


BAD: list[tuple[dict[str, Any], str]] = [
    ({"frames": FRAMES / 255}, r"expected frames uint8 \(T, H, W, 3\), got float64 \(3, 8, 6, 3\)"),
    ({"frames": FRAMES[0]}, r"expected frames uint8 \(T, H, W, 3\), got uint8 \(8, 6, 3\)"),
    ({"frames": FRAMES.transpose(0, 3, 1, 2)}, r"got uint8 \(3, 3, 8, 6\)"),
    ({"frames": np.zeros((3, 8, 6, 4), np.uint8)}, r"got uint8 \(3, 8, 6, 4\)"),
    ({"frames": FRAMES.tolist()}, "got list"),
    ({"frames": None}, "got NoneType"),
    ({"frames": FRAMES[:0]}, "at least one frame of one pixel"),
    ({"frames": FRAMES[:, :0]}, "at least one frame of one pixel"),
    ({"truth": FRAMES[:2]}, r"expected truth of the frames' shape \(3, 8, 6, 3\), got \(2, 8, 6, 3\)"),
    ({"truth": FRAMES[:, :4]}, "expected truth of the frames' shape"),
    ({"truth": FRAMES.astype(np.int16)}, r"expected truth uint8 \(T, H, W, 3\), got int16"),
    ({"fps": 0.0}, "expected fps above 0, got 0.0"),
    ({"fps": float("nan")}, "expected fps above 0, got nan"),
    ({"fps": float("inf")}, "expected fps above 0, got inf"),
    ({"fps": "25"}, "expected fps above 0, got '25'"),
    ({"samples": SOUND.astype(np.float64)}, r"expected samples float32 \(N,\), got float64 \(100,\)"),
    ({"samples": SOUND[None]}, r"got float32 \(1, 100\)"),
    ({"truth_samples": SOUND.astype(np.int16)}, "expected truth_samples float32"),
    ({"samples": SOUND + np.float32(np.nan)}, "expected finite samples, got 100 that are not"),
    ({"samples": SOUND + np.float32(32767)}, "range -1..1, got 32767"),
    ({"landmarks": {"a": POINTS[:2]}}, r"expected landmarks\['a'\] float64 \(3, 68, 2\), got float64 \(2, 68, 2\)"),
    ({"landmarks": {"a": POINTS[:, :5]}}, r"got float64 \(3, 5, 2\)"),
    ({"truth_landmarks": {"a": POINTS.astype(np.float32)}}, r"truth_landmarks\['a'\] float64 .* got float32"),
    ({"landmarks": {"a": None}}, "got NoneType"),
    ({"landmarks": {"a": partly(np.inf)}}, "got infinity"),
    ({"landmarks": {"a": partly(np.nan)}}, "all or none of a frame's landmarks in .*, got some in frame 1"),
    ({"phones": (("AA", 0.5, 0.1),)}, r"expected phones as \(symbol, start s, end s\)"),
    ({"phones": (("AA", -0.5, 0.1),)}, "expected phones"),
    ({"phones": (("AA", 0.5),)}, "expected phones"),
    ({"phones": ((1, 0.0, 0.1),)}, "expected phones"),
    ({"phones": (("AA", "0", "1"),)}, "expected phones"),
    ({"phones": (("AA", 0.0, float("nan")),)}, "expected phones"),
]


@pytest.mark.parametrize(("bad", "message"), BAD)
def test_what_is_wrong_is_said_in_one_line(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(MetricError, match=message) as caught:
        Clip(**{"frames": FRAMES, **bad})
    said = str(caught.value)
    assert said.startswith("clip: expected ") and "\n" not in said and len(said) < 200


def test_clips_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Clip(frames=FRAMES).fps = 30.0  # type: ignore[misc]
