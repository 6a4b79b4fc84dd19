"""The convolutional blocks that every network is made of.

Attribute names are those of the published checkpoints' keys: renaming one makes the weights unreadable.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Same(nn.Module):
    """Convolution, batch norm, ReLU at unchanged size."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class Down(Same):
    """Convolution, batch norm, ReLU, then the mean of each 2x2 square: (B, C, H, W) to (B, C', H/2, W/2)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(super().forward(x), 2)


class Up(Same):
    """Each pixel doubled, then convolution, batch norm, ReLU: (B, C, H, W) to (B, C', 2H, 2W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Res(nn.Module):
    """Residual block with normalisation before each convolution ("pre-activation")."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(features)
        self.norm2 = nn.BatchNorm2d(features)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(y)))


class HourglassEncoder(nn.Module):
    """Halves the image `blocks` times and returns every level, the input included, finest first."""

    def __init__(self, inputs: int, *, expansion: int, blocks: int, max_features: int) -> None:
        super().__init__()
        widths = [inputs] + [min(max_features, expansion * 2 ** (i + 1)) for i in range(blocks)]
        self.down_blocks = nn.ModuleList(Down(widths[i], widths[i + 1]) for i in range(blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class HourglassDecoder(nn.Module):
    """Doubles the deepest level back to full size, appending the encoder's level of the same size after each step."""

    def __init__(self, *, expansion: int, blocks: int, max_features: int) -> None:
        super().__init__()
        width = [min(max_features, expansion * 2**i) for i in range(blocks + 1)]
        # All but the deepest block see their predecessor's output and an equally wide skip.
        self.up_blocks = nn.ModuleList(
            Up((1 if i == blocks - 1 else 2) * width[i + 1], width[i]) for i in reversed(range(blocks))
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        x = levels[-1]
        for block, skip in zip(self.up_blocks, reversed(levels[:-1]), strict=True):
            # The skip stands second: the next block's weights depend on the order.
            x = torch.cat([block(x), skip], dim=1)
        return x


class Hourglass(nn.Module):
    """Encoder-decoder with skips: (B, C, H, W) to (B, expansion + C, H, W), H and W multiples of 2^blocks."""

    def __init__(self, inputs: int, *, expansion: int, blocks: int, max_features: int) -> None:
        super().__init__()
        self.encoder = HourglassEncoder(inputs, expansion=expansion, blocks=blocks, max_features=max_features)
        self.decoder = HourglassDecoder(expansion=expansion, blocks=blocks, max_features=max_features)
        self.outputs = expansion + inputs

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class AntiAlias(nn.Module):
    """Gaussian blur, then every shrink-th pixel from 0: (B, C, H, W) to (B, C, H/shrink, W/shrink)."""

    weight: Tensor

    def __init__(self, channels: int, *, shrink: int) -> None:
        super().__init__()
        self.shrink = shrink
        # FOMM's rule: sigma grows with the shrinking factor, the kernel reaches four sigmas (13x13 at shrink 4).
        sigma = (shrink - 1) / 2
        reach = round(4 * sigma)
        steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
        line = torch.exp(-(steps**2) / (2 * sigma**2)) if shrink > 1 else torch.ones(1)
        kernel = torch.outer(line, line)
        kernel = kernel / kernel.sum()
        # A buffer and not recomputed at need: checkpoints carry it.
        self.register_buffer("weight", kernel.expand(channels, 1, -1, -1).clone())

    def forward(self, x: Tensor) -> Tensor:
        if self.shrink == 1:
            return x
        # A strided convolution computes just the pixels that are kept. Borders darken: the padding is zero.
        return F.conv2d(x, self.weight, stride=self.shrink, padding=self.weight.shape[-1] // 2, groups=x.shape[1])


class NormConv(nn.Module):
    """Batch norm, LeakyReLU 0.2 where asked, convolution (in this order)."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, activation: bool) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict(norm=nn.BatchNorm2d(inputs))
        if activation:
            layers["activation"] = nn.LeakyReLU(0.2)
        layers["conv"] = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.layers = nn.Sequential(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class DownRes(nn.Module):
    """Residual block that halves the image: (B, C, H, W) to (B, C', H/2, W/2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = min(inputs, outputs)
        self.conv_block_0 = NormConv(inputs, hidden, kernel=3, activation=True)
        self.conv_block_1 = NormConv(hidden, outputs, kernel=3, activation=True)
        # The shortcut is normalised and mixed but never bent: the checkpoints were trained without an activation here.
        self.conv_block_s = NormConv(inputs, outputs, kernel=1, activation=False)

    def forward(self, x: Tensor) -> Tensor:
        main = self.conv_block_1(self.conv_block_0(x))
        # One pooling of the sum equals the sum of two poolings.
        return F.avg_pool2d(main + self.conv_block_s(x), 2)
