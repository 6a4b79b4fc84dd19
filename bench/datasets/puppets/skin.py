"""Paints the skin of a face: albedo with blood, marks and age, and light that scatters a little below the surface."""

from __future__ import annotations

import cv2
import numpy as np

from bench.datasets.puppets.canvas import SCALE, Canvas, linear, smooth_noise, spline
from bench.datasets.puppets.identity import Identity
from bench.datasets.puppets.relief import HeadFrame, height_field

_BLOOD = np.array([1.07, 0.80, 0.76], np.float32)  # what blood near the surface does to an albedo
_SCATTER = (3.0, 1.4, 0.8)  # pixels by which red, green and blue light spread in skin (red goes deepest)


def head_outline(landmarks: np.ndarray, frame: HeadFrame) -> np.ndarray:
    """Closed outline of the bare head, float64 (n, 2): the jaw and a skull cap above the temples."""
    a = np.linspace(0, np.pi, 17)[1:-1]
    rise = landmarks[0, 1] - 2 - frame.crown
    cap = np.stack([frame.cx + frame.half * 1.015 * np.cos(a), landmarks[0, 1] - 2 - rise * np.sin(a) ** 0.82], 1)
    return np.vstack([landmarks[:17], cap])


def albedo(c: Canvas, who: Identity, frame: HeadFrame, rng: np.random.Generator) -> np.ndarray:
    """Skin colour without light, float32 (SIZE, SIZE, 3) linear."""
    p, u = who.landmarks, frame.unit
    skin = linear(who.skin)
    a = np.broadcast_to(skin, (*np.broadcast_shapes(c.x.shape, c.y.shape), 3)).copy()

    def tint(mask: np.ndarray, colour: np.ndarray, amount: float) -> None:
        np.multiply(a, 1 + (colour - 1) * (mask * amount)[..., None], out=a)

    for at, sx, sy, k in (
        (p[30], 9, 8, 0.40), (p[40] + [-9 * u, 26 * u], 14, 10, 0.55), (p[47] + [9 * u, 26 * u], 14, 10, 0.55),
        (p[8] - [0, 12 * u], 13, 8, 0.22), (p[27] - [0, 34 * u], 30, 14, 0.12),
    ):  # fmt: skip
        tint(c.blob(at, sx * u, sy * u), _BLOOD, k * (0.75 + 0.5 * who.makeup))
    shadow = np.array([0.84, 0.78, 0.80], np.float32)
    for s in (slice(36, 42), slice(42, 48)):
        eye = p[s].mean(0)
        tint(c.blob(eye + [0, 7.5 * u], 10 * u, 3.6 * u), shadow, 0.55 + 0.75 * who.age)
        tint(
            c.blob(eye - [0, 5 * u], 13 * u, 4.5 * u), np.array([0.82, 0.74, 0.76], np.float32), 0.45 + 0.6 * who.makeup
        )
    mottle = 0.35 * smooth_noise(rng, 1.2) + 0.5 * smooth_noise(rng, 4) + 0.6 * smooth_noise(rng, 18)
    a *= (1 + (0.020 + 0.016 * who.age) * mottle)[..., None]
    a *= 1 + 0.03 * smooth_noise(rng, 9)[..., None] * (_BLOOD - 1)
    spots = int(70 * who.freckles) + int(rng.integers(0, 5)) + int(14 * max(0.0, who.age - 0.6))
    for k in range(spots):
        if k < int(70 * who.freckles):
            at = np.array([frame.cx, p[29, 1]]) + rng.normal(0, 1, 2) * [24 * u, 9 * u]
            r, dark = rng.uniform(0.4, 0.8), rng.uniform(0.12, 0.32)
        else:
            at = np.array([frame.cx + rng.uniform(-48, 48) * u, rng.uniform(p[27, 1] - 40 * u, p[8, 1] - 8 * u)])
            r, dark = rng.uniform(0.5, 1.3), rng.uniform(0.2, 0.5)
        i = slice(*np.clip(((at[1] + np.array([-5, 6]) + 32) * SCALE).astype(int), 0, len(a)))
        j = slice(*np.clip(((at[0] + np.array([-5, 6]) + 32) * SCALE).astype(int), 0, len(a)))
        spot = np.exp(-0.5 * (((c.x[:, j] - at[0]) / r) ** 2 + ((c.y[i] - at[1]) / r) ** 2))
        a[i, j] *= 1 - dark * spot[..., None] * np.array([0.8, 1.0, 1.0], np.float32)
    return a


