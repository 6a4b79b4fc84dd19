"""Landmark files beside a video: three formats, one shape, and what is said of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import MediaError
from bench.io.pointfile import points_beside

POINTS = np.random.default_rng(1).uniform(0, 255, (5, 68, 2))


def csv_text(points: np.ndarray, success: list[int] | None = None) -> str:
    names = ["frame", *(["success"] if success else []), *(f"{axis}_{k}" for axis in "xy" for k in range(68))]
    lines = [", ".join(names)]
    for t, frame in enumerate(points):
        lines.append(", ".join(map(str, [t + 1, *([success[t]] if success else []), *frame[:, 0], *frame[:, 1]])))
    return "\n".join(lines)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return tmp_path / "take.one.mp4"


def test_nothing_beside(video: Path):
    assert points_beside(video, 5) is None


def test_numpy_arrays(video: Path):
    beside = video.with_name("take.one.landmarks.npy")
    np.save(beside, POINTS.astype(np.float32))
    assert np.array_equal(points_beside(video, 5), POINTS.astype(np.float32).astype(np.float64))
    assert len(points_beside(video, 3)) == 3
    beside.unlink()
    np.savez(video.with_name("take.one.landmarks.npz"), lm=POINTS)
    assert np.array_equal(points_beside(video, 5), POINTS)
    np.savez(video.with_name("take.one.landmarks.npz"), other=np.zeros(3), landmarks=POINTS)
    assert np.array_equal(points_beside(video, 5), POINTS)


def test_openfaces_table(video: Path):
    beside = video.with_name("take.one.landmarks.csv")
    beside.write_text(csv_text(POINTS))
    assert np.allclose(points_beside(video, 5), POINTS, rtol=0, atol=1e-9)
    beside.write_text(csv_text(POINTS, [1, 0, 1, 1, 1]))
    found = points_beside(video, 5)
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2, 3, 4]]).all()


def test_a_frame_with_some_points_has_none(video: Path):
    points = POINTS.copy()
    points[2, 5] = np.nan
    np.save(video.with_name("take.one.landmarks.npy"), points)
    found = points_beside(video, 5)
    assert np.isnan(found[2]).all() and np.isfinite(found[3]).all()


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (np.zeros((5, 67, 2)), r"expected numbers of shape \(T, 68, 2\), got float64 \(5, 67, 2\)"),
        (np.zeros((4, 68, 2)), "expected landmarks of 5 frames, as the video has, got 4"),
        (np.zeros((8, 68, 2)), "expected landmarks of 5 frames, as the video has, got 8"),
        (np.full((5, 68, 2), "x"), "expected numbers of shape"),
    ],
)
def test_other_arrays_are_refused_in_one_line(video: Path, held: np.ndarray, expected: str):
    np.save(video.with_name("take.one.landmarks.npy"), held)
    with pytest.raises(MediaError, match=expected) as caught:
        points_beside(video, 5)
    assert "take.one.landmarks.npy" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("npy", b"not numpy", "expected a numpy file of landmarks"),
        ("npz", b"", "expected a numpy file of landmarks"),
        ("csv", b"frame,x_0\n1,2\n", "expected OpenFace's columns x_0 to y_67"),
        (
            "csv",
            csv_text(POINTS).replace("frame", "frame").replace("1, ", "one, ", 1).encode()[:-3] + b"abc",
            "expected",
        ),
    ],
)
def test_damaged_files(video: Path, name: str, content: bytes, expected: str):
    video.with_name(f"take.one.landmarks.{name}").write_bytes(content)
    with pytest.raises(MediaError, match=expected):
        points_beside(video, 5)


def test_pickles_are_not_opened(video: Path):
    np.save(video.with_name("take.one.landmarks.npy"), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(MediaError, match="expected a numpy file"):
        points_beside(video, 5)
