"""Configurations: full-size defaults, round trips, one clear line for what cannot be."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from avct.config import (
    Audio2kpConfig,
    AvctConfig,
    DetectorConfig,
    GeneratorConfig,
    MotionConfig,
    TransformerConfig,
    from_dict,
    to_dict,
)
from avct.errors import AvctError


def test_defaults_are_the_papers() -> None:
    config = AvctConfig()
    assert (config.image_size, config.detector.keypoints, config.detector.map_channels) == (256, 10, 35)
    assert (config.audio2kp.window, config.audio2kp.transformer.width) == (11, 512)
    assert config.detector.jacobian and config.generator.motion.jacobian and config.detector.pad == 0


def test_round_trip_through_json() -> None:
    config = replace(AvctConfig(), generator=GeneratorConfig(expansion=32, motion=MotionConfig(blocks=4)))
    assert from_dict(AvctConfig, json.loads(json.dumps(to_dict(config)))) == config
    assert from_dict(AvctConfig, {}) == AvctConfig()
    assert from_dict(AvctConfig, {"detector": {"temperature": 1}}).detector.temperature == 1.0


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"imag_size": 256}, "file.toml: unknown key 'imag_size'; did you mean 'image_size'?"),
        ({"generator": {"motion": {"variannce": 1}}}, "file.toml.generator.motion: unknown key 'variannce'; did you"),
        ({"zzz": 1}, "known keys: image_size, detector"),
        ({"detector": 3}, "file.toml.detector: expected a table of DetectorConfig, got int"),
        ({"detector": {"keypoints": True}}, "file.toml.detector.keypoints: expected int, got True"),
        ({"detector": {"keypoints": 10.0}}, "expected int, got 10.0"),
        ({"audio2kp": {"features": [32, "64"]}}, "expected a list of whole numbers"),
        ({"image_size": 200}, "image_size 200 must be a multiple of 128"),
        ({"detector": {"keypoints": 9}}, "keypoints must agree"),
        ({"detector": {"expansion": 16}}, "audio2kp.map_channels must be the detector's 19, got 35"),
        ({"detector": {"jacobian": False}}, "audio2kp.jacobian must be the detector's False"),
    ],
)
def test_bad_tables_are_refused_in_one_line(data: dict, line: str) -> None:
    with pytest.raises(AvctError) as caught:
        from_dict(AvctConfig, data, where="file.toml")
    assert line in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cls", "values", "line"),
    [
        (DetectorConfig, {"temperature": 0.0}, "temperature must be above 0"),
        (DetectorConfig, {"temperature": float("nan")}, "temperature must be above 0, got nan"),
        (DetectorConfig, {"pad": 4}, "pad must be 0 to 3"),
        (DetectorConfig, {"expansion": 2000}, "must not exceed max_features"),
        (MotionConfig, {"variance": -1.0}, "variance must be above 0"),
        (GeneratorConfig, {"bottleneck_blocks": -1}, "bottleneck_blocks must be 0 or more"),
        (TransformerConfig, {"heads": 7}, "width 512 must be a multiple of heads 7"),
        (TransformerConfig, {"dropout": 1.0}, "dropout must be in [0, 1)"),
        (Audio2kpConfig, {"embedding": 200}, "embedding must be a square number"),
        (Audio2kpConfig, {"half_window": 10}, "a window of 21 needs positions >= 21"),
        (Audio2kpConfig, {"features": ()}, "0 features need map_size 2"),
        (Audio2kpConfig, {"features": (32, 64, 128, 256, 500)}, "must end at transformer.width 512"),
        (Audio2kpConfig, {"pose_size": 250}, "pose_size 250 must be a multiple of map_size 64"),
    ],
)
def test_impossible_sizes_are_refused(cls: type, values: dict, line: str) -> None:
    with pytest.raises(AvctError, match=line.replace("[", r"\[").replace(")", r"\)")):
        cls(**values)
