"""The shipped head-pose network moves heads of strangers by strangers' voices as far and as calmly as the truth."""

from __future__ import annotations

import numpy as np

from avct.audio2pose import head_poses
from avct.checkpoint import load
from avct.training.pose import compare_motion
from bench.training.heads import held_out

TURNS = ("pitch", "yaw", "roll")


def test_heads_move_within_the_truths_range_and_never_jitter() -> None:
    network = load().audio2pose
    assert network is not None
    clips = held_out(seconds=12, identities=4)
    # a minute and more: what is fed its own output must neither drift away nor come to rest
    made = [head_poses(network, c.pose[0], np.concatenate([c.audio] * 5)) for c in clips]
    assert min(len(m) for m in made) > 60 * 25
    for part in (made, [m[-500:] for m in made]):
        found = compare_motion(part, [c.pose for c in clips])
        for axis in TURNS:
            assert 0.5 <= found[axis]["std"] <= 1.5, (axis, found[axis])
            assert found[axis]["acceleration"] <= 1.5, (axis, found[axis])
            assert found[axis]["beyond"] <= 0.2, (axis, found[axis])
    assert all(np.abs(m[0, :3] - c.pose[0, :3]).max() < 0.06 for m, c in zip(made, clips, strict=True))
    # another voice, another motion
    assert np.abs(made[0][:200, 1] - made[1][:200, 1]).max() > 0.01
