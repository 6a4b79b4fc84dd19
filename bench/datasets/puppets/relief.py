"""The face's relief: how far every point stands out towards the camera, from 68 landmarks alone.

The same height field gives the paint its shading and the rig its depth, so that a turned head keeps its light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Height = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class HeadFrame:
    """Where the head is in the frame: face centre line, half width at the temples, nasion, crown and chin (pixels)."""

    cx: float
    half: float
    nasion: float
    crown: float
    chin: float

    @property
    def unit(self) -> float:
        """One pixel of a face 132 pixels wide: the scale in which features below are written."""
        return self.half / 66.0


def head_frame(landmarks: np.ndarray) -> HeadFrame:
    """The head's frame from neutral landmarks (68, 2): the crown lies as far above the eyes as the chin below."""
    p = landmarks
    half = (p[16, 0] - p[0, 0]) / 2
    eyes = p[36:48, 1].mean()
    return HeadFrame((p[0, 0] + p[16, 0]) / 2, half, p[27, 1], eyes - 0.92 * (p[8, 1] - eyes), p[8, 1])


def _bump(x: np.ndarray, y: np.ndarray, at: np.ndarray, sx: float, sy: float) -> np.ndarray:
    return np.exp(-0.5 * (((x - at[0]) / sx) ** 2 + ((y - at[1]) / sy) ** 2))


def height_field(landmarks: np.ndarray, *, age: float = 0.3) -> Height:
    """A function (x, y) -> height in pixels towards the camera, 0 at the head's rim, about 62 at the nose's root.

    age in 0..1 deepens sockets and folds. Works on arrays of any equal or broadcastable shapes.
    """
    p = landmarks
    f = head_frame(p)
    u = f.unit
    left, right = p[36:42].mean(0), p[42:48].mean(0)
    mouth = (p[51] + p[57]) / 2
    lips_up, lips_low = (p[51] + p[62]) / 2, (p[66] + p[57]) / 2
    tip = p[30]

    def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        middle = f.nasion + 8 * u
        ry = np.where(y < middle, middle - f.crown, f.chin + 5 * u - middle)
        shell = 1 - np.abs((x - f.cx) / (f.half * 1.03)) ** 2.25 - np.abs((y - middle) / ry) ** 2.7
        z = 62 * u * np.sqrt(np.clip(shell, 0, 1))
        # nose: a ridge that widens and rises to the tip, then drops
        along = np.clip((y - p[27, 1]) / max(tip[1] - p[27, 1], 1), -0.4, 1.35)
        width = (4.0 + 2.6 * np.clip(along, 0, 1)) * u
        fade = np.clip((1.28 - along) / 0.20, 0, 1) * np.clip((along + 0.35) / 0.4, 0, 1)
        z = z + (4.0 + 12.5 * np.clip(along, 0, 1)) * u * np.exp(-0.5 * ((x - p[27, 0]) / width) ** 2) * fade
        z = z + 6.5 * u * _bump(x, y, tip + [0, 0.5], 6.3 * u, 5.2 * u)
        wing = (p[35, 0] - p[31, 0]) / 2
        for side in (-1, 1):
            z = z + 5.0 * u * _bump(x, y, [p[33, 0] + side * wing * 0.95, p[33, 1] - 4 * u], 3.7 * u, 4.0 * u)
        for eye in (left, right):
            out = np.sign(eye[0] - f.cx)
            z = z - (8.5 + 2 * age) * u * _bump(x, y, eye + [-out * 2, -2], 14 * u, 8.5 * u)
            z = z + 6.0 * u * _bump(x, y, eye, 9.0 * u, 5.6 * u)
            z = z + (5.0 - 2.0 * age) * u * _bump(x, y, [eye[0] + out * 6 * u, tip[1] - 4 * u], 15 * u, 11 * u)
            z = z - 2.6 * age * u * _bump(x, y, [eye[0] + out * 4 * u, mouth[1] - 2 * u], 12 * u, 12 * u)
            z = z + 2.4 * u * _bump(x, y, [f.cx + out * f.half * 0.72, mouth[1] + 8 * u], 12 * u, 16 * u)
        for brow in (p[17:22].mean(0), p[22:27].mean(0)):
            z = z + 3.4 * u * _bump(x, y, brow + [0, 0], 16 * u, 5 * u)
        z = z + 2.0 * u * _bump(x, y, [f.cx, f.nasion - 38 * u], 30 * u, 16 * u)
        z = z + 5.2 * u * _bump(x, y, mouth, 21 * u, 13 * u)
        z = z + 2.4 * u * _bump(x, y, lips_up, 11 * u, 2.6 * u) + 3.6 * u * _bump(x, y, lips_low, 11 * u, 3.2 * u)
        z = z - 2.8 * u * _bump(x, y, p[57] + [0, 4.5 * u], 13 * u, 3.4 * u)
        z = z + 5.0 * u * _bump(x, y, [p[8, 0], (p[57, 1] + p[8, 1]) / 2 + 5 * u], 12 * u, 9 * u)
        return z - 1.3 * u * _bump(x, y, (p[33] + p[51]) / 2, 2.2 * u, 4 * u)

    return height
