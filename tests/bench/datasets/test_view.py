"""What is shown of a film: window, portrait frame, crops, and that they agree with one another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.films import open_dataset
from bench.datasets.puppets.corpus import rest_portrait
from bench.errors import ConfigError, MediaError, MissingError
from bench.io.encode import write_lossless

WIDE, HIGH, COUNT = 40, 24, 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One film of 20 frames whose picture and sound say their place."""
    frames = np.zeros((COUNT, HIGH, WIDE, 3), np.uint8)
    frames[:] = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * 10
    frames[:, :, :8, 2] = 255  # what a square in the middle leaves out
    samples = np.repeat(np.arange(COUNT, dtype=np.float32) / COUNT, 640)
    (tmp_path / "ann").mkdir()
    write_lossless(tmp_path / "ann/a.mkv", frames, samples=samples)
    return tmp_path


def films(root: Path, **options):
    return open_dataset({"path": str(root), "identity": "{folder}", "crop": "centre", **options})


def test_window_frame_and_square(root: Path):
    data = films(root, window=[0.2, 0.4], frame=2)
    assert data.identities(["ann/a"]) == {"ann/a": "ann"}
    take = data.take("ann/a", "ann/a")
    assert take.frames.shape == (5, HIGH, HIGH, 3)
    np.testing.assert_array_equal(take.frames[:, 0, 0], np.arange(5, 10)[:, None] * 10 * np.ones(3))
    np.testing.assert_array_equal(take.speech.samples, np.repeat(np.arange(5, 10, dtype=np.float32) / COUNT, 640))
    np.testing.assert_array_equal(data.portrait("ann/a").image, take.frames[2])
    np.testing.assert_array_equal(films(root).portrait("ann/a").image, films(root).take("ann/a", "ann/a").frames[0])


def test_a_clip_that_ends_before_its_window_is_shown_to_its_end(root: Path):
    assert len(films(root, window=[0.4, 5.0]).take("ann/a", "ann/a").frames) == 10
    late = films(root, window=[5.0, 9.0])
    with pytest.raises(MediaError, match=r"a\.mkv: expected sound after 5 s, the file has 0\.80 s"):
        late.speech("ann/a")
    with pytest.raises(MediaError, match=r"a\.mkv: expected at least one frame"):
        late.portrait("ann/a")
    with pytest.raises(MediaError, match=r"a\.mkv: expected at least one frame"):
        films(root, frame=COUNT).portrait("ann/a")


def test_phones_and_words_of_a_window(root: Path):
    (root / "ann/a.json").write_text(
        '[{"word": "a", "phones": [{"ph": "AA", "bg": 0, "ed": 30}, {"ph": "B", "bg": 30, "ed": 80}]}]'
    )
    (root / "ann/a.txt").write_text("Ab!")
    whole = films(root, text="{folder}/{stem}.txt").speech("ann/a")
    assert whole.transcript == "Ab!" and [(p.symbol, p.start) for p in whole.phones] == [("AA", 0.0), ("B", 0.3)]
    part = films(root, text="{folder}/{stem}.txt", window=[0.2, 0.4]).speech("ann/a")
    assert part.transcript is None  # nobody knows which of the words were said in it
    assert [(p.symbol, p.start, p.end) for p in part.phones] == [
        ("AA", 0.0, pytest.approx(0.1)),
        ("B", pytest.approx(0.1), pytest.approx(0.2)),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"crop": "center"}, "crop: expected 'none', 'centre' or 'face', got 'center'"),
        ({"frame": -1}, "frame: expected 'first' or a number of at least 0, got -1"),
        ({"frame": True}, "frame: expected 'first' or a number"),
        ({"window": [2, 1]}, "window: expected two numbers of seconds, from < to"),
        ({"window": [1]}, "window: expected two numbers"),
        ({"side": 8}, "side: expected 16 to 2048 pixels, got 8"),
        ({"poses": "guess"}, "poses: expected 'none' or 'read', got 'guess'"),
        ({"widow": [1, 2]}, "unknown option 'widow'. Did you mean window"),
        ({"split": "test"}, "no split 'test'. The clips have no splits"),
        ({"clip": "{who}"}, "unknown word 'who'"),
        ({"clip": "{folder}", "glob": "**/*"}, "two files are clip ann"),
        ({"pattern": "("}, "pattern: not a regular expression"),
        ({"form": "praat"}, "form: expected one of plain, lrs, align, got 'praat'"),
    ],
)
def test_options_that_do_not_work(root: Path, options: dict, expected: str):
    write_lossless(root / "ann/b.mkv", np.zeros((2, 16, 16, 3), np.uint8), samples=np.zeros(1280, np.float32))
    with pytest.raises(ConfigError) as caught:
        films(root, **options)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_a_pattern_that_fits_nothing(root: Path):
    with pytest.raises(MissingError, match=r"no video has a path such as 'x\.mp4'"):
        films(root, pattern="x.mp4")
    with pytest.raises(MissingError, match="no such folder"):
        films(root / "elsewhere")


def test_frames_must_be_square_without_a_crop(root: Path):
    with pytest.raises(MediaError, match=r"a\.mkv: expected square frames, got 40x24"):
        films(root, crop="none").portrait("ann/a")


def test_a_face_is_cut_by_one_square_a_film(tmp_path: Path):
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    face = rest_portrait("astronaut").image
    frames = np.full((11, 300, 480, 3), 90, np.uint8)
    for k in range(11):
        frames[k, 20:276, 60 + 4 * k : 316 + 4 * k] = face  # the head crosses 40 pixels
    write_lossless(tmp_path / "a.mkv", frames, samples=np.zeros(11 * 640, np.float32))
    data = open_dataset({"path": str(tmp_path), "identity": "{stem}", "crop": "face", "side": 128, "poses": "read"})
    take, portrait = data.take("a", "a"), data.portrait("a")
    assert take.frames.shape == (11, 128, 128, 3) and take.pose is not None and take.pose.shape == (11, 6)
    np.testing.assert_array_equal(portrait.image, take.frames[0])
    # The camera stands still: the head moves in the square, and the pose follows it to the right.
    assert np.abs(take.frames[0].astype(int) - take.frames[10]).mean() > 5
    assert take.pose[-1, 3] - take.pose[0, 3] > 10
    assert portrait.landmarks is not None and portrait.landmarks.min() > 0 and portrait.landmarks.max() < 128
    write_lossless(tmp_path / "a.mkv", np.full((2, 36, 36, 3), 90, np.uint8), samples=np.zeros(1280, np.float32))
    with pytest.raises(MediaError, match="no face was found in the clip"):
        open_dataset({"path": str(tmp_path), "identity": "{stem}", "crop": "face"}).portrait("a")
