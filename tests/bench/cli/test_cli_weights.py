"""`weights convert`, and a converted checkpoint that makes a video: official layout, random values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import bench, write_face, write_phones, write_tone

torch = pytest.importorskip("torch")

SECONDS = 0.6


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("said")
    return {
        "--image": write_face(folder / "face.png"),
        "--audio": write_tone(folder / "said.wav", SECONDS),
        "--phonemes": write_phones(folder / "said.json", SECONDS),
    }


def reduced() -> object:
    """A faithful configuration of 128 pixels with few and narrow layers."""
    from avct.config import (
        Audio2kpConfig,
        Audio2PoseConfig,
        AvctConfig,
        DetectorConfig,
        GeneratorConfig,
        MotionConfig,
        TransformerConfig,
    )

    detector = DetectorConfig(expansion=4, max_features=8, blocks=2)
    motion = MotionConfig(expansion=4, max_features=8, blocks=2)
    return AvctConfig(
        image_size=128,
        detector=detector,
        generator=GeneratorConfig(expansion=4, max_features=8, bottleneck_blocks=1, motion=motion),
        audio2kp=Audio2kpConfig(
            embedding=16,
            pose_size=128,
            map_channels=detector.map_channels,
            map_size=32,
            audio_channels=4,
            features=(4, 4, 8, 16),
            transformer=TransformerConfig(width=16, heads=2, encoder_layers=1, decoder_layers=1, feedforward=16),
        ),
        audio2pose=Audio2PoseConfig(widths=(4, 6), blocks=(1, 1), embedding=8, hidden=8, layers=1),
    )


def official(config: object, folder: Path) -> tuple[Path, Path]:
    """generator.ckpt and audio2pose.ckpt with random values, as the official code saves them."""
    from avct.model import FaithfulModel

    torch.manual_seed(5)
    model = FaithfulModel(config)
    parts = {name: getattr(model, name).state_dict() for name in ("generator", "kp_detector", "ph2kp")}
    torch.save({**parts, "epoch": 99}, folder / "generator.ckpt")
    torch.save({"generator": model.audio2pose.state_dict()}, folder / "audio2pose.ckpt")
    return folder / "generator.ckpt", folder / "audio2pose.ckpt"


def generate(said: dict[str, Path], out: Path, **more: object) -> dict:
    options = {**said, "--out": out, **{f"--{k}": v for k, v in more.items()}}
    ended = bench("generate", *[str(x) for pair in options.items() for x in pair], "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from avct.convert import convert

    folder = tmp_path_factory.mktemp("small")
    generator, heads = official(reduced(), folder)
    return convert(generator, folder / "small.safetensors", audio2pose=heads, config=reduced()).path


@pytest.mark.parametrize("pose", ["audio", "idle", "still"])
def test_a_converted_checkpoint_speaks(said: dict[str, Path], small: Path, tmp_path: Path, pose: str) -> None:
    from bench.io.decode import read_video

    made = generate(said, tmp_path / "v.mkv", checkpoint=small, pose=pose)
    # 9600 samples have 59 rows of features, and the official code leaves the fifteenth frame's three
    assert made["frames"] == 14 and made["keypoints"] == "detector"
    frames = read_video(tmp_path / "v.mkv")
    assert frames.shape == (14, 128, 128, 3) and np.ptp(frames[0].astype(int)) > 0


def test_head_motion_needs_its_network(said: dict[str, Path], tiny_checkpoint: Path, tmp_path: Path) -> None:
    options = {**said, "--out": tmp_path / "v.mkv", "--checkpoint": tiny_checkpoint, "--pose": "audio"}
    ended = bench("generate", *[str(x) for pair in options.items() for x in pair])
    assert ended.code == 3 and "no head-pose network" in ended.line


def test_learnt_keypoints_are_no_landmarks(said: dict[str, Path], small: Path, tmp_path: Path) -> None:
    options = {**said, "--out": tmp_path / "v.mkv", "--checkpoint": small, "--keypoints": "landmarks"}
    ended = bench("generate", *[str(x) for pair in options.items() for x in pair])
    assert ended.code == 2 and "none is a landmark" in ended.line


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["convert"], 2, "got 0 files"),
        (["convert", "a", "b", "c", "--out", "x.safetensors"], 2, "got 3 files"),
        (["convert", "generator.ckpt"], 2, "expected --out"),
        (["convert", "gone.ckpt", "--out", "x.safetensors"], 3, "gone.ckpt: no such"),
        (["convert", "README.md", "--out", "x.safetensors"], 2, "README.md: expected a checkpoint"),
        (["ls", "generator.ckpt"], 2, "expected no files"),
        (["verify", "--out", "x"], 2, "got --out"),
    ],
)
def test_conversions_that_cannot_be(arguments: list[str], code: int, says: str) -> None:
    ended = bench("weights", *arguments)
    assert ended.code == code and says in ended.line


def test_other_sizes_than_the_papers_are_told(small: Path, tmp_path: Path) -> None:
    ended = bench("weights", "convert", small.parent / "generator.ckpt", "--out", tmp_path / "x.safetensors")
    assert ended.code == 2 and "expected the official layout of 196 keys" in ended.line
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_official_sizes_from_files_to_video(said: dict[str, Path], tmp_path: Path) -> None:
    from avct.config import Audio2PoseConfig, AvctConfig
    from bench.adapters.avct import load_model

    out = tmp_path / "official.safetensors"
    pair = official(AvctConfig(audio2pose=Audio2PoseConfig()), tmp_path)
    ended = bench("weights", "convert", *pair, "--out", out)
    assert ended.code == 0, ended.err
    assert "left out epoch" in ended.out
    for path in pair:
        path.unlink()  # 1.2 GB in all
    short = write_phones(tmp_path / "short.json", 0.12)
    made = generate({**said, "--phonemes": short}, tmp_path / "v.mkv", checkpoint=out, pose="audio")
    assert made["frames"] == 3
    load_model.cache_clear()
    out.unlink()
