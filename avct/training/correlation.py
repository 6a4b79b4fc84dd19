"""Stage two of the paper's networks: from phones, sound and head pose to the keypoints that stage one sees.

Targets are the frozen detector's keypoints and Jacobians, absolute; the portrait whose feature map is told is any
frame of the same clip. The paper trains on one speaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from avct.audio2kp import Audio2kpTransformer
from avct.errors import AvctError
from avct.geometry import Keypoints
from avct.keypoints import KeypointDetector
from avct.phonemes import SIL
from avct.posebox import draw_all
from avct.shards import ShardClip, Shards
from avct.training.loop import Log, Loop, Schedule


@dataclass(frozen=True)
class CorrelationRecipe:
    """sequences of `length` consecutive frames make a batch. value, jacobian: weights of the L1 losses (SPEC section
    10 recommends 10 and 1); velocity: of the differences from frame to frame. by_spread: errors are divided by each
    keypoint's own spread, so that lips count as much as heads. speakers: whom to learn from (empty: everybody)."""

    steps: int = 100_000
    sequences: int = 4
    length: int = 24
    accumulate: int = 1
    rate: float = 1e-4
    warmup: int = 500
    decay_from: float = 0.4
    value: float = 10.0
    jacobian: float = 1.0
    velocity: float = 0.0
    by_spread: bool = False
    faces: int = 4
    ema: float = 0.0
    precision: str = "float32"
    seed: int = 2
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A clip ready for training. ph int64 (T,); audio float32 (T, 4, 41) unnormalised; pose float32 (T, 6); kp: values
    (T, K, 2) and Jacobians (T, K, 2, 2); faces float16 (N, C, S, S): feature maps of some frames, whose places in the
    clip are `shown`."""

    identity: str
    ph: np.ndarray
    audio: np.ndarray
    pose: np.ndarray
    kp: Keypoints
    faces: Tensor
    shown: tuple[int, ...]


def gather_seen(
    shards: Shards, detector: KeypointDetector, *, speakers: tuple[str, ...] = (), faces: int = 4
) -> list[Seen]:
    """The spoken clips of `shards` that have pictures, as the frozen detector sees them."""
    found = [
        see(clip, detector, faces=faces)
        for clip in shards
        if clip.spoken and clip.frames is not None and (not speakers or clip.identity in speakers)
    ]
    if not found:
        raise AvctError(f"{shards.folder}: no clip with pictures, phones, sound and pose to learn speech from")
    return found


@torch.inference_mode()
def see(clip: ShardClip, detector: KeypointDetector, *, faces: int, batch: int = 16) -> Seen:
    """A clip as the detector sees it."""
    device = next(detector.parameters()).device
    frames = len(clip.phonemes)
    shown = tuple(int(t) for t in np.linspace(0, frames - 1, min(faces, frames)))
    values, jacobians, maps = [], [], []
    for start in range(0, frames, batch):
        some = torch.from_numpy(np.array(clip.frames[start : min(frames, start + batch)])).to(device)
        found = detector(some.permute(0, 3, 1, 2).float() / 255)
        values.append(found.keypoints.value.cpu())
        jacobians.append(found.keypoints.jacobian.cpu())
        maps += [found.feature_map[t - start].half().cpu() for t in shown if start <= t < start + len(some)]
    # cloned out of inference mode, whose tensors no training may touch
    kp = Keypoints(torch.cat(values).clone(), torch.cat(jacobians).clone())
    audio, pose = clip.audio.astype(np.float32), clip.pose.astype(np.float32)
    return Seen(clip.identity, clip.phonemes, audio, pose, kp, torch.stack(maps).clone(), shown)


class Spans(NamedTuple):
    """S sequences of L frames, padded by half a window: ph (S, P), audio (S, P, 4, 41), rasters uint8 (S, P, 256, 256),
    faces (S, C, S', S'), value (S, L, K, 2), jacobian (S, L, K, 2, 2)."""

    ph: Tensor
    audio: Tensor
    rasters: Tensor
    faces: Tensor
    value: Tensor
    jacobian: Tensor


class SpanSampler:
    """Seeded batches of padded sequences of seen clips."""

    def __init__(self, clips: list[Seen], half: int, recipe: CorrelationRecipe, *, raster: int) -> None:
        self.clips, self.half, self.recipe, self.raster = clips, half, recipe, raster
        weights = np.array([len(c.ph) for c in clips], float)
        self.weights = weights / weights.sum()

    def draw(self, rng: np.random.Generator) -> Spans:
        """A batch; outside a clip are SIL, zeros and the pose of its end, as in inference."""
        length, half = self.recipe.length, self.half
        out: list[list[Tensor]] = [[] for _ in Spans._fields]
        for i in rng.choice(len(self.clips), self.recipe.sequences, p=self.weights):
            clip = self.clips[i]
            total = len(clip.ph)
            first = int(rng.integers(-2, max(1, total - length + 3)))
            index = np.arange(first - half, first + length + half)
            outside = (index < 0) | (index >= total)
            held = index.clip(0, total - 1)
            ph, audio = clip.ph[held].copy(), clip.audio[held].copy()
            ph[outside], audio[outside] = SIL, 0.0
            inner = torch.from_numpy(held[half : half + length])
            rows = (
                torch.from_numpy(ph),
                torch.from_numpy(audio),
                torch.from_numpy(draw_all(clip.pose[held], size=self.raster)),
                clip.faces[int(rng.integers(len(clip.faces)))].float(),
                clip.kp.value[inner],
                clip.kp.jacobian[inner],
            )
            for column, row in zip(out, rows, strict=True):
                column.append(row)
        return Spans(*(torch.stack(column) for column in out))


def predict(model: Audio2kpTransformer, batch: Spans) -> Keypoints:
    """Keypoints (S, L, …) of every frame of a batch: tokens once a frame, windows cut from them."""
    window = model.config.window
    sequences, padded = batch.ph.shape
    said = model.encoder_tokens(batch.ph.flatten(), batch.rasters.flatten(0, 1)).unflatten(0, (sequences, padded))
    faces = batch.faces.repeat_interleave(padded, 0)
    heard = model.decoder_tokens(batch.audio.flatten(0, 1), faces).unflatten(0, (sequences, padded))

    def windows(x: Tensor) -> Tensor:
        return x.unfold(1, window, 1).permute(0, 1, 3, 2).flatten(0, 1)

    found = model.decode(windows(said), windows(heard))
    frames = (sequences, padded - window + 1)
    return Keypoints(found.value.unflatten(0, frames), found.jacobian.unflatten(0, frames))


def losses(
    found: Keypoints, batch: Spans, recipe: CorrelationRecipe, spread: tuple[Tensor, Tensor]
) -> dict[str, Tensor]:
    """Weighted terms of a batch. spread: what errors of values (K, 2) and Jacobians (K, 2, 2) are divided by."""
    value = (found.value.float() - batch.value) / spread[0]
    jacobian = (found.jacobian.float() - batch.jacobian) / spread[1]
    terms = {"value": recipe.value * value.abs().mean(), "jacobian": recipe.jacobian * jacobian.abs().mean()}
    if recipe.velocity:
        speed = (value[:, 1:] - value[:, :-1]).abs().mean() + 0.1 * (jacobian[:, 1:] - jacobian[:, :-1]).abs().mean()
        terms["velocity"] = recipe.velocity * speed
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def spreads(clips: list[Seen], *, by_spread: bool) -> tuple[Tensor, Tensor]:
    """What errors are divided by: ones, or each number's standard deviation within clips."""
    value, jacobian = clips[0].kp.value[0], clips[0].kp.jacobian[0]
    if not by_spread:
        return torch.ones_like(value), torch.ones_like(jacobian)

    def root(parts: list[Tensor], floor: float) -> Tensor:
        return torch.stack([p.var(0, unbiased=False) for p in parts]).mean(0).sqrt() + floor

    return root([c.kp.value for c in clips], 0.004), root([c.kp.jacobian for c in clips], 0.02)


