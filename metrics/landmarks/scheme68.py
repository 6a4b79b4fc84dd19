"""The 68-point scheme of Multi-PIE/300-W: which points are what, and which change places in a mirror."""

from __future__ import annotations

JAW = range(17)
MOUTH = range(48, 68)
NASION, MENTON = 27, 8
UPPER_LIP_INNER, LOWER_LIP_INNER = 62, 66
OUTER_EYES = (36, 45)
MOUTH_CORNERS = (48, 54)
MIRROR: tuple[int, ...] = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip
"""Landmark that takes each one's place in a mirrored picture."""
