"""Face detectors by name, HOG's on a portrait and what spoils it, and frames that repeat."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from portraits import beside, darkened, portrait, resized

from metrics.clip import Clip
from metrics.errors import MetricError, MissingWeights
from metrics.faces import detector, detectors, hog, largest, tabulate
from metrics.faces.hog import SURE, Hog
from metrics.stills import each

GREY = np.full((220, 220, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def found() -> Hog:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    return hog.load()


class Disk:
    """Frames that can do no more than `metrics.clip.Frames` asks for, and count how many are read."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames, self.shape, self.dtype, self.read = frames, frames.shape, frames.dtype, 0

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[np.ndarray]:
        for t in range(len(self)):
            yield self[t]

    def __getitem__(self, index: int) -> np.ndarray:
        self.read += 1
        return self._frames[index].copy()


def test_ours_by_name(found: Hog) -> None:
    assert {"hog", "yunet"} <= set(detectors())
    assert detector("hog") is found and found.name == "hog" and found.weights == ()
    with pytest.raises(MetricError, match=r"unknown face detector 'hogg'\. Did you mean hog\?"):
        detector("hogg")


def test_a_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    (tmp_path / "metrics" / "faces").mkdir(parents=True)
    (tmp_path / "metrics" / "faces" / "corner.py").write_text("def load():\n    return 'C'\n")
    assert "corner" in detectors() and detector("corner") == "C"


def test_a_face_two_faces_none(found: Hog) -> None:
    face = portrait()
    for picture, count in ((face, 1), (GREY, 0), (beside(face, 1.5), 2)):
        faces = found.find(picture[None])
        assert faces.shape == (count, 6) and faces.dtype == np.float64
        assert not count or (faces[:, 0] == 0).all()
        assert (np.diff(faces[:, 5]) <= 0).all()
        Clip(frames=picture[None], faces={"hog": faces})  # keeps the clip's contract
    left, top, right, bottom = found.find(face[None])[0, 1:5]
    assert abs((left + right) / 2 - 106) < 8 and abs((top + bottom) / 2 - 97) < 8 and 80 < right - left < 110


def test_frames_keep_their_numbers(found: Hog) -> None:
    face = portrait()
    faces = found.find(np.stack([GREY, face, face, GREY, face]))
    assert faces[:, 0].tolist() == [1, 2, 4]
    assert np.array_equal(faces[0, 1:], faces[1, 1:]) and np.array_equal(faces[0, 1:], faces[2, 1:])


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (lambda face: darkened(face, 0.08), True),
        (lambda face: darkened(face, 0.04), False),
        (lambda face: resized(face, 0.6, 1), True),
        (lambda face: resized(face, 0.4, 1), False),  # as narrow as a profile
        (lambda face: resized(face, 0.5, 0.5), True),  # 45 pixels: in the enlarged frame
        (lambda face: np.ascontiguousarray(face[::-1]), False),
        (lambda face: face[:1, :1], False),
        (lambda face: face[:3, :200], False),
    ],
    ids=["dark", "night", "narrow", "profile", "small", "upside down", "one pixel", "a stripe"],
)
def test_what_hog_sees(found: Hog, spoil: object, seen: bool) -> None:
    assert (len(found.find(spoil(portrait())[None])) == 1) == seen


def test_a_repeated_frame_is_not_searched_again() -> None:
    looks: list[int] = []

    def look(image: np.ndarray) -> int:
        looks.append(int(image[0, 0, 0]))
        return looks[-1] * 10

    frames = np.zeros((6, 2, 2, 3), np.uint8)
    frames[:, 0, 0, 0] = [1, 1, 2, 2, 2, 1]
    assert list(each(frames, look)) == [10, 10, 20, 20, 20, 10] and looks == [1, 2, 1]
    assert list(each(frames[:0], look)) == []


def test_a_frame_that_somebody_asked_for_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landmarks look for faces in a clip's frames, then tracks do."""
    searched: list[int] = []

    class Trees:
        def run(self, image: np.ndarray, doublings: int, least: float) -> tuple[list, list, list]:
            searched.append(int(image[0, 0, 0]))
            return [], [], []

    one = Hog(Trees())
    frames = np.zeros((3, 8, 9, 3), np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None, None]
    for _ in range(2):
        assert [one.faces(frame) for frame in frames] == [[], [], []]
    assert searched == [0, 0, 1, 1, 2, 2]  # each as it is and enlarged
    one.faces(frames[0].reshape(9, 8, 3))  # the same bytes in another shape
    assert searched[6:] == [0, 0]
    monkeypatch.setattr(hog, "_REMEMBERED", 2)
    one.faces(frames[0] + np.uint8(9))
    assert len(one._known) == 2


def test_frames_are_read_one_by_one(found: Hog) -> None:
    frames = np.stack([portrait(), GREY, portrait()])
    disk = Disk(frames)
    assert np.array_equal(found.find(disk), found.find(frames)) and disk.read == 3


def test_wrong_input_is_refused(found: Hog) -> None:
    with pytest.raises(MetricError, match=r"hog: expected uint8 frames \(T, H, W, 3\), got float64 \(1, 8, 8, 3\)"):
        found.find(np.zeros((1, 8, 8, 3)))


def test_what_it_is_not_sure_of_counts_only_alone() -> None:
    class Trees:
        def __init__(self, *levels: list[float]) -> None:
            self.levels = levels

        def run(self, image: np.ndarray, doublings: int, least: float) -> tuple[list, list[float], list]:
            class Rectangle:
                left = top = right = bottom = staticmethod(lambda: doublings)

            scores = [score for score in self.levels[doublings] if score >= least]
            return [Rectangle] * len(scores), scores, []

    def scores(*levels: list[float]) -> list[float]:
        return [score for _, score in Hog(Trees(*levels)).faces(GREY)]

    assert scores([2.0, 0.1, SURE], [3.0]) == [2.0, SURE]
    assert scores([0.1], [0.9, 0.2]) == [0.9]
    assert scores([0.1], [0.2]) == [0.1] and scores([], [0.2]) == [0.2] and scores([], [-1.0]) == []


def test_tables_and_the_largest() -> None:
    small, wide = ((0.0, 0.0, 9.0, 9.0), 0.5), ((0.0, 0.0, 19.0, 5.0), 0.9)
    table = tabulate([[], [small, wide], [small]])
    assert table.tolist() == [[1, 0, 0, 19, 5, 0.9], [1, 0, 0, 9, 9, 0.5], [2, 0, 0, 9, 9, 0.5]]
    assert tabulate([]).shape == (0, 6) and tabulate([[], []]).shape == (0, 6)
    assert largest([small, wide]) == wide[0] and largest([]) is None


def test_without_dlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingWeights, match=r"face detector hog needs dlib: install the extra `faces`"):
        hog.load.__wrapped__()
