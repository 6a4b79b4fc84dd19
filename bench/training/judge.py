"""Trains the corpus's landmark judge on exact truth, and says how well it reads true frames of people it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.records import Take

if TYPE_CHECKING:
    import torch

    from avct.training.loop import Loop

Log = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class JudgeRecipe:
    """steps of `batch` frames; lips: extra weight of the inner lips."""

    steps: int = 3500
    batch: int = 32
    rate: float = 2e-3
    lips: float = 2.0
    seed: int = 3


def opening(landmarks: np.ndarray) -> np.ndarray:
    """Distance between the inner lips' middles, float64 (T,), of landmarks (T, 68, 2)."""
    return np.linalg.norm(landmarks[:, 66] - landmarks[:, 62], axis=1)


def train_judge(
    frames: Sequence[np.ndarray],
    landmarks: Sequence[np.ndarray],
    recipe: JudgeRecipe,
    *,
    log: Log,
    state: Path | None = None,
) -> tuple[torch.nn.Module, Loop]:
    """The trained network and its loop. frames: uint8 (T, S, S, 3) a clip, landmarks: float32 (T, 68, 2), exact."""
    import torch
    from torch.nn import functional as F

    from avct.training.loop import Loop, Schedule
    from metrics.landmarks.puppet68 import MOUTH, build_network

    torch.manual_seed(recipe.seed)
    network = build_network()
    half = (frames[0].shape[1] - 1) / 2
    which = np.array([(i, t) for i, clip in enumerate(frames) for t in range(len(clip))])

    def near(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return F.smooth_l1_loss(found, wanted, beta=0.02)

    def draw(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        chosen = which[rng.integers(len(which), size=recipe.batch)]
        images = torch.from_numpy(np.stack([frames[i][t] for i, t in chosen])).permute(0, 3, 1, 2).float() / 255
        marks = torch.from_numpy(np.stack([landmarks[i][t] for i, t in chosen])).float() / half - 1
        images, marks = _disturb(images, marks, rng)
        # the crop is placed by the truth with a first look's errors: both towers then train on their own
        centre, side = network.box(marks)
        centre = centre + side * torch.from_numpy(rng.normal(0, 0.08, centre.shape).astype(np.float32))
        side = side * torch.from_numpy(np.exp(rng.normal(0, 0.08, side.shape)).astype(np.float32))
        return images, marks, centre, side

    def terms(batch: tuple[torch.Tensor, ...]) -> dict[str, torch.Tensor]:
        images, marks, centre, side = batch
        rough = network.glance(images)
        fine = network.look(images, centre, side)
        wanted = (marks[:, MOUTH] - centre) / side
        gap = (fine[:, 18] - fine[:, 14]) - (wanted[:, 18] - wanted[:, 14])
        lips = near(fine[:, 12:], wanted[:, 12:]) + near(gap, torch.zeros_like(gap))
        total = near(rough, marks) + near(fine, wanted) + recipe.lips * lips
        return {
            "face_px": half * (rough - marks).abs().mean(),
            "mouth_px": half * ((fine - wanted).abs() * side).mean(),
            "gap_px": half * (gap[:, 1].abs() * side[:, 0, 0]).mean(),
            "total": total,
        }

    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=1e-2)
    schedule = Schedule(recipe.steps, recipe.rate, decay_from=0.1)
    loop = Loop(network, optimiser, schedule, recipe.seed, log, state, every=100)
    loop.run(draw, terms)
    return network, loop


def _disturb(images: torch.Tensor, marks: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames resized, moved, mirrored, recoloured, blurred and made noisy, and their landmarks moved along."""
    import torch
    from torch.nn import functional as F

    from metrics.landmarks.scheme68 import MIRROR

    n, side = len(images), images.shape[-1]
    angle = rng.normal(0, 0.06, n)
    scale = np.exp(rng.normal(0, 0.11, n)).clip(0.75, 1.3)
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    turn = (
        np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
        * scale[:, None, None]
    )
    turn[:, :, 0] *= mirror[:, None]
    move = rng.normal(0, 0.04, (n, 2))
    forward, shift = torch.from_numpy(turn).float(), torch.from_numpy(move).float()
    marks = marks @ forward.transpose(1, 2) + shift[:, None]
    flipped = torch.from_numpy(mirror < 0)
    marks[flipped] = marks[flipped][:, list(MIRROR)]
    back = torch.linalg.inv(forward)
    theta = torch.cat([back, -back @ shift[..., None]], 2)
    where = F.affine_grid(theta, [n, 3, side, side], align_corners=True)
    images = F.grid_sample(images, where, padding_mode="reflection", align_corners=True)
    if rng.random() < 0.5:  # a mild blur: generated mouths must not be read as shut because they are soft
        shrunk = F.interpolate(images, scale_factor=float(rng.uniform(0.4, 0.95)), mode="bilinear", antialias=True)
        images = F.interpolate(shrunk, size=(side, side), mode="bilinear", align_corners=False)
    gain = 1 + 0.2 * rng.normal(0, 1, (n, 3, 1, 1)) * 0.5 + 0.2 * rng.normal(0, 1, (n, 1, 1, 1))
    images = images * torch.from_numpy(gain).float() + torch.from_numpy(rng.normal(0, 0.05, (n, 1, 1, 1))).float()
    noise = torch.from_numpy(rng.normal(0, 1, images.shape).astype(np.float32)) * float(rng.uniform(0, 0.02))
    return (images + noise).clamp(0, 1), marks


def read_true_frames(network: torch.nn.Module, takes: Sequence[Take]) -> dict[str, float]:
    """How the judge reads true frames: correlations of the lip opening and mean errors in pixels."""
    from metrics.landmarks.puppet68 import Puppet68

    judge = Puppet68(network)
    rs, errors, gaps, read, true = [], [], [], [], []
    for take in takes:
        found = judge.detect(take.frames)
        a, b = opening(found), opening(take.landmarks)
        rs.append(float(np.corrcoef(a, b)[0, 1]))
        errors.append(float(np.linalg.norm(found - take.landmarks, axis=-1)[:, 48:].mean()))
        gaps.append(float((a - b).mean()))
        read.append(a - a.mean())
        true.append(b - b.mean())
    pooled_read, pooled_true = np.concatenate(read), np.concatenate(true)
    slope = float((pooled_read * pooled_true).sum() / (pooled_true**2).sum())
    return {
        "clips": len(takes),
        "r_mean": float(np.mean(rs)),
        "r_min": float(np.min(rs)),
        "r_pooled": float(np.corrcoef(pooled_read, pooled_true)[0, 1]),
        "slope": slope,
        "bias_px": float(np.mean(gaps)),
        "mouth_error_px": float(np.mean(errors)),
    }


def evaluate_judge(network: torch.nn.Module, *, clips: int = 28) -> dict[str, float]:
    """`read_true_frames` on held-out identities saying held-out sentences in both held-out voices."""
    from bench.datasets.puppets.corpus import PHOTOGRAPH, Puppets

    data = Puppets("test")
    said = [data.drivers(s) for s in data.speakers()]
    names = [n for n in data.references() if n != PHOTOGRAPH][:clips]
    takes = [data.take(name, said[k % len(said)][k // len(said) % len(said[0])]) for k, name in enumerate(names)]
    return read_true_frames(network, takes)
