"""Pairs of frames of one person, drawn and augmented together: what detector and renderer are trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avct import facepoints
from avct.errors import AvctError
from avct.shards import Shards


def _mirror_68() -> np.ndarray:
    """Index of the landmark that takes each one's place in a mirrored picture."""
    order = np.arange(68)
    order[:17] = np.arange(16, -1, -1)
    order[17:27] = np.arange(26, 16, -1)
    order[31:36] = np.arange(35, 30, -1)
    order[36:48] = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    order[48:60] = [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    order[60:68] = [64, 63, 62, 61, 60, 67, 66, 65]
    return order


MIRROR_68 = _mirror_68()


class Pair(NamedTuple):
    """Two batches of frames float (B, 3, H, W) in [0, 1] of the same people, their keypoints (B, K, 2) and the
    target's inner lips float64 (B, 8, 2) in pixels."""

    source: Tensor
    target: Tensor
    kp_source: Tensor
    kp_target: Tensor
    lips: np.ndarray


class PairSampler:
    """Seeded pairs of frames of one identity, mirrored, resized, moved and recoloured together."""

    def __init__(self, shards: Shards) -> None:
        self.groups: dict[str, list[tuple[int, int]]] = {}
        for i in range(len(shards)):
            clip = shards[i]
            if clip.frames is None:
                continue
            if clip.landmarks is None:
                raise AvctError(
                    f"{shards.folder}: clip {clip.name!r} has no landmarks, which this renderer's mask needs"
                )
            self.groups.setdefault(clip.identity, []).extend((i, t) for t in range(len(clip.frames)))
        if not self.groups:
            raise AvctError(f"{shards.folder}: no clip with frames to learn pictures from")
        self.names = sorted(self.groups)
        self.shards = shards
        self.size = shards[self.groups[self.names[0]][0][0]].size

    def draw(self, rng: np.random.Generator, batch: int, *, noise: float, bent: float = 1.0) -> Pair:
        """`batch` pairs; noise: standard deviation in pixels of what disturbs the keypoints.

        bent: share of pairs that are zoomed, turned and moved, which blurs them a little; others are only mirrored.
        """
        pictures, points = [], []
        for _ in range(batch):
            members = self.groups[self.names[rng.integers(len(self.names))]]
            for k in rng.choice(len(members), 2, replace=False):
                i, t = members[k]
                clip = self.shards[i]
                pictures.append(np.array(clip.frames[t]))
                points.append(clip.landmarks[t])
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        marks = np.stack(points).astype(np.float64)
        images, marks = self._augment(images, marks, rng, bent)
        jitter = rng.normal(0, noise, (len(marks), facepoints.KEYPOINTS, 2)) * (2 / (self.size - 1))
        kp = facepoints.from_landmarks(marks, self.size) + jitter.astype(np.float32)
        kps = torch.from_numpy(kp)
        lips = marks[1::2, list(facepoints.INNER_LIP)]
        return Pair(images[0::2], images[1::2], kps[0::2], kps[1::2], lips)

    def _augment(
        self, images: Tensor, marks: np.ndarray, rng: np.random.Generator, bent: float
    ) -> tuple[Tensor, np.ndarray]:
        """One similarity, mirror and colour change for both frames of a pair."""
        pairs, size = len(images) // 2, self.size
        zoom = np.exp(rng.normal(0, 0.10, pairs)).clip(0.78, 1.28)
        angle = rng.normal(0, 0.05, pairs)
        move = rng.normal(0, 5.0, (pairs, 2))
        mirror = np.where(rng.random(pairs) < 0.5, -1.0, 1.0)
        if bent < 1:
            straight = rng.random(pairs) >= bent
            zoom[straight], angle[straight], move[straight] = 1.0, 0.0, 0.0
        turn = np.stack(
            [np.stack([np.cos(angle), -np.sin(angle)], -1), np.stack([np.sin(angle), np.cos(angle)], -1)], 1
        )
        forward = turn * zoom[:, None, None] * np.stack([mirror, np.ones(pairs)], -1)[:, None, :]
        forward, move = np.repeat(forward, 2, 0), np.repeat(move, 2, 0)
        centre = np.array([(size - 1) / 2, 0.56 * size])
        new = np.einsum("nij,nkj->nki", forward, marks - centre) + centre + move[:, None]
        flipped = np.repeat(mirror < 0, 2)
        new[flipped] = new[flipped][:, MIRROR_68]
        # grid_sample wants where output pixels read from, in [-1, 1] with corner pixels at the ends
        inverse = np.linalg.inv(forward)
        offset = centre - np.einsum("nij,nj->ni", inverse, centre + move)
        half = (size - 1) / 2
        theta = np.concatenate(
            [inverse, ((np.einsum("nij,j->ni", inverse, [half, half]) + offset) / half - 1)[..., None]], -1
        )
        where = F.affine_grid(torch.from_numpy(theta).float(), list(images.shape), align_corners=True)
        mode = "bilinear" if bent == 1 else "bicubic"
        images = F.grid_sample(images, where, mode=mode, padding_mode="reflection", align_corners=True)
        gain = torch.from_numpy(
            np.repeat(1 + 0.15 * rng.normal(0, 1, (pairs, 3, 1, 1)) + 0.12 * rng.normal(0, 1, (pairs, 1, 1, 1)), 2, 0)
        ).float()
        return (images * gain).clamp(0, 1), new
