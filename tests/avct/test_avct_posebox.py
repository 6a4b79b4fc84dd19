"""Pose rasters: projection, lines, what cannot be drawn."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest

from avct import posebox
from avct.errors import AvctError
from avct.strokes import stroke

FRONTAL = np.array([0, 0, 0, 0, 0, 250.0])
SMALL = """
..................
...#..............
..#####...........
...######.........
.....######.......
.......######.....
.........#####....
............#.....
..................
"""
"""cv2.line((3, 2), (12, 6), thickness 2) of OpenCV 4.10 on a floating-point image."""
OPENCV_410 = "4dfd9e7cb17e03161edc6fbb4a60993922c620b37e7744e895bd765ead426eb2"
"""sha256 of 300 such lines drawn by OpenCV 4.10, ends inside and outside of the picture: see the test below."""


def test_frontal_box_is_where_the_pinhole_puts_it() -> None:
    points = posebox.project(FRONTAL)
    rear, front = 75 * 233.333 / 250, 100 * 233.333 / 350
    np.testing.assert_allclose(points[0], [128 - rear, 128 - rear])
    np.testing.assert_allclose(points[7], [128 + front, 128 + front])
    np.testing.assert_array_equal(points[4], points[0])
    np.testing.assert_allclose(posebox.project(FRONTAL, size=128), points / 2)


def test_rotation_is_about_the_vector() -> None:
    turn = posebox.rotation(np.array([0, 0, np.pi / 2]))
    np.testing.assert_allclose(turn, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)
    any_turn = posebox.rotation(np.array([0.3, -0.2, 0.5]))
    np.testing.assert_allclose(any_turn @ any_turn.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(any_turn @ [0.3, -0.2, 0.5], [0.3, -0.2, 0.5])
    assert np.linalg.det(any_turn) == pytest.approx(1)
    np.testing.assert_array_equal(posebox.rotation(np.zeros(3)), np.eye(3))


def test_frontal_raster_is_binary_symmetric_and_two_squares() -> None:
    image = posebox.draw(FRONTAL)
    assert image.shape == (256, 256) and image.dtype == np.uint8 and set(np.unique(image)) == {0, 255}
    columns = np.flatnonzero(image[128])
    # Two squares, each crossing the middle row twice, each line three pixels with its rounding.
    assert len(columns) == 12 and columns[0] in (57, 58) and columns[-1] in (197, 198, 199)
    np.testing.assert_array_equal(image, image.T)


def test_a_stroke_pixel_for_pixel() -> None:
    image = np.zeros((9, 18), np.uint8)
    stroke(image, np.array([3, 2]), np.array([12, 6]))
    drawn = "\n".join("".join(".#"[int(v > 0)] for v in row) for row in image)
    assert drawn == SMALL.strip()


def test_a_stroke_of_no_length_is_a_cross() -> None:
    image = np.zeros((5, 5), np.uint8)
    stroke(image, np.array([2, 2]), np.array([2, 2]))
    np.testing.assert_array_equal(np.argwhere(image), [[1, 2], [2, 1], [2, 2], [2, 3], [3, 2]])


def test_strokes_are_opencv_4s_also_across_borders() -> None:
    ends = np.random.default_rng(20211205).integers(-80, 336, (300, 2, 2))
    assert ends.sum() == 152738, "NumPy draws other numbers: the recorded sum does not apply"
    digest = sha256()
    for first, last in ends:
        image = np.zeros((256, 256), np.uint8)
        stroke(image, first, last)
        digest.update(np.packbits(image > 0).tobytes())
    assert digest.hexdigest() == OPENCV_410


def test_coordinates_are_cut_towards_zero_also_below_it() -> None:
    pose = np.array([0.1, 0.2, 0, -70.0, -71.0, 260.0])
    points = posebox.project(pose)
    assert points.min() < -1
    image = np.zeros((256, 256), np.uint8)
    for first, last in posebox.EDGES:
        stroke(image, *(np.array([int(x) for x in points[k]]) for k in (first, last)))
    np.testing.assert_array_equal(posebox.draw(pose), image)


def test_a_box_beyond_the_border_is_cut() -> None:
    image = posebox.draw(np.array([0, 0, 0, 150.0, 0, 250.0]))
    assert image[:, -1].any() and image.any(axis=0).sum() < 256


def test_all_frames_and_the_name_of_a_bad_one() -> None:
    poses = np.stack([FRONTAL, FRONTAL + [0.2, 0.1, 0, 5, 5, 30]])
    images = posebox.draw_all(poses)
    assert images.shape == (2, 256, 256)
    np.testing.assert_array_equal(images[1], posebox.draw(poses[1]))
    with pytest.raises(AvctError, match=r"^frame 1: a pose must be six finite numbers"):
        posebox.draw_all(np.stack([FRONTAL, FRONTAL * np.nan]))
    with pytest.raises(AvctError, match=r"poses must be \(T, 6\), got \(6,\)"):
        posebox.draw_all(FRONTAL)


def test_a_head_behind_the_camera_is_refused() -> None:
    with pytest.raises(AvctError, match=r"before the camera.*reaches -50\.0 mm"):
        posebox.draw(np.array([0, 0, 0, 0, 0, -50.0]))
