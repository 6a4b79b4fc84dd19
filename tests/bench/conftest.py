"""What tests of several rooms of `bench` share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 64x64 checkpoint of the `landmark` configuration, seeded random weights: paints a second in no time."""
    import torch

    from avct.checkpoint import save
    from avct.composite import CompositeConfig
    from avct.config import DetectorConfig, MotionConfig, TransformerConfig
    from avct.model import LandmarkConfig, LandmarkModel
    from avct.vector_tokens import VectorTokensConfig

    motion = MotionConfig(expansion=4, max_features=8, blocks=2, shrink=4, variance=0.01, jacobian=False)
    wide = TransformerConfig(width=16, heads=2, encoder_layers=1, decoder_layers=1, feedforward=16)
    detector = DetectorConfig(keypoints=17, expansion=4, max_features=8, blocks=2, shrink=2, pad=3, jacobian=False)
    torch.manual_seed(0)
    model = LandmarkModel(
        LandmarkConfig(
            image_size=64,
            detector=detector,
            generator=CompositeConfig(expansion=4, bottleneck_blocks=1, window=32, motion=motion),
            speech=VectorTokensConfig(embedding=8, transformer=wide),
        )
    )
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    save(path, model, {"seed": 0})
    return path
