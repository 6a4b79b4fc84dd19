"""Head pose in degrees from 68 landmarks: pitch, yaw and roll of every frame, alone, by a rigid head of 19 points.

The head is laid on the landmarks by scaled orthography (rotation, one scale, one shift; no focal length, so neither
place nor size of the face matters): least squares with equal weights, from the affine fit's nearest rotation, ten
Gauss-Newton steps. Only points that neither speech nor blinks move take part: jaw ends, nose, eye corners.

Signs are OpenFace's (Baltrusaitis et al. 2018): axes x to the right of the picture, y down, z away from the camera, and
R = Rx(pitch) Ry(yaw) Rz(roll). Zero faces the camera; positive pitch looks down, positive yaw to the left of the
picture, positive roll turns the head clockwise as seen.

Measured on six corpus clips of held-out identities, mean absolute error of pitch, yaw, roll in degrees: exact landmarks
2.7, 0.4, 0.3; puppet68 1.9, 1.0, 0.4; dlib68 3.0, 2.6, 1.3. Most of it is constant within a clip (a nose longer than
the mean head's looks like a nod); the deviation about it is 0.1, 0.2, 0.2; 0.6, 0.6, 0.3; 1.4, 1.1, 0.7.
"""

from __future__ import annotations

import numpy as np

from metrics.clip import Clip
from metrics.coverage import seen

AXES = ("pitch", "yaw", "roll")
_MIDDLE = {27: (0.0, 0.0), 28: (12.2, -7.0), 29: (24.1, -13.5), 30: (36.2, -24.0), 33: (49.9, -1.5)}
"""Landmark on the middle line: y down, z away from the camera, in mm from the nasion."""
_SIDES = {
    (0, 16): (72.3, 3.8, 54.0), (1, 15): (71.6, 23.0, 53.0), (2, 14): (69.9, 41.8, 52.0),
    (31, 35): (13.5, 45.4, -3.5), (32, 34): (7.0, 48.0, -2.0), (36, 45): (44.0, 2.4, 17.0), (39, 42): (17.2, 4.0, 7.5),
}  # fmt: skip
"""Left and right landmark: distance from the middle line, y, z. A mean adult of our own making: breadths, heights and
nose depth are rounded means of anthropometry; points between, and depths half-way between anatomy and the mesh, are
those of the mean of the embedded corpus's training faces."""
_STEPS = 10
_DAMPING = 1e-9
"""Keeps a step finite where the points determine none; the minimum does not move by it."""
_LONGEST = 0.5
"""Radians a step may turn: the first one from far away would overshoot."""


def _head() -> dict[int, tuple[float, float, float]]:
    points = {place: (0.0, y, z) for place, (y, z) in _MIDDLE.items()}
    for (left, right), (x, y, z) in _SIDES.items():
        points[left], points[right] = (-x, y, z), (x, y, z)
    return dict(sorted(points.items()))


RIGID: tuple[int, ...] = tuple(_head())
"""Landmarks that speech and blinks leave where they are on the head."""


def head_angles(landmarks: np.ndarray) -> np.ndarray:
    """Pitch, yaw, roll in degrees, float64 (T, 3), of float64 (T, 68, 2); NaN where a frame has no face, or one of no
    extent."""
    points = landmarks[:, RIGID]
    out = np.full((len(points), 3), np.nan)
    points = points - points.mean(1, keepdims=True)
    extent = np.sqrt(np.square(points).sum(2).mean(1))
    usable = seen(landmarks) & (extent > 0)
    if usable.any():
        out[usable] = _angles(_fit(points[usable] / extent[usable, None, None]))
    return out


def angles_of(clip: Clip, backend: str, *, truth: bool = False) -> np.ndarray:
    """`head_angles` of the clip's landmarks by a backend (of its truth's), fitted once a clip."""
    points = (clip.truth_landmarks if truth else clip.landmarks)[backend]
    return clip.once(("head_pose", backend, truth), lambda: head_angles(points))


def wrapped(degrees: np.ndarray) -> np.ndarray:
    """The same angles between -180 and 180."""
    return (degrees + 180) % 360 - 180


def _fit(points: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) of the head under points (T, 19, 2), each frame's of mean 0 and mean square 1."""
    from scipy.spatial.transform import Rotation

    head = np.array(list(_head().values()))
    head -= head.mean(0)
    head /= np.sqrt(np.square(head).sum(1).mean())
    affine = np.einsum("tni,nj->tij", points, head @ np.linalg.inv(head.T @ head))
    u, singular, vt = np.linalg.svd(affine, full_matrices=False)
    rows, scale = u @ vt, singular.mean(1)
    turn = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], 1)
    for _ in range(_STEPS):
        turned = np.einsum("tij,nj->tni", turn, head)
        flat = turned[..., :2] * scale[:, None, None]
        x, y, z = np.moveaxis(turned * scale[:, None, None], -1, 0)
        none = np.zeros_like(x)
        # how x and y of a point move with a small turn about each axis, and with the logarithm of the scale
        slopes = np.stack([np.stack([none, z, -y, x], -1), np.stack([-z, none, x, y], -1)], 2)
        slopes = slopes.reshape(len(points), -1, 4)
        short = (points - flat).reshape(len(points), -1, 1)
        square = np.swapaxes(slopes, 1, 2) @ slopes + _DAMPING * np.eye(4)
        step = np.clip(np.linalg.solve(square, np.swapaxes(slopes, 1, 2) @ short)[..., 0], -_LONGEST, _LONGEST)
        turn = Rotation.from_rotvec(step[:, :3]).as_matrix() @ turn
        scale = scale * np.exp(step[:, 3])
    return turn


def _angles(turn: np.ndarray) -> np.ndarray:
    """Pitch, yaw, roll in degrees (T, 3) of R = Rx Ry Rz (T, 3, 3)."""
    pitch = np.arctan2(-turn[:, 1, 2], turn[:, 2, 2])
    yaw = np.arcsin(np.clip(turn[:, 0, 2], -1, 1))
    roll = np.arctan2(-turn[:, 0, 1], turn[:, 0, 0])
    return np.degrees(np.stack([pitch, yaw, roll], 1))
