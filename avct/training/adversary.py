"""A critic of patches: tells painted pictures from true ones (least-squares GAN, Mao et al., 2017)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PatchCritic(nn.Module):
    """Scores (B, 1, h, w) of patches of pictures (B, 3, H, W) in [0, 1]: towards 1 for true ones.

    Strided convolutions with instance norm (Isola et al., 2017), spectrally normalised so that it cannot run away
    from a small painter.
    """

    def __init__(self, *, channels: int = 3, expansion: int = 32, blocks: int = 3, max_features: int = 256) -> None:
        super().__init__()
        widths = [channels] + [min(max_features, expansion * 2**i) for i in range(blocks)]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.utils.parametrizations.spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)),
                nn.InstanceNorm2d(b, affine=True) if i else nn.Identity(),
                nn.LeakyReLU(0.2),
            )
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.score = nn.utils.parametrizations.spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, features = image * 2 - 1, []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        return self.score(x), features


def adversarial(critic: PatchCritic, made: Tensor, wanted: Tensor, *, matching: float) -> tuple[Tensor, Tensor]:
    """(painter's loss, critic's loss). matching: weight of the critic's features beside its score (Wang et al. 2018).

    The painter's is the square distance of its score from 1, the critic's of made from 0 and of wanted from 1.
    """
    score, features = critic(made)
    with torch.no_grad():
        _, truth = critic(wanted)
    paint = ((1 - score) ** 2).mean()
    if matching:
        paint = paint + matching * torch.stack([F.l1_loss(a, b) for a, b in zip(features, truth, strict=True)]).mean()
    return paint, (critic(made.detach())[0] ** 2).mean() + ((1 - critic(wanted)[0]) ** 2).mean()
