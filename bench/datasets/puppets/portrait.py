"""Paints one identity as four layers that the rig moves apart: room, back hair, body, head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.datasets.puppets import features, hair, scene, skin
from bench.datasets.puppets.canvas import Canvas, ellipse, encode, linear, mix
from bench.datasets.puppets.identity import Identity
from bench.datasets.puppets.relief import HeadFrame, head_frame


@dataclass(frozen=True)
class Layers:
    """Textures, uint8 sRGB (SIZE, SIZE, 3) room and (SIZE, SIZE, 4) premultiplied back hair, body (either may be
    None) and head."""

    room: np.ndarray
    back: np.ndarray | None
    body: np.ndarray | None
    head: np.ndarray


def _bytes(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Premultiplied sRGB bytes: the renderer blends in sRGB, as video players and cameras' own blurs do."""
    rgb = encode(colour).astype(np.float32) * alpha[..., None]
    return np.rint(np.concatenate([rgb, alpha[..., None] * 255], -1)).astype(np.uint8)


def _ears(
    c: Canvas, image: np.ndarray, alpha: np.ndarray, who: Identity, f: HeadFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Head with ears behind its sides."""
    u = f.unit
    tone = linear(who.skin) * np.array([1.06, 0.86, 0.82], np.float32)
    for side, i in ((-1, 0), (1, 16)):
        at = (who.landmarks[i] + who.landmarks[i + (2 if side < 0 else -2)]) / 2 + [side * 3.5 * u, -5 * u]
        shell = ellipse((0, 0), 7.5 * u, 17 * u, 32)
        shell[:, 0] += side * shell[:, 1] * -0.12
        shell[shell[:, 1] > 6 * u, 0] *= 0.72
        mask = c.polygon(at + shell, 0.6)
        inner = c.soften(c.polygon(at + [-side * 0.6 * u, -1] + shell * [0.55, 0.62], 0), 1.6)
        light = 0.62 + 0.28 * side * who.light[0] * who.contrast
        ear = tone * (np.clip(light * (1 - 0.42 * inner), 0.05, 1.1))[..., None]
        under = mask * (1 - alpha)
        image = mix(image, np.broadcast_to(ear, image.shape), under)
        alpha = np.maximum(alpha, mask)
    return image, alpha


def paint(who: Identity) -> Layers:
    """The four layers of `who`; the same identity gives the same bytes on one platform."""
    rng = np.random.default_rng([who.seed, 0x7061696E])
    c = Canvas()
    f = head_frame(who.landmarks)
    room = scene.paint_room(c, who, rng)
    body, body_alpha = scene.paint_body(c, who, f, rng)
    a = skin.albedo(c, who, f, rng)
    a = features.paint_lip_colour(c, a, who, rng)
    face = skin.light_skin(c, who, f, a, rng)
    face = features.paint_nostrils(c, face, who, f)
    face = features.paint_eyes(c, face, who, f, rng)
    face = features.paint_brows(c, face, who, f, rng)
    face = features.paint_beard(c, face, who, f, rng)
    outline = skin.head_outline(who.landmarks, f)
    alpha = c.polygon(outline, 0.7)
    covered = who.hair_style in ("headscarf", "afro")
    if not covered:
        face, alpha = _ears(c, face, alpha, who, f)
    front = hair.paint_front(c, who, f, rng)
    if front is not None:
        face, alpha = hair.lay_on_head(c, face, alpha, front)
    back = hair.paint_back(c, who, f, rng)
    shade = c.soften(alpha, 5)
    body = body * (1 - 0.25 * np.roll(shade, 8, 0) * (c.y < f.chin + 40))[..., None]
    head = features.paint_glasses(c, np.concatenate([face * alpha[..., None], alpha[..., None]], -1), who, f, rng)
    head_alpha = head[..., 3]
    straight = head[..., :3] / np.maximum(head_alpha, 1e-4)[..., None]
    grain = rng.normal(0, 0.9, room.shape).astype(np.float32)
    room_bytes = np.clip(np.rint(encode(room) + grain), 0, 255).astype(np.uint8)
    return Layers(
        room_bytes,
        None if back is None else _bytes(back.colour, back.alpha),
        _bytes(body, body_alpha),
        _bytes(straight, head_alpha),
    )
