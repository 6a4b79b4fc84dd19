"""Which frames are kept: by the seed alone, the last of each clip among them, copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.perf.sample import Keeper, missing, runs, scattered
from bench.perf.subject import Request

NOWHERE = Path("nowhere")


def requests(*frames: int) -> list[Request]:
    return [Request(number, str(number), NOWHERE, NOWHERE, None, count) for number, count in enumerate(frames)]


def test_stretches_are_on_end_and_the_first_request_is_always_among_them() -> None:
    asked = requests(100, 90, 80, 10, 70)
    found = runs(asked, seed=1, run=32)
    assert len(found) == 3 and list(found)[-1] == 0 and found == runs(asked, seed=1, run=32)
    assert all(len(stretch) == min(32, asked[number].frames) for number, stretch in found.items())
    assert all(stretch[-1] < asked[number].frames for number, stretch in found.items())
    others = {tuple(runs(asked, seed=seed, run=32).items()) for seed in range(8)}
    assert len(others) > 4


def test_single_frames_hold_the_last_of_every_clip() -> None:
    asked = requests(100, 90, 1)
    found = scattered(asked, seed=1, count=12)
    assert set(found[:3]) == {(0, 99), (1, 89), (2, 0)} and len(found) == len(set(found)) >= 8
    assert found == scattered(asked, seed=1, count=12) != scattered(asked, seed=2, count=12)


def test_a_keeper_copies_what_was_chosen_and_nothing_else() -> None:
    asked = requests(200, 200)
    keeper, memory = Keeper(asked, seed=3, run=20, count=6), np.zeros((2, 2, 3), np.uint8)
    for number in (0, 1):
        for frame in range(200):
            memory[:] = frame
            keeper(number, frame, memory)
    assert 0 < len(keeper.frames) < 60 and all((held == frame).all() for (_, frame), held in keeper.frames.items())
    assert keeper.reached == {0: 199, 1: 199}
    assert not missing(asked, keeper.frames, keeper.reached, seed=3, run=20, count=6)
    keeper.frames.pop((1, 199))
    assert missing(asked, keeper.frames, keeper.reached, seed=3, run=20, count=6) == [(1, 199)]
    assert not missing(asked, keeper.frames, {0: 199, 1: 198}, seed=3, run=20, count=6)


def test_any_emission_of_a_frame_may_be_the_kept_one() -> None:
    asked, kept = requests(1), set()
    for seed in range(24):
        keeper = Keeper(asked, seed=seed)
        for turn in range(4):
            keeper(0, 0, np.full((2, 2, 3), turn, np.uint8))
        kept.add(int(keeper.frames[0, 0][0, 0, 0]))
    assert kept == {0, 1, 2, 3}
