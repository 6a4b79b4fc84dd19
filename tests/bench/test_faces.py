"""Faces cut out of pictures: where they land, and that nothing is ever squashed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.puppets.corpus import rest_portrait
from bench.errors import MediaError
from bench.faces import crop, detect, prepare

SIZE = 256


@pytest.fixture(scope="module")
def face() -> tuple[np.ndarray, np.ndarray]:
    """The corpus's photograph and its landmarks."""
    portrait = rest_portrait("astronaut")
    return portrait.image, np.asarray(portrait.landmarks, float)


def place(face: np.ndarray, *, width: int, height: int, at: tuple[int, int]) -> np.ndarray:
    canvas = np.full((height, width, 3), 90, np.uint8)
    x, y = at
    canvas[y : y + SIZE, x : x + SIZE] = face
    return canvas


@pytest.mark.parametrize("at", [(0, 0), (300, 0), (150, 100)])
def test_a_crop_has_the_corpus_framing_wherever_the_face_is(face: tuple, at: tuple[int, int]) -> None:
    image, points = face
    canvas = place(image, width=556, height=400, at=at)
    cut, moved = crop(canvas, points + np.array(at))
    assert cut.shape == (SIZE, SIZE, 3) and cut.dtype == np.uint8
    assert np.linalg.norm(moved[16] - moved[0]) == pytest.approx(116, abs=0.01)
    centre = (moved[27] + moved[8] + moved[30] + moved[51]) / 4
    np.testing.assert_allclose(centre, [128, 143], atol=0.01)


def test_a_crop_is_a_similarity_also_at_the_edge() -> None:
    """A grid of dots at the border of a picture keeps its spacing in both directions: no squeeze to fit."""
    canvas = np.zeros((200, 300, 3), np.uint8)
    for y in range(5, 200, 20):
        for x in range(5, 300, 20):
            canvas[y - 1 : y + 2, x - 1 : x + 2] = 255
    points = np.zeros((68, 2))
    points[0], points[16], points[27], points[30], points[51], points[8] = (
        (5, 60), (63, 60), (34, 40), (34, 60), (34, 75), (34, 95),
    )  # fmt: skip
    cut, moved = crop(canvas, points)
    scale = 116 / 58
    np.testing.assert_allclose(moved[16] - moved[0], [58 * scale, 0], atol=1e-9)
    offset = moved[0] - points[0] * scale
    for x, y in ((25, 45), (65, 85), (45, 65)):
        u, v = np.round(np.array([x, y]) * scale + offset).astype(int)
        window = cut[v - 6 : v + 7, u - 6 : u + 7, 0].astype(float)
        ys, xs = np.mgrid[-6:7, -6:7]
        found = np.array([(window * xs).sum(), (window * ys).sum()]) / window.sum()
        exact = np.array([x, y]) * scale + offset - [u, v]
        np.testing.assert_allclose(found, exact, atol=0.3)


def test_shrinking_does_not_alias() -> None:
    """A picture of fine lines, shrunk sixteen times, is their mean and no beat pattern."""
    canvas = np.zeros((4096, 4096, 3), np.uint8)
    canvas[:, ::2] = 255
    points = np.zeros((68, 2))
    points[0], points[16], points[27], points[30], points[51], points[8] = (
        (1100, 2000), (2956, 2000), (2000, 1600), (2000, 2000), (2000, 2300), (2000, 2700),
    )  # fmt: skip
    cut, _ = crop(canvas, points)
    assert abs(float(cut[64:192, 64:192].mean()) - 127.5) < 3 and cut[64:192, 64:192].std() < 12


def test_faces_are_found_and_square_crops_left_alone(face: tuple) -> None:
    pytest.importorskip("dlib", reason="finding faces needs the extra `faces`")
    image, points = face
    kept = prepare(image, Path("face.png"))
    assert not kept.cropped and kept.landmarks is not None
    np.testing.assert_array_equal(kept.image, image)
    far = np.linalg.norm(kept.landmarks - points, axis=1)
    assert np.median(far) < 0.05 * 116
    wide = prepare(place(image, width=520, height=300, at=(200, 30)), Path("wide.png"))
    assert wide.cropped and wide.landmarks is not None
    assert np.linalg.norm(wide.landmarks[16] - wide.landmarks[0]) == pytest.approx(116, rel=0.02)


def test_no_face_and_too_few_pixels_are_one_line() -> None:
    with pytest.raises(MediaError, match="at least 64x64 pixels, got 50x80"):
        prepare(np.zeros((80, 50, 3), np.uint8), Path("small.png"))
    pytest.importorskip("dlib", reason="finding faces needs the extra `faces`")
    assert detect(np.full((100, 100, 3), 50, np.uint8)) is None
    with pytest.raises(MediaError, match=r"wall\.png: no face was found"):
        prepare(np.full((100, 120, 3), 50, np.uint8), Path("wall.png"))
