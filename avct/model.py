"""The two named configurations and the networks that belong to each.

`faithful` is the paper's model, at any size. `landmark` is ours for small data and no GPU: keypoints tied to lip
landmarks, a composite generator, vector tokens. A checkpoint names its configuration; neither replaces the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from avct.audio2kp import Audio2kpTransformer
from avct.audio2pose import Audio2Pose
from avct.composite import CompositeConfig, CompositeGenerator
from avct.config import Audio2PoseConfig, AvctConfig, DetectorConfig, from_dict
from avct.errors import AvctError
from avct.facepoints import KEYPOINTS
from avct.generator import OcclusionAwareGenerator
from avct.keypoints import KeypointDetector
from avct.vector_tokens import VectorTokensConfig, VectorTokenTransformer

Kind = Literal["faithful", "landmark"]


def _detector() -> DetectorConfig:
    return DetectorConfig(
        keypoints=KEYPOINTS, expansion=16, max_features=128, blocks=4, temperature=0.1, shrink=2, pad=3, jacobian=False
    )


@dataclass(frozen=True)
class LandmarkConfig:
    """Sizes of the `landmark` configuration. audio2pose: None where it has no head-pose network."""

    image_size: int = 256
    detector: DetectorConfig = field(default_factory=_detector)
    generator: CompositeConfig = field(default_factory=CompositeConfig)
    speech: VectorTokensConfig = field(default_factory=VectorTokensConfig)
    relative: bool = True
    audio2pose: Audio2PoseConfig | None = None

    def __post_init__(self) -> None:
        counts = {self.detector.keypoints, self.generator.keypoints, self.speech.keypoints}
        if len(counts) != 1:
            raise AvctError(
                f"LandmarkConfig: keypoints must agree in detector, generator and speech, got {sorted(counts)}"
            )
        if self.detector.jacobian or self.generator.motion.jacobian:
            raise AvctError("LandmarkConfig: landmark keypoints have no Jacobians; set jacobian = false")
        step = self.detector.shrink * 2**self.detector.blocks
        if self.image_size % step:
            raise AvctError(f"LandmarkConfig: image_size {self.image_size} must be a multiple of {step}")


class FaithfulModel(nn.Module):
    """The paper's networks under their checkpoint names; audio2pose is None where the configuration has none."""

    kind: Kind = "faithful"

    def __init__(self, config: AvctConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AvctConfig()
        self.kp_detector = KeypointDetector(config.detector)
        self.generator = OcclusionAwareGenerator(config.generator)
        self.ph2kp = Audio2kpTransformer(config.audio2kp)
        self.audio2pose = _audio2pose(config.audio2pose)


class LandmarkModel(nn.Module):
    """Landmark keypoints, composite generator, vector tokens; audio2pose is None where the configuration has none."""

    kind: Kind = "landmark"

    def __init__(self, config: LandmarkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or LandmarkConfig()
        self.kp_detector = KeypointDetector(config.detector)
        self.generator = CompositeGenerator(config.generator)
        self.speech = VectorTokenTransformer(config.speech)
        self.audio2pose = _audio2pose(config.audio2pose)


def _audio2pose(config: Audio2PoseConfig | None) -> Audio2Pose | None:
    return None if config is None else Audio2Pose(config)


Model = FaithfulModel | LandmarkModel
_CONFIGS = {"faithful": AvctConfig, "landmark": LandmarkConfig}


def build(kind: str, config: dict[str, Any] | None = None, *, where: str = "configuration") -> Model:
    """An untrained model of a named configuration from a plain dict of sizes. AvctError names what does not fit."""
    if kind not in _CONFIGS:
        raise AvctError(f"{where}: expected configuration 'faithful' or 'landmark', got {kind!r}")
    sizes = from_dict(_CONFIGS[kind], config or {}, where=where)
    return FaithfulModel(sizes) if kind == "faithful" else LandmarkModel(sizes)
