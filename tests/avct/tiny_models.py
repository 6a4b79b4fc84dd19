"""Both configurations, small and seeded, and what they are to perform."""

from __future__ import annotations

import numpy as np
import torch
from tiny_networks import AUDIO2KP, DETECTOR, GENERATOR, KEYPOINTS, seeded

from avct.composite import CompositeConfig
from avct.config import Audio2PoseConfig, AvctConfig, DetectorConfig, MotionConfig, TransformerConfig
from avct.inference import FRONTAL, Score
from avct.model import FaithfulModel, LandmarkConfig, LandmarkModel, Model
from avct.vector_tokens import VectorTokensConfig


def faithful() -> FaithfulModel:
    """The paper's configuration at 128 pixels."""
    config = AvctConfig(image_size=128, detector=DETECTOR, generator=GENERATOR, audio2kp=AUDIO2KP)
    model = seeded(FaithfulModel(config))
    with torch.no_grad():  # keypoints that stay in the picture, Jacobians that can be inverted
        for head in (model.ph2kp.kp, model.ph2kp.jacobian):
            head.weight.mul_(0.1)
        for head in (model.ph2kp.jacobian, model.kp_detector.jacobian):
            head.bias.copy_(torch.eye(2).flatten().repeat(KEYPOINTS))
    return model


def landmark(*, relative: bool = True, audio2pose: Audio2PoseConfig | None = None) -> LandmarkModel:
    """Our configuration at 64 pixels."""
    transformer = TransformerConfig(width=16, heads=2, encoder_layers=2, decoder_layers=2, feedforward=16)
    motion = MotionConfig(expansion=4, max_features=8, blocks=2, shrink=4, variance=0.01, jacobian=False)
    config = LandmarkConfig(
        image_size=64,
        detector=DetectorConfig(keypoints=17, expansion=4, max_features=8, blocks=2, shrink=2, pad=3, jacobian=False),
        generator=CompositeConfig(expansion=4, bottleneck_blocks=1, window=32, motion=motion),
        speech=VectorTokensConfig(embedding=8, transformer=transformer),
        relative=relative,
        audio2pose=audio2pose,
    )
    model = seeded(LandmarkModel(config))
    with torch.no_grad():
        model.speech.kp.weight.mul_(0.1)  # keypoints that stay in the picture
    return model


BUILDERS = {"faithful": faithful, "landmark": landmark}


def score(model: Model, frames: int = 7, seed: int = 0, **changes) -> Score:
    """What a model is to perform: noise, in poses that move."""
    rng, side = np.random.default_rng(seed), model.config.image_size
    given = {
        "image": rng.integers(0, 255, (side, side, 3), dtype=np.uint8),
        "phonemes": rng.integers(0, 41, frames),
        "audio": rng.normal(0, 2, (frames, 4, 41)),
        "poses": (FRONTAL + rng.normal(0, 0.1, (frames, 6))).astype(np.float32),
        "portrait_pose": FRONTAL,
    }
    return Score(**{**given, **changes})
