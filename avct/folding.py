"""A trained network rewritten to do the same with less work: what follows from algebra alone, once and for all frames.

- A batch norm at rest is a scale and a shift for each channel: where it touches a convolution it goes into its weights.
- Doubling pixels before a 3x3 convolution repeats five products out of nine (`avct.doubling`).
- A 3x3 convolution before the mean of 2x2 squares is one 4x4 convolution with stride 2: 16 products for each pixel
  that is kept instead of 36.
- A convolution to one, two or three channels leaves most lanes of a processor's vectors empty: it is made for squares
  of pixels at once.

The rewritten network shares the parameters that did not change with the one it was made of, is for inference alone, and
must be made anew when those weights move. Nothing is changed in the trained network, nor in its state dict.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct.blocks import Down, DownRes, Hourglass, NormConv, Res, Same, Up
from avct.doubling import Doubling, pairs
from avct.winograd import WinogradRes

LANES = 16
"""Channels that one vector instruction holds in float32 (AVX-512): fewer than these cost as much."""
_WINOGRAD_FROM = 128
"""Channels from which Winograd's way is the faster one; below, its transforms cost more than they save."""
_HEAVY = 4_000_000
"""Numbers of a kernel from which reading it costs more than multiplying with it."""
Rule = Callable[[nn.Module], nn.Module]


class FoldedSame(nn.Module):
    """`Same` with its batch norm inside the convolution."""

    def __init__(self, block: Same) -> None:
        super().__init__()
        self.weight, self.bias = after(block.conv, block.norm)
        self.padding = block.conv.padding

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, padding=self.padding).relu_()


class FoldedDown(FoldedSame):
    """`Down` with its batch norm inside the convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(super().forward(x), 2)


class FoldedUp(Doubling):
    """`Up` in one of the forms of `avct.doubling`, with its norm folded; None: transposed, or plain where a large
    kernel meets few pixels.

    At the two deepest levels of the paper's dense motion the kernels (38 MB each) are read from memory for 16 to 64
    pixels: 16/9 of the numbers then cost more than 4/9 of the products save (10.4 against 7.0 ms at 2x2).
    """

    def __init__(self, block: Up, form: str | None = None) -> None:
        weight, bias = after(block.conv, block.norm)
        super().__init__(weight, bias, form or ("transposed" if weight.numel() < _HEAVY else "plain"))


class FoldedRes(nn.Module):
    """`Res` with its second batch norm inside the first convolution; the first stands before a ReLU and stays."""

    def __init__(self, block: Res) -> None:
        super().__init__()
        self.scale, self.shift = (_constant(v[:, None, None]) for v in affine(block.norm1))
        self.weight1, self.bias1 = after(block.conv1, block.norm2)
        self.weight2, self.bias2 = _constant(block.conv2.weight), _constant(block.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.addcmul(self.shift, x, self.scale).relu_()
        y = F.conv2d(y, self.weight1, self.bias1, padding=1).relu_()
        return F.conv2d(y, self.weight2, self.bias2, padding=1).add_(x)


class FoldedDownRes(nn.Module):
    """`DownRes` with the second batch norm and the shortcut's inside convolutions, and the pooling inside both."""

    def __init__(self, block: DownRes) -> None:
        super().__init__()
        first, second, straight = (b.layers for b in (block.conv_block_0, block.conv_block_1, block.conv_block_s))
        self.scale, self.shift = (_constant(v[:, None, None]) for v in affine(first.norm))
        self.weight1, self.bias1 = after(first.conv, second.norm)
        self.weight2, self.bias2 = _constant(halving_kernel(second.conv.weight)), _constant(second.conv.bias)
        self.weight_s, self.bias_s = shortcut(block.conv_block_s)
        self.slope = first.activation.negative_slope
        assert not hasattr(straight, "activation")  # a bent shortcut could not be folded

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu_(torch.addcmul(self.shift, x, self.scale), self.slope)
        y = F.leaky_relu_(F.conv2d(y, self.weight1, self.bias1, padding=1), self.slope)
        # A 1x1 convolution and a mean of pixels change places: the smaller picture is mixed.
        straight = F.conv2d(F.avg_pool2d(x, 2), self.weight_s, self.bias_s)
        return F.conv2d(y, self.weight2, self.bias2, stride=2, padding=1).add_(straight)


class FoldedHourglass(nn.Module):
    """`Hourglass` of folded blocks that keeps all its levels channels last: joined to one that is not, a level would be
    laid out anew for every convolution that reads it. last: False keeps them in planes."""

    def __init__(self, network: Hourglass, rule: Rule, *, last: bool = True) -> None:
        super().__init__()
        self.layout = torch.channels_last if last else torch.contiguous_format
        self.encoder, self.decoder = rewrite(network.encoder, rule), rewrite(network.decoder, rule)
        self.outputs = network.outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x.contiguous(memory_format=self.layout)))


