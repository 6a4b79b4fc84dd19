"""YuNet on a portrait and what spoils it, and the landmarks in its boxes; skipped where its model file is not here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from portraits import beside, darkened, portrait, resized

from metrics.clip import Clip
from metrics.errors import MetricError, MissingWeights
from metrics.faces import yunet
from metrics.faces.yunet import LONGEST, SURE, Yunet
from metrics.landmarks import BACKENDS, dlib68, yunet68
from metrics.landmarks.yunet68 import SHIFT, SIDE, Yunet68, square
from metrics.weights import find, verify

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def detector() -> Iterator[Yunet]:
    with pytest.MonkeyPatch.context() as patch:
        if find("yunet") is None:
            patch.setenv("AVCT_BENCH_WEIGHTS", str(SHARED / "models"))
        if verify("yunet") != "intact":
            pytest.skip("the model file of YuNet is not here (weights yunet)")
        yield yunet.load.__wrapped__()


@pytest.fixture(scope="module")
def backend(detector: Yunet) -> Yunet68:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    from metrics.landmarks.predictor68 import open_predictor

    return Yunet68(detector, open_predictor("yunet68"))


def test_a_face_two_faces_none(detector: Yunet) -> None:
    face = portrait()
    for picture, count in ((face, 1), (np.full_like(face, 128), 0), (beside(face, 1.5), 2)):
        faces = detector.find(picture[None])
        assert faces.shape == (count, 6) and (faces[:, 5] >= SURE).all() and (faces[:, 5] <= 1).all()
        Clip(frames=picture[None], faces={"yunet": faces})
    left, top, right, bottom = detector.find(face[None])[0, 1:5]
    assert left == pytest.approx(61, abs=2) and right == pytest.approx(147, abs=2)
    assert top == pytest.approx(35, abs=3) and bottom == pytest.approx(145, abs=3)


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (lambda face: darkened(face, 0.08), True),
        (lambda face: darkened(face, 0.02), False),
        (lambda face: resized(face, 0.4, 1), True),  # as narrow as a profile
        (lambda face: np.ascontiguousarray(face.swapaxes(0, 1)), True),  # on its side
        (lambda face: resized(face, 0.25, 0.25), True),  # 22 pixels
        (lambda face: resized(face, 9, 9), True),  # 800 pixels: reduced
        (lambda face: np.random.default_rng(0).integers(0, 256, face.shape).astype(np.uint8), False),
        (lambda face: face[:1, :1], False),
        (lambda face: face[:3, :200], False),
    ],
    ids=["dark", "night", "profile", "on its side", "small", "large", "noise", "one pixel", "a stripe"],
)
def test_what_yunet_sees(detector: Yunet, spoil: object, seen: bool) -> None:
    assert (len(detector.find(spoil(portrait())[None])) == 1) == seen


def test_a_large_frame_has_boxes_in_its_own_pixels(detector: Yunet) -> None:
    face = portrait()
    large = resized(face, 4, 4)
    assert max(large.shape) > LONGEST
    plain, found = (detector.find(picture[None])[0, 1:5] for picture in (face, large))
    assert found / 4 == pytest.approx(plain, abs=8)


def test_frames_keep_their_numbers_and_sizes_may_change(detector: Yunet) -> None:
    face = portrait()
    grey = np.full_like(face, 128)
    before = detector.find(np.stack([grey, face, face, grey, face]))
    assert before[:, 0].tolist() == [1, 2, 4] and np.array_equal(before[0, 1:], before[2, 1:])
    detector.find(beside(face, 1.2)[None])
    assert np.array_equal(detector.find(np.stack([grey, face, face, grey, face])), before)


def test_landmarks_near_those_of_hog(backend: Yunet68) -> None:
    face = portrait()
    hog = dlib68.load().detect(face[None])
    found = backend.detect(np.stack([face, np.full_like(face, 128)]))
    assert found.shape == (2, 68, 2) and np.isnan(found[1]).all()
    eyes = np.linalg.norm(hog[0, 36] - hog[0, 45])
    assert np.linalg.norm(found[0] - hog[0], axis=-1).mean() < 0.03 * eyes
    assert backend.name == "yunet68" and backend.weights == BACKENDS["yunet68"]


def test_landmarks_of_the_largest_face(backend: Yunet68) -> None:
    both = beside(portrait(), 1.5)
    assert (backend.detect(both[None])[0, :, 0] > 230).all()


def test_the_square_of_a_box() -> None:
    left, top, right, bottom = square((100.0, 200.0, 199.0, 299.0))  # 100 by 100 around (149.5, 249.5)
    side = 100 * sum(SIDE) / 2
    assert right - left + 1 == pytest.approx(side, abs=1) and bottom - top == right - left
    assert (left + right) / 2 == pytest.approx(149.5 + 100 * SHIFT[0], abs=0.5)
    assert (top + bottom) / 2 == pytest.approx(249.5 + 100 * SHIFT[1], abs=0.5)


def test_without_the_file_the_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AVCT_BENCH_CACHE", "TORCH_HOME", "AVCT_BENCH_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(MissingWeights, match="weights yunet"):
        yunet.load.__wrapped__()
    (tmp_path / "yunet_n_640_640.onnx").write_bytes(b"cut short")
    with pytest.raises(MetricError, match=r"expected the sha256 that weights\.toml states for yunet"):
        yunet68.load.__wrapped__()


@pytest.mark.real
def test_real_films(backend: Yunet68) -> None:
    """A face in every frame, landmarks near those by HOG."""
    films = sorted((SHARED / "real" / "video").glob("*.mp4"))
    if not films:
        pytest.skip("no real clips beside the repository")
    import av

    for film in films:
        with av.open(str(film)) as held:
            frames = [f.to_ndarray(format="rgb24") for t, f in enumerate(held.decode(video=0)) if t in (0, 60)]
        found, hog = backend.detect(np.stack(frames)), dlib68.load().detect(np.stack(frames))
        eyes = np.linalg.norm(hog[:, 36] - hog[:, 45], axis=-1)
        assert (np.linalg.norm(found - hog, axis=-1).mean(1) / eyes < 0.15).all(), film.name
