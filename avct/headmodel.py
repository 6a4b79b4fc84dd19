"""A mean adult head as 68 points in millimetres, and how heads, faces and detectors differ from it.

Our own making: breadths, heights and nose depth are rounded adult means as anthropometry knows them (zygion to zygion
about 140, exocanthion 88, endocanthion 34, mouth 51, nasion to subnasale 50, nasion to gnathion 119, nose tip 24 before
the nasion), points between them are placed as on the average of the embedded corpus's 240 training meshes, and depths
are set half-way between those meshes (whose chin and temples are flat) and anatomy. Left and right are mirror images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH = 140.0
"""Millimetres between landmarks 0 and 16 of a head seen from the front: what sets the distance of every head."""
_MIDDLE = {
    8: (119.5, 20.0), 27: (0.0, 0.0), 28: (12.2, -7.0), 29: (24.1, -13.5), 30: (36.2, -24.0), 33: (49.9, -1.5),
    51: (65.0, -2.0), 57: (82.0, 4.0), 62: (70.9, -1.0), 66: (71.5, 0.0),
}  # fmt: skip
"""Landmark: y down, z away from the camera, of the points on the middle line."""
_SIDES = {
    (0, 16): (72.3, 3.8, 54.0), (1, 15): (71.6, 23.0, 53.0), (2, 14): (69.9, 41.8, 52.0), (3, 13): (66.2, 60.4, 49.0),
    (4, 12): (59.2, 77.8, 43.0), (5, 11): (48.5, 93.2, 36.0), (6, 10): (34.7, 106.0, 30.0), (7, 9): (18.6, 116.5, 24.0),
    (17, 26): (57.2, -6.2, 25.0), (18, 25): (48.4, -15.0, 15.5), (19, 24): (35.6, -18.0, 7.0),
    (20, 23): (22.7, -16.5, 2.0), (21, 22): (10.6, -12.3, 0.5),
    (31, 35): (13.5, 45.4, -3.5), (32, 34): (7.0, 48.0, -2.0),
    (36, 45): (44.0, 2.4, 17.0), (37, 44): (35.7, -2.5, 13.0), (38, 43): (25.8, -2.3, 9.5), (39, 42): (17.2, 4.0, 7.5),
    (40, 47): (26.4, 5.8, 8.0), (41, 46): (36.1, 5.8, 11.5), (48, 54): (25.4, 71.6, 9.0), (49, 53): (15.8, 65.8, 2.0),
    (50, 52): (6.9, 62.9, -0.5), (55, 59): (16.2, 77.8, 5.0), (58, 56): (7.4, 81.1, 4.0), (60, 64): (21.0, 71.5, 7.0),
    (61, 63): (7.1, 70.4, -0.5), (67, 65): (7.1, 71.0, 0.5),
}  # fmt: skip
"""Left and right landmark: distance from the middle line, y down, z away."""
_LOWER_LIP = (55, 56, 57, 58, 59, 65, 66, 67)
_UPPER_LIDS = (37, 38, 43, 44)
DETECTOR = 2.0
"""Millimetres by which a detector misplaces a point: dlib's measured on the corpus's painted faces."""


def head_points() -> NDArray[np.float64]:
    """The mean head float64 (68, 3) in mm: x to the right of the picture, y down, z away, from the nasion."""
    points = np.zeros((68, 3))
    for place, (y, z) in _MIDDLE.items():
        points[place] = 0.0, y, z
    for (left, right), (x, y, z) in _SIDES.items():
        points[left], points[right] = (-x, y, z), (x, y, z)
    return points


def head_ways() -> NDArray[np.float64]:
    """How heads differ from the mean one, float64 (K, 68, 3): one standard deviation in mm of each independent way.

    Proportions of a head (nose, mouth, chin, brows, eyes, breadths), what a speaking face does (the jaw drops by 6 mm,
    lips widen by 3, lids close), and a nose, mouth or jaw that sits aside. What speech moves counts little for a pose.
    """
    points = head_points()
    x, y = points[:, 0], points[:, 1]
    group = np.repeat(("jaw", "brow", "nose", "eye", "mouth"), (17, 10, 9, 12, 20))
    jaw, brow, nose, eye, mouth = (group == name for name in ("jaw", "brow", "nose", "eye", "mouth"))
    lower, lids = np.isin(np.arange(68), _LOWER_LIP), np.isin(np.arange(68), _UPPER_LIDS)
    drop = lower + jaw * np.clip((y - 60) / 60, 0, 1) * 0.8
    sideways = ((eye | brow) * x / 44 * 2.0, jaw * x / 70 * 2.0, nose * x / 13 * 1.5, mouth * x / 25 * 3.0)
    aside = (nose * y / 36 * 0.3, mouth * 0.3, jaw * 0.3)
    down = (
        nose * y / 50 * 2.5, mouth * 3.0, jaw * y / 120 * 6.0, brow * 3.0, eye * 1.2, jaw * 2.0, drop * 6.0, lids * 2.0
    )  # fmt: skip
    ways = np.zeros((len(sideways) + len(aside) + len(down), 68, 3))
    for way, shift in zip(ways, (*sideways, *aside), strict=False):
        way[:, 0] = shift
    for way, shift in zip(ways[len(sideways) + len(aside) :], down, strict=True):
        way[:, 1] = shift
    return ways
