"""SyncNet v2: vectors of 0.2 s of a face and of 0.2 s of sound, by syncnet_python's network in an equal, faster form.

Chung and Zisserman 2016, "Out of time". The network and its weights are those of the package `syncnet-python`; only its
network is imported, not the pipeline around it, which prints, needs an ffmpeg program and changes numpy's settings.
Pictures are 224x224, values 0 to 255 as they are (the network's own order of colours is BGR, which is taken care of),
five frames a window; sound is 20 rows of 13 cepstra a window (`metrics.mfcc` of 16-bit sound), four rows a frame.

The faster form is exact: every kernel of the lips' tower has depth five in its first layer and one later, so that five
frames of three colours are fifteen channels of a picture; BatchNorm is folded into the layer before it; the maximum is
taken before the rectifier, with which it commutes.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.errors import MetricError, MissingWeights

if TYPE_CHECKING:
    import torch

WEIGHTS = "syncnet_v2"
SIDE = 224
FRAMES, ROWS, CEPSTRA = 5, 4, 13
"""Frames of one window, rows of sound a frame (10 ms each), and cepstra a row."""
VECTOR = 1024
RATE, SAMPLES = 16_000, 640
"""Samples a second and a frame: SyncNet knows 25 frames a second only."""
_BATCH = 7
"""Windows at once: 32 MB at the widest layer, which the C library does not give back to the system between batches; 20
take a sixth longer, measured."""
_STAND_IN = "_syncnet_python_parts"


def window_count(frames: int, samples: int) -> int:
    """Windows that SyncNet's code makes of so many frames and samples: one fewer than there would be room for."""
    return max(0, min(frames, samples // SAMPLES) - FRAMES)


def part(name: str) -> Any:
    """A module of the package syncnet_python, e.g. "SyncNetModel", without the package's own start.

    That start imports a video pipeline with scene detection and ffmpeg. Raises MissingWeights without the package.
    """
    found = importlib.util.find_spec("syncnet_python")
    if found is None or found.submodule_search_locations is None:
        raise MissingWeights("SyncNet needs the package syncnet-python: pip install syncnet-python")
    if _STAND_IN not in sys.modules:
        stand_in = types.ModuleType(_STAND_IN)
        stand_in.__path__ = list(found.submodule_search_locations)
        sys.modules[_STAND_IN] = stand_in
    return importlib.import_module(f"{_STAND_IN}.{name}")


def build_network() -> torch.nn.Module:
    """The untrained network `syncnet_python.SyncNetModel.S`, in evaluation mode."""
    return part("SyncNetModel").S().eval()


class SyncNet:
    """SyncNet with its weights, in its faster form."""

    def __init__(self, network: Any) -> None:
        """network: as `build_network` gives it, with weights loaded. It is left as it is."""
        import torch

        lips, sound = network.netcnnlip, network.netcnnaud
        layers = [_folded(lips[k], lips[k + 1]) for k in (0, 4, 8, 11, 14, 18)]
        first, bias = layers[0]
        # (96, BGR, 5, 7, 7) -> (96, 5 x RGB, 7, 7)
        stacked = first.flip(1).transpose(1, 2).flatten(1, 2)
        self._lips = [(_last(stacked), bias), *((_last(weight[:, :, 0]), b) for weight, b in layers[1:])]
        self._sound = [
            (_last(weight), b) for weight, b in (_folded(sound[k], sound[k + 1]) for k in (0, 4, 8, 11, 14, 18))
        ]
        self._lip_head, self._sound_head = (
            (*_folded(head[0], head[1]), head[3].weight.detach().clone(), head[3].bias.detach().clone())
            for head in (network.netfclip, network.netfcaud)
        )
        self._torch = torch

    def see(self, faces: Callable[[int, int], np.ndarray], windows: int) -> np.ndarray:
        """Vectors float32 (windows, 1024) of the windows of five faces that begin at 0, 1, …

        faces: gives faces first to last - 1, uint8 (last - first, 224, 224, 3) RGB; asked for in order, four again.
        """
        torch, out = self._torch, np.empty((windows, VECTOR), np.float32)
        with torch.inference_mode():
            for first in range(0, windows, _BATCH):
                count = min(_BATCH, windows - first)
                pictures = faces(first, first + count + FRAMES - 1)
                if pictures.dtype != np.uint8 or pictures.shape != (count + FRAMES - 1, SIDE, SIDE, 3):
                    raise MetricError(
                        f"syncnet: expected uint8 faces ({count + FRAMES - 1}, {SIDE}, {SIDE}, 3), "
                        f"got {pictures.dtype} {pictures.shape}"
                    )
                stack = np.concatenate([pictures[k : k + count] for k in range(FRAMES)], -1).astype(np.float32)
                out[first : first + count] = self._see(torch.from_numpy(stack).permute(0, 3, 1, 2)).numpy()
        return out

    def hear(self, cepstra: np.ndarray, windows: int) -> np.ndarray:
        """Vectors float32 (windows, 1024) of the windows of 20 rows that begin at row 0, 4, … of cepstra (n, 13)."""
        torch, out = self._torch, np.empty((windows, VECTOR), np.float32)
        if windows and len(cepstra) < ROWS * (windows + FRAMES - 1):
            raise MetricError(f"syncnet: expected {ROWS * (windows + FRAMES - 1)} rows of cepstra, got {len(cepstra)}")
        with torch.inference_mode():
            for first in range(0, windows, _BATCH):
                count = min(_BATCH, windows - first)
                rows = cepstra[ROWS * first : ROWS * (first + count + FRAMES - 1)].astype(np.float32)
                # (windows, 13, 20): cepstra are the picture's height
                seen = torch.from_numpy(rows).unfold(0, ROWS * FRAMES, ROWS)[:, None]
                out[first : first + count] = self._hear(seen).numpy()
        return out

    def _see(self, x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional as F

        first, second, *middle, last = self._lips
        x = F.max_pool2d(F.conv2d(x, *first, stride=2), 3, 2).relu_()
        x = F.max_pool2d(F.conv2d(x, *second, stride=2, padding=1), 3, 2, 1).relu_()
        for layer in middle:
            x = F.conv2d(x, *layer, padding=1).relu_()
        x = F.conv2d(F.max_pool2d(x, 3, 2), *last).relu_()
        return _through(x.flatten(1), self._lip_head)

    def _hear(self, x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional as F

        first, second, *middle, last = self._sound
        x = F.conv2d(x, *first, padding=1).relu_()
        x = F.max_pool2d(F.conv2d(x, *second, padding=1), 3, (1, 2)).relu_()
        for layer in middle:
            x = F.conv2d(x, *layer, padding=1).relu_()
        x = F.conv2d(F.max_pool2d(x, 3, 2), *last).relu_()
        return _through(x.flatten(1), self._sound_head)


@lru_cache(maxsize=1)
def load() -> SyncNet:
    """SyncNet with its published weights. Raises MissingWeights where they are not here, MetricError for others."""
    from metrics.weights import load_state

    state = load_state(WEIGHTS)
    network = build_network()
    network.load_state_dict(state)
    return SyncNet(network)


def _through(x: torch.Tensor, head: tuple[torch.Tensor, ...]) -> torch.Tensor:
    from torch.nn import functional as F

    return F.linear(F.linear(x, *head[:2]).relu_(), *head[2:])


def _last(weight: torch.Tensor) -> torch.Tensor:
    import torch

    return weight.contiguous(memory_format=torch.channels_last)


def _folded(layer: Any, norm: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias float32 of a layer and the BatchNorm after it as one layer; multiplied in float64."""
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    weight = layer.weight.detach().double()
    bias = (layer.bias.detach().double() - norm.running_mean.double()) * scale + norm.bias.detach().double()
    return (weight * scale.reshape(-1, *[1] * (weight.ndim - 1))).float(), bias.float()
