"""Stage one as in the paper: detector and generator learn together from two frames of one video, without any label.

L = 10 perceptual + 10 equivariance of values + 10 equivariance of Jacobians (SPEC section 10); an adversarial term is
an option that the published weights did not use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct.errors import AvctError
from avct.generator import OcclusionAwareGenerator
from avct.keypoints import KeypointDetector
from avct.shards import Shards
from avct.training.adversary import PatchCritic, adversarial
from avct.training.equivariance import Bending, equivariance
from avct.training.loop import Log, Loop, Schedule
from avct.training.perceptual import PerceptualLoss


@dataclass(frozen=True)
class UnsupervisedRecipe:
    """Lengths, rates and weights of stage one; the defaults are the paper's where they are known.

    batch: pairs of one batch; accumulate: batches of a step. milestones: shares of all steps at which the rate falls
    to a tenth. decay_from: where there are none, from when it falls in a line. size: side of the frames that are
    learnt from (0: the shards' own). perceptual: "vgg19" (with vgg19, a file) or "edges". colour: sigma of the gains.
    """

    steps: int = 100_000
    batch: int = 36
    accumulate: int = 1
    rate: float = 2e-4
    warmup: int = 1
    milestones: tuple[float, ...] = ()
    decay_from: float = 0.4
    size: int = 0
    perceptual: str = "vgg19"
    vgg19: str = ""
    picture: float = 10.0
    value: float = 10.0
    jacobian: float = 10.0
    adversary: float = 0.0
    matching: float = 10.0
    affine: float = 0.05
    spline: float = 0.005
    colour: float = 0.1
    ema: float = 0.0
    precision: str = "float32"
    seed: int = 0


class FramePair(NamedTuple):
    """source and target float (B, 3, H, W) in [0, 1]; linear and spline of the target's bending."""

    source: Tensor
    target: Tensor
    linear: Tensor
    spline: Tensor


class FrameSampler:
    """Seeded pairs of frames of one clip, mirrored and recoloured together; nothing but frames is read."""

    def __init__(self, shards: Shards, recipe: UnsupervisedRecipe) -> None:
        self.recipe, self.shards = recipe, shards
        identities: dict[str, list[int]] = {}
        for i in range(len(shards)):
            clip = shards[i]
            if clip.frames is not None and len(clip.frames) > 1:
                identities.setdefault(clip.identity, []).append(i)
        if not identities:
            raise AvctError(f"{shards.folder}: no clip with two frames to learn pictures from")
        self.clips = [identities[name] for name in sorted(identities)]

    def draw(self, rng: np.random.Generator) -> FramePair:
        """A batch: first an identity, then one of its clips (so long recordings do not drown the others)."""
        r = self.recipe
        pictures = []
        for _ in range(r.batch):
            clips = self.clips[rng.integers(len(self.clips))]
            frames = self.shards[clips[rng.integers(len(clips))]].frames
            pictures += [np.array(frames[t]) for t in rng.choice(len(frames), 2, replace=False)]
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        if r.size and r.size != images.shape[-1]:
            images = F.interpolate(images, size=(r.size, r.size), mode="bilinear", antialias=True)
        images = images.unflatten(0, (r.batch, 2))
        mirrored = torch.from_numpy(rng.random(r.batch) < 0.5)
        images[mirrored] = images[mirrored].flip(-1)
        gain = (
            1
            + r.colour * rng.uniform(-1, 1, (r.batch, 1, 3, 1, 1))
            + r.colour * rng.uniform(-1, 1, (r.batch, 1, 1, 1, 1))
        )
        images = (images * torch.from_numpy(gain).float()).clamp(0, 1)
        bending = Bending.random(rng, r.batch, affine=r.affine, spline=r.spline)
        return FramePair(images[:, 0], images[:, 1], bending.linear, bending.spline)


def losses(
    networks: nn.ModuleDict,
    pair: FramePair,
    recipe: UnsupervisedRecipe,
    look: PerceptualLoss,
    critic: PatchCritic | None,
) -> dict[str, Tensor]:
    """Weighted loss terms of a batch; `total` is what the painter minimises, `rival` the critic."""
    detector, generator = networks["kp_detector"], networks["generator"]
    here, there = detector(pair.source).keypoints, detector(pair.target).keypoints
    made = generator(pair.source, here, there).prediction
    bending = Bending(pair.linear, pair.spline)
    value, jacobian = equivariance(there, detector(bending.picture(pair.target)).keypoints, bending)
    terms = {
        "picture": recipe.picture * look(made, pair.target),
        "value": recipe.value * value,
        "jacobian": recipe.jacobian * jacobian,
    }
    if critic is not None:
        paint, rival = adversarial(critic, made, pair.target, matching=recipe.matching)
        terms["adversary"] = recipe.adversary * paint
    total = torch.stack(list(terms.values())).sum()
    l1 = (made - pair.target).abs().mean()
    found = {**terms, "l1": l1.detach(), "total": total}
    return found if critic is None else {**found, "rival": rival}


def train_unsupervised(
    detector: KeypointDetector,
    generator: OcclusionAwareGenerator,
    shards: Shards,
    recipe: UnsupervisedRecipe,
    *,
    log: Log,
    state: Path | None = None,
) -> Loop:
    """Trains detector and generator in place and returns the finished loop."""
    networks = nn.ModuleDict({"kp_detector": detector, "generator": generator})
    # on CPUs with bfloat16 units and on GPUs, channels last is a tenth to a third faster
    networks.to(memory_format=torch.channels_last)
    device = next(generator.parameters()).device
    weights = Path(recipe.vgg19) if recipe.vgg19 else None
    look = PerceptualLoss(recipe.perceptual, weights=weights).to(device)
    critic, rival = None, None
    if recipe.adversary:
        critic = PatchCritic().to(device)
        rival = (critic, torch.optim.Adam(critic.parameters(), recipe.rate, betas=(0.5, 0.999)))
    optimiser = torch.optim.Adam(networks.parameters(), recipe.rate, betas=(0.5, 0.999))
    schedule = Schedule(recipe.steps, recipe.rate, recipe.warmup, recipe.decay_from, milestones=recipe.milestones)
    loop = Loop(
        networks, optimiser, schedule, recipe.seed, log, state, precision=recipe.precision, rival=rival,
        accumulate=recipe.accumulate, ema=recipe.ema, save_every=200,
    )  # fmt: skip
    loop.run(FrameSampler(shards, recipe).draw, lambda pair: losses(networks, pair, recipe, look, critic))
    return loop
