"""Paints what is behind and below the head: a room out of focus, neck, shoulders and soft clothing."""

from __future__ import annotations

import cv2
import numpy as np

from bench.datasets.puppets.canvas import SIZE, Canvas, ellipse, linear, mix, smooth_noise, spline
from bench.datasets.puppets.identity import Identity
from bench.datasets.puppets.relief import HeadFrame


def _muted(colour: np.ndarray, keep: float = 0.4) -> np.ndarray:
    """`colour` with most of its saturation gone: rooms are duller than random draws."""
    return colour.mean() + keep * (colour - colour.mean())


def paint_room(c: Canvas, who: Identity, rng: np.random.Generator) -> np.ndarray:
    """The background, float32 (SIZE, SIZE, 3) linear, blurred as by a portrait lens."""
    base = linear(who.room_colour)
    lean = 0.35 * np.sign(who.light[0])
    ramp = 0.78 + lean * (c.x - 128) / 256 - 0.30 * (c.y - 128) / 256
    image = base * np.clip(ramp, 0.25, 1.5)[..., None]
    if who.room == "studio":
        halo = c.blob(np.array([128 + rng.uniform(-30, 30), 110]), 90, 80)
        image = image * (0.55 + 0.75 * halo)[..., None]
    elif who.room == "gradient":
        other = linear(_muted(np.clip(who.room_colour + rng.normal(0, 35, 3), 20, 235)))
        image = mix(image, image * 0 + other, np.clip((c.y + 0.4 * c.x) / 330, 0, 1) + 0 * c.x)
    elif who.room == "window":
        x0, wide = rng.uniform(-30, 60), rng.uniform(60, 110)
        pane = c.polygon(np.array([[x0, -40], [x0 + wide, -40], [x0 + wide, 170], [x0, 170]]), 5)
        day = linear(np.array([205, 222, 238]) - rng.uniform(0, 40))
        image = mix(image, image * 0 + day, pane * 0.85)
        bars = c.line(np.array([[x0 + wide / 2, -40], [x0 + wide / 2, 170]]), 5, 3) + c.line(
            np.array([[x0, 66], [x0 + wide, 66]]), 5, 3
        )
        image = mix(image, image * 0.4, np.clip(bars, 0, 1) * pane)
    elif who.room == "shelf":
        for y in (20 + rng.uniform(-10, 10), 100 + rng.uniform(-10, 10), 190):
            x = -30.0
            while x < 290:
                w, h = rng.uniform(7, 18), rng.uniform(34, 58)
                book = c.polygon(np.array([[x, y - h], [x + w, y - h], [x + w, y], [x, y]]), 2.5)
                image = mix(image, image * 0 + linear(_muted(rng.uniform(40, 180, 3))) * 0.7, book * 0.8)
                x += w + rng.uniform(0, 5)
            image = mix(image, image * 0.35, c.line(np.array([[-40, y + 3], [300, y + 3]]), 6, 3))
    elif who.room == "bokeh":
        for _ in range(34):
            spot = c.polygon(ellipse(rng.uniform(-20, 276, 2), *(np.full(2, rng.uniform(6, 20)))), 1.5)
            image = mix(
                image,
                image * 0 + linear(_muted(np.clip(who.room_colour + rng.normal(40, 45, 3), 0, 255), 0.6)),
                spot * rng.uniform(0.1, 0.5),
            )
    else:
        image = image * (1 + 0.05 * smooth_noise(rng, 3) + 0.10 * smooth_noise(rng, 30))[..., None]
    soft = {"plaster": 1.2, "bokeh": 2.0}.get(who.room, 4.5)
    return cv2.GaussianBlur(np.clip(image, 0, 1).astype(np.float32), (0, 0), soft * 2)


