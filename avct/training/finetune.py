"""Stage two, second half: the transformer learns from the pictures that the frozen renderer makes of its keypoints.

Keypoint losses count every point alike and every error by its size; what a viewer sees is a mouth. Here the frames are
painted, compared with the truth around the mouth, read by the frozen detector (are the lips as far apart as the
truth's?) and, where a sync expert is given, judged against the sound. The keypoint losses go on beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from avct import facepoints
from avct.composite import CompositeSource, mouth_window
from avct.errors import AvctError
from avct.geometry import Keypoints
from avct.inference import face_width
from avct.model import LandmarkModel
from avct.phonemes import SIL
from avct.shards import ShardClip, Shards
from avct.training.loop import Log, Loop, Schedule
from avct.training.perceptual import weighted_l1
from avct.vector_tokens import pose_numbers, standardise

Sync = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From frames (S, L, 3, H, W), audio rows (S, L, 4, 41) and true keypoints (S, L, K, 2) to a loss."""


@dataclass(frozen=True)
class FinetuneRecipe:
    """sequences of `length` consecutive frames are painted in a step. picture: weight of the mouth's pixels; opening:
    of the distance of the lips that the detector sees; level: of its mean over the batch, so that mouths are neither
    too open nor too closed on the whole; sync: of the expert; points: of the keypoints' own loss. speakers: whom to
    learn from (empty: everybody)."""

    steps: int = 600
    sequences: int = 3
    length: int = 6
    accumulate: int = 1
    rate: float = 1e-4
    warmup: int = 50
    decay_from: float = 0.3
    picture: float = 20.0
    opening: float = 0.5
    level: float = 1.0
    sync: float = 0.3
    points: float = 1.0
    velocity: float = 0.7
    ema: float = 0.98
    precision: str = "bfloat16"
    seed: int = 3
    speakers: tuple[str, ...] = field(default=())


class Scene(NamedTuple):
    """S sequences of L frames, padded to P = L + W - 1 for tokens. portrait (S, 3, H, W) and its keypoints and pose;
    target (S, L, 3, H, W) and its keypoints kp (S, L, K, 2); raw: unnormalised audio (S, L, 4, 41) for the expert."""

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
    """Seeded scenes of talking clips; the portrait is the clip's frame with the most closed mouth."""

    def __init__(self, shards: Shards, half: int, recipe: FinetuneRecipe) -> None:
        self.half, self.recipe = half, recipe
        self.clips = [c for c in shards if self._fits(c)]
        if not self.clips:
            raise AvctError(
                f"{shards.folder}: no clip of {recipe.length} frames or more with pictures, landmarks, phones, sound "
                "and pose to fine-tune on"
            )
        gaps = [c.landmarks[:, 66, 1] - c.landmarks[:, 62, 1] for c in self.clips]
        self.calm = [int(np.argmin(g)) for g in gaps]
        identities = [c.identity for c in self.clips]
        weights = np.array([identities.count(i) ** -0.5 for i in identities])
        self.weights = weights / weights.sum()

    def _fits(self, clip: ShardClip) -> bool:
        wanted = not self.recipe.speakers or clip.identity in self.recipe.speakers
        held = clip.spoken and clip.frames is not None and clip.landmarks is not None
        return wanted and held and len(clip.phonemes) >= self.recipe.length

    def draw(self, rng: np.random.Generator) -> Scene:
        """A batch of scenes."""
        length, half = self.recipe.length, self.half
        out: list[list[np.ndarray]] = [[] for _ in Scene._fields]
        for i in rng.choice(len(self.clips), self.recipe.sequences, p=self.weights):
            clip = self.clips[i]
            total = len(clip.phonemes)
            first = int(rng.integers(total - length + 1))
            index = np.arange(first - half, first + length + half)
            outside, held = (index < 0) | (index >= total), index.clip(0, total - 1)
            ph, audio = clip.phonemes[held].copy(), standardise(clip.audio)[held]
            ph[outside], audio[outside] = SIL, 0.0
            calm, part = self.calm[i], slice(first, first + length)
            points = facepoints.from_landmarks(clip.landmarks, clip.size)
            numbers = pose_numbers(clip.pose)
            rows = (
                np.array(clip.frames[calm]), points[calm], numbers[calm], ph, audio, numbers[held],
                np.array(clip.frames[part]), points[part], clip.audio[part],
            )  # fmt: skip
            for column, row in zip(out, rows, strict=True):
                column.append(row)
        held = Scene(*(torch.from_numpy(np.stack(column)) for column in out))
        return held._replace(portrait=_pictures(held.portrait), target=_pictures(held.target))


def _pictures(frames: Tensor) -> Tensor:
    return frames.movedim(-1, -3).float() / 255


