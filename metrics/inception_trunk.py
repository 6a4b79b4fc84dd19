"""The graph of TensorFlow's Inception of 2015-12-05 up to its last mean over places, in an equal form that is faster.

Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", layers named as in the file of weights
for FID, whose blocks differ from later copies: means leave out what is outside the frame, and the last block pools by
maximum.

What makes it faster changes values by rounding alone: BatchNorm is folded into the convolution before it (in float64);
a mean over 3x3 places comes after the 1x1 convolution behind it, not before, on a quarter of the channels, both being
linear; kernels of seven places in a row take fewer multiplications (`metrics.short_convolution`); the first layers,
whose pictures are large, take few of them at once, in memory that is used again, while the last take many, which share
one reading of their weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metrics.errors import MetricError
from metrics.short_convolution import ShortConvolution

if TYPE_CHECKING:
    import torch

FEW = 4
"""Pictures at once up to 35x35 places: 22 MB at the widest layer, below what the C library gives back to the system."""
SHORT = {(1, 7): (1, 6), (7, 1): (6, 1)}
"""Kernels that gain by fewer multiplications, and their tiles: a third less time a layer; squares gain nothing here."""
_MEAN, _MAXIMUM = "mean", "maximum"
_HALVED = frozenset({"Conv2d_1a_3x3", "Mixed_6a.branch3x3", "Mixed_6a.branch3x3dbl_3", "Mixed_7a.branch3x3_2",
                     "Mixed_7a.branch7x7x3_4"})  # fmt: skip
"""Convolutions that step by two places, and see no place outside."""
_BARE = _HALVED | {"Conv2d_2a_3x3", "Conv2d_4a_3x3"}
"""Convolutions that see no place outside; all others see as many as keep the size."""
Branch = tuple[str | tuple[str, ...], ...]
"""Layers one after another; a tuple of layers at the end all see the same and stand side by side."""
_FIVE: tuple[Branch, ...] = (
    ("branch1x1",),
    ("branch5x5_1", "branch5x5_2"),
    ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
    (_MEAN, "branch_pool"),
)
_SEVEN: tuple[Branch, ...] = (
    ("branch1x1",),
    ("branch7x7_1", "branch7x7_2", "branch7x7_3"),
    tuple(f"branch7x7dbl_{k}" for k in range(1, 6)),
    (_MEAN, "branch_pool"),
)
_WIDE: tuple[Branch, ...] = (
    ("branch1x1",),
    ("branch3x3_1", ("branch3x3_2a", "branch3x3_2b")),
    ("branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")),
)
BLOCKS: Mapping[str, tuple[Branch, ...]] = {
    **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), _FIVE),
    "Mixed_6a": (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"), (_MAXIMUM,)),
    **dict.fromkeys(("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"), _SEVEN),
    "Mixed_7a": (
        ("branch3x3_1", "branch3x3_2"),
        ("branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"),
        (_MAXIMUM,),
    ),
    "Mixed_7b": (*_WIDE, (_MEAN, "branch_pool")),
    "Mixed_7c": (*_WIDE, (_MAXIMUM, "branch_pool")),
}
"""Branches of every block, whose results stand side by side."""


def build(state: Mapping[str, torch.Tensor]) -> Any:
    """A module: float32 (N, 3, 299, 299), -1..1, channels last -> (N, 2048). Raises MetricError for other weights."""
    import torch

    class Block(torch.nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self._name = name

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat(
                [out for branch in BLOCKS[self._name] for out in _follow(layers, self._name, branch, x)], 1
            )

    class Trunk(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maxpool1, self.maxpool2 = torch.nn.MaxPool2d(3, 2), torch.nn.MaxPool2d(3, 2)
            for name in BLOCKS:
                self.add_module(name, Block(name))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            x = torch.cat([self._begin(few) for few in pictures.split(FEW)])
            for name in BLOCKS:
                x = getattr(self, name)(x)
            return x.mean((2, 3))

        def _begin(self, x: torch.Tensor) -> torch.Tensor:
            for name in ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"):
                x = layers[name](x).relu_()
            x = self.maxpool1(x)
            for name in ("Conv2d_3b_1x1", "Conv2d_4a_3x3"):
                x = layers[name](x).relu_()
            return self.maxpool2(x)

    layers = {name: _Layer(name, state) for name in _names()}
    return Trunk().eval()


class _Layer:
    """A convolution with its BatchNorm folded in."""

    def __init__(self, name: str, state: Mapping[str, torch.Tensor]) -> None:
        import torch

        try:
            weight, (scale, shift, mean, variance) = (
                state[f"{name}.conv.weight"].double(),
                (state[f"{name}.bn.{part}"].double() for part in ("weight", "bias", "running_mean", "running_var")),
            )
        except KeyError as error:
            raise MetricError(f"inception: expected weights {error.args[0]}, got a file without them") from None
        scale = scale / (variance + 1e-3).sqrt()  # this network's own epsilon
        folded = (weight * scale[:, None, None, None]).float()
        self._weight = folded.contiguous(memory_format=torch.channels_last)
        self._bias = (shift - mean * scale).float()
        self._stride = 2 if name in _HALVED else 1
        size = (folded.shape[2], folded.shape[3])
        self._padding = (0, 0) if name in _BARE else (size[0] // 2, size[1] // 2)
        self._short = None
        if size in SHORT:
            self._short = ShortConvolution(folded, self._bias, self._padding, SHORT[size])

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Not yet rectified."""
        from torch.nn import functional as F

        if self._short is not None:
            return self._short(x)
        return F.conv2d(x, self._weight, self._bias, self._stride, self._padding)


def _follow(layers: Mapping[str, _Layer], block: str, branch: Branch, x: torch.Tensor) -> list[torch.Tensor]:
    """What a branch of a block makes of x."""
    from torch.nn import functional as F

    if branch[0] == _MAXIMUM:
        # a block that keeps its size pools at every place, one that halves it at every second
        x = F.max_pool2d(x, 3, 1, 1) if len(branch) > 1 else F.max_pool2d(x, 3, 2)
        branch = branch[1:]
    if branch and branch[0] == _MEAN:
        x = layers[f"{block}.{branch[1]}"](x)
        return [F.avg_pool2d(x, 3, 1, 1, count_include_pad=False).relu_()]
    for step in branch:
        if isinstance(step, tuple):
            return [layers[f"{block}.{name}"](x).relu_() for name in step]
        x = layers[f"{block}.{step}"](x).relu_()
    return [x]


def _names() -> list[str]:
    """Every convolution's name."""
    names = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
    for block, branches in BLOCKS.items():
        steps = [step for branch in branches for step in branch if step not in (_MEAN, _MAXIMUM)]
        names += [f"{block}.{n}" for step in steps for n in (step if isinstance(step, tuple) else (step,))]
    return names
