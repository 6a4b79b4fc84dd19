"""A supersampled painting surface in linear light: masks, strokes, soft blobs and seeded noise in image units.

Everything that paints a puppet shares this one surface, so that resolution, colour space and rounding are decided
once. Coordinates are pixels of the 256x256 frame; the surface reaches `MARGIN` pixels beyond it on every side, so
that a turned head still has texture.
"""

from __future__ import annotations

import cv2
import numpy as np

FRAME = 256
MARGIN = 32
SCALE = 2
"""Texture pixels per frame pixel: two, because the renderer samples bilinearly and would blur a 1:1 texture."""
SIZE = (FRAME + 2 * MARGIN) * SCALE
_DECODE = ((np.arange(256) / 255) ** 2.2).astype(np.float32)
_SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates


def linear(srgb: np.ndarray | tuple[float, float, float]) -> np.ndarray:
    """Linear-light colour, float32 (3,) in 0..1, of an sRGB colour in 0..255 (gamma 2.2)."""
    return ((np.clip(np.asarray(srgb, np.float64), 0, 255) / 255) ** 2.2).astype(np.float32)


def encode(image: np.ndarray) -> np.ndarray:
    """sRGB bytes, uint8, of a linear-light image in 0..1 (gamma 2.2)."""
    return np.rint(np.clip(image, 0, 1) ** np.float32(1 / 2.2) * 255).astype(np.uint8)


def spline(points: np.ndarray, per_segment: int = 8, *, closed: bool = False) -> np.ndarray:
    """Catmull-Rom curve through `points` (n, 2): float64 (m, 2)."""
    p = np.asarray(points, np.float64)
    q = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, per_segment, endpoint=False)[None, :, None]
    a, b, c, d = (q[k : len(q) - 3 + k, None] for k in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    curve = curve.reshape(-1, 2)
    return curve if closed else np.vstack([curve, p[-1:]])


def ellipse(centre: tuple[float, float] | np.ndarray, rx: float, ry: float, count: int = 40) -> np.ndarray:
    """Polygon (count, 2) of an axis-aligned ellipse."""
    a = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([centre[0] + rx * np.cos(a), centre[1] + ry * np.sin(a)], 1)


class Canvas:
    """The shared grid of one painting, and the primitives on it. All masks are float32 (SIZE, SIZE) in 0..1."""

    def __init__(self) -> None:
        axis = (np.arange(SIZE, dtype=np.float32) + 0.5) / SCALE - MARGIN - 0.5
        self.x = axis[None, :]
        self.y = axis[:, None]

    @staticmethod
    def _fixed(points: np.ndarray) -> np.ndarray:
        pixels = (np.asarray(points, np.float64) + MARGIN + 0.5) * SCALE - 0.5
        return np.rint(pixels * (1 << _SHIFT)).astype(np.int32)

    @staticmethod
    def soften(mask: np.ndarray, sigma: float) -> np.ndarray:
        """`mask` blurred by a Gaussian of `sigma` frame pixels."""
        return cv2.GaussianBlur(mask, (0, 0), sigma * SCALE) if sigma > 0 else mask

    def polygon(self, points: np.ndarray, soft: float = 0.5) -> np.ndarray:
        """Mask of a filled polygon with an edge softened by `soft` pixels."""
        m = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillPoly(m, [self._fixed(points)], 255, cv2.LINE_AA, _SHIFT)
        return self.soften(m.astype(np.float32) / 255, soft)

    def line(self, points: np.ndarray, width: float, soft: float = 0.4, *, closed: bool = False) -> np.ndarray:
        """Mask of a stroked polyline `width` pixels wide."""
        m = np.zeros((SIZE, SIZE), np.uint8)
        cv2.polylines(m, [self._fixed(points)], closed, 255, max(1, round(width * SCALE)), cv2.LINE_AA, _SHIFT)
        return self.soften(m.astype(np.float32) / 255, soft)

    def blob(self, centre: np.ndarray, sx: float, sy: float) -> np.ndarray:
        """Gaussian blob of height 1 with standard deviations `sx`, `sy` pixels."""
        gx = np.exp(-0.5 * ((self.x - centre[0]) / sx) ** 2)
        gy = np.exp(-0.5 * ((self.y - centre[1]) / sy) ** 2)
        return (gy * gx).astype(np.float32)

    def hairs(self, image: np.ndarray, curves: list[np.ndarray], colours: np.ndarray, width: int = 1) -> np.ndarray:
        """`image` (float32 linear, 3 channels) with anti-aliased polylines on it, one linear colour each.

        OpenCV anti-aliases 8-bit images only, so the strokes are laid in sRGB bytes inside their bounding box.
        """
        fixed = [self._fixed(curve) for curve in curves]
        every = np.concatenate(fixed) >> _SHIFT
        (x0, y0), (x1, y1) = np.clip(every.min(0) - 3, 0, SIZE), np.clip(every.max(0) + 4, 0, SIZE)
        if x0 >= x1 or y0 >= y1:
            return image
        patch = encode(image[y0:y1, x0:x1])
        offset = np.array([x0, y0]) << _SHIFT
        for curve, colour in zip(fixed, encode(np.asarray(colours)), strict=True):
            cv2.polylines(patch, [curve - offset], False, colour.tolist(), width, cv2.LINE_AA, _SHIFT)
        out = image.copy()
        out[y0:y1, x0:x1] = _DECODE[patch]
        return out

    def coverage(self, curves: list[np.ndarray], width: int = 1) -> np.ndarray:
        """Mask of where polylines lie."""
        m = np.zeros((SIZE, SIZE), np.uint8)
        for curve in curves:
            cv2.polylines(m, [self._fixed(curve)], False, 255, width, cv2.LINE_AA, _SHIFT)
        return m.astype(np.float32) / 255


def smooth_noise(rng: np.random.Generator, cell: float) -> np.ndarray:
    """Noise of about unit variance, float32 (SIZE, SIZE), smooth over `cell` frame pixels."""
    n = max(2, round(SIZE / (cell * SCALE)))
    return cv2.resize(rng.normal(0, 1, (n, n)).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def mix(under: np.ndarray, over: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`under` with `over` laid on it where `mask` (SIZE, SIZE) says so."""
    return under + (over - under) * mask[..., None]