def spoken(model: LandmarkModel, scene: Scene) -> Tensor:
    """Keypoints (S, L, K, 2) of the portraits speaking, after relative transfer, as inference makes them."""
    net = model.speech
    window, (sequences, padded) = net.config.window, scene.ph.shape
    face = net.face_numbers(scene.kp_portrait, scene.rest)
    said = net.encoder_tokens(scene.ph.flatten(), scene.pose.flatten(0, 1)).unflatten(0, (sequences, padded))
    heard = net.decoder_tokens(scene.audio.flatten(0, 1), face.repeat_interleave(padded, 0))
    heard = heard.unflatten(0, (sequences, padded))

    def windows(x: Tensor) -> Tensor:
        return x.unfold(1, window, 1).permute(0, 1, 3, 2).flatten(0, 1)

    found = net.decode(windows(said), windows(heard)).value.unflatten(0, (sequences, padded - window + 1))
    if not model.config.relative:
        return found
    quiet = net.encoder_tokens(torch.full_like(scene.ph[:, 0], SIL), scene.rest)
    hush = net.decoder_tokens(torch.zeros_like(scene.audio[:, 0]), face)
    rest = net.decode(*(x[:, None].expand(-1, window, -1) for x in (quiet, hush))).value
    scale = face_width(scene.kp_portrait) / face_width(rest)
    return scene.kp_portrait[:, None] + (found - rest[:, None]) * scale[:, None]


def train_finetune(
    model: LandmarkModel,
    shards: Shards,
    recipe: FinetuneRecipe,
    *,
    log: Log,
    state: Path | None = None,
    sync: Sync | None = None,
) -> Loop:
    """Trains `model.speech` in place, everything else frozen, and returns the finished loop."""
    renderer, detector = model.generator.eval(), model.kp_detector.eval()
    for frozen in (renderer, detector):
        frozen.requires_grad_(False)
    sampler = SceneSampler(shards, model.speech.config.half_window, recipe)
    window = renderer.config.window
    upper, lower = facepoints.INNER_UPPER, facepoints.INNER_LOWER
    moves = np.mean([facepoints.from_landmarks(c.landmarks, c.size).var(0) for c in sampler.clips], 0)
    spread = torch.from_numpy(np.sqrt(moves).astype(np.float32) + 0.004).to(model.speech.kp.bias.device)

    def terms(scene: Scene) -> dict[str, Tensor]:
        found = spoken(model, scene).float()
        off = (found - scene.kp) / spread
        length, size = found.shape[1], scene.target.shape[-1]
        driving, target = found.flatten(0, 1), scene.target.flatten(0, 1)
        once = renderer.encode(scene.portrait)
        source = CompositeSource(*(x.repeat_interleave(length, 0) for x in once))
        corners = mouth_window(scene.kp.flatten(0, 1), size, window)
        there = Keypoints(scene.kp_portrait.repeat_interleave(length, 0))
        made = renderer.render(source, there, Keypoints(driving), corners).prediction.float()
        read = detector(made).keypoints.value
        gap = (read[:, lower] - read[:, upper])[:, 1] / spread[lower, 1]
        wanted = (scene.kp[..., lower, 1] - scene.kp[..., upper, 1]).flatten() / spread[lower, 1]
        found_terms = {
            "points": recipe.points * off.abs().mean(),
            "velocity": recipe.velocity * (off[:, 1:] - off[:, :-1]).abs().mean(),
            "picture": recipe.picture * weighted_l1(made, target, _near_mouth(scene.kp.flatten(0, 1), size)),
            "opening": recipe.opening * (gap - wanted).abs().mean(),
            "level": recipe.level * (gap - wanted).mean().abs(),
        }
        if sync is not None:
            made = made.unflatten(0, scene.target.shape[:2])
            found_terms["sync"] = recipe.sync * sync(made, scene.raw, scene.kp)
        return {**found_terms, "total": torch.stack(list(found_terms.values())).sum()}

    optimiser = torch.optim.AdamW(model.speech.parameters(), recipe.rate, weight_decay=1e-3)
    schedule = Schedule(recipe.steps, recipe.rate, warmup=recipe.warmup, decay_from=recipe.decay_from, clip=1.0)
    loop = Loop(
        model.speech, optimiser, schedule, recipe.seed, log, state, every=25, save_every=100, ema=recipe.ema,
        precision=recipe.precision, accumulate=recipe.accumulate,
    )  # fmt: skip
    try:
        loop.run(sampler.draw, terms)
    finally:
        for frozen in (renderer, detector):
            frozen.requires_grad_(True)
    return loop


def _near_mouth(kp: Tensor, size: int) -> Tensor:
    """Weights (B, 1, size, size): a Gaussian around the mouth, a tenth of the picture wide, and a little everywhere."""
    centre = (kp[:, facepoints.LIPS].mean(1) + 1) * ((size - 1) / 2)
    axis = torch.arange(size).to(kp)
    wx = torch.exp(-0.5 * ((axis[None] - centre[:, :1]) / (0.10 * size)) ** 2)
    wy = torch.exp(-0.5 * ((axis[None] - centre[:, 1:]) / (0.08 * size)) ** 2)
    return (0.02 + wy[:, :, None] * wx[:, None])[:, None]
