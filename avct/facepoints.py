"""Keypoints that are tied to facial landmarks: the named departure that lets a small model read and move lips.

The paper's keypoints are found without supervision and carry the lips in their Jacobians; at the sizes that train on
a CPU they lose them. The configuration `landmark` ties its keypoints to points of the 68-point scheme instead.
"""

from __future__ import annotations

import numpy as np

POINTS: tuple[tuple[int, ...], ...] = (
    (48,), (54,), (51,), (57,), (62,), (66,),  # mouth: corners, outer lips, inner lips
    (8,), (5,), (11,), (2,), (14,),  # chin and jaw
    (30,), (27,),  # tip and root of the nose
    (36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47),  # eyes
    (19,), (24,),  # brows
)  # fmt: skip
"""Landmarks whose mean each keypoint follows, in keypoint order."""
KEYPOINTS = len(POINTS)
INNER_UPPER, INNER_LOWER = 4, 5
LIPS = slice(0, 6)
MIRROR = (1, 0, 2, 3, 4, 5, 6, 8, 7, 10, 9, 11, 12, 14, 13, 16, 15)
"""Where each keypoint goes when the picture is mirrored."""
INNER_LIP = (60, 61, 62, 63, 64, 65, 66, 67)


def from_landmarks(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Keypoints float32 (..., 17, 2) in [-1, 1] of landmarks (..., 68, 2) in pixels of a size x size frame.

    -1 and 1 are the centres of the corner pixels, as in `avct.geometry.grid`.
    """
    points = np.asarray(landmarks, np.float64)
    chosen = np.stack([points[..., list(group), :].mean(-2) for group in POINTS], -2)
    return (chosen * (2 / (size - 1)) - 1).astype(np.float32)


def polygon_cover(corners: np.ndarray, size: int, *, grow: float, soft: float) -> np.ndarray:
    """Soft masks float32 (N, size, size) of closed polygons, corners (N, V, 2) in pixels.

    1 inside, grown by `grow` pixels, falling to 0 over `soft` pixels: the signed distance to the outline decides.
    """
    a = np.asarray(corners, np.float32)
    b = np.roll(a, -1, axis=1)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    inside = np.zeros((len(a), size, size), bool)
    nearest = np.full((len(a), size, size), np.inf, np.float32)
    for p, q in zip(np.moveaxis(a, 1, 0), np.moveaxis(b, 1, 0), strict=True):
        px, py, qx, qy = (v[:, None, None] for v in (p[:, 0], p[:, 1], q[:, 0], q[:, 1]))
        ex, ey = qx - px, qy - py
        crosses = (py > y) != (qy > y)
        slope = np.where(np.abs(ey) < 1e-6, 1e-6, ey)
        inside ^= crosses & (x < px + (y - py) * ex / slope)
        t = np.clip(((x - px) * ex + (y - py) * ey) / np.maximum(ex**2 + ey**2, 1e-6), 0, 1)
        np.minimum(nearest, (x - px - t * ex) ** 2 + (y - py - t * ey) ** 2, out=nearest)
    distance = np.sqrt(nearest) * np.where(inside, 1, -1) + grow
    return np.clip(distance / soft + 0.5, 0, 1).astype(np.float32)


_DROP = (0.30, 0.30, -0.03, 0.95, -0.03, 1.0, 0.82, 0.30, 0.30, 0, 0, 0, 0, 0, 0, 0, 0)
"""How far each keypoint falls for each pixel that the lower inner lip falls: what a jaw does to a face."""


def drop_jaw(value: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Keypoints float32 (T, 17, 2) with the jaw dropped by `amount` (T,), in face widths, along the face's own down."""
    value = np.asarray(value, np.float32)
    width = np.linalg.norm(value[:, 10] - value[:, 9], axis=-1)
    down = value[:, 6] - value[:, 12]  # from the root of the nose to the chin
    down /= np.linalg.norm(down, axis=-1, keepdims=True)
    length = (np.asarray(amount, np.float32) * width)[:, None, None]
    return value + length * np.array(_DROP, np.float32)[:, None] * down[:, None]


SHUT, AJAR = 0.006, 0.09
"""Distance of the inner lips' middles in face widths: of lips at rest, and from which on a mouth is taken to be caught
while speaking. A smile that shows its teeth stands at 0.07."""


def close_mouth(value: np.ndarray) -> np.ndarray:
    """Keypoints float32 (T, 17, 2) with the jaw raised where lips stand further apart than AJAR, others as they are.

    Motion starts from a face at rest. Added to a mouth caught open it would never let the lips meet.
    """
    value = np.asarray(value, np.float32)
    width = np.linalg.norm(value[:, 10] - value[:, 9], axis=-1)
    gap = np.linalg.norm(value[:, INNER_LOWER] - value[:, INNER_UPPER], axis=-1) / np.maximum(width, 1e-6)
    rise = (gap - SHUT) / (_DROP[INNER_LOWER] - _DROP[INNER_UPPER])
    return np.where((gap > AJAR)[:, None, None], drop_jaw(value, -rise), value)
