"""Stage one and two of the paper's networks: losses mean what they say, and tiny networks learn by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import AUDIO2KP, DETECTOR, GENERATOR
from toy_shards import nothing, write_shards

from avct.audio2kp import Audio2kpTransformer
from avct.config import AvctConfig
from avct.errors import AvctError, MissingWeights
from avct.generator import OcclusionAwareGenerator
from avct.geometry import Keypoints
from avct.keypoints import KeypointDetector
from avct.model import FaithfulModel
from avct.shards import Shards
from avct.training.adversary import PatchCritic, adversarial
from avct.training.correlation import CorrelationRecipe, SpanSampler, gather_seen, predict, train_correlation
from avct.training.equivariance import Bending, equivariance
from avct.training.finetune import FinetuneRecipe, train_finetune
from avct.training.perceptual import PerceptualLoss, Vgg19, load_vgg19
from avct.training.unsupervised import FrameSampler, UnsupervisedRecipe, train_unsupervised

DETECTOR64 = replace(DETECTOR, blocks=2, shrink=2)
SMALL = replace(AUDIO2KP, map_size=32, map_channels=DETECTOR64.map_channels)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return write_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture(scope="module")
def model() -> FaithfulModel:
    torch.manual_seed(0)
    return FaithfulModel(AvctConfig(64, DETECTOR64, GENERATOR, SMALL)).eval()


def bending(seed: int = 0, **how: float) -> Bending:
    return Bending.random(np.random.default_rng(seed), 2, **how)


def test_a_bendings_jacobian_is_that_of_its_points() -> None:
    bent = bending(affine=0.2, spline=0.05)
    z = (torch.rand(2, 5, 2) * 1.6 - 0.8).requires_grad_()
    moved = bent.points(z)
    for k in range(2):
        (slope,) = torch.autograd.grad(moved[..., k].sum(), z, retain_graph=True)
        torch.testing.assert_close(bent.jacobian(z)[..., k, :], slope, rtol=1e-4, atol=1e-5)


def test_no_bending_leaves_points_and_pictures() -> None:
    rest = bending(affine=0.0, spline=0.0)
    z = torch.rand(2, 5, 2)
    torch.testing.assert_close(rest.points(z), z)
    image = torch.rand(2, 3, 32, 32)
    # the corner-aligned grid is read half a pixel off, as in the networks themselves
    torch.testing.assert_close(rest.picture(image).mean(), image.mean(), rtol=0.02, atol=0)


def test_keypoints_that_bend_along_cost_nothing() -> None:
    bent = bending(affine=0.1, spline=0.01)
    there = Keypoints(torch.rand(2, 3, 2) - 0.5, torch.eye(2) + 0.1 * torch.rand(2, 3, 2, 2))
    here = Keypoints(bent.points(there.value), bent.jacobian(there.value) @ there.jacobian)
    value, jacobian = equivariance(here, there, bent)
    assert value < 1e-6 and jacobian < 1e-5
    value, jacobian = equivariance(there, there, bent)
    assert value > 1e-2 and jacobian > 1e-2
    assert equivariance(Keypoints(here.value), Keypoints(there.value), bent)[1] == 0


def test_a_picture_shows_what_was_where_the_bending_points() -> None:
    image = torch.zeros(1, 3, 65, 65)
    image[..., 40, 20] = 1.0
    shift = Bending(torch.tensor([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]]), torch.zeros(1, 25, 2))
    y, x = np.unravel_index(int(shift.picture(image)[0, 0].argmax()), (65, 65))
    assert abs(x - (20 - 0.125 * 65)) <= 1 and abs(y - 40) <= 1


def test_perceptual_losses_grow_with_blur_and_are_zero_for_equals() -> None:
    image = torch.rand(1, 3, 64, 64)
    blurred = torch.nn.functional.avg_pool2d(image, 5, 1, 2)
    look = PerceptualLoss("edges")
    assert look(image, image) == 0
    assert look(blurred, image) > look(0.9 * image + 0.1 * blurred, image) > 0


def test_vgg19_reads_torchvisions_layout(tmp_path: Path) -> None:
    torch.manual_seed(0)
    held = Vgg19().state_dict()
    weights = {k: v for k, v in held.items() if k.startswith("features.")}
    assert len(weights) == 26 and weights["features.28.weight"].shape == (512, 512, 3, 3)
    torch.save({**weights, "classifier.0.weight": torch.zeros(1)}, tmp_path / "vgg19.pth")
    save_file(weights, tmp_path / "vgg19.safetensors")
    image = torch.rand(1, 3, 32, 32)
    first, second = (load_vgg19(tmp_path / n)(image) for n in ("vgg19.pth", "vgg19.safetensors"))
    assert [f.shape[1:] for f in first] == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert PerceptualLoss("vgg19", weights=tmp_path / "vgg19.pth", scales=(1, 2))(image, image) == 0


def test_unusable_vgg19_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="perceptual = 'edges'"):
        load_vgg19(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("hello")
    torch.save({"conv": torch.zeros(1)}, tmp_path / "other.pth")
    torch.save([Path("x")], tmp_path / "pickle.pth")
    for name in ("text.pth", "other.pth", "pickle.pth"):
        with pytest.raises(AvctError, match=name):
            load_vgg19(tmp_path / name)
    with pytest.raises(MissingWeights, match="needs a file"):
        PerceptualLoss("vgg19")
    with pytest.raises(AvctError, match="expected 'vgg19' or 'edges'"):
        PerceptualLoss("vgg16")


def test_a_critic_learns_to_tell_made_from_true() -> None:
    torch.manual_seed(0)
    critic = PatchCritic(expansion=8, blocks=2)
    optimiser = torch.optim.Adam(critic.parameters(), 1e-2)
    made, true = torch.rand(4, 3, 32, 32) * 0.5, torch.rand(4, 3, 32, 32)
    first = adversarial(critic, made, true, matching=1.0)[1].item()
    for _ in range(20):
        optimiser.zero_grad()
        adversarial(critic, made, true, matching=1.0)[1].backward()
        optimiser.step()
    paint, rival = adversarial(critic, made, true, matching=0.0)
    assert rival < 0.5 * first and paint > 0.3


def test_pairs_are_frames_of_one_identity(shards: Shards) -> None:
    sampler = FrameSampler(shards, UnsupervisedRecipe(batch=6, size=32, colour=0.0))
    pair = sampler.draw(np.random.default_rng(0))
    assert pair.source.shape == pair.target.shape == (6, 3, 32, 32)
    skin = (pair.source.amax((2, 3)) - pair.target.amax((2, 3))).abs()
    assert skin.max() < 0.05  # identities differ in colour by 0.08


@pytest.mark.parametrize("adversary", [0.0, 0.1])
def test_detector_and_generator_learn_together(shards: Shards, adversary: float) -> None:
    torch.manual_seed(0)
    detector, generator = KeypointDetector(DETECTOR64), OcclusionAwareGenerator(GENERATOR)
    recipe = UnsupervisedRecipe(steps=100, batch=4, rate=3e-3, perceptual="edges", adversary=adversary)
    loop = train_unsupervised(detector, generator, shards, recipe, log=nothing)
    assert loop.history[-1]["l1"] < 0.8 * loop.history[0]["l1"]
    assert ("rival" in loop.history[-1]) == bool(adversary)


def test_transformer_learns_the_detectors_keypoints(shards: Shards, model: FaithfulModel) -> None:
    clips = gather_seen(shards, model.kp_detector, faces=2)
    assert len(clips) == 4 and clips[0].kp.value.shape == (20, 3, 2) and clips[0].faces.shape[0] == 2
    torch.manual_seed(0)
    learner = Audio2kpTransformer(SMALL)
    recipe = CorrelationRecipe(steps=60, sequences=2, length=6, rate=3e-3, warmup=5, by_spread=True, velocity=0.3)
    loop = train_correlation(learner, clips, replace(recipe, value=1.0), log=nothing)
    assert loop.history[-1]["total"] < loop.history[0]["total"]
    batch = SpanSampler(clips, 1, recipe, raster=64).draw(np.random.default_rng(0))
    with torch.no_grad():
        found = predict(learner.eval(), batch)
        frame = learner(batch.ph[:1, 2:5], batch.rasters[:1, 2:5], batch.audio[:1, 2:5], batch.faces[:1])
    assert found.value.shape == (2, 6, 3, 2) and found.jacobian.shape == (2, 6, 3, 2, 2)
    torch.testing.assert_close(found.value[:1, 2], frame.value, rtol=1e-4, atol=1e-5)


def test_only_the_transformer_is_fine_tuned(shards: Shards, model: FaithfulModel) -> None:
    before = {k: v.clone() for k, v in model.state_dict().items()}
    recipe = FinetuneRecipe(steps=3, sequences=2, length=5, rate=1e-3, warmup=1, precision="float32", ema=0.0)
    heard = []

    def sync(frames: torch.Tensor, rows: torch.Tensor, kp: torch.Tensor) -> torch.Tensor:
        heard.append((frames.shape, rows.shape, kp.shape, frames.requires_grad))
        return frames.mean() * 0

    loop = train_finetune(model, shards, recipe, log=nothing, sync=sync)
    assert heard[0] == ((2, 5, 3, 64, 64), (2, 5, 4, 41), (2, 5, 17, 2), True)
    assert {"points", "jacobian", "picture", "sync"} <= set(loop.history[0])
    moved = {k.split(".")[0] for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"ph2kp"}
    assert all(p.requires_grad for p in model.parameters())
