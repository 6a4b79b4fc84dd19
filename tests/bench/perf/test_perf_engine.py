"""The engine's benchmark at a size that takes a second: what it reports, not how fast this machine is."""

from __future__ import annotations

import json

import pytest
import torch

from avct.config import Audio2kpConfig, AvctConfig, DetectorConfig, GeneratorConfig, MotionConfig, TransformerConfig
from avct.model import FaithfulModel
from bench.perf.engine import compare, drawn, main, noise, report


def small() -> FaithfulModel:
    detector = DetectorConfig(keypoints=3, expansion=4, max_features=8, blocks=2)
    generator = GeneratorConfig(
        keypoints=3,
        expansion=4,
        max_features=8,
        bottleneck_blocks=1,
        motion=MotionConfig(expansion=4, max_features=8, blocks=2),
    )
    speech = Audio2kpConfig(
        keypoints=3,
        embedding=16,
        half_window=1,
        positions=4,
        pose_size=64,
        map_channels=detector.map_channels,
        map_size=32,
        audio_channels=5,
        features=(4, 4, 8, 16),
        transformer=TransformerConfig(width=16, heads=2, encoder_layers=1, decoder_layers=1, feedforward=32),
    )
    return drawn(FaithfulModel(AvctConfig(image_size=128, detector=detector, generator=generator, audio2kp=speech)), 0)


def test_both_ways_are_timed_and_give_the_same_frames() -> None:
    model, threads = small(), torch.get_num_threads()
    found = compare(model, noise(model, 5, 0), batch=2, rounds=2, plain_frames=3)
    assert (found.configuration, found.precision, found.frames, found.batch, found.rounds) == (
        "faithful", "float32", 5, 2, 2
    )  # fmt: skip
    assert found.difference <= 1e-4 < 0.01 < found.contrast
    assert min(found.plain, found.engine, found.ratio, found.once, found.prepare) > 0
    assert set(found.stages) == {"plain", "engine"} and "dense motion" in found.stages["engine"]
    assert torch.get_num_threads() == threads
    assert found.threads == 1 and "CPU time of one thread" in report(found)
    clocked = compare(model, noise(model, 5, 0), batch=2, rounds=1, plain_frames=1, threads=2)
    assert torch.get_num_threads() == threads
    assert "by the clock with 2 threads" in report(clocked)
    assert f"({1000 / clocked.engine:.2f} frames/s)" in report(clocked)
    said = report(found)
    assert "ratio" in said and "stages of the plain loop" in said and f"{found.plain:.1f} ms a frame" in said


def test_the_command_measures_the_shipped_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    few = ("--frames", "2", "--plain-frames", "1", "--rounds", "1", "--batch", "2")
    assert main(["--configuration", "landmark", "--json", *few]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["configuration"] == "landmark" and found["difference"] <= 1e-4 and found["contrast"] > 0.1
    with pytest.raises(SystemExit) as stopped:
        main(["--frames", "1", "--plain-frames", "2"])
    assert stopped.value.code == 2 and "no more plain frames" in capsys.readouterr().err
