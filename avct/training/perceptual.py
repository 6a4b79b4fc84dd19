"""How alike two pictures are to a learner: features of VGG-19 where its weights are given, else a named alternative.

The paper's stage one compares features of VGG-19 over a pyramid of sizes (Johnson et al., ECCV 2016; FOMM). Its
weights are not ours to ship. `edges` needs none: colours and signed gradients over the same pyramid, which a blurred
picture fails at as well. A recipe names which of the two it uses; figures of one are not figures of the other.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct.blocks import AntiAlias
from avct.errors import AvctError, MissingWeights

SCALES = (1, 2, 4, 8)
"""By how much the pictures of the pyramid are shrunk."""
_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)  # 0: maximum of 2x2; to relu5_1
_LAYERS = (0, 2, 4, 8, 12)  # convolutions whose rectified output is compared: relu1_1, 2_1, 3_1, 4_1, 5_1
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Vgg19(nn.Module):
    """Rectified features of the first convolution of each of VGG-19's five stages (Simonyan & Zisserman, 2015)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 3
        for out in _WIDTHS:
            if out:
                layers += [nn.Conv2d(width, out, 3, padding=1), nn.ReLU()]
                width = out
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(_STD)[:, None, None])

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of images (B, 3, H, W) in [0, 1], finest first."""
        x, found, seen = (image - self.mean) / self.std, [], -1
        for layer in self.features:
            x = layer(x)
            seen += isinstance(layer, nn.Conv2d)
            if isinstance(layer, nn.ReLU) and seen in _LAYERS:
                found.append(x)
        return found


def load_vgg19(path: Path) -> Vgg19:
    """VGG-19 with the weights of a file in torchvision's layout (`features.0.weight` …; .pth or .safetensors).

    Raises MissingWeights where the file is not there, AvctError where it holds something else.
    """
    if not path.is_file():
        raise MissingWeights(
            f"VGG-19: {path} is not there; give ImageNet weights in torchvision's layout, or perceptual = 'edges'"
        )
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            held = load_file(path)
        else:
            held = torch.load(path, weights_only=True, map_location="cpu")
        network = Vgg19()
        own = network.state_dict()
        network.load_state_dict({k: held[k] if k.startswith("features.") else own[k] for k in own})
    except (KeyError, RuntimeError, ValueError, OSError, EOFError, AttributeError, TypeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise AvctError(f"{path}: expected weights of VGG-19 in torchvision's layout ({said})") from None
    except Exception as error:  # an unpickling error's class is private to whichever pickle read it
        raise AvctError(f"{path}: cannot be read as weights ({type(error).__name__})") from None
    return network.eval().requires_grad_(False)


class PerceptualLoss(nn.Module):
    """The mean difference of two pictures' features, summed over layers and the pyramid (SPEC section 10).

    kind: "vgg19" (with `weights`) or "edges".
    """

    def __init__(self, kind: str = "edges", *, weights: Path | None = None, scales: tuple[int, ...] = SCALES) -> None:
        super().__init__()
        if kind not in ("vgg19", "edges"):
            raise AvctError(f"perceptual: expected 'vgg19' or 'edges', got {kind!r}")
        if kind == "vgg19" and weights is None:
            raise MissingWeights(
                "perceptual = 'vgg19' needs a file of weights (vgg19 = PATH; `train` looks for vgg19.pth in "
                "$AVCT_BENCH_WEIGHTS); or choose 'edges'"
            )
        self.vgg = load_vgg19(Path(weights)) if kind == "vgg19" and weights is not None else None
        self.pyramid = nn.ModuleList(AntiAlias(3, shrink=s) for s in scales)

    def forward(self, made: Tensor, wanted: Tensor) -> Tensor:
        """The loss of pictures (B, 3, H, W) in [0, 1] against those wanted."""
        look = self.vgg or edges
        total = made.new_zeros(())
        for shrink in self.pyramid:
            with torch.no_grad():
                truth = look(shrink(wanted))
            for a, b in zip(look(shrink(made)), truth, strict=True):
                total = total + (a - b).abs().mean()
        return total


def edges(image: Tensor) -> list[Tensor]:
    """Colours and their signed differences to the right and downwards, the differences weighed to count as much."""
    return [image, 3 * (image[..., 1:] - image[..., :-1]), 3 * (image[..., 1:, :] - image[..., :-1, :])]


def weighted_l1(made: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """The mean absolute difference of pictures (B, 3, H, W), weighed by (B, 1, H, W)."""
    return F.l1_loss(made * weight, wanted * weight) / weight.mean().clamp_min(1e-6)
