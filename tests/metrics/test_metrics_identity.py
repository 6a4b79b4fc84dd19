"""Identity: distances of made-up embeddings, and dlib's own of a portrait under what must and must not change it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import portraits
import pytest

from metrics.clip import Clip, Result
from metrics.errors import MetricError, MissingWeights
from metrics.features import dlib128, extractor, extractors
from metrics.features.dlib128 import STRIDE, Dlib128
from metrics.identity import cosine, euclidean
from metrics.registry import evaluate, get

DISTANCE, CSIM = "identity_distance/dlib128@1", "csim/arcface-r50@1"
GOLDEN = Path(__file__).parents[1] / "golden" / "metrics" / "dlib68.json"


def told(id: str, name: str, ours: np.ndarray, theirs: np.ndarray, frames: int) -> Result:
    """The value of made-up lines beside black frames."""
    black = np.zeros((frames, 4, 4, 3), np.uint8)
    held = {"features": {name: ours.astype(np.float32)}, "truth_features": {name: theirs.astype(np.float32)}}
    return evaluate(id, Clip(frames=black, truth=black, **held))


def test_distance_has_a_closed_form() -> None:
    lines = np.zeros((3, 128))
    moved = lines.copy()
    moved[0, :2], moved[2, 5] = (3, 4), 1
    result = told(DISTANCE, "dlib128", moved, lines, 11)
    assert result.value == pytest.approx(2) and result.coverage == 1
    assert np.flatnonzero(~np.isnan(result.per_frame)).tolist() == [0, 5, 10] and result.per_frame[0] == 5
    assert told(DISTANCE, "dlib128", lines, moved, 11).value == pytest.approx(2)


def test_cosine_has_a_closed_form() -> None:
    a = np.array([[1.0, 0], [2, 0], [3, 0], [1, 1]])
    b = np.array([[5.0, 0], [0, 1], [-2, 0], [2, 0]])
    assert cosine(a, b) == pytest.approx([1, 0, -1, math.sqrt(0.5)])
    assert told(CSIM, "arcface", a, b, 4).value == pytest.approx(math.sqrt(0.5) / 4)
    assert told(CSIM, "arcface", 7 * a, b, 4).value == pytest.approx(math.sqrt(0.5) / 4)  # lengths do not count
    assert np.isnan(cosine(a[:1] * 0, b[:1])).all() and euclidean(a, a).tolist() == [0] * 4


def test_csim_of_fixed_lines_does_not_move() -> None:
    """The golden value of a variant whose weights are not here: a new value needs a new version of the id."""
    rng = np.random.default_rng(512)
    ours = rng.normal(size=(10, 512))
    value = told(CSIM, "arcface", ours, ours + rng.normal(size=ours.shape), 10).value
    assert value == pytest.approx(0.7057729972714166, rel=1e-9)
    assert told(CSIM, "arcface", ours, ours, 10).value == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("id", "name", "frames"), [(DISTANCE, "dlib128", 50), (CSIM, "arcface", 10)])
def test_four_fifths_of_the_faces(id: str, name: str, frames: int) -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(size=(2, 10, 64))
    ours[1], theirs[2] = np.nan, np.nan
    result = told(id, name, ours, theirs, frames)
    assert result.value is not None and result.coverage == 0.8
    theirs[3] = np.nan
    result = told(id, name, ours, theirs, frames)
    assert result.value is None and result.coverage == 0.7 and result.reason.startswith("a face was found in 7 of 10")
    assert np.count_nonzero(np.isfinite(result.per_frame)) == 7


def test_a_wrong_number_of_lines_is_refused() -> None:
    with pytest.raises(MetricError, match="dlib128: expected 3 lines of features, got 11 and 11"):
        told(DISTANCE, "dlib128", np.zeros((11, 128)), np.zeros((11, 128)), 11)


def test_cards() -> None:
    assert get(DISTANCE).weights == ("dlib_resnet", "dlib68", "dlib_mmod") and "not CSIM" in get(DISTANCE).title
    assert get(CSIM).weights[0] == "arcface_r50" and "reference image" in get(CSIM).equals


@pytest.fixture(scope="module")
def network() -> Dlib128:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    return dlib128.load()


@pytest.fixture(scope="module")
def collins() -> tuple[np.ndarray, np.ndarray]:
    """The portrait and its golden landmarks in it."""
    points = np.array(json.loads(GOLDEN.read_text())["points68_xy"], np.float64)
    return portraits.portrait(), points - (portraits.FACE[1].start, portraits.FACE[0].start)


def test_every_fifth_frame(network: Dlib128, collins: tuple[np.ndarray, np.ndarray]) -> None:
    face, points = collins
    frames, marks = np.repeat(face[None], 12, 0), np.repeat(points[None], 12, 0)
    marks[5] = np.nan
    lines = network.extract(frames, marks)
    assert lines.shape == (math.ceil(12 / STRIDE), 128) and lines.dtype == np.float32
    assert np.isnan(lines[1]).all() and np.array_equal(lines[0], lines[2])
    assert 1 < np.linalg.norm(lines[0]) < 2
    assert network.extract(frames[:0], marks[:0]).shape == (0, 128)


def test_a_still_picture_is_embedded_once(collins: tuple[np.ndarray, np.ndarray]) -> None:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    calls = []

    class Network:
        def compute_face_descriptor(self, chip: np.ndarray) -> list[float]:
            calls.append(chip.shape)
            return [float(len(calls))] * 128

    face, points = collins
    frames, marks = np.repeat(face[None], 16, 0), np.repeat(points[None], 16, 0)
    frames[7] = 0  # not looked at
    assert Dlib128(Network()).extract(frames, marks)[:, 0].tolist() == [1, 1, 1, 1] and calls == [(150, 150, 3)]
    marks[10] += 1
    assert Dlib128(Network()).extract(frames, marks)[:, 0].tolist() == [2, 2, 3, 4]


def test_what_changes_an_identity_and_what_does_not(network: Dlib128, collins: tuple[np.ndarray, np.ndarray]) -> None:
    """Size, place and light hardly do, dlib's threshold being 0.6; another face does."""
    face, points = collins

    def line(image: np.ndarray, marks: np.ndarray) -> np.ndarray:
        return network.extract(np.ascontiguousarray(image)[None], marks[None])

    own = line(face, points)
    moved = np.pad(face, ((7, 0), (11, 0), (0, 0)))
    assert euclidean(line(moved, points + (11, 7)), own)[0] < 0.02
    assert euclidean(line(portraits.resized(face, 1.5, 1.5), 1.5 * points), own)[0] < 0.2
    assert euclidean(line(portraits.darkened(face, 0.6), points), own)[0] < 0.3
    from skimage.data import camera

    other = np.repeat(camera()[..., None], 3, 2)[90:220, 170:300]  # a face seen from the side, roughly marked
    marks = (points - points.min(0)) / np.ptp(points, axis=0) * (60, 70) + (35, 30)
    assert euclidean(line(other, marks), own)[0] > 0.6


