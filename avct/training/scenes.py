"""Scenes: a portrait, what it is to say, and the true frames of it being said. Image-level training is made of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from avct import facepoints
from avct.errors import AvctError
from avct.phonemes import SIL
from avct.posebox import draw_all
from avct.shards import ShardClip, Shards
from avct.vector_tokens import pose_numbers, standardise


class Scene(NamedTuple):
    """S sequences of L frames, padded to P = L + W - 1 for the tokens.

    portrait (S, 3, H, W), its landmark keypoints kp_portrait (S, K, 2) and pose rest; ph int64 (S, P), audio
    (S, P, 4, 41) and pose as the network is told them; target (S, L, 3, H, W) and its landmark keypoints kp
    (S, L, K, 2); raw: the L frames' unnormalised audio, for a sync expert.
    """

    portrait: Tensor
    kp_portrait: Tensor
    rest: Tensor
    ph: Tensor
    audio: Tensor
    pose: Tensor
    target: Tensor
    kp: Tensor
    raw: Tensor


class SceneSampler:
    """Seeded scenes of talking clips; the portrait is the clip's frame with the most closed mouth.

    raster: side of the pose rasters that the network is told beside unnormalised sound; 0 where it is told pose numbers
    and standardised sound (the `landmark` configuration).
    """

    def __init__(
        self, shards: Shards, *, half: int, sequences: int, length: int, raster: int, speakers: tuple[str, ...] = ()
    ) -> None:
        self.half, self.sequences, self.length, self.raster = half, sequences, length, raster
        self.clips = [c for c in shards if _fits(c, length) and (not speakers or c.identity in speakers)]
        if not self.clips:
            raise AvctError(
                f"{shards.folder}: no clip of {length} frames or more with pictures, landmarks, phones, sound and pose "
                "to fine-tune on"
            )
        self.calm = [int(np.argmin(c.landmarks[:, 66, 1] - c.landmarks[:, 62, 1])) for c in self.clips]
        # long recordings of one speaker must not drown the others
        identities = [c.identity for c in self.clips]
        weights = np.array([identities.count(i) ** -0.5 for i in identities])
        self.weights = weights / weights.sum()
        self.spread = np.sqrt(np.mean([self._points(c).var(0) for c in self.clips], 0)).astype(np.float32) + 0.004

    def draw(self, rng: np.random.Generator) -> Scene:
        """A batch of scenes."""
        out: list[list[np.ndarray]] = [[] for _ in Scene._fields]
        for i in rng.choice(len(self.clips), self.sequences, p=self.weights):
            clip, calm = self.clips[i], self.calm[i]
            total = len(clip.phonemes)
            first = int(rng.integers(total - self.length + 1))
            part = slice(first, first + self.length)
            index = np.arange(first - self.half, first + self.length + self.half)
            outside, held = (index < 0) | (index >= total), index.clip(0, total - 1)
            ph, audio = clip.phonemes[held].copy(), self._sound(clip)[held]
            ph[outside], audio[outside] = SIL, 0.0
            points, poses = self._points(clip), clip.pose.astype(np.float32)
            rows = (
                np.array(clip.frames[calm]), points[calm], self._told(poses[calm : calm + 1])[0], ph, audio,
                self._told(poses[held]), np.array(clip.frames[part]), points[part], clip.audio[part],
            )  # fmt: skip
            for column, row in zip(out, rows, strict=True):
                column.append(row)
        scene = Scene(*(torch.from_numpy(np.stack(column)) for column in out))
        return scene._replace(portrait=_pictures(scene.portrait), target=_pictures(scene.target))

    def _sound(self, clip: ShardClip) -> np.ndarray:
        return clip.audio.astype(np.float32) if self.raster else standardise(clip.audio)

    def _told(self, poses: np.ndarray) -> np.ndarray:
        return draw_all(poses, size=self.raster) if self.raster else pose_numbers(poses)

    @staticmethod
    def _points(clip: ShardClip) -> np.ndarray:
        return facepoints.from_landmarks(clip.landmarks, clip.size)


def _fits(clip: ShardClip, length: int) -> bool:
    held = clip.spoken and clip.frames is not None and clip.landmarks is not None
    return held and len(clip.phonemes) >= length


def _pictures(frames: Tensor) -> Tensor:
    return frames.movedim(-1, -3).float() / 255


def near_mouth(kp: Tensor, size: int) -> Tensor:
    """Weights (B, 1, size, size): a Gaussian around the mouth, a tenth of the picture wide, and a little everywhere."""
    centre = (kp[:, facepoints.LIPS].mean(1) + 1) * ((size - 1) / 2)
    axis = torch.arange(size).to(kp)
    wx = torch.exp(-0.5 * ((axis[None] - centre[:, :1]) / (0.10 * size)) ** 2)
    wy = torch.exp(-0.5 * ((axis[None] - centre[:, 1:]) / (0.08 * size)) ** 2)
    return (0.02 + wy[:, :, None] * wx[:, None])[:, None]
