"""Paints the inside of an open mouth: throat, tongue, two rows of teeth and the shade of the lips on them."""

from __future__ import annotations

import cv2
import numpy as np

from bench.datasets.puppets.canvas import spline

_SUPER = 3  # supersampling of the small window
_SHIFT = 4
_CAVITY = np.array([44.0, 20.0, 22.0])
_TONGUE = np.array([170.0, 84.0, 88.0])
_GUM = np.array([176.0, 96.0, 100.0])


def paint_mouth(
    out: np.ndarray, lm: np.ndarray, controls: np.ndarray, u: float, tooth: np.ndarray, gum: float, skin: np.ndarray
) -> None:
    """Paints into `out` (uint8 (H, W, 3) RGB), in place, inside the inner lips of landmarks `lm` (68, 2).

    The upper teeth hang on the skull and the lower ones on the jaw, so a raised lip shows more of the one and a
    dropped jaw more of the other. tooth: sRGB colour. gum: 0..1, how far gums show. skin: sRGB, sets the exposure.
    """
    upper, lower = lm[60:65], lm[[60, 67, 66, 65, 64]]
    gap = float((lm[[67, 66, 65]] - lm[[61, 62, 63]])[:, 1].max())
    if gap < 0.8:
        return
    _, _, raise_, _, _, teeth, lift = controls
    inner = spline(np.vstack([upper, lower[-2:0:-1]]), 6, closed=True)
    x0, y0 = np.maximum(np.floor(inner.min(0)).astype(int) - 3, 0)
    x1, y1 = np.minimum(np.ceil(inner.max(0)).astype(int) + 4, out.shape[1::-1])
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    h, w = (y1 - y0) * _SUPER, (x1 - x0) * _SUPER
    window = np.empty((h, w, 3), np.uint8)
    expose = 0.62 + 0.38 * float(np.clip(skin.mean() / 190, 0.3, 1.1))
    window[:] = np.clip(_CAVITY * expose, 0, 255)
    origin = np.array([x0, y0])

    def fixed(points: np.ndarray) -> np.ndarray:
        return np.rint(((points - origin + 0.5) * _SUPER - 0.5) * (1 << _SHIFT)).astype(np.int32)

    def fill(points: np.ndarray, colour: np.ndarray) -> None:
        cv2.fillPoly(window, [fixed(points)], np.clip(colour * expose, 0, 255).tolist(), cv2.LINE_AA, _SHIFT)

    along = (lm[64] - lm[60]) / max(float(np.linalg.norm(lm[64] - lm[60])), 1e-3)
    down = np.array([-along[1], along[0]])
    half = float(np.linalg.norm(lm[64] - lm[60])) / 2
    middle = (lm[62] + lm[66]) / 2
    span = np.linspace(-1, 1, 17)
    # tongue: a rounded body behind the lower teeth whose tip rises with the control
    tip = lm[66] - down * (2.2 * u) - down * (lift * min(0.5 * gap, 8 * u))
    a = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    body = tip + np.outer(np.cos(a) * half * 0.60, along) + np.outer((np.sin(a) * 6.5 + 4.5) * u, down)
    fill(body, _TONGUE * 0.92)
    blade = tip + np.outer(np.cos(a) * half * 0.34, along) + np.outer((np.sin(a) * 3.4 + 2.2) * u, down)
    fill(blade, _TONGUE * 1.08)
    cv2.line(
        window,
        *(tuple(fixed(tip + down * k * u).tolist()) for k in (0.5, 6.0)),
        (_TONGUE * 0.78 * expose).tolist(),
        1,
        cv2.LINE_AA,
        _SHIFT,
    )
    # lower teeth: their edge lies just inside the lower lip
    reach = half * 0.78
    edge = lm[66] - down * (1.1 + 1.5 * teeth) * u
    arc = edge + np.outer(span * reach * 0.86, along) + np.outer(1.6 * u * span**2 * 1.0, down)
    fill(np.vstack([arc, arc[::-1] + down * 9 * u]), np.asarray(tooth) * 0.80)
    # upper teeth: fixed to the skull, so a raised lip uncovers them
    root = lm[62] + down * (2.6 * raise_ * u)
    length = (3.6 + 1.3 * teeth) * u
    edge = root + down * length
    arc = edge + np.outer(span * reach, along) - np.outer(1.9 * u * span**2, down)
    fill(np.vstack([arc, arc[::-1] - down * 11 * u]), np.asarray(tooth, float))
    if gum > 0.55:
        line = root - down * (0.8 - 1.6 * (gum - 0.55)) * u
        arch = line + np.outer(span * reach, along) - np.outer(1.2 * u * span**2, down)
        fill(np.vstack([arch, arch[::-1] - down * 9 * u]), _GUM)
    for k, t in enumerate(np.linspace(-0.84, 0.84, 9)):
        at = edge + along * t * reach - down * (1.9 * u * t * t + 0.2 * u)
        shade = np.asarray(tooth) * (0.72 if k == 4 else 0.80)
        ends = (tuple(fixed(at).tolist()), tuple(fixed(at - down * 4.6 * u).tolist()))
        cv2.line(window, *ends, (shade * expose).tolist(), 1, cv2.LINE_AA, _SHIFT)
    # shade: the corners are dark, the upper lip throws a shadow, the lower row lies deeper
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    px, py = (xx + 0.5) / _SUPER - 0.5 + x0 - middle[0], (yy + 0.5) / _SUPER - 0.5 + y0 - middle[1]
    side = (px * along[0] + py * along[1]) / (half + 1e-3)
    below = (px * down[0] + py * down[1]) - float((lm[62] - middle) @ down)
    shade = np.clip(1.04 - 0.80 * np.abs(side) ** 2.2, 0.10, 1) * np.clip(0.44 + 0.17 * below / u, 0.40, 1)
    shade *= np.clip(1.12 - 0.035 * below / u, 0.55, 1)
    lit = cv2.GaussianBlur(window, (0, 0), 0.8).astype(np.float32) * shade[..., None]
    mask = np.zeros((h, w), np.uint8)
    cv2.fillPoly(mask, [fixed(inner)], 255, cv2.LINE_AA, _SHIFT)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.3)
    size = (x1 - x0, y1 - y0)
    colour = cv2.resize(lit, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    alpha *= float(np.clip((gap - 0.8) / 1.2, 0, 1))
    patch = out[y0:y1, x0:x1]
    patch[:] = np.rint(patch * (1 - alpha) + colour * alpha).astype(np.uint8)
