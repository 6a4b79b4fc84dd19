"""LPIPS v0.1 between a video and its truth: a distance of deep features, calibrated on people's judgements.

Every picture goes through the convolutions of a network trained on ImageNet; after each of its five (SqueezeNet: seven)
stages, features are scaled to unit length along channels, squared differences weighted by a learnt head and averaged
over places; the stages' means are added. Networks and heads are those of the package `lpips` (AlexNet, put together
here, equals its own); the loop around them is ours, so that both videos pass in one batch, channels last, and sums are
in float64.

The input is uint8, mapped to [-1, 1] here and nowhere else: feeding [0, 1] instead, the most frequent mistake, is a
legacy variant. No resize: the value depends on resolution. Weights come from files with a stated sha256; nothing is
ever downloaded.

Does not measure: lip sync; identity as such; it was calibrated on 64x64 patches with distortions, not on faces.
Source: Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features as a perceptual metric",
CVPR 2018, equation 1; v0.1 of its weights.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.clip import Clip, Result
from metrics.errors import MetricError
from metrics.registry import Variant
from metrics.short_convolution import ShortConvolution
from metrics.weights import load_state

if TYPE_CHECKING:
    import torch

_TINY = 1e-10
"""Added to a feature's length before the division, as the package does."""
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Taken off and divided by, channel by channel, in the range of [-1, 1]: the package's."""
_ALEXNET = (
    ((0, (3, 64, 11, 4, 2)),),
    ((2, None), (3, (64, 192, 5, 1, 2))),
    ((5, None), (6, (192, 384, 3, 1, 1))),
    ((8, (384, 256, 3, 1, 1)),),
    ((10, (256, 256, 3, 1, 1)),),
)
"""AlexNet's stages (Krizhevsky 2014): number of a layer and a convolution's channels, kernel, step and padding, with a
rectifier behind it, or None for a maximum of 3x3 places at every second."""


@dataclass(frozen=True)
class Trunk:
    """One of the package's networks. weights, head: names in weights.toml. stages: outputs compared.

    least: smallest side in pixels that the convolutions and poolings leave anything of. pixels: of one video in a
    batch; larger batches fall out of the processor's caches (measured on two cores). short: sizes of kernels that gain
    by fewer multiplications, and their tiles (`metrics.short_convolution`): a third less time in AlexNet, measured.
    """

    net: str
    title: str
    weights: str
    head: str
    stages: int
    least: int
    pixels: int
    short: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)


TRUNKS: Mapping[str, Trunk] = {
    "alex": Trunk(
        "alex",
        "AlexNet",
        "alexnet",
        "lpips_alex",
        5,
        31,
        8 * 256 * 256,
        short={(5, 5): (4, 4), (3, 3): (5, 5)},
    ),
    "vgg": Trunk("vgg", "VGG-16", "vgg16", "lpips_vgg", 5, 16, 2 * 256 * 256),
    "squeeze": Trunk("squeeze", "SqueezeNet 1.1", "squeezenet1_1", "lpips_squeeze", 7, 17, 4 * 256 * 256),
}


