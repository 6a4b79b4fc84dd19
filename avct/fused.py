"""Warp and occlusion in one Triton kernel: features are read once, at four places, and written once.

`torch` writes the warped features, reads them again to darken them, and turns them to half precision in a third pass;
where the flow is smaller than the features two more pictures exist in between. Here each program makes a block of
pixels of a block of channels: it resizes flow and occlusion for its pixels, reads the four neighbours (rows of channels
side by side where features lie channels last), and multiplies in float32.

Conventions are those of `avct.geometry.warp` (bilinear, black outside, -1 and 1 at the outer edges of the corner
pixels) and of `avct.generator.occlude`, whose place it takes. Without CUDA and Triton that function does the work.
"""

from __future__ import annotations

import importlib.util
from functools import cache

import torch
from torch import Tensor

from avct.generator import Move, occlude

_PIXELS = 16
_CHANNELS = 128
"""Pixels and channels of a block: rows of 256 bytes in half precision, 32 kB of products in flight."""


def mover(device: torch.device) -> Move:
    """What takes the place of `avct.generator.occlude` on a device: the kernel where there is one."""
    return operator() if device.type == "cuda" and importlib.util.find_spec("triton") is not None else _plainly


def _plainly(features: Tensor, deformation: Tensor, occlusion: Tensor) -> Tensor:
    return occlude(features, deformation, occlusion).to(features.dtype)


def launch(features: Tensor, deformation: Tensor, occlusion: Tensor) -> Tensor:
    """The kernel's result, of features' own dtype (on the processor by Triton's interpreter).

    features: (B or 1, C, H, W) float32, float16 or bfloat16, planes or channels last, which the result then is too.
    deformation: float32 (B, h, w, 2). occlusion: float32 (B, 1, h', w').
    """
    import triton

    from avct import warping

    result = _empty(features, deformation)
    frames, channels, height, width = result.shape
    lanes = min(_CHANNELS, triton.next_power_of_2(channels))
    pixels = max(_PIXELS, 2 * _CHANNELS // lanes)
    small, dark = deformation.shape[1:3], occlusion.shape[2:]
    places = (triton.cdiv(height * width, pixels), triton.cdiv(channels, lanes), frames)
    warping.occlude[places](
        features, deformation, occlusion, result, channels, height, width, *small, *dark,
        0 if len(features) == 1 else features.stride(0), *features.stride()[1:],
        *deformation.stride(), occlusion.stride(0), *occlusion.stride()[2:], *result.stride(),
        resized=tuple(small) != (height, width), dimmed=tuple(dark) != (height, width), pixels=pixels, lanes=lanes,
    )  # fmt: skip
    return result


def _empty(features: Tensor, deformation: Tensor) -> Tensor:
    """Memory of the result, laid out as the features are."""
    last = features.stride(1) == 1 and features.shape[1] > 1
    layout = torch.channels_last if last else torch.contiguous_format
    return torch.empty(
        (deformation.shape[0], *features.shape[1:]), dtype=features.dtype, device=features.device, memory_format=layout
    )


@cache
def operator() -> Move:
    """The kernel as an operator that torch.compile takes as a whole and CUDA graphs can hold."""
    schema = "(Tensor features, Tensor deformation, Tensor occlusion) -> Tensor"
    made = torch.library.custom_op("avct::occlude", launch, mutates_args=(), schema=schema)
    made.register_fake(lambda features, deformation, occlusion: _empty(features, deformation))
    return torch.ops.avct.occlude.default
