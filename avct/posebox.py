"""The head pose as AVCT sees it: the outline of a box in space, drawn white on black.

A camera looks at a box that is turned and moved by the pose; its twelve edges become one binary raster. The
lines are drawn here (see `strokes`) and not by OpenCV, since the published weights saw OpenCV 4's pixels, of which
OpenCV 5 draws up to 15 % elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avct.errors import AvctError
from avct.strokes import stroke

SIZE = 256
"""Side in pixels of the paper's rasters."""
FOCAL = 233.333
"""Focal length in pixels at SIZE: OpenFace's own guess for 256x256 images, so poses must come from such crops."""
FACE = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
"""Corners of a square in drawing order, closed."""
BOX = np.array([(75.0 * x, 75.0 * y, 0.0) for x, y in FACE] + [(100.0 * x, 100.0 * y, 100.0) for x, y in FACE])
"""The box's ten points in mm: the rear square, then the larger front square, 100 mm nearer to where the head looks."""
EDGES = (*((i, (i + 1) % 10) for i in range(10)), (1, 6), (2, 7), (3, 8))
"""Lines between points: one closed line through all ten, then the three edges that it leaves out."""


def rotation(vector: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rotation matrix float64 (3, 3) about a vector (3,) by its length in radians (Rodrigues' formula)."""
    x, y, z = np.asarray(vector, dtype=np.float64)
    angle = np.sqrt(x * x + y * y + z * z)
    if angle < np.finfo(np.float64).eps:
        return np.eye(3)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) / angle
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def project(pose: NDArray[np.floating], *, size: int = SIZE) -> NDArray[np.float64]:
    """The box's points float64 (10, 2) as x, y in pixels of a size x size image.

    pose: (6,) Rx, Ry, Rz in rad, Tx, Ty, Tz in mm. The three angles are read as a rotation vector although OpenFace
    means Euler angles by them; for small angles both are the same, and the published weights were trained so.
    Raises AvctError for a pose that is not finite or puts a part of the box behind the camera.
    """
    pose = np.asarray(pose, dtype=np.float64)
    if pose.shape != (6,) or not np.isfinite(pose).all():
        raise AvctError(f"a pose must be six finite numbers (Rx Ry Rz in rad, Tx Ty Tz in mm), got {pose.tolist()}")
    points = BOX @ rotation(pose[:3]).T + pose[3:]
    depth = points[:, 2:]
    if depth.min() <= 0:
        raise AvctError(f"a pose must keep its box before the camera, {pose.tolist()} reaches {depth.min():.1f} mm")
    return points[:, :2] / depth * (FOCAL * size / SIZE) + size / 2


def draw(pose: NDArray[np.floating], *, size: int = SIZE) -> NDArray[np.uint8]:
    """The box of one pose (6,), uint8 (size, size) of 0 and 255: lines two pixels thick, OpenCV 4's to the pixel."""
    # Towards zero, not down: negative coordinates follow the official code's integer cast.
    points = np.trunc(project(pose, size=size)).astype(np.int64)
    image = np.zeros((size, size), dtype=np.uint8)
    for first, last in EDGES:
        stroke(image, points[first], points[last])
    return image


def draw_all(poses: NDArray[np.floating], *, size: int = SIZE) -> NDArray[np.uint8]:
    """The boxes of poses (T, 6), uint8 (T, size, size) of 0 and 255. Raises AvctError naming the frame."""
    poses = np.asarray(poses)
    if poses.ndim != 2 or poses.shape[1] != 6:
        raise AvctError(f"poses must be (T, 6), got {poses.shape}")
    images = np.zeros((len(poses), size, size), dtype=np.uint8)
    for frame, pose in enumerate(poses):
        try:
            images[frame] = draw(pose, size=size)
        except AvctError as error:
            raise AvctError(f"frame {frame}: {error}") from None
    return images