def creases(c: Canvas, who: Identity, frame: HeadFrame, rng: np.random.Generator) -> np.ndarray:
    """Depth of folds and wrinkles in pixels, float32 (SIZE, SIZE): beside nose, mouth and eyes, on the forehead."""
    p, u, age = who.landmarks, frame.unit, who.age
    depth = np.zeros((c.y.shape[0], c.x.shape[1]), np.float32)

    def fold(points: list, amount: float, width: float, soft: float) -> None:
        depth[...] += amount * c.line(spline(np.array(points), 8), width, soft)

    for side, corner, wing in ((-1, p[48], p[31]), (1, p[54], p[35])):
        fold([wing + [side * 4 * u, -4 * u], wing + [side * 9 * u, 6 * u], corner + [side * 6 * u, -5 * u],
              corner + [side * 7 * u, 2 * u + 8 * age]], 0.5 + 1.5 * age, 1.6 + age, 1.5)  # fmt: skip
        if age > 0.45:
            fold([corner + [side * 3 * u, 3 * u], corner + [side * 6 * u, 12 * u]], 1.2 * (age - 0.4), 1.4, 1.2)
    if age > 0.3:
        for k in range(3):
            y = p[27, 1] - (26 + 8 * k + rng.uniform(-2, 2)) * u
            wave = [[frame.cx + dx * u, y + rng.normal(0, 1.0) - 0.002 * dx * dx] for dx in np.linspace(-34, 34, 7)]
            fold(wave, 0.75 * (age - 0.2) * rng.uniform(0.5, 1.1), 1.1, 0.9)
    for s, side in ((slice(36, 42), -1), (slice(42, 48), 1)):
        e = p[s]
        inner, outer = (e[3], e[0]) if side < 0 else (e[0], e[3])
        fold(
            [inner + [side * 2, 5 * u], (e[4] + e[5]) / 2 + [0, 7 * u], outer + [-side, 6 * u]],
            0.25 + 1.1 * age,
            1.3,
            1.0,
        )
        for k in range(3 if age > 0.4 else 0):
            end = outer + [side * (9 + 2 * k) * u, (-4 + 5 * k) * u]
            fold([outer + [side * 3 * u, (k - 1) * 1.5], end], 0.9 * (age - 0.3), 0.9, 0.6)
    return depth


def light_skin(c: Canvas, who: Identity, frame: HeadFrame, a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lit skin, float32 (SIZE, SIZE, 3) linear: wrapped diffuse light, scattering, occlusion, gloss."""
    z = height_field(who.landmarks, age=who.age)(c.x, c.y).astype(np.float32)
    z = c.soften(z, 0.9) - creases(c, who, frame, rng)
    fine = z + 0.045 * smooth_noise(rng, 0.9) + 0.06 * smooth_noise(rng, 2.2)

    def normals(h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        gx = cv2.Sobel(h, cv2.CV_32F, 1, 0, scale=SCALE / 8)
        gy = cv2.Sobel(h, cv2.CV_32F, 0, 1, scale=SCALE / 8)
        return gx, gy, 1 / np.sqrt(1 + gx**2 + gy**2)

    lx, ly, lz = who.light
    lit = np.empty_like(a)
    warm = np.array([1 + who.warmth, 1.0, 1 - who.warmth], np.float32)
    for channel, spread in enumerate(_SCATTER):
        gx, gy, n = normals(c.soften(fine, spread))
        key = np.clip(((-gx * lx - gy * ly + lz) * n + 0.30) / 1.30, 0, 1) ** 1.2
        fill = np.clip((gx * lx * 0.8 - gy * ly * 0.2 + 0.7) * n, 0, 1)
        sky = 0.5 - 0.5 * (gy * n)
        lit[..., channel] = (0.90 * who.contrast * key + 0.13 * fill + 0.10 * sky + 0.075) * warm[channel]
    hollow = np.clip(1 + 0.045 * (c.soften(z, 0.8) - c.soften(z, 5)), 0.5, 1.12)
    tight = np.clip(1 + 0.10 * (c.soften(z, 0.4) - c.soften(z, 1.8)), 0.6, 1.10)
    lit *= (hollow * tight)[..., None]
    hx, hy, hz = np.array([lx, ly, lz + 1]) / np.linalg.norm([lx, ly, lz + 1])
    gx, gy, n = normals(c.soften(fine, 0.5))
    facing = np.clip((-gx * hx - gy * hy + hz) * n, 0, 1)
    oily = 0.6 + 0.4 * c.blob(who.landmarks[30] - [0, 14], 10, 34)
    gloss = (0.050 * facing**14 + 0.030 * facing**50) * oily * (1.1 - 0.3 * who.age)
    return a * lit * 1.02 + gloss[..., None]
