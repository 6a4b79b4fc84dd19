"""Squares around faces: where each convention puts them, and that circles stay circles at every edge."""

from __future__ import annotations

import numpy as np
import pytest

from bench.datasets.puppets.corpus import REST, skeleton
from bench.datasets.puppets.skeleton import Moment
from bench.framing import STYLES, Box, cut, frame, move

WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """Landmarks of a painted face whose width is 116 pixels, its middle at the origin."""
    marks = skeleton("test-003").place(Moment(REST))[0].astype(float)
    return marks - (marks.min(0) + marks.max(0)) / 2


def disc(centre: np.ndarray, radius: float, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A white disc with a soft rim on black."""
    y, x = np.mgrid[0:height, 0:width]
    shade = np.clip(radius - np.hypot(x - centre[0], y - centre[1]) + 0.5, 0, 1)
    return np.repeat((shade * 255).astype(np.uint8)[..., None], 3, 2)


EDGES = {
    "left": (48, 240), "right": (WIDTH - 49, 240), "top": (320, 48), "bottom": (320, HEIGHT - 49),
    "left top": (48, 48), "right bottom": (WIDTH - 49, HEIGHT - 49), "middle": (320, 240),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("at", EDGES)
def test_a_circle_stays_a_circle_at_every_edge(face: np.ndarray, style: str, at: str) -> None:
    """The official crop cuts its window short at the right and lower edge and squashes what is left to a square."""
    centre, radius = np.array(EDGES[at], float), 40.0
    marks = face + centre
    box = frame(marks[None], style)
    shown = cut(disc(centre, radius), box, 256)[..., 0].astype(float) / 255
    scale = 256 / box.side
    y, x = np.mgrid[0:256, 0:256]
    middle = np.array([(shown * x).sum(), (shown * y).sum()]) / shown.sum()
    np.testing.assert_allclose(middle, move(centre, box, 256), atol=0.1)
    assert shown.sum() == pytest.approx(np.pi * (radius * scale) ** 2, rel=0.02)
    spread = [np.sqrt((shown * (axis - m) ** 2).sum() / shown.sum()) for axis, m in ((x, middle[0]), (y, middle[1]))]
    assert spread[0] == pytest.approx(spread[1], rel=0.005), "an ellipse"
    assert spread[0] == pytest.approx(radius * scale / 2, rel=0.01)
    assert (box.outside(HEIGHT, WIDTH) > 0) == (at != "middle")


def test_the_border_is_continued_where_the_square_leaves_the_picture() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[:, 0], picture[0, :], picture[:, -1] = 50, 100, 150
    shown = cut(picture, Box(-20, -10, 120), 120)
    assert (shown[40:60, :20] == 50).all() and (shown[:10, 30:90] == 100).all() and (shown[20:60, 101:] == 150).all()
    assert Box(-20, -10, 120).outside(60, 80) == pytest.approx(1 - 60 * 80 / 120**2)
    assert Box(10, 5, 20).outside(60, 80) == 0


@pytest.mark.parametrize("side", [16, 37, 100, 256, 700])
def test_cuts_of_any_size_are_the_same_picture(side: int) -> None:
    y, x = np.mgrid[0:400, 0:400]
    picture = np.repeat((127 + 90 * np.sin(x / 31) * np.cos(y / 23))[..., None], 3, 2).astype(np.uint8)
    box = Box(52.3, 71.8, 210.5)
    at = (np.arange(side) + 0.5) * box.side / side - 0.5
    expected = 127 + 90 * np.sin((at[None] + box.left) / 31) * np.cos((at[:, None] + box.top) / 23)
    assert np.abs(cut(picture, box, side)[..., 1] - expected).max() < 8


def test_conventions_put_the_face_where_they_say(face: np.ndarray) -> None:
    marks = face + [300, 240]
    moved = {style: move(marks, frame(marks[None], style), 256) for style in STYLES}
    corpus = moved["corpus"]
    assert np.linalg.norm(corpus[16] - corpus[0]) == pytest.approx(116, abs=0.01)
    np.testing.assert_allclose(corpus[[27, 8, 30, 51]].mean(0), [128, 143], atol=0.01)
    # dlib's box is as large as the landmarks' larger extent, and the square twice as large
    assert np.ptp(moved["avct"], axis=0).max() == pytest.approx(128, abs=0.01)
    # a typical frontal pose of OpenFace's in such a crop has the face 25 pixels below the middle
    assert (moved["avct"].min(0) + moved["avct"].max(0))[1] / 2 - 127.5 == pytest.approx(29, abs=1)
    low, high = moved["fomm"].min(0), moved["fomm"].max(0)
    assert high[1] == pytest.approx(255.5 - 256 / 12, abs=0.1) and low[0] == pytest.approx(255 - high[0], abs=0.1)


def test_a_film_has_one_square_that_holds_every_frame(face: np.ndarray) -> None:
    path = np.stack([np.linspace(0, 60, 30), 25 * np.sin(np.arange(30))], 1)
    marks = face + [300, 240] + path[:, None]
    marks[7] = np.nan
    for style in ("corpus", "fomm"):
        moved = move(marks, frame(marks, style), 256)
        assert np.nanmin(moved) >= 0 and np.nanmax(moved) <= 255, style
    assert frame(marks, "fomm").side > frame(marks[:1], "fomm").side + 25
    with pytest.raises(ValueError, match="at least one face"):
        frame(np.full((2, 68, 2), np.nan), "fomm")
    with pytest.raises(ValueError, match="expected one of corpus, avct, fomm, got 'x'"):
        frame(marks, "x")
