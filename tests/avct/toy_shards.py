"""Shards of four painted discs whose mouths follow the sound: what every stage of training can learn in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avct.phonemes import SIL
from avct.shards import ShardClip, Shards, ShardWriter

SIDE = 64


def nothing(_row: dict) -> None:
    """A log that keeps nothing."""


def toy_face(opening: float, dx: float, colour: float) -> tuple[np.ndarray, np.ndarray]:
    """A 64x64 picture of a disc with eyes and a mouth, and its 68 landmarks."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    centre = np.array([32 + dx, 34.0])
    image = np.full((SIDE, SIDE, 3), 60.0)
    image[((x - centre[0]) / 18) ** 2 + ((y - centre[1]) / 22) ** 2 < 1] = [colour, colour * 0.8, colour * 0.7]
    for side in (-7, 7):
        image[np.hypot(x - centre[0] - side, y - centre[1] + 7) < 2.5] = 20
    mouth = centre + [0, 10]
    image[((x - mouth[0]) / 7) ** 2 + ((y - mouth[1]) / (0.4 + opening / 2)) ** 2 < 1] = [90, 10, 10]
    p = np.tile(centre, (68, 1))
    a = np.linspace(np.pi, 0, 17)
    p[:17] = centre + np.stack([18 * np.cos(a), 22 * np.sin(a)], 1)
    p[17:27] = centre + np.stack([np.linspace(-11, 11, 10), np.full(10, -11.0)], 1)
    p[27:31] = centre + np.stack([np.zeros(4), np.linspace(-6, 3, 4)], 1)
    p[36:42], p[42:48] = centre + [-7, -7], centre + [7, -7]
    t = np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)
    p[48:60] = mouth + np.stack([8 * np.cos(t), (2 + opening / 2) * np.sin(t)], 1)
    t = np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)
    p[60:68] = mouth + np.stack([7 * np.cos(t), (0.4 + opening / 2) * np.sin(t)], 1)
    return np.clip(image, 0, 255).astype(np.uint8), p.astype(np.float32)


def write_shards(folder: Path) -> Shards:
    """Four films of 20 frames and a clip of labels alone."""
    writer = ShardWriter(folder, about={"kind": "toy"})
    rng = np.random.default_rng(0)
    for who in range(4):
        frames = 20
        level = 4 + 4 * np.sin(np.arange(frames) * 0.9 + who)
        made = [toy_face(level[t], rng.normal(0, 2), 150 + 20 * who) for t in range(frames)]
        pose = np.tile(np.array([0, 0, 0, 0, 0, 300], np.float32), (frames, 1))
        phonemes = np.where(level > 4, 0, SIL).astype(np.int64)
        audio = np.repeat(level, 4).reshape(frames, 4, 1) * np.ones(41) + rng.normal(0, 0.1, (frames, 4, 41))
        images, marks = np.stack([m[0] for m in made]), np.stack([m[1] for m in made])
        writer.add(ShardClip(f"clip{who}", f"who{who}", SIDE, images, marks, pose, phonemes, audio.astype(np.float32)))
    writer.add(ShardClip("labels-only", "who0", SIDE, None, marks, pose, phonemes, audio.astype(np.float32)))
    writer.close()
    return Shards(folder)