def test_wrong_input_is_refused(network: Dlib128) -> None:
    with pytest.raises(MetricError, match="dlib128: expected landmarks of each of 2 frames"):
        network.extract(np.zeros((2, 8, 8, 3), np.uint8), None)
    with pytest.raises(MetricError, match=r"dlib128: expected uint8 frames \(T, H, W, 3\)"):
        network.extract(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 68, 2)))


def test_on_the_shelf_and_without_dlib(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"dlib128", "arcface"} <= set(extractors())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingWeights, match=r"feature extractor dlib128 needs dlib: install the extra `faces`"):
        dlib128.load.__wrapped__()


@pytest.mark.real
def test_two_films_are_of_two_people(network: Dlib128) -> None:
    """dlib's threshold of 0.6 tells persons apart; here by the whole way of a clip, landmarks included."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "real" / "video"
    films = [folder / name for name in ("KristiNoem.mp4", "Obama_clip3.mp4")]
    if not all(film.is_file() for film in films):
        pytest.skip("no real clips beside the repository")
    import av

    from metrics.landmarks import backend

    lines = []
    for film in films:
        with av.open(str(film)) as held:
            frames = np.stack([f.to_ndarray(format="rgb24") for t, f in enumerate(held.decode(video=0)) if t < 11])
        lines.append(extractor("dlib128").extract(frames, backend("dlib68").detect(frames)))
    assert euclidean(lines[0], lines[1]).min() > 0.6 > 0.4 > euclidean(lines[0][:1], lines[0][-1:])[0]