class Network:
    """A trunk with its heads, ready to compare. state: that of `lpips.LPIPS(net=...)`: `net.*` and `lin<k>.*`."""

    def __init__(self, trunk: Trunk, state: Mapping[str, torch.Tensor]) -> None:
        import torch

        self.trunk = trunk
        module = empty(trunk)
        wanted = {name: value.shape for name, value in module.state_dict().items() if name.startswith(("net.", "lin"))}
        given = {name: state[name.replace("lins.", "lin")] for name in wanted if name.replace("lins.", "lin") in state}
        wrong = [name for name, shape in wanted.items() if name not in given or given[name].shape != shape]
        if wrong:
            raise MetricError(f"lpips/{trunk.net}: expected weights {wrong[0]} {tuple(wanted[wrong[0]])}, got others")
        scaling = {name: value for name, value in module.state_dict().items() if name.startswith("scaling")}
        module.load_state_dict(given | scaling, assign=True)
        module.eval().requires_grad_(False)
        self._stages = [_layers(getattr(module.net, f"slice{k + 1}").to(memory_format=torch.channels_last), trunk.short)
                        for k in range(trunk.stages)]  # fmt: skip
        self._heads = [getattr(module, f"lin{k}").model[-1].weight.flatten().float() for k in range(trunk.stages)]
        # v = (u / 127.5 - 1 - shift) / scale, u in 0..255, or (u / 255 - shift) / scale where [0, 1] is fed
        self._shift, self._scale = torch.tensor(_SHIFT), torch.tensor(_SCALE)

    def compare(self, frames: np.ndarray, truth: np.ndarray, *, unsigned: bool = False) -> np.ndarray:
        """Distances float64 (n,) of two batches uint8 (n, H, W, 3) RGB. unsigned: feed [0, 1], the mistake."""
        import torch

        for given in (frames, truth):
            if given.dtype != np.uint8 or given.ndim != 4 or given.shape[3] != 3:
                raise MetricError(f"lpips: expected uint8 (n, H, W, 3), got {given.dtype} {given.shape}")
        n = len(frames)
        with torch.inference_mode():
            pictures = torch.empty((2 * n, *frames.shape[1:]), dtype=torch.float32)
            for half, given in ((pictures[:n], frames), (pictures[n:], truth)):
                half.copy_(torch.from_numpy(np.ascontiguousarray(given)))
            # the range is made here, from bytes, and never guessed
            span, low = (255.0, 0.0) if unsigned else (127.5, -1.0)
            pictures.mul_(1 / (span * self._scale)).add_((low - self._shift) / self._scale)
            x, total = pictures.permute(0, 3, 1, 2), torch.zeros(n, dtype=torch.float64)
            for stage, head in zip(self._stages, self._heads, strict=True):
                for layer in stage:
                    x = layer(x)
                total += _distance(x, head)
        return total.numpy()


def _layers(
    stage: Any, short: Mapping[tuple[int, int], tuple[int, int]]
) -> list[Callable[[torch.Tensor], torch.Tensor]]:
    """A stage's layers one after another, with convolutions of those sizes in their form of fewer multiplications."""
    layers: list[Callable[[torch.Tensor], torch.Tensor]] = []
    for layer in stage:
        tile = short.get(layer.kernel_size) if hasattr(layer, "weight") else None
        layers.append(
            layer if tile is None else ShortConvolution(layer.weight, layer.bias, layer.padding, tile, together=8)
        )
    return layers


