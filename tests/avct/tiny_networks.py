"""Small networks with seeded weights that are nowhere trivial, for tests of laws that hold at any size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avct.config import Audio2kpConfig, DetectorConfig, GeneratorConfig, MotionConfig, TransformerConfig
from avct.geometry import Keypoints

KEYPOINTS = 3
DETECTOR = DetectorConfig(keypoints=KEYPOINTS, expansion=4, max_features=8, blocks=2)
MOTION = MotionConfig(expansion=4, max_features=8, blocks=2)
GENERATOR = GeneratorConfig(
    keypoints=KEYPOINTS, expansion=4, max_features=8, down_blocks=2, bottleneck_blocks=1, motion=MOTION
)
AUDIO2KP = Audio2kpConfig(
    keypoints=KEYPOINTS,
    embedding=16,
    half_window=1,
    positions=4,
    pose_size=64,
    map_channels=DETECTOR.map_channels,
    map_size=32,
    audio_channels=5,
    features=(4, 4, 8, 16),
    transformer=TransformerConfig(width=16, heads=2, encoder_layers=2, decoder_layers=2, feedforward=32),
)


def seeded(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network in eval mode, every floating parameter and running statistic redrawn from a seed."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=source))
            elif name.endswith(("running_mean", "bias")):
                tensor.copy_(0.2 * torch.randn(tensor.shape, generator=source))
            elif name in dict(network.named_parameters()):
                scale = tensor[0].numel() ** -0.5 if tensor.dim() > 1 else 0.3
                tensor.copy_(scale * torch.randn(tensor.shape, generator=source) + (tensor.dim() == 1))
    return network.eval()


def noise(*shape: int, seed: int = 1) -> Tensor:
    """Uniform values in [0, 1) from a seed."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def keypoints(batch: int, seed: int, *, jacobian: bool = True) -> Keypoints:
    """Keypoints inside the image with Jacobians near the identity."""
    linear = torch.eye(2) + 0.4 * (noise(batch, KEYPOINTS, 2, 2, seed=seed + 100) - 0.5)
    return Keypoints(1.6 * noise(batch, KEYPOINTS, 2, seed=seed) - 0.8, linear if jacobian else None)


def unmoved_parameters(network: nn.Module, loss: Tensor) -> list[str]:
    """Names of the parameters that a step along the loss's gradient would leave where they are."""
    loss.backward()
    return [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 1e-12]
