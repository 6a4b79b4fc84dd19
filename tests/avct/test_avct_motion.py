"""Dense motion: its candidates, its shares, and what equal keypoints mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_networks import KEYPOINTS, MOTION, keypoints, noise, seeded, unmoved_parameters

from avct.geometry import Keypoints, grid
from avct.motion import DenseMotion


def network(**changes: object) -> DenseMotion:
    return seeded(DenseMotion(replace(MOTION, **changes), keypoints=KEYPOINTS))


@pytest.mark.parametrize("jacobian", [True, False])
def test_equal_keypoints_leave_every_candidate_where_it_is(jacobian: bool) -> None:
    net, same, points = network(), keypoints(2, 1, jacobian=jacobian), grid(16, 16, like=torch.zeros(1))
    candidates = net.candidates(same, same, points)
    assert candidates.shape == (2, KEYPOINTS + 1, 16, 16, 2)
    assert torch.allclose(candidates, points.expand_as(candidates), atol=1e-5)
    assert torch.count_nonzero(net.heatmaps(same, same, points)) == 0
    motion = net(noise(2, 3, 64, 64), same, same)
    assert torch.allclose(motion.deformation, points.expand(2, -1, -1, -1), atol=1e-5)


def test_a_candidate_takes_its_driving_keypoint_to_its_source_keypoint() -> None:
    source, driving = keypoints(1, 1), keypoints(1, 2)
    for k in range(KEYPOINTS):
        place = driving.value[0, k].reshape(1, 1, 2)
        assert torch.allclose(
            network().candidates(source, driving, place)[0, k + 1, 0, 0], source.value[0, k], atol=1e-6
        )
        step = torch.tensor([0.1, -0.2])
        moved = network().candidates(source, driving, place + step)[0, k + 1, 0, 0] - source.value[0, k]
        linear = source.jacobian[0, k] @ torch.linalg.inv(driving.jacobian[0, k])
        assert torch.allclose(moved, linear @ step, atol=1e-6)


def test_missing_jacobians_stand_for_identities() -> None:
    net, points = network(), grid(4, 4, like=torch.zeros(1))
    source, driving = keypoints(2, 1), keypoints(2, 2)
    eye = torch.eye(2).expand(2, KEYPOINTS, 2, 2)
    for a, b in ((None, driving.jacobian), (source.jacobian, None), (None, None)):
        bare = net.candidates(Keypoints(source.value, a), Keypoints(driving.value, b), points)
        full = net.candidates(
            Keypoints(source.value, eye if a is None else a), Keypoints(driving.value, eye if b is None else b), points
        )
        assert torch.allclose(bare, full, atol=1e-6)
    ignoring = network(jacobian=False).candidates(source, driving, points)
    assert torch.equal(ignoring, net.candidates(Keypoints(source.value), Keypoints(driving.value), points))


def test_heat_is_one_at_the_driving_keypoint_and_minus_one_at_the_source() -> None:
    source = Keypoints(torch.tensor([[[-1.0, -1.0]]]))
    driving = Keypoints(torch.tensor([[[1.0, 1.0]]]))
    heat = DenseMotion(MOTION, keypoints=1).heatmaps(source, driving, grid(9, 9, like=torch.zeros(1)))[0]
    assert torch.count_nonzero(heat[0]) == 0
    assert heat[1, 0, 0] == pytest.approx(-1) and heat[1, 8, 8] == pytest.approx(1)
    # One grid step of 0.25 away, at variance 0.01.
    assert heat[1, 8, 7] == pytest.approx(2.718281828 ** (-0.5 * 0.0625 / 0.01), rel=1e-4)


def test_shares_and_occlusion_are_shares() -> None:
    motion = network()(noise(2, 3, 64, 64), keypoints(2, 1), keypoints(2, 2))
    assert torch.allclose(motion.mask.sum(1), torch.ones(2, 16, 16), atol=1e-5)
    assert motion.occlusion.min() > 0 and motion.occlusion.max() < 1
    assert motion.sparse_deformed.shape == (2, KEYPOINTS + 1, 3, 16, 16)


def test_one_portrait_serves_many_frames() -> None:
    net, image = network(), noise(1, 3, 64, 64)
    source, driving = keypoints(1, 1), keypoints(4, 2)
    together = net(image, source, driving)
    for k in range(4):
        alone = net(image, source, Keypoints(driving.value[k : k + 1], driving.jacobian[k : k + 1]))
        for a, b in zip(together, alone, strict=True):
            assert torch.allclose(a[k : k + 1], b, atol=1e-5)


def test_gradient_reaches_every_parameter() -> None:
    net = network()
    motion = net(noise(2, 3, 64, 64), keypoints(2, 1), keypoints(2, 2))
    assert unmoved_parameters(net, (motion.deformation**2).sum() + motion.occlusion.sum()) == []
