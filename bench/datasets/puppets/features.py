"""Paints what sits on the skin: lips, nostrils, eyes, brows, beard and glasses. Colours are linear light."""

from __future__ import annotations

import numpy as np

from bench.datasets.puppets.canvas import Canvas, ellipse, linear, mix, smooth_noise, spline
from bench.datasets.puppets.identity import Identity
from bench.datasets.puppets.relief import HeadFrame


def seam_line(p: np.ndarray) -> np.ndarray:
    """The line where closed lips meet, from corner to corner: float64 (n, 2)."""
    return spline(
        np.vstack([p[48], p[60], (p[61] + p[67]) / 2, (p[62] + p[66]) / 2, (p[63] + p[65]) / 2, p[64], p[54]])
    )


def paint_lip_colour(c: Canvas, a: np.ndarray, who: Identity, rng: np.random.Generator) -> np.ndarray:
    """Albedo with lips: redder than the skin, finely creased, darker along the seam."""
    p = who.landmarks
    natural = who.skin * np.array([0.86, 0.57, 0.56])
    stick = np.array([176, 52, 66]) * (0.75 + 0.25 * who.skin.mean() / 200)
    lips = linear(natural + (stick - natural) * max(0.0, who.makeup - 0.35) * rng.uniform(0.4, 1.0))
    outer = spline(p[48:60], 8, closed=True)
    mask = c.polygon(outer, 0.8) * (0.80 + 0.16 * who.makeup - 0.12 * who.age)
    grain = np.repeat(rng.normal(0, 1, (1, a.shape[1] // 2)).astype(np.float32), 2, 1)
    a = mix(a, lips * (1 + 0.05 * smooth_noise(rng, 2)[..., None] + 0.03 * grain[..., None]), mask)
    philtrum = c.line(np.array([(p[33] + p[51]) / 2 - [0, 3], p[51] - [0, 2]]), 2.4, 1.2)
    a = a * (1 - 0.07 * philtrum)[..., None]
    under = c.line(spline(np.array([p[59] + [3, 3.2], p[57] + [0, 3.6], p[55] + [-3, 3.2]])), 2.6, 1.6)
    a = a * (1 - 0.16 * under)[..., None]
    corner = c.blob(p[48], 1.8, 1.4) + c.blob(p[54], 1.8, 1.4)
    seam = c.line(seam_line(p), 0.9, 0.5)
    return a * (1 - 0.58 * seam - 0.35 * corner * (1 - seam))[..., None]


def paint_nostrils(c: Canvas, image: np.ndarray, who: Identity, frame: HeadFrame) -> np.ndarray:
    """The face with two dark nostrils under the tip."""
    p, u = who.landmarks, frame.unit
    for point, side in ((p[32], 1), (p[34], -1)):
        at = point + [side * 0.4 * u, -1.2 * u]
        hole = c.polygon(ellipse(at, 2.7 * u, 1.35 * u, 24), 0.6)
        image = mix(image, image * np.array([0.16, 0.10, 0.09], np.float32), hole * 0.9)
    return image


def paint_eyes(c: Canvas, image: np.ndarray, who: Identity, frame: HeadFrame, rng: np.random.Generator) -> np.ndarray:
    """The face with open eyes: wet white, ringed iris, lid shadow, crease and lashes."""
    p, u = who.landmarks, frame.unit
    lx, ly, _ = who.light
    spoke = rng.uniform(0, 2 * np.pi, 2)
    dress = 0.55 + 0.45 * (1 - who.masculine) + 0.25 * who.makeup
    for points, side in ((p[36:42], -1), (p[42:48], 1)):
        centre = points.mean(0)
        opening = spline(points, 8, closed=True)
        half = (points[3, 0] - points[0, 0]) / 2
        lid_y = points[1:3, 1].mean()
        radius = half * 0.50
        iris_at = centre + [0, -0.4]
        dx, dy = c.x - iris_at[0], c.y - iris_at[1]
        d, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
        white = np.array([0.60, 0.55, 0.52], np.float32) * (1 - 0.06 * who.age)
        ball = white * (1 - 0.40 * np.abs((c.x - centre[0]) / half) ** 2.4 + 0 * c.y)[..., None]
        inner = points[3] if side < 0 else points[0]
        ball = mix(ball, np.array([0.55, 0.28, 0.25], np.float32) + 0 * ball, 0.7 * c.blob(inner, 1.6 * u, 1.2 * u))
        fibre = (
            1
            + 0.20 * np.sin(angle * 23 + spoke[0]) * np.sin(angle * 9 + spoke[1])
            + 0.45 * np.clip(dy / radius, -0.6, 1)
        )
        ring = np.clip(1.25 - 0.95 * (d / radius) ** 5, 0.12, 1.3)
        iris = linear(who.iris) * (0.95 * fibre * ring)[..., None]
        ball = mix(ball, iris, np.clip((radius - d) * 1.6 + 0.5, 0, 1))
        ball = mix(ball, np.zeros(3, np.float32) + 0.006 + 0 * ball, np.clip((radius * 0.42 - d) * 1.8 + 0.5, 0, 1))
        ball = ball * np.clip(0.34 + 0.15 * (c.y - lid_y) / u, 0.22, 1.0)[..., None]
        spark = np.clip((1.15 * u - np.hypot(dx - lx * 3.0 * u, dy - ly * 2.6 * u)) * 1.6, 0, 1)
        ball = mix(ball, np.ones(3, np.float32) * 0.95 + 0 * ball, spark)
        image = mix(image, ball, c.polygon(opening, 0.45))
        upper = spline(points[:4], 10)
        lower = spline(points[[3, 4, 5, 0]], 10)
        crease = upper - np.stack([0 * upper[:, 0], 3.6 * u * np.sin(np.linspace(0.15, np.pi - 0.1, len(upper)))], 1)
        image = image * (1 - 0.30 * c.line(crease, 1.1, 0.8))[..., None]
        image = image * (1 + 0.10 * c.line(lower + [0, 0.9 * u], 0.9, 0.5))[..., None]
        image = image * (1 - 0.80 * dress * c.line(upper, 1.3 + 0.5 * who.makeup, 0.45))[..., None]
        image = image * (1 - 0.25 * dress * c.line(lower, 0.7, 0.4))[..., None]
        image = _lashes(c, image, upper, side, dress, u, rng)
    return image


def _lashes(
    c: Canvas, image: np.ndarray, lid: np.ndarray, side: int, dress: float, u: float, rng: np.random.Generator
) -> np.ndarray:
    """Short strokes that fan outwards from the upper lid."""
    curves, colours = [], []
    for t in np.linspace(0.08, 0.97, 26):
        root = lid[int(t * (len(lid) - 1))]
        out = t if side > 0 else 1 - t
        length = (1.2 + 2.2 * out * dress) * u * rng.uniform(0.7, 1.1)
        tip = root + [side * length * (0.9 * out - 0.25), -length * 0.75]
        curves.append(np.array([root, (root + tip) / 2 + [0, 0.4], tip]))
        colours.append(np.full(3, 0.02))
    return image + (c.hairs(image, curves, np.array(colours)) - image) * np.float32(0.45 + 0.3 * dress)


def paint_brows(c: Canvas, image: np.ndarray, who: Identity, frame: HeadFrame, rng: np.random.Generator) -> np.ndarray:
    """The face with brows of single hairs that turn from upright to outward."""
    p, u = who.landmarks, frame.unit
    hair = linear(who.hair * (0.75 if who.hair.mean() < 130 else 0.6))
    thick = (2.1 + 1.9 * who.masculine) * u * rng.uniform(0.8, 1.15)
    for points, side in ((p[17:22], -1), (p[22:27], 1)):
        ridge = spline(points, 20)
        image = mix(image, image * 0.55 + hair * 0.30, 0.55 * c.line(ridge, thick * 0.9, 1.2))
        curves, colours = [], []
        for _ in range(int(190 + 120 * who.masculine)):
            t = rng.random()
            out = t if side > 0 else 1 - t
            taper = 1 - 0.75 * max(0.0, out - 0.55) / 0.45 - 0.2 * max(0.0, 0.15 - out) / 0.15
            root = ridge[int(t * (len(ridge) - 1))] + [0, rng.normal(0, 0.40 * thick * taper)]
            reach = (2.6 + 1.0 * who.masculine) * u * rng.uniform(0.7, 1.2)
            tip = root + [side * reach * (0.35 + 0.6 * out), reach * (-0.75 + 0.95 * out)]
            curves.append(np.array([root, tip]))
            colours.append(hair * rng.uniform(0.5, 1.25))
        image = image + (c.hairs(image, curves, np.array(colours)) - image) * np.float32(0.62)
    return image


def paint_beard(c: Canvas, image: np.ndarray, who: Identity, frame: HeadFrame, rng: np.random.Generator) -> np.ndarray:
    """The face with stubble, moustache, goatee or full beard; lips stay bare so that they can be read."""
    if who.beard == "none":
        return image
    p, u = who.landmarks, frame.unit
    hair = linear(who.hair * 0.85)
    lip = spline(p[48:60], 8, closed=True)
    bare = c.polygon(p[48:60].mean(0) + (lip - p[48:60].mean(0)) * 1.06, 0.8)
    upper = c.polygon(
        spline(np.array([p[48] + [-5, 3] * np.array(u), p[31] + [-2 * u, 6 * u], p[33] + [0, 4 * u],
                         p[35] + [2 * u, 6 * u], p[54] + [5 * u, 3 * u], p[51] + [0, 1]]), 6, closed=True),
        1.6)  # fmt: skip
    chin = c.blob(p[8] - [0, 9 * u], 15 * u, 14 * u) * 1.6
    cheek = np.vstack([p[1:16] + [0, 3], [p[54] + [15 * u, -13 * u], p[35] + [5 * u, 8 * u], p[51] + [0, -1.5 * u],
                                          p[31] + [-5 * u, 8 * u], p[48] + [-15 * u, -13 * u]]])  # fmt: skip
    full = c.polygon(spline(cheek, 6, closed=True), 5)
    zone = {"stubble": full * 0.9, "full": full, "moustache": upper, "goatee": np.maximum(upper, chin)}[who.beard]
    zone = np.clip(zone, 0, 1) * (1 - bare)
    if who.beard == "stubble":
        dots = np.clip(0.5 + 0.5 * smooth_noise(rng, 0.6), 0, 1)
        return mix(image, image * 0.45 + hair * 0.18, zone * (0.18 + 0.34 * dots))
    image = mix(image, image * 0.30 + hair * 0.35, zone * 0.8)
    ys, xs = np.nonzero(zone[::2, ::2] > 0.25)
    curves, colours = [], []
    for k in rng.integers(0, len(ys), int(0.34 * len(ys))):
        root = np.array([xs[k], ys[k]], float) - 32 + rng.uniform(-0.5, 0.5, 2)
        reach = rng.uniform(2.5, 5.5) * u
        side = np.clip((root[0] - frame.cx) / (30 * u), -1, 1)
        tip = root + [side * reach * 0.55, reach * 0.9]
        curves.append(np.array([root, (root + tip) / 2 + rng.normal(0, 0.4, 2), tip]))
        colours.append(hair * rng.uniform(0.45, 1.5))
    lay = c.hairs(image, curves, np.array(colours))
    return mix(image, lay, np.clip(zone * 1.3, 0, 1) * (1 - bare))


def paint_glasses(c: Canvas, rgba: np.ndarray, who: Identity, frame: HeadFrame, rng: np.random.Generator) -> np.ndarray:
    """The head layer (premultiplied RGBA) with glasses on it."""
    if who.glasses == "none":
        return rgba
    p, u = who.landmarks, frame.unit
    colour = linear(rng.uniform(10, 80, 3))
    alpha = np.zeros(rgba.shape[:2], np.float32)
    power = {"round": 2.0, "square": 4.5, "half-rim": 3.2}[who.glasses]
    a = np.linspace(0, 2 * np.pi, 64)
    lens = np.zeros_like(alpha)
    for s, side in ((slice(36, 42), -1), (slice(42, 48), 1)):
        at = p[s].mean(0) + [side * 1.0 * u, 2.5 * u]
        shape = np.stack(
            [
                np.sign(np.cos(a)) * np.abs(np.cos(a)) ** (2 / power),
                np.sign(np.sin(a)) * np.abs(np.sin(a)) ** (2 / power),
            ],
            1,
        )
        rim = at + shape * [16.5 * u, 13 * u if who.glasses == "round" else 11 * u]
        shown = rim[(a >= np.pi)] if who.glasses == "half-rim" else rim
        alpha = np.maximum(alpha, c.line(shown, 1.5, 0.35, closed=who.glasses != "half-rim"))
        ear = np.array([frame.cx + side * (frame.half + 1.5), at[1] - 3 * u])
        alpha = np.maximum(alpha, c.line(np.array([at + [side * 16.3 * u, -4 * u], ear]), 1.5, 0.4))
        lens = np.maximum(lens, c.polygon(rim, 0.4))
    left, right = p[39] + [3.5 * u, 1 * u], p[42] + [-3.5 * u, 1 * u]
    bridge = spline(np.array([left, (left + right) / 2 - [0, 3 * u], right]), 8)
    alpha = np.maximum(alpha, c.line(bridge, 1.5, 0.35))
    glint = np.clip(np.sin((c.x + c.y) / (9 * u) + rng.uniform(0, 6)) - 0.86, 0, 1) * 0.5
    out = rgba.copy()
    shade = 1 - 0.30 * c.soften(np.roll(alpha, 5, 0), 1.5)  # the rim's soft shadow on the face
    out[..., :3] *= shade[..., None]
    out[..., :3] += (lens * (0.010 + glint))[..., None] * out[..., 3:]
    out[..., :3] = out[..., :3] * (1 - alpha[..., None]) + colour * alpha[..., None]
    out[..., 3] = out[..., 3] * (1 - alpha) + alpha
    return out
