"""Stage one, pictures: the composite generator learns from pairs of frames of one person.

Sharp where it warps, supervised where it paints. The paper's own stage-one losses (perceptual pyramid, equivariance)
belong to the faithful configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avct import facepoints
from avct.composite import Composite, CompositeGenerator, mouth_window
from avct.geometry import Keypoints
from avct.shards import Shards
from avct.training.adversary import PatchCritic, adversarial
from avct.training.loop import Log, Loop, Schedule
from avct.training.pairs import Pair, PairSampler


@dataclass(frozen=True)
class RendererRecipe:
    """How long and how hard. noise: pixels by which the keypoints of a pair are disturbed, so that the renderer stands
    a detector's errors. warp, gradient, coarse, paint: weights of the losses beside the L1 of the picture; mouth: how
    much more the mouth counts than the rest of its window. texture: of the roughness of what is painted; level: of its
    mean over the mouth, in logarithms (a median of roughness lies below its mean); adversary, matching: of a critic of
    mouth windows and of its features (0: none). bent: share of pairs that are bent."""

    steps: int = 6_000
    batch: int = 6
    rate: float = 1.0e-3
    decay_from: float = 0.4
    noise: float = 0.4
    warp: float = 4.0
    gradient: float = 6.0
    coarse: float = 5.0
    paint: float = 3.0
    mouth: float = 6.0
    texture: float = 0.0
    level: float = 0.0
    bent: float = 1.0
    resampling: str = "bilinear"
    adversary: float = 0.0
    matching: float = 4.0
    ema: float = 0.0
    accumulate: int = 1
    precision: str = "float32"
    seed: int = 0


def _edges(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:, :] - x[..., :-1, :], x[..., :, 1:] - x[..., :, :-1]


def roughness(x: Tensor) -> Tensor:
    """Root of the gradient energy of the grey picture in squares of 8 pixels, 4 apart: (B, 3, H, W) to (B, 1, h, w)."""
    grey = (x * x.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    gy, gx = _edges(grey)
    energy = gy[..., :, :-1] ** 2 + gx[..., :-1, :] ** 2
    return (F.avg_pool2d(energy, 8, 4) + 1e-5).sqrt()


def losses(out: Composite, pair: Pair, recipe: RendererRecipe, critic: PatchCritic | None = None) -> dict[str, Tensor]:
    """Weighted loss terms of one batch; `total` is their sum, `rival` what the critic of mouth windows minimises."""
    target, size, window = pair.target, pair.target.shape[-1], out.paint.shape[-1]
    corners = out.corners.tolist()

    def cut(x: Tensor) -> Tensor:
        return torch.stack([x[i, :, y : y + window, x0 : x0 + window] for i, (x0, y) in enumerate(corners)])

    seen, wanted, bent = cut(out.prediction), cut(target), cut(out.warped)
    lips = (pair.lips - out.corners.cpu().numpy()[:, None]).astype(np.float32)
    centre = torch.from_numpy(lips.mean(1)).to(target)
    axis = torch.arange(window).to(target)
    wx = torch.exp(-0.5 * ((axis[None] - centre[:, :1]) / (0.10 * size)) ** 2)
    wy = torch.exp(-0.5 * ((axis[None] - centre[:, 1:]) / (0.08 * size)) ** 2)
    weight = (1 + recipe.mouth * wy[:, :, None] * wx[:, None])[:, None]
    # the mask reaches a pixel beyond the inner lips, where painted lip and painted cavity meet
    cover = facepoints.polygon_cover(lips, window, grow=size / 256, soft=2 * size / 256)
    mask = torch.from_numpy(cover)[:, None].to(target)
    (gy, gx), (ty, tx) = _edges(seen), _edges(wanted)
    gradient = (weight[..., 1:, :] * (gy - ty).abs()).mean() + (weight[..., 1:] * (gx - tx).abs()).mean()
    blurred = F.avg_pool2d(weight, 4) * (F.avg_pool2d(seen, 4) - F.avg_pool2d(wanted, 4)).abs()
    # the coarse painter learns where the warp is wrong, outside the mouth's window as well
    wrong = ((out.warped - target).abs().mean(1, keepdim=True) * 6).clamp(0, 1).detach()
    terms = {
        "picture": 10 * (weight * (seen - wanted).abs()).mean() + 6 * (out.prediction - target).abs().mean(),
        "warp": recipe.warp * ((weight * (bent - wanted).abs()).mean() + 0.5 * (out.warped - target).abs().mean()),
        "gradient": recipe.gradient * gradient,
        "blurred": recipe.coarse * blurred.mean(),
        "mask": recipe.paint * (weight * (out.paint_mask - mask) ** 2).mean(),
        "paint": recipe.paint * (mask * (out.paint - wanted).abs()).sum() / (3 * mask.sum() + 1),
        "fill": 2.0 * (wrong * (out.fill - target).abs()).mean() + 0.4 * ((out.fill_mask - wrong) ** 2).mean(),
    }
    if recipe.texture:
        share = F.avg_pool2d(weight[..., :-1, :-1], 8, 4)
        rough, due = roughness(seen), roughness(wanted)
        terms["texture"] = recipe.texture * 10 * (share * (rough - due).abs()).mean()
        ratio = (share * rough**2).mean((1, 2, 3)) / (share * due**2).mean((1, 2, 3))
        terms["level"] = recipe.level * ratio.log().abs().mean()
    if critic is None:
        return {**terms, "total": torch.stack(list(terms.values())).sum()}
    paint, rival = adversarial(critic, seen, wanted, matching=recipe.matching)
    terms["adversary"] = recipe.adversary * paint
    return {**terms, "total": torch.stack(list(terms.values())).sum(), "rival": rival}


def train_renderer(
    model: CompositeGenerator, shards: Shards, recipe: RendererRecipe, *, log: Log, state: Path | None = None
) -> Loop:
    """Trains `model` in place and returns the finished loop (its history and seconds)."""
    sampler = PairSampler(shards)
    window, size = model.config.window, sampler.size

    def draw(rng: np.random.Generator) -> tuple[Pair, Tensor]:
        pair = sampler.draw(rng, recipe.batch, noise=recipe.noise, bent=recipe.bent)
        shift = torch.from_numpy(rng.integers(-3, 4, (recipe.batch, 2))) * 4
        return pair, (mouth_window(pair.kp_target, size, window) + shift).clamp(0, size - window)

    def terms(batch: tuple[Pair, Tensor]) -> dict[str, Tensor]:
        pair, corners = batch
        source, there, here = model.encode(pair.source), Keypoints(pair.kp_source), Keypoints(pair.kp_target)
        out = model.render(source, there, here, corners, resampling=recipe.resampling)
        return losses(out, pair, recipe, critic)

    critic, rival = None, None
    if recipe.adversary:
        critic = PatchCritic().to(next(model.parameters()).device)
        rival = (critic, torch.optim.Adam(critic.parameters(), recipe.rate, betas=(0.5, 0.999)))
    optimiser = torch.optim.Adam(model.parameters(), recipe.rate, betas=(0.5, 0.999))
    schedule = Schedule(recipe.steps, recipe.rate, decay_from=recipe.decay_from)
    loop = Loop(
        model, optimiser, schedule, recipe.seed, log, state, precision=recipe.precision, rival=rival, ema=recipe.ema,
        accumulate=recipe.accumulate,
    )  # fmt: skip
    loop.run(draw, terms)
    return loop
