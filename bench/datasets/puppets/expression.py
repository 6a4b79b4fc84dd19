"""Moves the neutral face by lip controls: where each landmark and its depth go for a jaw, a rounding, a press."""

from __future__ import annotations

import numpy as np

from bench.datasets.puppets.identity import Identity
from bench.datasets.puppets.relief import HeadFrame
from bench.datasets.puppets.styles import Style

JAW_DROP = 20.0
"""Pixels that the lower lip falls when the jaw control is 1, on a face 132 pixels wide."""
_CHIN_SHARE = (0.06, 0.26, 0.56, 0.83, 0.96, 1.0, 0.96, 0.83, 0.56, 0.26, 0.06)  # of landmarks 3 to 13
_UPPER_OUT, _LOWER_OUT = (49, 50, 51, 52, 53), (55, 56, 57, 58, 59)
_UPPER_IN, _LOWER_IN = (61, 62, 63), (67, 66, 65)
_CORNERS = (48, 54, 60, 64)


def articulate(p: np.ndarray, controls: np.ndarray, style: Style, frame: HeadFrame) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks float64 (68, 2) and added depth float64 (68,) of the neutral face `p` under `controls` (7,)."""
    jaw, width, raise_, tuck, press = controls[:5]
    u = frame.unit
    q = p.copy()
    depth = np.zeros(68)
    drop = JAW_DROP * u * jaw
    centre, half = (p[48, 0] + p[54, 0]) / 2, (p[54, 0] - p[48, 0]) / 2
    side = np.clip((p[:, 0] - centre) / half, -1, 1)
    uneven = 1 + 0.45 * style.asymmetry * side  # one side of the mouth does more
    bow = np.clip(1 - side**2, 0, 1) ** 0.55  # lips move most in their middle
    rounded, spread = max(0.0, -width), max(0.0, width)
    for i, share in zip(range(3, 14), _CHIN_SHARE, strict=True):
        q[i, 1] += 0.82 * drop * share
    mouth = np.arange(48, 68)
    stretch = 1 + (0.17 * spread - 0.30 * rounded) * uneven[mouth] - 0.05 * jaw
    q[mouth, 0] = centre + (p[mouth, 0] - centre) * stretch
    for i in _CORNERS:
        q[i, 1] += 0.30 * drop * uneven[i] - (1.2 * spread + style.smile * (1 - 0.5 * rounded)) * u
        q[i, 0] += 0.8 * style.smile * u * side[i]
    opened = min(1.0, 3 * jaw)
    for i in _UPPER_IN:
        q[i, 1] += (-2.6 * raise_ - 1.6 * rounded * (1 - press) * opened) * u * uneven[i] + 0.02 * drop
    for i in _UPPER_OUT:
        q[i, 1] += (-2.6 * raise_ * bow[i] * uneven[i] - 1.8 * rounded * (1 - press) + 1.0 * press) * u
        q[i, 1] += 0.15 * drop * (abs(side[i]) > 0.5)
    for i in _LOWER_IN:
        q[i, 1] += 0.96 * drop * uneven[i] + 1.2 * rounded * (1 - press) * opened * u
        q[i, 1] -= tuck * min(drop, 2.3 * u) * 0.95
    for i in _LOWER_OUT:
        q[i, 1] += (
            drop * (0.55 + 0.42 * bow[i]) * uneven[i] + (1.5 * rounded * (1 - press) - 1.2 * press - 2.3 * tuck) * u
        )
    # the cheeks follow a spread mouth a little, the nostrils a raised lip
    q[31:36, 1] -= 0.5 * raise_ * u
    depth[mouth] += (5.0 * rounded - 1.0 * spread - 1.5 * press) * u * (0.4 + 0.6 * bow[mouth])
    depth[[3, 4, 5, 11, 12, 13]] -= 0.05 * drop
    depth[6:11] -= 0.14 * drop  # the jaw hinges: an open chin lies further back
    for upper, lower in zip(_UPPER_IN, _LOWER_IN, strict=True):
        if q[lower, 1] - q[upper, 1] < 0.4:  # lips meet, they never cross
            meet = (q[upper, 1] + q[lower, 1]) / 2
            q[upper, 1], q[lower, 1] = meet - 0.2, meet + 0.2
    return q, depth


def close_lids(q: np.ndarray, pupils: np.ndarray, blink: float) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks and pupils (2, 2) with upper lids lowered by `blink` (0 open, 1 shut): the lid's skin is drawn down."""
    if blink <= 0:
        return q, pupils
    q, pupils = q.copy(), pupils.copy()
    for (a, b, d, e), eye in (((37, 38, 40, 41), 0), ((43, 44, 46, 47), 1)):
        # 0.92: lashes keep a shut eye from becoming a line without height
        q[a] += (q[e] + [0, 0.6] - q[a]) * 0.92 * blink
        q[b] += (q[d] + [0, 0.6] - q[b]) * 0.92 * blink
        lid, low = (q[a, 1] + q[b, 1]) / 2, (q[d, 1] + q[e, 1]) / 2
        pupils[eye, 1] = np.clip(pupils[eye, 1], lid + 0.15 * (low - lid), low - 0.1 * (low - lid))
    return q, pupils


def pupil_points(who: Identity) -> np.ndarray:
    """Resting pupils, float64 (2, 2)."""
    p = who.landmarks
    return np.stack([p[36:42].mean(0), p[42:48].mean(0)])
