"""Videos of any length: the same frames and the same hash from memory and from disk, and files that go away."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from bench.errors import MissingError
from bench.io.digest import sha256_array
from bench.io.encode import write_lossless
from bench.io.spool import FrameFile, first, spool

FRAMES = np.random.default_rng(5).integers(0, 256, (11, 24, 32, 3), dtype=np.uint8)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    write_lossless(tmp_path / "film.mkv", FRAMES, samples=None)
    return tmp_path / "film.mkv"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_a_short_video_is_an_array(film: Path, work: Path):
    video, digest = spool(film, work)
    assert isinstance(video, np.ndarray) and np.array_equal(video, FRAMES) and digest == sha256_array(FRAMES)
    assert not list(work.iterdir())


@pytest.mark.parametrize("memory", [0, 24 * 32 * 3, 24 * 32 * 3 * 5])
def test_a_long_one_is_a_file_with_the_same_frames_and_hash(film: Path, work: Path, memory: int):
    video, digest = spool(film, work, memory=memory)
    assert isinstance(video, FrameFile) and len(list(work.iterdir())) == 1
    assert (video.shape, video.dtype, video.ndim, len(video)) == (FRAMES.shape, np.uint8, 4, 11)
    assert digest == sha256_array(FRAMES)
    assert np.array_equal(np.stack(list(video)), FRAMES) and np.array_equal(video[-1], FRAMES[-1])
    for cut in (slice(3, 7), slice(9, 99), slice(5, 5), slice(None, None, 3), slice(7, 2)):
        assert np.array_equal(video[cut], FRAMES[cut])
    with pytest.raises(IndexError, match="expected a frame of 0 to 10, got 11"):
        video[11]


def test_the_file_goes_with_its_last_view(film: Path, work: Path):
    video, _ = spool(film, work, memory=0)
    part, digest = first(video, 4)
    assert digest == sha256_array(FRAMES[:4]) and np.array_equal(part[0:4], FRAMES[:4]) and len(part) == 4
    del video
    gc.collect()
    assert np.array_equal(part[3], FRAMES[3])
    with pytest.raises(IndexError):
        part[4]
    del part
    gc.collect()
    assert not list(work.iterdir())


def test_the_first_frames_of_an_array():
    part, digest = first(FRAMES, 2)
    assert np.array_equal(part, FRAMES[:2]) and digest == sha256_array(FRAMES[:2])


def test_nothing_stays_where_decoding_fails(film: Path, work: Path, tmp_path: Path):
    with pytest.raises(MissingError):
        spool(tmp_path / "gone.mkv", work)
    data = film.read_bytes()
    film.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(Exception, match=r"film\.mkv"):
        spool(film, work, memory=0)
    gc.collect()
    assert not list(work.iterdir())
