"""Relative transfer: the first frame gives the portrait back, motion composes, missing Jacobians are identities."""

from __future__ import annotations

import torch
from tiny_networks import KEYPOINTS, keypoints

from avct.geometry import Keypoints
from avct.transfer import transfer


def test_the_initial_frame_gives_the_portraits_keypoints() -> None:
    source, initial = keypoints(1, 1), keypoints(1, 2)
    moved = transfer(source, initial, initial)
    assert torch.allclose(moved.value, source.value, atol=1e-6)
    assert torch.allclose(moved.jacobian, source.jacobian, atol=1e-5)


def test_a_batch_of_frames_moves_one_portrait() -> None:
    source, initial, driving = keypoints(1, 1), keypoints(1, 2), keypoints(5, 3)
    moved = transfer(source, driving, initial)
    assert torch.allclose(moved.value - source.value, driving.value - initial.value, atol=1e-6)
    wanted = driving.jacobian @ torch.linalg.inv(initial.jacobian) @ source.jacobian
    assert torch.allclose(moved.jacobian, wanted, atol=1e-5)


def test_missing_jacobians_stand_for_identities() -> None:
    eye = torch.eye(2).expand(1, KEYPOINTS, 2, 2)
    full = [keypoints(1, seed) for seed in (1, 2, 3)]
    for keep in range(8):
        some = [Keypoints(k.value, k.jacobian if keep >> i & 1 else None) for i, k in enumerate(full)]
        filled = [Keypoints(k.value, eye if k.jacobian is None else k.jacobian) for k in some]
        moved, wanted = transfer(*some), transfer(*filled)
        if keep == 0:
            assert moved.jacobian is None
        else:
            assert torch.allclose(moved.jacobian, wanted.jacobian, atol=1e-5)


def test_a_portraits_jacobian_alone_covers_the_batch() -> None:
    driving = Keypoints(keypoints(4, 3).value)
    moved = transfer(keypoints(1, 1), driving, Keypoints(driving.value[:1]))
    assert moved.jacobian.shape == (4, KEYPOINTS, 2, 2)
