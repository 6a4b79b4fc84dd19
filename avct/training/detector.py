"""Stage one, keypoints of the `landmark` configuration: a detector taught with known landmarks.

Frames are augmented until size and place do not matter: a detector that knows one face size breaks first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avct import facepoints
from avct.keypoints import KeypointDetector
from avct.shards import Shards
from avct.training.loop import Log, Loop, Schedule
from avct.training.pairs import PairSampler


@dataclass(frozen=True)
class DetectorRecipe:
    """lips: extra weight of the inner lips and of their distance, which is what a speaking mouth is read from."""

    steps: int = 1600
    batch: int = 6
    rate: float = 1.5e-3
    lips: float = 1.5
    accumulate: int = 1
    precision: str = "float32"
    seed: int = 1


def train_detector(
    model: KeypointDetector, shards: Shards, recipe: DetectorRecipe, *, log: Log, state: Path | None = None
) -> Loop:
    """Trains `model` in place and returns the finished loop; logged terms are mean errors in pixels."""
    sampler = PairSampler(shards)
    half = (sampler.size - 1) / 2
    upper, lower = facepoints.INNER_UPPER, facepoints.INNER_LOWER

    def draw(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        pair = sampler.draw(rng, recipe.batch, noise=0.0)
        return _degrade(torch.cat([pair.source, pair.target]), rng), torch.cat([pair.kp_source, pair.kp_target])

    def terms(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        images, wanted = batch
        found = model(images).keypoints.value
        off = half * (found - wanted).abs()
        gap = half * ((found[:, lower] - found[:, upper]) - (wanted[:, lower] - wanted[:, upper])).abs()
        lips = off[:, [upper, lower]]
        total = off.mean() + recipe.lips * (lips.mean() + gap.mean())
        return {"points": off.mean(), "lips": lips.mean(), "gap": gap.mean(), "total": total}

    optimiser = torch.optim.Adam(model.parameters(), recipe.rate)
    loop = Loop(
        model, optimiser, Schedule(recipe.steps, recipe.rate, decay_from=0.2), recipe.seed, log, state,
        accumulate=recipe.accumulate, precision=recipe.precision,
    )  # fmt: skip
    loop.run(draw, terms)
    return loop


def _degrade(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Now and then blurred or noisy pictures: generated frames and real cameras are both."""
    if rng.random() < 0.3:
        side = images.shape[-1]
        shrunk = F.interpolate(images, scale_factor=float(rng.uniform(0.4, 0.9)), mode="bilinear", antialias=True)
        images = F.interpolate(shrunk, size=(side, side), mode="bilinear", align_corners=False)
    if rng.random() < 0.3:
        noise = torch.from_numpy(rng.normal(0, 1, images.shape).astype(np.float32))
        images = (images + float(rng.uniform(0.005, 0.03)) * noise).clamp(0, 1)
    return images
