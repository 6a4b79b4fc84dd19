"""Pixels doubled, then a 3x3 convolution: three ways to the same sum, and which of them is the fastest on a device.

- plain: as it is written, 9 products for each pixel and channel, of a picture that has to exist;
- transposed: one transposed 4x4 convolution with stride 2, 4 products;
- sub-pixel: one 2x2 convolution to four times the channels (Shi et al., CVPR 2016), 4 products. Its (H + 1) x (W + 1)
  outputs are the corners between pixels; of each corner the four kinds of pixels lie on its four sides.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FORMS = ("transposed", "sub-pixel", "plain")
Clock = Callable[[Callable[[], object]], float]
"""Milliseconds that some work takes on the device."""
_TAPS = ([3, 1], [2, 0])
"""Rows of the transposed kernel that meet the pixel before a corner and the one after it, by the output's parity."""


class Doubling(nn.Module):
    """Pixels (B, C, H, W) doubled and convolved, then a ReLU: (B, C', 2 H, 2 W).

    weight: (C', C, 3, 3), padding 1. bias: (C',). form: one of FORMS.
    """

    def __init__(self, weight: Tensor, bias: Tensor, form: str) -> None:
        super().__init__()
        kernel = {"plain": lambda w: w, "transposed": doubling_kernel, "sub-pixel": corner_kernel}[form](weight)
        self.form, self.weight = form, _constant(kernel)
        self.bias = _constant(bias.repeat(4) if form == "sub-pixel" else bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.form == "transposed":
            return F.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1).relu_()
        if self.form == "plain":
            return F.conv2d(F.interpolate(x, scale_factor=2.0), self.weight, self.bias, padding=1).relu_()
        return woven(F.conv2d(x, self.weight, self.bias, padding=1)).relu_()


def woven(corners: Tensor) -> Tensor:
    """Pixels (B, C, 2 H, 2 W) of corners (B, 4 C, H + 1, W + 1), whose channels are upper left, upper right, lower left
    and lower right pixel's of a doubled one."""
    frames, channels, height, width = len(corners), corners.shape[1] // 4, corners.shape[2] - 1, corners.shape[3] - 1
    frame, channel, row, column = corners.stride()
    # one view from which one copy makes the picture: a step down is a row, or the other half of the channels and a row
    kinds = corners.as_strided(
        (frames, height, 2, width, 2, channels),
        (frame, row, row + 2 * channels * channel, column, column + channels * channel, channel),
        corners.storage_offset(),
    )
    # channels last: the copy then moves rows of channels, and what reads it needs no other layout
    return kinds.reshape(frames, 2 * height, 2 * width, channels).permute(0, 3, 1, 2)


def doubling_kernel(weight: Tensor) -> Tensor:
    """Kernel (I, O, 4, 4) of a transposed convolution (stride 2, padding 1) that equals pixels doubled, then a 3x3
    convolution of kernel (O, I, 3, 3) with a padding of 1."""
    return pairs(weight).flip(2, 3).transpose(0, 1)


def corner_kernel(weight: Tensor) -> Tensor:
    """Kernel (4 O, I, 2, 2) whose convolution with a padding of 1 gives `woven` the pixels that the kernel (O, I, 3, 3)
    with a padding of 1 gives of pixels doubled."""
    spread = doubling_kernel(weight).transpose(0, 1)
    return torch.cat([spread[:, :, _TAPS[y]][:, :, :, _TAPS[x]] for y in (0, 1) for x in (0, 1)])


def pairs(weight: Tensor) -> Tensor:
    """Kernels (O, I, 3, 3) summed over a moving 2x2 square: (O, I, 4, 4)."""
    spread = weight.new_zeros(*weight.shape[:2], 4, 4)
    for y in (0, 1):
        for x in (0, 1):
            spread[:, :, y : y + 3, x : x + 3] += weight.detach()
    return spread


def inputs_of(modules: Iterable[nn.Module], run: Callable[[], object]) -> dict[nn.Module, tuple[int, ...]]:
    """Shape of what each module is given while `run` runs."""
    seen: dict[nn.Module, tuple[int, ...]] = {}
    handles = [
        module.register_forward_pre_hook(lambda module, given: seen.update({module: tuple(given[0].shape)}))
        for module in modules
    ]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return seen


def fastest(weight: Tensor, bias: Tensor, like: Tensor, *, last: bool, clock: Clock) -> tuple[str, dict[str, float]]:
    """The form that takes least time for pictures such as `like` (B, C, H, W), and the milliseconds of all.

    Another form than the first must be 3 % faster than it: a draw does not change from run to run.
    """
    layout = torch.channels_last if last else torch.contiguous_format
    took = {}
    for form in FORMS:
        block = Doubling(weight, bias, form).to(like.dtype).to(memory_format=layout)
        given = like.contiguous(memory_format=layout)
        took[form] = clock(lambda block=block, given=given: block(given))
    best = min(FORMS, key=lambda form: took[form])
    return (best if took[best] < 0.97 * took[FORMS[0]] else FORMS[0]), took


def device_clock(work: Callable[[], object], *, rounds: int = 10) -> float:
    """Median milliseconds of the work on the current CUDA device, after three runs that do not count."""
    for _ in range(3):
        work()
    took = []
    for _ in range(rounds):
        began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        began.record()
        work()
        ended.record()
        ended.synchronize()
        took.append(began.elapsed_time(ended))
    return statistics.median(took)


def described(took: Mapping[str, float]) -> str:
    """Times of all forms in a line."""
    return ", ".join(f"{form} {took[form]:.3f} ms" for form in FORMS if form in took)


def _constant(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value.detach().to(torch.float32).contiguous(), requires_grad=False)
