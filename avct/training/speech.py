"""Trains the vector-token transformer: from phones, sound and head pose to the keypoints of recorded clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avct import facepoints
from avct.errors import AvctError
from avct.phonemes import SIL
from avct.shards import ShardClip, Shards
from avct.training.loop import Log, Loop, Schedule
from avct.vector_tokens import VectorTokenTransformer, pose_numbers, standardise

Locate = Callable[[np.ndarray], np.ndarray]
"""From frames uint8 (T, H, W, 3) to keypoints float32 (T, K, 2): the frozen detector of stage one."""


@dataclass(frozen=True)
class SpeechRecipe:
    """sequence: consecutive frames whose windows are trained together (for the velocity term). deaf: share of
    sequences whose sound is withheld, so that phones alone suffice; silent: share replaced by silence at rest.
    velocity, lips: weights of the difference terms. speakers: identities to learn from, all of them when empty."""

    steps: int = 7_000
    sequences: int = 12
    sequence: int = 24
    rate: float = 8e-4
    decay_from: float = 0.3
    deaf: float = 0.25
    silent: float = 0.06
    velocity: float = 0.7
    lips: float = 0.6
    accumulate: int = 1
    precision: str = "float32"
    seed: int = 2
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spoken:
    """One clip ready for training: ph int64 (T,), audio float32 (T, 4, 41) standardised, pose float32 (T, 6) numbers,
    kp float32 (T, K, 2) targets."""

    identity: str
    ph: np.ndarray
    audio: np.ndarray
    pose: np.ndarray
    kp: np.ndarray


def gather(shards: Shards, locate: Locate | None, speakers: tuple[str, ...] = ()) -> list[Spoken]:
    """The spoken clips of `shards` with their targets: the detector's keypoints, or the landmarks' without `locate`."""
    out = []
    for clip in shards:
        if clip.spoken and (not speakers or clip.identity in speakers):
            out.append(
                Spoken(
                    clip.identity,
                    clip.phonemes,
                    standardise(clip.audio),
                    pose_numbers(clip.pose),
                    _targets(clip, locate),
                )
            )
    if not out:
        raise AvctError(f"{shards.folder}: no clip with phones, sound and pose to learn speech from")
    return out


def _targets(clip: ShardClip, locate: Locate | None) -> np.ndarray:
    if locate is not None:
        if clip.frames is None:
            raise AvctError(f"clip {clip.name!r} has no frames for the detector to look at")
        return locate(clip.frames)
    if clip.landmarks is None:
        raise AvctError(f"clip {clip.name!r} has no landmarks and no detector was given")
    return facepoints.from_landmarks(clip.landmarks, clip.size)


class WindowSampler:
    """Seeded batches of padded sequences, from which windows of every frame are cut."""

    def __init__(self, clips: list[Spoken], half: int, recipe: SpeechRecipe) -> None:
        self.clips, self.half, self.recipe = clips, half, recipe
        groups: dict[str, list[int]] = {}
        for i, clip in enumerate(clips):
            groups.setdefault(clip.identity, []).append(i)
        # long recordings of one speaker must not drown the others: each identity weighs with the root of its clips
        weights = np.array([len(groups[c.identity]) ** -0.5 for c in clips])
        self.weights = weights / weights.sum()
        self.mates = {name: np.array(found) for name, found in groups.items()}

    def draw(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """ph (S, L + 2h), audio (S, L + 2h, 4, 41), pose (S, L + 2h, 6), kp (S, L, K, 2), face, face_pose."""
        r, half = self.recipe, self.half
        length = r.sequence
        keys = ("ph", "audio", "pose", "kp", "face", "face_pose")
        out: dict[str, list[np.ndarray]] = {k: [] for k in keys}
        for i in rng.choice(len(self.clips), r.sequences, p=self.weights):
            clip = self.clips[i]
            total = len(clip.ph)
            first = int(rng.integers(-2, max(1, total - length + 3)))
            index = np.arange(first - half, first + length + half)
            outside = (index < 0) | (index >= total)
            held = index.clip(0, total - 1)
            ph, audio = clip.ph[held].copy(), clip.audio[held].copy()
            pose, kp = clip.pose[held], clip.kp[held[half : half + length]]
            if rng.random() < r.silent:
                # rest: the clip's own first frame (a recording begins in silence) at one pose for the whole sequence
                ph[:], kp, pose = SIL, np.repeat(clip.kp[:1], length, 0), np.repeat(clip.pose[:1], len(pose), 0)
                audio[:] = 0.0 if rng.random() < 0.5 else clip.audio[:1]
            elif rng.random() < r.deaf:
                audio[:] = 0.0
            ph[outside], audio[outside] = SIL, 0.0
            mate = self.clips[int(rng.choice(self.mates[clip.identity]))]
            t = int(rng.integers(len(mate.ph)))
            for k, v in zip(keys, (ph, audio, pose, kp, mate.kp[t], mate.pose[t]), strict=True):
                out[k].append(v)
        return {k: torch.from_numpy(np.stack(v)) for k, v in out.items()}


def predict(model: VectorTokenTransformer, batch: dict[str, Tensor]) -> Tensor:
    """Keypoints (S, L, K, 2) of every frame of a batch: tokens once a frame, windows cut from them."""
    window = model.config.window
    sequences, padded = batch["ph"].shape
    said = model.encoder_tokens(batch["ph"].flatten(), batch["pose"].flatten(0, 1)).unflatten(0, (sequences, padded))
    face = model.face_numbers(batch["face"], batch["face_pose"]).repeat_interleave(padded, 0)
    heard = model.decoder_tokens(batch["audio"].flatten(0, 1), face).unflatten(0, (sequences, padded))

    def windows(x: Tensor) -> Tensor:
        return x.unfold(1, window, 1).permute(0, 1, 3, 2).flatten(0, 1)

    found = model.decode(windows(said), windows(heard)).value
    return found.unflatten(0, (sequences, padded - window + 1))


def train_speech(
    model: VectorTokenTransformer, clips: list[Spoken], recipe: SpeechRecipe, *, log: Log, state: Path | None = None
) -> Loop:
    """Trains `model` in place and returns the finished loop.

    Errors are weighed by each keypoint's own spread within clips, so that lips count as much as heads.
    """
    sampler = WindowSampler(clips, model.config.half_window, recipe)
    spread = torch.from_numpy(np.sqrt(np.mean([c.kp.var(0) for c in clips], 0)).astype(np.float32)) + 0.004
    spread = spread.to(model.kp.bias.device)
    upper, lower = facepoints.INNER_UPPER, facepoints.INNER_LOWER
    mean = np.mean([c.kp.mean(0) for c in clips], 0).astype(np.float32)
    with torch.no_grad():  # start from the average face
        model.kp.bias.copy_(torch.from_numpy(mean).flatten())

    def terms(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        found, wanted = predict(model, batch), batch["kp"]
        off = (found - wanted) / spread
        speed = (off[:, 1:] - off[:, :-1]).abs().mean()
        gap = (found[..., lower, 1] - found[..., upper, 1]) - (wanted[..., lower, 1] - wanted[..., upper, 1])
        lips = gap.abs().mean() / spread[lower, 1]
        points = off.abs().mean()
        return {
            "points": points,
            "velocity": speed,
            "lips": lips,
            "total": points + recipe.velocity * speed + recipe.lips * lips,
        }

    optimiser = torch.optim.AdamW(model.parameters(), recipe.rate, weight_decay=1e-3)
    schedule = Schedule(recipe.steps, recipe.rate, warmup=200, decay_from=recipe.decay_from, clip=1.0)
    loop = Loop(
        model, optimiser, schedule, recipe.seed, log, state, every=100, save_every=1000, accumulate=recipe.accumulate,
        precision=recipe.precision,
    )  # fmt: skip
    loop.run(sampler.draw, terms)
    return loop
