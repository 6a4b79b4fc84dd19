"""Training of sync experts: what a batch is, what each loss teaches, the read-out, and the loss on frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avct import facepoints
from avct.errors import AvctError
from avct.shards import ShardClip, Shards, ShardWriter
from avct.syncnet import Embedded, SyncConfig, SyncNet
from avct.training.sync import (
    LOSSES,
    SequenceSampler,
    SyncRecipe,
    freeze,
    offset_distances,
    pair_terms,
    read_offset,
    read_out,
    silent_rows,
    sync_loss,
    train_sync,
)

SIDE = 48
TINY = SyncConfig(image=52, face=(8, 8, 8, 8, 8, 16), audio=(4, 8, 8, 8, 8, 16), hidden=16, embedding=16, level=True)


def mouth_clip(number: int, *, frames: int = 60, seed: int = 0) -> ShardClip:
    """A clip of a dark mouth on skin that opens as loud as the rows are, at random, on a face that drifts."""
    rng = np.random.default_rng([number, seed])
    level = np.convolve(rng.random(frames + 2), np.ones(3) / 3, "valid") * 14 - 3
    y, x = np.mgrid[:SIDE, :SIDE]
    marks = np.zeros((frames, 68, 2), np.float32)
    middle = np.array([24.0, 22.0]) + np.stack([2 * np.sin(np.arange(frames) / 9 + number), np.zeros(frames)], 1)
    marks[:, 48], marks[:, 54] = middle - [10, 0], middle + [10, 0]
    marks[:, 2], marks[:, 14] = middle - [28, 6], middle + [28, 6]
    pictures = np.full((frames, SIDE, SIDE, 3), 150.0 + 15 * (number % 4))
    for t in range(frames):
        inside = ((x - middle[t, 0]) / 9) ** 2 + ((y - middle[t, 1] - 3) / (1 + max(level[t], 0) / 2)) ** 2 < 1
        pictures[t][inside] = 40
    rows = np.zeros((frames, 4, 41), np.float32)
    rows[..., 0] = level[:, None]
    rows[..., 1:13] = 2 * level[:, None, None] * np.cos(np.arange(1, 13)) + rng.normal(0, 0.3, (frames, 4, 12))
    name = f"who{number}"
    return ShardClip(f"{name}-said", name, SIDE, pictures.astype(np.uint8), marks, None, None, rows)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    folder = tmp_path_factory.mktemp("mouths")
    writer = ShardWriter(folder, about={"kind": "toy"})
    for number in range(6):
        writer.add(mouth_clip(number))
    writer.add(replace(mouth_clip(0, frames=7), name="too short"))
    writer.add(replace(mouth_clip(0), name="no pictures", frames=None))
    writer.close()
    return Shards(folder)


RECIPE = SyncRecipe(steps=120, sequences=4, frames=14, rate=4e-3)


def nothing(_row: dict) -> None:
    """A log that keeps nothing."""


@pytest.fixture(scope="module")
def expert(shards: Shards, tmp_path_factory: pytest.TempPathFactory) -> SyncNet:
    torch.manual_seed(0)
    network = SyncNet(TINY)
    loop = train_sync(network, shards, RECIPE, log=nothing)
    assert loop.history[-1]["hit"] > loop.history[0]["hit"] + 0.1 and loop.history[-1]["hit"] > 0.6
    return freeze(network)


def test_batches_are_consecutive_frames_with_their_own_sound(shards: Shards) -> None:
    sampler = SequenceSampler(shards, RECIPE)
    assert sorted(sampler.groups) == [f"who{k}" for k in range(6)]
    assert [c.name for c in sampler.groups["who0"]] == ["who0-said"]  # the short one and the blind one are left out
    batch = sampler.draw(np.random.default_rng(1))
    assert batch["frames"].shape == (4, 14, SIDE, SIDE, 3) and batch["frames"].dtype == torch.uint8
    assert batch["rows"].shape == (4, 14, 4, 13) and batch["kp"].shape == (4, 14, 17, 2)
    again = sampler.draw(np.random.default_rng(1))
    assert all(torch.equal(v, again[k]) for k, v in batch.items())
    dark = (batch["frames"][..., 0] < 100).sum((2, 3)).float()
    loud = batch["rows"][..., 0].mean(-1).clamp(min=0)
    for a, b in zip(dark, loud, strict=True):
        assert np.corrcoef(a, b)[0, 1] > 0.9
    assert not torch.equal(batch["disturb"][0], batch["disturb"][1])


def embedded(cosine_own: float, cosine_other: float, *, sequences: int = 2, windows: int = 8) -> Embedded:
    """Vectors whose cosine is the one number with their own sound and (nearly) the other with all others."""
    count = sequences * windows
    wanted = torch.full((count, count), cosine_other)
    wanted.fill_diagonal_(cosine_own)
    face = torch.eye(count)
    return Embedded(face.unflatten(0, (sequences, windows)), wanted.T.contiguous().unflatten(0, (sequences, windows)))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_wants_own_sound_near_and_others_far(loss: str) -> None:
    recipe = SyncRecipe(loss=loss)
    best, worse, worst = (pair_terms(embedded(*pair), recipe)["total"] for pair in ((0.9, 0.1), (0.6, 0.1), (0.6, 0.5)))
    assert best < worse < worst


@pytest.mark.parametrize("loss", LOSSES)
def test_windows_one_frame_off_count_as_neither(loss: str) -> None:
    recipe = SyncRecipe(loss=loss)
    plain = embedded(0.8, 0.1)
    near = plain.audio.flatten(0, 1).clone()
    for k in range(15):
        if k % 8 != 7:
            near[k, k + 1] = near[k + 1, k] = 0.95
    with_near = Embedded(plain.face, near.unflatten(0, (2, 8)))
    assert pair_terms(with_near, recipe)["total"] == pytest.approx(float(pair_terms(plain, recipe)["total"]), abs=1e-6)


def test_closed_forms() -> None:
    found = embedded(0.8, 0.3)
    own, other = torch.tensor(0.8), torch.tensor(0.3)
    bce = pair_terms(found, SyncRecipe(loss="bce"))["total"]
    assert bce == pytest.approx(float(-own.log() - (1 - other).log()), abs=1e-5)
    far = pair_terms(found, SyncRecipe(loss="contrastive", margin=1.5))["total"]
    assert far == pytest.approx(float(2 - 2 * own + (1.5 - (2 - 2 * other).sqrt()) ** 2), abs=1e-5)
    alone = pair_terms(embedded(0.8, 0.3, sequences=1, windows=4), SyncRecipe(temperature=0.5))["total"]
    # of four windows in a row, those at the ends have two others that are far enough, those within one
    rows = [
        -torch.log(torch.exp(own / 0.5) / (torch.exp(own / 0.5) + n * torch.exp(other / 0.5))) for n in (2, 1, 1, 2)
    ]
    assert alone == pytest.approx(float(torch.stack(rows).mean()), abs=1e-5)


@pytest.mark.parametrize("loss", ["bce", "contrastive"])
def test_other_losses_learn_too(shards: Shards, loss: str) -> None:
    torch.manual_seed(0)
    network = SyncNet(replace(TINY, rectified=loss == "bce"))
    loop = train_sync(network, shards, replace(RECIPE, loss=loss, steps=100), log=nothing)
    assert loop.history[-1]["total"] < 0.9 * loop.history[0]["total"]
    assert loop.history[-1]["hit"] > 0.4


def test_the_trained_expert_knows_strangers_offsets(expert: SyncNet) -> None:
    clips = [mouth_clip(k, seed=5) for k in (21, 22, 23, 24)]
    found = read_out(expert, clips)
    assert found["clips"] == 4 and found["within_1"] == found["shifted_within_1"] == 1.0
    assert found["confidence_synced"] > 2 * max(found["confidence_wrong"], found["confidence_silence"])
    assert found["confidence_shifted"] == pytest.approx(found["confidence_synced"], rel=0.3)


def test_offsets_are_counted_from_lips_to_sound() -> None:
    torch.manual_seed(3)
    heard = F.normalize(torch.randn(40, 16), dim=-1)
    for late in (-7, 0, 4):
        seen = torch.roll(heard, -late, 0)  # what lips say at n is heard at n + late
        offset, sure = read_offset(offset_distances(Embedded(seen, heard)))
        assert offset == late and sure > 0.5
    with pytest.raises(AvctError, match="offsets of 15 frames need 20 frames or more, got 19"):
        offset_distances(Embedded(heard[:15], heard[:15]))


def test_the_loss_is_less_for_the_right_lips_and_reaches_the_frames(expert: SyncNet) -> None:
    clip = mouth_clip(31, seed=5)
    frames = torch.from_numpy(np.array(clip.frames)).permute(0, 3, 1, 2).float() / 255
    rows, kp = torch.from_numpy(clip.audio), torch.from_numpy(facepoints.from_landmarks(clip.landmarks, SIDE))

    def loss(at: int) -> torch.Tensor:
        part, heard = slice(20, 30), slice(20 + at, 30 + at)
        return sync_loss(expert, frames[None, part], rows[None, heard], kp[None, part])

    assert loss(0) + 0.2 < min(loss(-8), loss(8))
    frames.requires_grad_(True)
    loss(0).backward()
    moved = frames.grad.abs().sum((1, 2, 3))
    assert (moved[20:30] > 0).all() and (moved[:20] == 0).all() and (moved[30:] == 0).all()
    assert not any(p.requires_grad for p in expert.parameters()) and not expert.training


def test_silence_is_a_clips_quietest_row() -> None:
    rows = np.arange(3 * 4 * 41, dtype=np.float32).reshape(3, 4, 41)[::-1]
    silent = silent_rows(rows, 6)
    assert silent.shape == (6, 4, 41) and (silent == np.arange(41)).all()


def test_what_cannot_be_trained_is_said(tmp_path: Path) -> None:
    with pytest.raises(AvctError, match="loss must be one of multiway, bce, contrastive, got 'hinge'"):
        SyncRecipe(loss="hinge")
    with pytest.raises(AvctError, match="frames must be 8 or more"):
        SyncRecipe(frames=6)
    writer = ShardWriter(tmp_path / "blind", about={})
    writer.add(replace(mouth_clip(0), frames=None))
    writer.close()
    with pytest.raises(AvctError, match="no clip of 20 frames or more with pictures and sound"):
        SequenceSampler(Shards(tmp_path / "blind"), SyncRecipe())
    writer = ShardWriter(tmp_path / "bare", about={})
    writer.add(replace(mouth_clip(0), landmarks=None))
    writer.close()
    with pytest.raises(AvctError, match="has no landmarks, which place the mouth's crop"):
        SequenceSampler(Shards(tmp_path / "bare"), SyncRecipe())