def _distance(features: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
    """float64 (n,) of features (2 n, C, h, w), channels last: those of the video, then of the truth."""
    import torch

    flat = features.permute(0, 2, 3, 1).flatten(1, 2)  # (2 n, places, C), no copy
    n = len(flat) // 2
    scale = torch.linalg.vector_norm(flat, dim=2, keepdim=True).add_(_TINY).reciprocal_()
    gap = flat[:n] * scale[:n]
    gap.addcmul_(flat[n:], scale[n:], value=-1).square_()
    return (gap.flatten(0, 1) @ head).view(n, -1).double().mean(1)


def empty(trunk: Trunk) -> Any:
    """The package's network without weights: on no device, so that no random number is drawn and no memory taken."""
    import torch

    if trunk.net == "alex":
        with torch.device("meta"):
            return _alexnet()
    with warnings.catch_warnings():
        # the package calls torchvision in a way that it deprecates; that is no business of whoever scores a video
        warnings.simplefilter("ignore")
        import lpips  # type: ignore[import-untyped]

        with torch.device("meta"):
            module = lpips.LPIPS(net=trunk.net, version="0.1", pretrained=False, pnet_rand=True, verbose=False)
    module.scaling_layer = type(module.scaling_layer)()
    return module


def _alexnet() -> Any:
    """The same for AlexNet, names included, without the package: torchvision, which that imports, takes longer to load
    than a clip takes to score.
    """
    from torch import nn

    module = nn.Module()
    module.net = nn.Module()
    for number, layers in enumerate(_ALEXNET):
        stage = nn.Sequential()
        for place, sizes in layers:
            stage.add_module(str(place), nn.MaxPool2d(3, 2) if sizes is None else nn.Conv2d(*sizes))
            if sizes is not None:
                stage.add_module(str(place + 1), nn.ReLU(inplace=True))
                head = nn.Module()
                head.model = nn.Sequential(nn.Identity(), nn.Conv2d(sizes[1], 1, 1, bias=False))
        module.net.add_module(f"slice{number + 1}", stage)
        module.add_module(f"lin{number}", head)
    return module


@lru_cache(maxsize=3)
def network(net: str) -> Network:
    """The network of that name with its published weights, once a process.

    Raises MissingWeights where a file is not here, MetricError where one is not the published file.
    """
    trunk = TRUNKS[net]
    features, heads = load_state(trunk.weights), load_state(trunk.head)
    # torchvision numbers the layers "features.<i>"; the package keeps the number behind the stage's name
    ours = (name for name in empty(trunk).state_dict() if name.startswith("net."))
    theirs = {name: f"features.{name.split('.', 2)[2]}" for name in ours}
    return Network(trunk, {name: features[other] for name, other in theirs.items() if other in features} | heads)


def measure(clip: Clip, net: str, *, unsigned: bool = False) -> Result:
    """Mean over frames of each frame's distance; a frame equal to its truth is at 0 and does not enter the network."""
    assert clip.truth is not None
    trunk = TRUNKS[net]
    count, height, width = clip.frames.shape[:3]
    if min(height, width) < trunk.least:
        reason = f"frames of {width}x{height}: {trunk.title} leaves nothing of sides under {trunk.least} pixels"
        return Result(None, 0.0, reason=reason)
    loaded, values = network(net), np.zeros(count)
    batch = max(1, trunk.pixels // (height * width))
    for start in range(0, count, batch):
        frames, truth = clip.frames[start : start + batch], clip.truth[start : start + batch]
        other = np.flatnonzero([not np.array_equal(a, b) for a, b in zip(frames, truth, strict=True)])
        if len(other):
            values[start + other] = loaded.compare(frames[other], truth[other], unsigned=unsigned)
    return Result(float(values.mean()), 1.0, per_frame=values)


_SOURCE = "Zhang, Isola, Efros, Shechtman, Wang 2018, CVPR, arXiv 1801.03924, equation 1; weights v0.1"
_BLIND = (
    "lip sync; a wrong mouth of the right texture; it was calibrated on distorted 64x64 patches, not on faces, and "
    "depends on resolution"
)


def _variant(net: str, *, unsigned: bool = False) -> Variant:
    trunk = TRUNKS[net]
    name, fed = (f"legacy-{net}-range01", "[0, 1]") if unsigned else (net, "[-1, 1]")
    return Variant(
        id=f"lpips/{name}@1",
        title=f"LPIPS v0.1, {trunk.title}" + (", fed [0, 1] by mistake" if unsigned else ""),
        formula=f"mean over frames of sum over {trunk.stages} stages of mean over places of sum over channels of "
        f"w (a - b)^2, a and b the features of {trunk.title} at unit length along channels (1e-10 added to the "
        f"length), w the v0.1 heads; RGB uint8 mapped to {fed}, the video's own resolution, float32",
        unit="1",
        direction="lower",
        target=None,
        bounds=(0.0, None),
        needs=("truth",),
        weights=(trunk.weights, trunk.head),
        source=_SOURCE,
        equals=(
            f"lpips.LPIPS(net='{net}') of lpips 0.1.4 on images in [0, 1] without normalize=True"
            if unsigned
            else f"mean over frames of lpips.LPIPS(net='{net}') of lpips 0.1.4 on images in [-1, 1]"
        ),
        blind_to=f"{_BLIND}; half the contrast is lost, and the value with it" if unsigned else _BLIND,
        legacy=unsigned,
        measure=partial(measure, net=net, unsigned=unsigned),
        promises=() if unsigned else ("blur", "noise", "jpeg", "h264"),
    )


VARIANTS = (*(_variant(net) for net in TRUNKS), _variant("alex", unsigned=True))
