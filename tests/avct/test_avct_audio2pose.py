"""The head-pose network in small: its lag, its state, what it refuses, its place in checkpoints."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import AUDIO2KP, DETECTOR, GENERATOR, noise, seeded, unmoved_parameters

from avct import checkpoint, posebox
from avct.audio2pose import Audio2Pose, begin, denormalise, head_poses, normalise, step
from avct.config import Audio2PoseConfig, AvctConfig, from_dict, to_dict
from avct.errors import AvctError
from avct.model import FaithfulModel, build

AUDIO2POSE = Audio2PoseConfig(widths=(4, 6), blocks=(1, 2), embedding=5, hidden=7, layers=2, pose_size=64)
FIRST = np.array([0.1, -0.05, 0.02, 10.0, -5.0, 250.0], np.float32)


@pytest.fixture(scope="module")
def network() -> Audio2Pose:
    return seeded(Audio2Pose(AUDIO2POSE))


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return 4 * noise(6, 4, 41).numpy()


@torch.no_grad()
def test_one_pose_more_than_frames_and_each_one_frame_late(network: Audio2Pose, sound: np.ndarray) -> None:
    raster, audio = torch.from_numpy(posebox.draw(FIRST, size=64))[None], torch.from_numpy(sound)[None]
    poses = network(raster, audio)
    assert poses.shape == (1, 7, 6) and poses.dtype == torch.float32
    other = audio.clone()
    other[:, 3] += 1
    moved = (network(raster, other) - poses).abs().amax(dim=2)[0]
    assert (moved[:4] == 0).all() and (moved[4:] > 1e-5).all()


def test_clip_takes_the_first_poses_in_rad_and_mm(network: Audio2Pose, sound: np.ndarray) -> None:
    poses = head_poses(network, FIRST, sound)
    assert poses.shape == (6, 6) and poses.dtype == np.float32
    with torch.no_grad():
        numbers = network(torch.from_numpy(posebox.draw(FIRST, size=64))[None], torch.from_numpy(sound)[None])
    np.testing.assert_allclose(poses, denormalise(numbers)[0, :6].numpy(), rtol=0, atol=1e-4)
    assert head_poses(network, FIRST, sound[:0]).shape == (0, 6)


def test_chunks_of_any_length_give_the_whole(network: Audio2Pose, sound: np.ndarray) -> None:
    # Poses as heads have them: of the drawn weights' 20,000 mm float32 cannot tell less than 2e-3 apart.
    calm = deepcopy(network)
    with torch.no_grad():
        for parameter in calm.output.parameters():
            parameter.mul_(0.01)
    state, pieces = begin(calm, FIRST), []
    for start, stop in ((0, 1), (1, 1), (1, 4), (4, 6)):
        poses, state = step(calm, state, sound[start:stop])
        pieces.append(poses)
    whole = head_poses(calm, FIRST, sound)
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=0, atol=1e-4)
    forgetful = step(calm, begin(calm, FIRST), sound[4:6])[0]
    assert np.abs(forgetful - whole[4:]).max() > 0.1, "what went before is heard in what follows"


def test_every_parameter_learns() -> None:
    network = seeded(Audio2Pose(AUDIO2POSE)).train()
    assert unmoved_parameters(network, network(noise(2, 64, 64) * 255, noise(2, 3, 4, 41)).square().sum()) == []


def test_range_is_minus_one_to_one() -> None:
    ends = denormalise(torch.tensor([[-1.0] * 6, [1.0] * 6]))
    assert ends.tolist()[0] == pytest.approx([-0.6, -0.6, -0.6, -128, -128, 128])
    assert ends.tolist()[1] == pytest.approx([0.6, 0.6, 0.6, 128, 128, 384])
    pose = torch.from_numpy(FIRST)
    np.testing.assert_allclose(denormalise(normalise(pose)).numpy(), FIRST, rtol=1e-5, atol=1e-5)


def test_wrong_inputs_are_refused_in_one_line(network: Audio2Pose) -> None:
    with pytest.raises(AvctError, match=r"audio must be \(B, T, 4, 41\), got \(1, 3, 4, 40\)"):
        head_poses(network, FIRST, np.zeros((3, 4, 40)))
    with pytest.raises(AvctError, match="six finite numbers"):
        begin(network, np.full(6, np.nan))


@pytest.mark.parametrize(
    ("sizes", "line"),
    [
        ({"widths": (4,)}, "as many stages, got 1 and 4"),
        ({"widths": (), "blocks": ()}, "at least one stage"),
        ({"blocks": (3, 4, 0, 3)}, "blocks must be above 0"),
        ({"layers": 0}, "layers must be above 0"),
    ],
)
def test_impossible_sizes_are_refused(sizes: dict, line: str) -> None:
    with pytest.raises(AvctError, match=line):
        Audio2PoseConfig(**sizes)


def test_a_part_that_may_be_lacking() -> None:
    assert "audio2pose" not in to_dict(AvctConfig())
    assert from_dict(AvctConfig, {"audio2pose": None}) == from_dict(AvctConfig, {}) == AvctConfig()
    assert from_dict(AvctConfig, {"audio2pose": {}}).audio2pose == Audio2PoseConfig()
    held = AvctConfig(audio2pose=AUDIO2POSE)
    assert from_dict(AvctConfig, to_dict(held)) == held
    with pytest.raises(AvctError, match=r"x\.json\.audio2pose: expected a table of Audio2PoseConfig, got int"):
        from_dict(AvctConfig, {"audio2pose": 3}, where="x.json")


@pytest.mark.parametrize("own", [AUDIO2POSE, None])
def test_checkpoints_hold_it_or_do_not(own: Audio2PoseConfig | None, tmp_path: Path) -> None:
    config = AvctConfig(128, DETECTOR, GENERATOR, AUDIO2KP, own)
    checkpoint.save(tmp_path / "m.safetensors", FaithfulModel(config), {})
    model = checkpoint.load(tmp_path / "m.safetensors")
    assert model.config == config
    assert (model.audio2pose is None) is (own is None)


def test_landmark_configuration_may_hold_it() -> None:
    assert build("landmark", {"audio2pose": to_dict(AUDIO2POSE)}).audio2pose is not None
    assert build("landmark").audio2pose is None
