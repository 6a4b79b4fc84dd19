"""The faithful configuration's decoder tokens, with the half that belongs to the portrait computed once.

A token mixes one frame's sound with the portrait's feature map, of which the first residual block sees a sum: the
portrait's share of its first convolution and of its shortcut is the same for all frames. The sound's share comes from
a map of half the side whose pixels are doubled, which never have to exist.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct import folding
from avct.audio2kp import Audio2kpTransformer
from avct.config import AUDIO_SIDE
from avct.doubling import doubling_kernel


class Face(NamedTuple):
    """The portrait's share of the first residual block: before its second activation (1, C, S, S), and of the shortcut
    (1, C', S / 2, S / 2)."""

    main: Tensor
    straight: Tensor


class Hearing(nn.Module):
    """Decoder tokens (N, D) as `Audio2kpTransformer.decoder_tokens` gives them, of a network at rest."""

    def __init__(self, net: Audio2kpTransformer) -> None:
        super().__init__()
        first, norm, _, spread = net.audio_embedding
        self.weight, self.bias = folding.after(first, norm)
        self.padding = first.padding
        self.spread = folding.fold(spread, vectors=False)
        block, *others = net.decodefeature_extract
        folded, own = folding.FoldedDownRes(block), net.config.audio_channels
        self.block, self.own, self.slope = folding.channels_last(folded), own, folded.slope
        sound = folded.weight1[:, :own]
        # of the map's side to the sound's: 1 in small configurations, 2 in the paper's
        self.growth = net.config.map_size // AUDIO_SIDE
        self.sound = nn.Parameter(doubling_kernel(sound) if self.growth > 1 else sound, requires_grad=False)
        self.others = folding.fold(nn.Sequential(*others), vectors=False)
        folding.channels_last(self)

    def look(self, feature_map: Tensor) -> Face:
        """The portrait's share, of the detector's feature map (1, C, S, S)."""
        own, block = self.own, self.block
        bent = torch.addcmul(block.shift[own:], feature_map, block.scale[own:])
        main = F.conv2d(F.leaky_relu_(bent, self.slope), block.weight1[:, own:], block.bias1, padding=1)
        return Face(main, F.conv2d(F.avg_pool2d(feature_map, 2), block.weight_s[:, own:], block.bias_s))

    def forward(self, audio: Tensor, face: Face) -> Tensor:
        """Tokens (N, D) of audio float (N, 4, 41), unnormalised."""
        own, block = self.own, self.block
        x = F.conv_transpose2d(audio[:, None], self.weight, self.bias, padding=self.padding).relu_()
        x = self.spread(x)
        if self.growth > 2:
            x = F.interpolate(x, scale_factor=float(self.growth // 2), mode="nearest")
        bent = F.leaky_relu_(torch.addcmul(block.shift[:own], x, block.scale[:own]), self.slope)
        if self.growth > 1:
            main = F.conv_transpose2d(bent, self.sound, stride=2, padding=1)
        else:
            main, x = F.conv2d(bent, self.sound, padding=1), F.avg_pool2d(x, 2)
        main = F.leaky_relu_(main.add_(face.main), self.slope)
        main = F.conv2d(main, block.weight2, block.bias2, stride=2, padding=1)
        # the mean of a doubled pixel's four copies is the pixel
        straight = F.conv2d(x, block.weight_s[:, :own]).add_(face.straight)
        return self.others(main.add_(straight)).flatten(1)
