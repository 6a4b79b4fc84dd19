"""The keypoint detector: where keypoints can be, what they follow, what the departures change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_networks import DETECTOR, KEYPOINTS, noise, seeded, unmoved_parameters

from avct.errors import AvctError
from avct.keypoints import KeypointDetector


@pytest.mark.parametrize("temperature", [0.001, 0.1, 100.0])
def test_keypoints_stay_inside_and_reach_the_edges(temperature: float) -> None:
    network = seeded(KeypointDetector(replace(DETECTOR, temperature=temperature)))
    value = network(5 * noise(4, 3, 64, 64)).keypoints.value
    assert value.shape == (4, KEYPOINTS, 2)
    assert value.abs().max() <= 1
    # Cold softmax picks pixels, hot softmax the middle.
    assert (value.abs().max() > 0.3) == (temperature < 1)


def test_shapes_of_a_detection() -> None:
    found = seeded(KeypointDetector(DETECTOR))(noise(2, 3, 64, 64))
    assert found.feature_map.shape == (2, DETECTOR.map_channels, 16, 16)
    assert found.logits.shape == (2, KEYPOINTS, 10, 10)
    assert found.jacobian_map.shape == (2, KEYPOINTS, 4, 10, 10)
    assert found.keypoints.jacobian.shape == (2, KEYPOINTS, 2, 2)


def test_keypoint_is_the_mean_place_on_the_smaller_grid() -> None:
    network = seeded(KeypointDetector(DETECTOR))
    found = network(noise(1, 3, 64, 64))
    weight = torch.softmax(found.logits.flatten(2) / DETECTOR.temperature, -1).reshape(found.logits.shape)
    line = torch.linspace(-1, 1, 10)
    x, y = (weight.sum(2) * line).sum(-1), (weight.sum(3) * line).sum(-1)
    assert torch.allclose(found.keypoints.value, torch.stack([x, y], -1), atol=1e-6)
    linear = torch.einsum("bkhw,bkchw->bkc", weight, found.jacobian_map)
    assert torch.allclose(found.keypoints.jacobian.flatten(2), linear, atol=1e-6)


def test_untrained_jacobians_are_identities() -> None:
    found = KeypointDetector(DETECTOR).eval()(noise(2, 3, 64, 64))
    assert torch.allclose(found.keypoints.jacobian, torch.eye(2).expand(2, KEYPOINTS, 2, 2), atol=1e-6)


def test_departures_pad_and_no_jacobian() -> None:
    network = seeded(KeypointDetector(replace(DETECTOR, pad=3, jacobian=False)))
    found = network(noise(1, 3, 64, 64))
    assert found.logits.shape[2:] == (16, 16)
    assert found.keypoints.jacobian is None and found.jacobian_map is None
    assert not any("jacobian" in name for name in network.state_dict())


def test_gradient_reaches_every_parameter() -> None:
    network = seeded(KeypointDetector(DETECTOR))
    found = network(noise(2, 3, 64, 64)).keypoints
    # A constant added to all logits of a keypoint changes nothing: the softmax takes it out again.
    loss = (found.value**2).sum() + (found.jacobian**2).sum()
    assert set(unmoved_parameters(network, loss)) <= {"kp.bias"}


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64), (1, 3, 60, 64), (0, 3, 64, 64)])
def test_wrong_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(AvctError, match=r"images must be \(B, 3, H, W\) with H and W multiples of 16"):
        KeypointDetector(DETECTOR)(torch.zeros(shape))