class SquareHead(nn.Module):
    """A convolution to few channels, made for squares of pixels at once: the same sums in fuller vectors."""

    def __init__(self, conv: nn.Conv2d, side: int) -> None:
        super().__init__()
        outputs, inputs, height, width = conv.weight.shape
        kernel = conv.weight.new_zeros(outputs, side, side, inputs, height + side - 1, width + side - 1)
        for y in range(side):
            for x in range(side):
                kernel[:, y, x, :, y : y + height, x : x + width] = conv.weight.detach()
        self.weight = _constant(kernel.flatten(0, 2))
        self.bias = _constant(conv.bias.detach().repeat_interleave(side * side))
        self.side, self.padding, self.plain = side, conv.padding, rewrite(conv, lambda module: module)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2] % self.side or x.shape[3] % self.side:
            return self.plain(x)
        return F.pixel_shuffle(F.conv2d(x, self.weight, self.bias, stride=self.side, padding=self.padding), self.side)


def rewrite(network: nn.Module, rule: Rule) -> nn.Module:
    """A copy of the network in which `rule` has replaced modules; where it returns a module as it is, its children are
    rewritten. Parameters are new objects over the same numbers, without gradients: the trained network never notices.
    """
    replaced = rule(network)
    if replaced is not network:
        return replaced.eval()
    twin = copy.copy(network)
    for name in ("_parameters", "_buffers", "_modules"):
        twin.__dict__[name] = dict(getattr(network, name))
    for name, value in twin._parameters.items():
        twin._parameters[name] = None if value is None else _constant(value)
    for name, child in twin._modules.items():
        twin._modules[name] = None if child is None else rewrite(child, rule)
    twin.training = False
    return twin


def fold(
    network: nn.Module,
    *,
    vectors: bool,
    winograd: bool = False,
    last: bool = True,
    forms: Callable[[Up], str | None] = lambda _: None,
) -> nn.Module:
    """The network rewritten by all rules of this module, its kernels laid out channels last.

    vectors: heads are made for squares of pixels; winograd: wide residual blocks go Winograd's way. Both are for
    processors (and float32); GPU libraries choose such ways themselves. last: False leaves kernels in planes. forms: of
    blocks that double pixels, where `FoldedUp` is not to choose.
    """

    def rule(module: nn.Module) -> nn.Module:
        for kind, folded in ((Down, FoldedDown), (Same, FoldedSame), (DownRes, FoldedDownRes)):
            if type(module) is kind:
                return folded(module)
        if type(module) is Up:
            return FoldedUp(module, forms(module))
        if type(module) is Hourglass:
            return FoldedHourglass(module, rule, last=last)
        if type(module) is Res:
            wide = winograd and module.conv1.in_channels >= _WINOGRAD_FROM
            return WinogradRes(module) if wide else FoldedRes(module)
        if vectors and type(module) is nn.Conv2d and (side := _square(module)) > 1:
            return SquareHead(module, side)
        return module

    rewritten = rewrite(network, rule)
    return channels_last(rewritten) if last else rewritten


def channels_last(network: nn.Module) -> nn.Module:
    """The network itself with all four-dimensional parameters laid out channels last: convolutions follow the weights,
    so pictures need no change."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift (C,) of a batch norm at rest, float64."""
    variance, mean = norm.running_var.double(), norm.running_mean.double()
    scale = norm.weight.detach().double() / (variance + norm.eps).sqrt()
    return scale, norm.bias.detach().double() - mean * scale


def halving_kernel(weight: Tensor) -> Tensor:
    """Kernel (O, I, 4, 4) of a convolution (stride 2, padding 1) that equals a 3x3 convolution of kernel (O, I, 3, 3)
    with a padding of 1, then the mean of each 2x2 square."""
    return pairs(weight) / 4


def shortcut(block: NormConv) -> tuple[nn.Parameter, nn.Parameter]:
    """Kernel and bias of a batch norm and the 1x1 convolution after it, without activation between."""
    conv, (scale, shift) = block.layers.conv, affine(block.layers.norm)
    weight = conv.weight.detach().double()
    bias = conv.bias.detach().double() + weight[:, :, 0, 0] @ shift
    return _constant((weight * scale[:, None, None]).float()), _constant(bias.float())


def after(conv: nn.Conv2d | nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> tuple[nn.Parameter, nn.Parameter]:
    """Kernel and bias of a convolution and the batch norm after it."""
    scale, shift = affine(norm)
    over = (slice(None), None) if not isinstance(conv, nn.ConvTranspose2d) else (None, slice(None))
    weight = conv.weight.detach().double() * scale[over][..., None, None]
    return _constant(weight.float()), _constant((conv.bias.detach().double() * scale + shift).float())


def _constant(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value.detach().to(torch.float32).contiguous(), requires_grad=False)


def _square(conv: nn.Conv2d) -> int:
    """The largest side of squares whose values fill the lanes at most; 1 where the convolution is not of that kind."""
    plain = conv.stride == (1, 1) and conv.dilation == (1, 1) and conv.groups == 1 and conv.bias is not None
    same = plain and conv.kernel_size[0] == conv.kernel_size[1] == 2 * conv.padding[0] + 1 > 1
    sides = [side for side in (2, 4) if conv.out_channels * side * side <= LANES]
    return max(sides, default=1) if same else 1
