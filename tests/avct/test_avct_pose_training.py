"""Training of head motion: what is compared, what a batch is, and that heads neither freeze nor jitter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avct import posebox
from avct.audio2pose import Audio2Pose, denormalise, head_poses, normalise
from avct.config import Audio2PoseConfig
from avct.errors import AvctError
from avct.shards import ShardClip, Shards, ShardWriter
from avct.training.pose import (
    AXES,
    STILL,
    PoseRecipe,
    RollSampler,
    compare_motion,
    loudness,
    motion,
    train_pose,
)

TINY = Audio2PoseConfig(widths=(4, 8), blocks=(1, 1), embedding=8, hidden=24, layers=1, pose_size=64)
RECIPE = PoseRecipe(steps=150, sequences=8, length=60, rate=5e-3, starts=4)


def swaying(number: int, *, frames: int = 120, seed: int = 0) -> ShardClip:
    """A head that sways with seeded phases and nods with a voice that comes and goes."""
    rng = np.random.default_rng([number, seed])
    t = np.arange(frames) / 25
    loud = np.clip(np.sin(2 * np.pi * 0.8 * t + rng.uniform(0, 6)), 0, 1)
    rows = np.zeros((frames, 4, 41), np.float32)
    rows[..., 0] = (2 * np.log(0.02 + loud))[:, None]
    rows[..., 1:] = rng.normal(0, 1, (frames, 4, 40))
    pose = np.zeros((frames, 6), np.float32)
    for axis, size in enumerate((0.04, 0.09, 0.03)):
        pose[:, axis] = size * np.sin(2 * np.pi * rng.uniform(0.3, 0.5) * t + rng.uniform(0, 6))
    pose[:, 0] += 0.03 * loud
    pose[:, 3:] = [5 * np.sin(number), -20, 285]
    return ShardClip(f"head{number}", f"who{number}", 256, None, None, pose, None, rows)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("heads")
    writer = ShardWriter(folder, about={"kind": "toy"})
    for number in range(8):
        writer.add(swaying(number))
    writer.add(replace(swaying(9), name="deaf", audio=None))
    writer.add(replace(swaying(9, frames=30), name="short"))
    writer.close()
    return Shards(folder)


def nothing(_row: dict) -> None:
    """A log that keeps nothing."""


def test_roll_outs_begin_with_the_raster_of_their_first_pose(shards: Shards) -> None:
    sampler = RollSampler(shards, RECIPE, raster=64)
    assert len(sampler.clips) == 8  # neither the deaf one nor the one that is too short
    batch = sampler.draw(np.random.default_rng(0))
    assert batch["audio"].shape == (8, 60, 4, 41) and batch["pose"].shape == (8, 60, 6)
    for pose, raster in zip(batch["pose"], batch["raster"], strict=True):
        assert np.array_equal(posebox.draw(denormalise(pose)[0].numpy().astype(np.float32), size=64), raster.numpy())
    again = sampler.draw(np.random.default_rng(0))
    assert all(torch.equal(v, again[k]) for k, v in batch.items())


def test_short_clips_shorten_the_roll_out(shards: Shards) -> None:
    assert RollSampler(shards, replace(RECIPE, length=500), raster=64).length == 120


def test_statistics_of_known_motions() -> None:
    """A ramp and a swing in closed form; where the head starts and which way it turns does not matter."""
    t = torch.arange(400.0)
    pose = torch.zeros(2, 400, 6)
    pose[:, :, 0] = 0.001 * t
    pose[:, :, 1] = 0.2 * torch.sin(t * 2 * np.pi / 40)
    loud = torch.stack([torch.sin(t * 2 * np.pi / 40)] * 2)
    found = motion(pose, loud)
    assert found.moved[:, 0] == pytest.approx([np.log((0.001 * k) ** 2) for k in (1, 2, 4, 8, 16, 32, 64)], abs=0.6)
    assert found.moved[-1, 0] == pytest.approx(np.log(0.064**2), abs=0.01)
    swing = [np.log(2 * 0.2**2 * np.sin(np.pi * k / 40) ** 2) for k in (4, 8, 16)]
    assert found.moved[2:5, 1] == pytest.approx(swing, abs=0.05)
    assert found.spread[1] == pytest.approx(0.2 / 2**0.5, rel=0.01)
    assert found.followed[1] == pytest.approx(0.5**0.5, abs=0.01) and abs(found.followed[2]) < 1e-6
    other = motion(0.3 - pose, loud)
    assert torch.allclose(other.moved, found.moved, atol=1e-3) and torch.allclose(
        other.followed, -found.followed, atol=1e-5
    )
    still = motion(torch.zeros(2, 400, 6), loud)
    assert torch.isfinite(still.moved).all() and (still.moved[:, 1] < found.moved[:, 1] - 3).all()


def test_loudness_is_standardised_and_smooth() -> None:
    audio = torch.zeros(1, 100, 4, 41)
    audio[..., 0] = -10
    audio[:, 40:60, :, 0] = 0
    loud = loudness(audio)[0]
    assert loud.mean().abs() < 1e-5 and loud.std() == pytest.approx(1, abs=0.01)
    assert loud[50] == loud.max() and (loud[34:50].diff() >= 0).all() and loud.diff().abs().max() < 0.3


def test_heads_move_like_the_truth_on_sound_they_never_heard(shards: Shards) -> None:
    torch.manual_seed(0)
    network = Audio2Pose(TINY)
    loop = train_pose(network, shards, RECIPE, log=nothing)
    first, last = loop.history[0], loop.history[-1]
    assert last["total"] < 0.5 * first["total"] and last["moving"] < 0.5 * first["moving"]
    unheard = [swaying(k, frames=200, seed=3) for k in range(20, 26)]
    made = [head_poses(network.eval(), c.pose[0], c.audio) for c in unheard]
    found = compare_motion(made, [c.pose for c in unheard])
    for axis in ("pitch", "yaw", "roll"):
        assert 0.4 < found[axis]["std"] < 1.8, axis  # an error per frame alone gives 0.1
    assert all(np.abs(m[0, :3] - c.pose[0, :3]).max() < 0.15 for m, c in zip(made, unheard, strict=True))


def test_motions_compare_by_axis() -> None:
    rng = np.random.default_rng(0)
    size = np.array([1, 1, 1, 100, 100, 100])
    truth = [size * np.cumsum(rng.normal(0, 0.01, (200, 6)), 0) for _ in range(3)]
    same = compare_motion(truth, truth)
    assert list(same) == list(AXES) and all(v == {"std": 1, "acceleration": 1, "beyond": 0} for v in same.values())
    twice = compare_motion([2 * t for t in truth], truth)["yaw"]
    assert twice["std"] == pytest.approx(2) and twice["acceleration"] == pytest.approx(2) and twice["beyond"] > 0
    shaken = [t + size * 0.05 * (-1.0) ** np.arange(200)[:, None] for t in truth]
    found = compare_motion(shaken, truth)["roll"]
    assert found["acceleration"] > 5 and found["std"] < 2
    low, high = (f([f(t[:, 3]) for t in truth]) for f in (np.min, np.max))
    moved = [np.full((9, 6), high + 0.1 * (high - low))]
    assert compare_motion(moved, truth)["x"] == pytest.approx({"std": 0, "acceleration": 0, "beyond": 0.1})
    frozen = [np.zeros((50, 6))]
    assert compare_motion([np.full((50, 6), 0.01)], frozen)["z"]["beyond"] == pytest.approx(0.01 / STILL[5])


def test_what_cannot_be_trained_is_said(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(AvctError, match="length above 8"):
        PoseRecipe(length=8)
    writer = ShardWriter(tmp_path, about={})
    writer.add(replace(swaying(0), pose=None))
    writer.close()
    with pytest.raises(AvctError, match="no clip of more than 8 frames with sound and head pose"):
        RollSampler(Shards(tmp_path), RECIPE, raster=64)


def test_the_networks_units_go_there_and_back() -> None:
    pose = torch.tensor([[0.1, -0.2, 0.0, 12.0, -20.0, 285.0]])
    assert torch.allclose(denormalise(normalise(pose)), pose, atol=1e-4)
