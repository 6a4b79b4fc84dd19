"""The least-squares similarity between two sets of points: rotation, one scale and a shift, no mirroring.

Source: Umeyama 1991, IEEE PAMI 13(4), equations 40 to 42.
"""

from __future__ import annotations

import numpy as np


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Rotation (2, 2), scale and shift (2,): scale * rotation @ p + shift lays points p of (N, 2) on the target's.

    Points that are all one have no scale: it is 1 then.
    """
    middle, aim = source.mean(0), target.mean(0)
    ours, theirs = source - middle, target - aim
    u, singular, vt = np.linalg.svd(theirs.T @ ours)
    signs = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    turn = (u * signs) @ vt
    spread = np.square(ours).sum()
    scale = float((singular * signs).sum() / spread) if spread else 1.0
    return turn, scale, aim - scale * turn @ middle
