"""dlib's landmarks on a photograph; without the extra `faces` the line that says what to install."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import portraits
import pytest

from metrics.errors import MetricError, MissingWeights
from metrics.faces import hog
from metrics.landmarks import dlib68
from metrics.landmarks.dlib68 import Dlib68
from metrics.weights import find

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "metrics" / "dlib68.json").read_text())


@pytest.fixture(scope="module")
def detector() -> Dlib68:
    if importlib.util.find_spec("dlib") is None or any(find(name) is None for name in Dlib68.weights):
        pytest.skip("the extra `faces` is not installed")
    return dlib68.load()


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    from skimage.data import astronaut

    return astronaut()


def test_the_golden_portrait(detector: Dlib68, portrait: np.ndarray) -> None:
    assert list(dlib68.largest_face(portrait)) == GOLDEN["rect_ltrb"]
    found = detector.detect(portrait[None])
    assert found.shape == (1, 68, 2) and found.dtype == np.float64
    assert np.linalg.norm(found[0] - GOLDEN["points68_xy"], axis=-1).max() <= 1


def test_a_small_face_is_found_in_the_enlarged_frame(detector: Dlib68, portrait: np.ndarray) -> None:
    """In the portrait halved HOG finds nothing at first: the face is 43 pixels wide. Then it finds two, and the one
    that it is not sure of, in the suit, is the larger.
    """
    half = portrait[::2, ::2].copy()
    found = detector.detect(half[None])[0]
    assert np.linalg.norm(2 * found - GOLDEN["points68_xy"], axis=-1).mean() < 4


def test_no_face_is_nan_and_says_nothing_of_its_neighbours(detector: Dlib68, portrait: np.ndarray) -> None:
    crop = portrait[30:250, 120:340]
    blank = np.full_like(crop, 128)
    found = detector.detect(np.stack([crop, blank, crop, crop]))
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2, 3]]).all()
    assert np.array_equal(found[0], found[2]) and np.array_equal(found[2], found[3])
    assert detector.largest_face(blank[:64, :64].copy()) is None
    noise = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3)).astype(np.uint8)
    assert np.isnan(detector.detect(noise)).all()


def test_the_largest_face_counts(detector: Dlib68, portrait: np.ndarray) -> None:
    face = portrait[60:200, 150:300]
    large = np.repeat(np.repeat(face, 2, 0), 2, 1)
    both = np.full((300, 480, 3), 128, np.uint8)
    both[20:160, 5:155], both[10:290, 170:470] = face, large
    left, _, right, _ = detector.largest_face(both)
    assert left > 170 and right - left > 120


@pytest.mark.parametrize(
    ("plain", "enlarged", "want"),
    [
        ({20: 0.9, 40: 0.5, 60: 0.1}, {80: 2.0}, 40),  # the largest of those that are sure
        ({60: 0.1}, {30: 0.9}, 30),  # sure in the enlarged frame before doubtful in the frame
        ({60: 0.1}, {80: 0.2}, 60),
        ({}, {50: 0.2, 40: 0.1}, 50),
        ({}, {}, 10),  # the CNN's
    ],
)
def test_which_box_counts(
    plain: dict[int, float], enlarged: dict[int, float], want: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boxes of HOG by side and score, in the frame and in the enlarged one."""
    dlib = pytest.importorskip("dlib", reason="the extra `faces` is not installed")

    class Trees:
        def run(self, image: np.ndarray, doublings: int, threshold: float) -> tuple[list, list, list]:
            found = (plain, enlarged)[doublings]
            return [dlib.rectangle(0, 0, side, side) for side in found], list(found.values()), [0] * len(found)

    bare = Dlib68(hog.Hog(Trees()), None, "")
    monkeypatch.setattr(bare, "_search", lambda image: [((0, 0, 10, 10), 1.0)])
    assert bare.largest_face(np.zeros((8, 8, 3), np.uint8)) == (0, 0, want, want)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 8), (39, 300), (41, 41)])
def test_pictures_too_small_for_a_face(detector: Dlib68, size: tuple[int, int]) -> None:
    """Smaller than some 10 pixels the CNN would end the process."""
    assert np.isnan(detector.detect(np.full((1, *size, 3), 90, np.uint8))).all()


def test_darkness_and_half_a_profile(detector: Dlib68) -> None:
    face = portraits.portrait()
    dark, narrow = portraits.darkened(face, 0.08), portraits.resized(face, 0.6, 1)
    plain, dim, thin = (detector.detect(picture[None])[0] for picture in (face, dark, narrow))
    eyes = np.linalg.norm(plain[36] - plain[45])
    assert np.linalg.norm(dim - plain, axis=-1).mean() < 0.15 * eyes
    assert np.linalg.norm(thin / (0.6, 1) - plain, axis=-1).mean() < 0.1 * eyes
    assert np.isnan(detector.detect(portraits.darkened(face, 0.02)[None])).all()


def test_wrong_input_is_refused(detector: Dlib68, portrait: np.ndarray) -> None:
    with pytest.raises(MetricError, match=r"expected uint8 frames \(T, H, W, 3\), got uint8 \(512, 512, 3\)"):
        detector.detect(portrait)
    with pytest.raises(MetricError, match="got float64"):
        detector.detect(portrait[None] / 255)
    with pytest.raises(MetricError, match=r"expected a uint8 image \(H, W, 3\), got uint8 \(512, 512\)"):
        dlib68.largest_face(portrait[..., 0])


def test_without_dlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingWeights, match=r"needs dlib: install the extra `faces`"):
        dlib68.load.__wrapped__()


def test_the_wheel_of_the_models_is_never_imported(detector: Dlib68) -> None:
    """It fails to import with a current setuptools; only its folder is looked up."""
    assert detector is dlib68.load() and "face_recognition_models" not in sys.modules


def test_a_damaged_predictor_is_not_used(detector: Dlib68, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shape_predictor_68_face_landmarks.dat").write_bytes(b"cut short")
    monkeypatch.setenv("AVCT_BENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(MetricError, match=r"expected the sha256 that weights\.toml states for dlib68"):
        dlib68.load.__wrapped__()
