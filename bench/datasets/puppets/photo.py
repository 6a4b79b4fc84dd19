"""Makes a puppet of a photograph: the picture itself is warped, its landmarks are given."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from bench.datasets.puppets.canvas import FRAME, MARGIN, SCALE, SIZE
from bench.datasets.puppets.portrait import Layers
from bench.datasets.puppets.rig import Look, Rig
from bench.datasets.puppets.skeleton import Skeleton
from bench.errors import MediaError

_FACE_WIDTH = 116.0  # pixels between landmarks 0 and 16 after the crop: what painted puppets have
_CENTRE = np.array([128.0, 143.0])


def crop_transform(landmarks: np.ndarray) -> np.ndarray:
    """Similarity (2, 3) float64 that brings a photograph's face to the size and place of the painted puppets'."""
    p = np.asarray(landmarks, np.float64)
    if p.shape != (68, 2) or not np.isfinite(p).all():
        raise MediaError(f"a photographed puppet needs 68 finite landmarks (68, 2), got shape {p.shape}")
    eyes = p[42:48].mean(0) - p[36:42].mean(0)
    angle = np.arctan2(eyes[1], eyes[0])
    scale = _FACE_WIDTH / np.linalg.norm(p[16] - p[0])
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = (p[27] + p[8]) / 2 * 0.5 + (p[30] + p[51]) / 2 * 0.5
    return np.hstack([turn, (_CENTRE - turn @ middle)[:, None]])


def _close_mouth(texture: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Texture and landmarks with the lips joined: a smile's teeth would otherwise show through every closure."""
    q, source = p.copy(), p.copy()
    for upper, lower, outer_up, outer_low in ((61, 67, 50, 58), (62, 66, 51, 57), (63, 65, 52, 56)):
        gap = max(0.0, p[lower, 1] - p[upper, 1] - 0.5)
        q[[upper, outer_up], 1] += 0.45 * gap
        q[[lower, outer_low], 1] -= 0.55 * gap
        # detectors place the inner lip a little on the teeth: sample the lips from just outside of it
        source[upper, 1] -= 0.18 * gap
        source[lower, 1] += 0.18 * gap
    for i, near in ((49, 50), (53, 52), (59, 58), (55, 56)):
        q[i, 1] += 0.5 * (q[near, 1] - p[near, 1])
    side = np.linspace(-MARGIN, FRAME + MARGIN, 9)
    border = np.array([[x, y] for x in side for y in side if abs(x - 128) > 100 or abs(y - 128) > 100])
    grid = (np.arange(SIZE) + 0.5) / SCALE - MARGIN - 0.5
    known = np.vstack([q, border])
    moved = np.vstack([source - q, 0 * border])
    shift = LinearNDInterpolator(known, moved, fill_value=0.0)(*np.meshgrid(grid, grid)) * SCALE
    gy, gx = np.mgrid[0:SIZE, 0:SIZE]
    maps = [(g + shift[..., k]).astype(np.float32) for k, g in enumerate((gx, gy))]
    return cv2.remap(texture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), q


def photograph_rig(image: np.ndarray, landmarks: np.ndarray, *, age: float = 0.4) -> Rig:
    """A rig whose head layer is `image` (uint8 (H, W, 3) RGB) with its 68 `landmarks` in that image's pixels.

    The neutral mouth is taken as closed: inner lips that stand apart in the picture are joined at their middle.
    """
    t = crop_transform(landmarks)
    p = np.asarray(landmarks, np.float64) @ t[:, :2].T + t[:, 2]
    to_texture = np.vstack([t, [0, 0, 1]])
    to_texture = (
        np.array([[SCALE, 0, (MARGIN + 0.5) * SCALE - 0.5], [0, SCALE, (MARGIN + 0.5) * SCALE - 0.5], [0, 0, 1]])
        @ to_texture
    )[:2]
    texture = cv2.warpAffine(
        image, to_texture, (SIZE, SIZE), flags=cv2.INTER_AREA | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    texture, p = _close_mouth(texture, p)
    head = np.dstack([texture, np.full(texture.shape[:2], 255, np.uint8)])
    cheek = texture[tuple(((p[30] + [-14, 6] + MARGIN) * SCALE).astype(int)[::-1])].astype(float)
    look = Look(np.array([226.0, 218.0, 202.0]), 0.2, cheek)
    return Rig(Layers(texture, None, None, head), Skeleton(p, age=age, anchored=True), look)
