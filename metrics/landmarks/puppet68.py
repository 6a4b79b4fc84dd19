"""The corpus's own judge of faces: a small network that reads 68 landmarks off puppet frames.

Trained on the embedded corpus's exact truth (`run_bench.py train judge`), never on a generator's output and never
shared with a generator. It knows painted puppets only: on photographs use `dlib68`. Two looks: the whole frame for
face and mouth box, then the mouth enlarged for its 20 points, since a lip opening is a few pixels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.errors import MetricError

if TYPE_CHECKING:
    import torch

WEIGHTS = "puppet68"
LOOK = 64
"""Side in pixels of both pictures that the network sees: the reduced frame and the mouth's crop."""
REACH = 0.78
"""Side of the mouth's crop in face widths (landmarks 0 to 16)."""
MOUTH = slice(48, 68)
_BATCH = 32


def build_network() -> torch.nn.Module:
    """The untrained network: `forward(frames float (B, 3, S, S) in [0, 1]) -> landmarks (B, 68, 2)` in [-1, 1]."""
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F

    def block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)
        )

    def tower(points: int) -> nn.Sequential:
        return nn.Sequential(
            block(3, 24), block(24, 48), block(48, 64), block(64, 96), nn.Flatten(),
            nn.Linear(96 * (LOOK // 16) ** 2, 160), nn.ReLU(), nn.Linear(160, 2 * points), nn.Unflatten(1, (points, 2)),
        )  # fmt: skip

    class Judge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole, self.mouth = tower(68), tower(20)

        def glance(self, frames: Tensor) -> Tensor:
            """Rough landmarks of whole frames."""
            return self.whole(_even(F.interpolate(frames, size=(LOOK, LOOK), mode="bilinear", antialias=True)))

        def box(self, rough: Tensor) -> tuple[Tensor, Tensor]:
            """Centre (B, 1, 2) and half side (B, 1, 1) of the mouth's crop."""
            width = (rough[:, 16] - rough[:, 0]).norm(dim=-1).clamp(0.3, 2.0)
            return rough[:, MOUTH].mean(1, keepdim=True), (width * (REACH / 2))[:, None, None]

        def look(self, frames: Tensor, centre: Tensor, half: Tensor) -> Tensor:
            """The mouth's 20 points in units of its crop."""
            axis = torch.linspace(-1, 1, LOOK, device=frames.device)
            local = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)[None]
            crop = F.grid_sample(
                frames, local * half[..., None] + centre[:, None], padding_mode="border", align_corners=True
            )
            return self.mouth(_even(crop))

        def forward(self, frames: Tensor) -> Tensor:
            rough = self.glance(frames)
            centre, half = self.box(rough)
            fine = self.look(frames, centre, half) * half + centre
            return torch.cat([rough[:, :48], fine], 1)

    def _even(x: Tensor) -> Tensor:
        x = x - x.mean((2, 3), keepdim=True)
        return x / (x.std((1, 2, 3), keepdim=True) + 0.05)

    return Judge()


class Puppet68:
    """The judge as a landmark backend. Every frame gets landmarks: puppets fill the frame by construction."""

    name = "puppet68"
    weights = (WEIGHTS,)

    def __init__(self, network: Any) -> None:
        self._network = network.eval()

    def detect(self, frames: np.ndarray) -> np.ndarray:
        """Landmarks float64 (T, 68, 2) in pixels of uint8 (T, H, W, 3) RGB, H = W. MetricError for other shapes."""
        import torch

        if frames.ndim != 4 or frames.dtype != np.uint8 or frames.shape[1] != frames.shape[2] or frames.shape[3] != 3:
            raise MetricError(f"puppet68: expected uint8 frames (T, S, S, 3), got {frames.dtype} {frames.shape}")
        found = []
        with torch.inference_mode():
            for start in range(0, len(frames), _BATCH):
                some = torch.from_numpy(np.ascontiguousarray(frames[start : start + _BATCH]))
                found.append(self._network(some.permute(0, 3, 1, 2).float() / 255).double().numpy())
        if not found:
            return np.empty((0, 68, 2))
        return (np.concatenate(found) + 1) * ((frames.shape[1] - 1) / 2)


@lru_cache(maxsize=1)
def load() -> Puppet68:
    """The judge with its shipped weights. Raises MissingWeights when the file is gone, MetricError for another file."""
    from metrics.weights import load_state

    network = build_network()
    network.load_state_dict(load_state(WEIGHTS))
    return Puppet68(network)