def train_correlation(
    model: Audio2kpTransformer, clips: list[Seen], recipe: CorrelationRecipe, *, log: Log, state: Path | None = None
) -> Loop:
    """Trains `model` in place and returns the finished loop."""
    device = model.kp.bias.device
    spread = tuple(s.to(device) for s in spreads(clips, by_spread=recipe.by_spread))
    with torch.no_grad():  # start from the average face
        model.kp.bias.copy_(torch.stack([c.kp.value.mean(0) for c in clips]).mean(0).flatten())
        model.jacobian.bias.copy_(torch.stack([c.kp.jacobian.mean(0) for c in clips]).mean(0).flatten())
    sampler = SpanSampler(clips, model.config.half_window, recipe, raster=model.config.pose_size)
    optimiser = torch.optim.AdamW(model.parameters(), recipe.rate, weight_decay=1e-3)
    schedule = Schedule(recipe.steps, recipe.rate, warmup=recipe.warmup, decay_from=recipe.decay_from, clip=1.0)
    loop = Loop(
        model, optimiser, schedule, recipe.seed, log, state, accumulate=recipe.accumulate, ema=recipe.ema,
        precision=recipe.precision, save_every=200,
    )  # fmt: skip
    loop.run(sampler.draw, lambda batch: losses(predict(model, batch), batch, recipe, spread))
    return loop
