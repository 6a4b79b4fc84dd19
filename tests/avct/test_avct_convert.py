"""Official checkpoints into ours: what is taken, what is refused and in which words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_networks import AUDIO2KP, DETECTOR, GENERATOR, seeded

from avct import checkpoint
from avct.config import Audio2PoseConfig, AvctConfig
from avct.convert import convert
from avct.errors import AvctError, MissingWeights
from avct.model import FaithfulModel

CONFIG = AvctConfig(
    128, DETECTOR, GENERATOR, AUDIO2KP, Audio2PoseConfig((4, 6), (1, 1), embedding=5, hidden=7, layers=1, pose_size=64)
)


@pytest.fixture(scope="module")
def model() -> FaithfulModel:
    return seeded(FaithfulModel(CONFIG))


def official(model: FaithfulModel, folder: Path, *, prefix: str = "", **more: object) -> tuple[Path, Path]:
    """generator.ckpt and audio2pose.ckpt as the official code lays them out."""

    def part(name: str) -> dict[str, torch.Tensor]:
        return {prefix + key: value.clone() for key, value in getattr(model, name).state_dict().items()}

    torch.save({name: part(name) for name in ("generator", "kp_detector", "ph2kp")} | more, folder / "generator.ckpt")
    torch.save({"generator": part("audio2pose")}, folder / "audio2pose.ckpt")
    return folder / "generator.ckpt", folder / "audio2pose.ckpt"


@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_weight_arrives(model: FaithfulModel, tmp_path: Path, prefix: str) -> None:
    moments = {"state": {0: {"step": torch.tensor(4.0), "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 2e-4}]}
    generator, heads = official(model, tmp_path, prefix=prefix, optimizer_kp=moments, epoch=3)
    made = convert(generator, tmp_path / "new" / "x.safetensors", audio2pose=heads, config=CONFIG)
    again = checkpoint.load(made.path)
    assert isinstance(again, FaithfulModel) and again.config == CONFIG
    held = again.state_dict()
    assert all(torch.equal(held.pop(key), value) for key, value in model.state_dict().items()) and not held
    card = json.loads(made.path.with_suffix(".json").read_text())
    first, second = card["sources"]
    assert first["name"] == "generator.ckpt" and first["ignored"] == ["epoch", "optimizer_kp"]
    assert second["parts"] == ["audio2pose"] and len(second["sha256"]) == 64
    assert "matter of whoever" in card["licence"]


def test_head_motion_is_optional(model: FaithfulModel, tmp_path: Path) -> None:
    made = convert(official(model, tmp_path)[0], tmp_path / "x.safetensors", config=CONFIG)
    assert checkpoint.load(made.path).audio2pose is None


class Trap:
    """What a pickle does to the careless: here it would only make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_code_in_a_pickle_is_never_run(model: FaithfulModel, tmp_path: Path) -> None:
    generator, _ = official(model, tmp_path, trap=Trap(tmp_path / "sprung"))
    with pytest.raises(AvctError, match=r"generator\.ckpt: expected a pickle of tensors only, .*mkdir") as caught:
        convert(generator, tmp_path / "x.safetensors", config=CONFIG)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "sprung").exists() and not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cut short"),
        (b"not a checkpoint at all", "another kind of file"),
        (b"PK\x03\x04" + bytes(60), "another kind of file"),
        (b"\x80\x02}q\x00.", "expected"),
    ],
)
def test_files_that_are_no_checkpoints(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "generator.ckpt"
    path.write_bytes(content)
    with pytest.raises(AvctError, match=rf"generator\.ckpt: .*{says}") as caught:
        convert(path, tmp_path / "x.safetensors", config=CONFIG)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_is_cut_short(model: FaithfulModel, tmp_path: Path) -> None:
    generator, _ = official(model, tmp_path)
    whole = generator.read_bytes()
    for share in (0.1, 0.5, 0.99):
        generator.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(AvctError, match="cut short"):
            convert(generator, tmp_path / "x.safetensors", config=CONFIG)


def _drop(held: dict) -> None:
    del held["kp_detector"]["kp.bias"]


def _add(held: dict) -> None:
    held["ph2kp"]["more.weight"] = torch.zeros(2)


def _reshape(held: dict) -> None:
    held["generator"]["first.conv.weight"] = torch.zeros(5, 3, 7, 7)
    held["generator"]["final.bias"] = torch.zeros(4)


def _halve(held: dict) -> None:
    held["generator"]["final.bias"] = held["generator"]["final.bias"].half()


def _name(held: dict) -> None:
    held["generator"]["final.bias"] = "three numbers"


def _spoil(held: dict) -> None:
    held["generator"]["final.bias"][0] = float("nan")


def _lose(held: dict) -> None:
    del held["ph2kp"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_drop, r"kp_detector: .*1 differ; first 'kp.bias': expected float32 \(3,\), got none"),
        (_add, r"ph2kp: .*1 differ; first 'more.weight': expected no such key, got float32 \(2,\)"),
        (_reshape, r"generator: .*2 differ; first 'first.conv.weight': expected float32 \(4, 3, 7, 7\), got .*\(5, 3"),
        (_halve, r"'final.bias': expected float32 \(3,\), got float16 \(3,\)"),
        (_name, r"'final.bias': expected float32 \(3,\), got a str that is no plain tensor"),
        (_spoil, r"generator: expected finite weights, 'final.bias' holds NaN"),
        (_lose, r"expected an official checkpoint with generator, kp_detector, ph2kp, got generator, kp_detector"),
    ],
)
def test_other_layouts_are_refused(
    model: FaithfulModel, tmp_path: Path, change: Callable[[dict], None], says: str
) -> None:
    generator, _ = official(model, tmp_path)
    held = torch.load(generator, weights_only=True)
    change(held)
    torch.save(held, generator)
    with pytest.raises(AvctError, match=says) as caught:
        convert(generator, tmp_path / "x.safetensors", config=CONFIG)
    assert "generator.ckpt" in str(caught.value) and "\n" not in str(caught.value)


def test_paths_that_cannot_be_used(model: FaithfulModel, tmp_path: Path) -> None:
    generator, heads = official(model, tmp_path)
    out = tmp_path / "x.safetensors"
    with pytest.raises(MissingWeights, match=r"gone\.ckpt: no such"):
        convert(tmp_path / "gone.ckpt", out, config=CONFIG)
    with pytest.raises(AvctError, match="got a directory"):
        convert(tmp_path, out, config=CONFIG)
    with pytest.raises(AvctError, match=r"ends in \.safetensors"):
        convert(generator, tmp_path / "x.ckpt", config=CONFIG)
    with pytest.raises(AvctError, match="stands in the way"):
        convert(generator, heads / "x.safetensors", config=CONFIG)
    with pytest.raises(AvctError, match=r"audio2pose\.ckpt: expected an official checkpoint with generator, kp_det"):
        convert(heads, out, config=CONFIG)
    torch.save([1, 2], generator)
    with pytest.raises(AvctError, match=r"\(a dict of networks\), got list"):
        convert(generator, out, config=CONFIG)
    small = replace(CONFIG, audio2pose=replace(CONFIG.audio2pose, hidden=9))
    with pytest.raises(AvctError, match=r"audio2pose\.ckpt: generator: expected the official layout"):
        convert(official(model, tmp_path)[0], out, audio2pose=heads, config=small)
    assert not out.exists()
