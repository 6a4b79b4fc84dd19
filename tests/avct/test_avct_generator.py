"""The generator: sizes, the split into constant and per-frame work, occlusion."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_networks import GENERATOR, KEYPOINTS, MOTION, keypoints, noise, seeded, unmoved_parameters

from avct.errors import AvctError
from avct.generator import OcclusionAwareGenerator, deform, resize_flow
from avct.geometry import Keypoints, grid


def test_frames_are_pictures_of_the_sources_size() -> None:
    painted, motion = seeded(OcclusionAwareGenerator(GENERATOR))(noise(2, 3, 64, 64), keypoints(2, 1), keypoints(2, 2))
    assert painted.shape == (2, 3, 64, 64)
    assert painted.min() >= 0 and painted.max() <= 1 and painted.std() > 0.01
    assert motion.deformation.shape == (2, 16, 16, 2)


def test_one_encoded_portrait_serves_a_batch() -> None:
    network, image = seeded(OcclusionAwareGenerator(GENERATOR)), noise(1, 3, 64, 64)
    source, driving = keypoints(1, 1), keypoints(3, 2)
    encoded = network.encode(image)
    together = network.render(encoded, source, driving).prediction
    whole = network(
        image.expand(3, -1, -1, -1),
        Keypoints(source.value.expand(3, -1, -1), source.jacobian.expand(3, -1, -1, -1)),
        driving,
    )
    assert torch.allclose(together, whole.prediction, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_flow_of_another_size_is_resized() -> None:
    config = replace(GENERATOR, motion=replace(MOTION, shrink=2))
    painted, motion = seeded(OcclusionAwareGenerator(config))(noise(1, 3, 64, 64), keypoints(1, 1), keypoints(1, 2))
    assert motion.deformation.shape == (1, 32, 32, 2) and painted.shape == (1, 3, 64, 64)
    flow = grid(4, 4, like=torch.zeros(1))[None]
    assert resize_flow(flow, torch.zeros(1, 1, 4, 4)) is not None and resize_flow(
        flow, torch.zeros(1, 1, 8, 12)
    ).shape == (1, 8, 12, 2)


def test_what_is_fully_occluded_does_not_depend_on_the_source() -> None:
    network = seeded(OcclusionAwareGenerator(GENERATOR))
    with torch.no_grad():
        network.dense_motion_network.occlusion.weight.zero_()
        network.dense_motion_network.occlusion.bias.fill_(-1e4)
    one, other = (network(noise(1, 3, 64, 64, seed=s), keypoints(1, 1), keypoints(1, 2)).prediction for s in (1, 2))
    assert torch.equal(one, other)


def test_deform_of_equal_keypoints_is_nearly_the_source() -> None:
    network, same = seeded(OcclusionAwareGenerator(GENERATOR)), keypoints(1, 1)
    smooth = torch.nn.functional.interpolate(noise(1, 3, 4, 4), size=64, mode="bilinear")
    moved = deform(smooth, network(smooth, same, same).motion)
    # Not exactly: the grids disagree by up to half a coarse pixel, see avct.geometry.grid.
    assert (moved - smooth)[:, :, 8:-8, 8:-8].abs().max() < 0.1


def test_gradient_reaches_every_parameter() -> None:
    network = seeded(OcclusionAwareGenerator(replace(GENERATOR, keypoints=KEYPOINTS)))
    painted = network(noise(2, 3, 64, 64), keypoints(2, 1), keypoints(2, 2)).prediction
    assert unmoved_parameters(network, ((painted - noise(2, 3, 64, 64, seed=9)) ** 2).sum()) == []


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(AvctError, match="multiples of 16"):
        OcclusionAwareGenerator(GENERATOR).encode(torch.zeros(1, 3, 40, 40))