def paint_body(c: Canvas, who: Identity, f: HeadFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Neck and clothes: colour float32 (SIZE, SIZE, 3) linear and alpha float32 (SIZE, SIZE)."""
    u = f.unit
    width = (0.60 + 0.15 * who.masculine) * f.half
    chin, cx = f.chin, f.cx
    pit = chin + (29 + 4 * who.masculine) * u  # the hollow between the collar bones
    neck = spline(np.array([[cx - width * 0.80, chin - 26 * u], [cx - width * 0.95, chin - 2 * u],
                            [cx - width * 0.98, chin + 16 * u],
                            [cx - width * 1.5, chin + 33 * u], [cx - width * 2.2, 330], [cx + width * 2.2, 330],
                            [cx + width * 1.5, chin + 33 * u], [cx + width * 0.98, chin + 16 * u],
                            [cx + width * 0.95, chin - 2 * u],
                            [cx + width * 0.80, chin - 26 * u]]), 8, closed=True)  # fmt: skip
    lx = who.light[0]
    nx = (c.x - cx) / (width * 1.05)
    round_ = np.sqrt(np.clip(1 - 0.8 * nx**2, 0.04, 1))
    shade = np.clip((0.66 + 0.36 * nx * lx * who.contrast) * round_, 0.05, 1.2)
    under = np.clip(0.36 + 0.60 * (c.y - chin - 1 * u) / (26 * u), 0.30, 1.0)
    cords = sum(
        c.line(np.array([[cx + s * width * 0.85, chin - 2 * u], [cx + s * 5 * u, pit]]), 5 * u, 3.0) for s in (-1, 1)
    )
    throat = c.blob(np.array([cx, pit - 1]), 6 * u, 4 * u)
    skin = linear(who.skin) * np.array([0.98, 0.90, 0.87], np.float32)
    colour = skin * (0.86 * shade * under * (1 + 0.10 * cords - 0.25 * throat))[..., None]
    colour = np.broadcast_to(colour, (SIZE, SIZE, 3)).astype(np.float32)
    alpha = c.polygon(neck, 0.7)
    slope = (40 - 10 * who.masculine) * u
    wide = (112 + 30 * who.masculine) * u
    high = {"turtleneck": chin + 4 * u, "hoodie": chin + 13 * u, "shirt": chin + 12 * u}.get(who.clothes, chin + 17 * u)
    dip = {"crew": pit + 1 * u, "v-neck": pit + 26 * u, "shirt": pit + 13 * u, "hoodie": pit + 5 * u,
           "turtleneck": chin + 20 * u,
           "blazer": pit + 34 * u}[who.clothes]  # fmt: skip
    edge = width * (1.02 if who.clothes == "turtleneck" else 1.16)
    left = np.array([[cx - wide - 40, 330], [cx - wide - 10 * u, high + slope + 12 * u],
                     [cx - wide * 0.72, high + slope * 0.62],
                     [cx - edge * 1.25, high + 10 * u], [cx - edge, high]])  # fmt: skip
    right = np.stack([2 * cx - left[::-1, 0], left[::-1, 1]], 1)
    bend = 0.52 if who.clothes in ("v-neck", "blazer", "shirt") else 0.86
    collar = np.array(
        [
            [cx - edge * bend, high + (dip - high) * (1 - bend) * 1.6],
            [cx, dip],
            [cx + edge * bend, high + (dip - high) * (1 - bend) * 1.6],
        ]
    )
    garment = np.vstack([spline(left, 8), spline(np.vstack([left[-1:], collar, right[:1]]), 8)[1:-1], spline(right, 8)])
    cover = c.polygon(garment, 0.7)
    cloth = linear(who.cloth)
    folds = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(16):
        x = cx + rng.uniform(-1, 1) * wide
        a = np.array(
            [
                [cx + (x - cx) * 0.45, high + rng.uniform(10, 26) * u],
                [x, 215 + rng.uniform(-6, 10)],
                [x * 1.06 - cx * 0.06, 300],
            ]
        )
        folds += rng.uniform(-1, 1) * c.line(spline(a, 10), rng.uniform(2, 7), 3.5)
    drop = np.clip(1.02 - 0.55 * np.abs(c.x - cx - 18 * lx) / 150, 0.25, 1) * np.clip(
        1.02 - (c.y - 215) * 0.0022, 0.6, 1.1
    )
    weave = 0.022 * smooth_noise(rng, 0.8) + 0.018 * smooth_noise(rng, 9)
    lit = np.clip(drop * (0.66 + 0.12 * folds + weave), 0.05, 1.2)
    garment_colour = cloth * lit[..., None]
    if who.clothes in ("blazer", "shirt"):
        inside = linear(np.clip(235 - 0.25 * who.cloth, 0, 255)) if who.clothes == "blazer" else cloth * 0.9
        if who.clothes == "blazer":
            shirt = c.polygon(
                np.array(
                    [[cx - edge, high], [cx - 4, dip + 60], [cx + 4, dip + 60], [cx + edge, high], [cx, chin + 22 * u]]
                ),
                0.6,
            )
            colour = mix(colour, inside * (0.75 * lit)[..., None], shirt * (c.y > chin + 12 * u))
            alpha = np.maximum(alpha, shirt)
        lapel = [c.polygon(np.array([[cx + s * edge * 1.12, high - 5 * u], [cx + s * 4 * u, dip + 4 * u],
                                     [cx + s * 26 * u, dip + 14 * u],
                                     [cx + s * edge * 1.42, high + 14 * u]]), 0.6) for s in (-1, 1)]  # fmt: skip
        colour = mix(colour, garment_colour, cover)
        alpha = np.maximum(alpha, cover)
        for flap in lapel:
            rim = np.clip(c.soften(flap, 1.6) - flap, 0, 1)
            colour = mix(colour * (1 - 0.6 * rim)[..., None], garment_colour * np.float32(1.12), flap)
            alpha = np.maximum(alpha, flap)
        return colour.astype(np.float32), alpha
    shadow = np.clip(c.soften(cover, 2.2) - cover, 0, 1)
    colour = mix(colour * (1 - 0.55 * shadow)[..., None], garment_colour, cover)
    rim_line = spline(np.vstack([left[-1:], collar, right[:1]]), 8)
    thick = {"turtleneck": 15, "hoodie": 9, "crew": 4.5}.get(who.clothes, 2.5) * u
    band = c.line(rim_line + [0, thick * 0.55], thick, 0.5) * cover
    colour = mix(colour, garment_colour * np.float32(0.88), band)
    colour = colour * (1 - 0.30 * c.line(rim_line + [0, thick * 1.1], 1.0, 0.8) * cover)[..., None]
    return colour.astype(np.float32), np.maximum(alpha, cover)
