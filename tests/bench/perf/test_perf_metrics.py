"""Contests of metrics and peers: figures that are well formed, and a peer that cannot run."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from bench.perf import contests
from bench.perf.contests import CONTESTS, Contest, Lacking, Sides
from bench.perf.metrics import main, run


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_ratios_are_of_the_same_work() -> None:
    outcome = run(Contest("a", "b", "frames", 10, lambda: Sides(lambda: burn(0.02), lambda: burn(0.08))), 3)
    assert outcome.ratio_cpu == pytest.approx(4, rel=0.3) and outcome.ratio_wall > 1
    assert outcome.cpu_ours == pytest.approx(2, rel=0.3) and outcome.cpu_theirs == pytest.approx(8, rel=0.3)
    assert 0 < outcome.ours <= 10 / 0.02 * 1.01 and 0 < outcome.theirs <= 10 / 0.08 * 1.01
    less = run(Contest("a", "b", "frames", 10, lambda: Sides(lambda: burn(0.02), lambda: burn(0.02)), 5), 2)
    assert less.ratio_cpu == pytest.approx(2, rel=0.3)  # the peer did half the items in that time


def test_a_peer_that_cannot_run_is_said() -> None:
    def refuse() -> None:
        raise Lacking("it is not installed")

    outcome = run(Contest("a", "b", "frames", 1, lambda: Sides(lambda: burn(0.001), refuse)), 1)
    assert outcome.note == "it is not installed" and outcome.theirs is None is outcome.ratio_cpu


def test_the_command(capsys: pytest.CaptureFixture) -> None:
    assert main(["--only", "psnr", "--rounds", "1", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["name"] == "psnr" and found["ours"] > 0 and found["ratio_cpu"] > 0 and found["items"] == 64
    assert main(["--only", "nothing"]) == 2 and "expected --only of psnr" in capsys.readouterr().err


def test_both_sides_do_the_same_work() -> None:
    """Where both sides return values, they agree: a side that does less would win."""
    names = {contest.name: contest for contest in CONTESTS}
    assert len(names) == len(CONTESTS)
    sides = names["psnr"].prepare()
    assert sides.ours().value == pytest.approx(float(np.mean(sides.peer())), abs=1e-6)
    sides = names["ssim"].prepare()
    assert sides.ours().value == pytest.approx(float(np.mean(sides.peer())), abs=1e-6)
    frames = contests._faces(6)
    assert not any(np.array_equal(a, b) for a, b in zip(frames[1:], frames[:-1], strict=True))


def test_memory_does_not_grow_with_the_clip() -> None:
    """Half a minute, which is read from disk, against two seconds: far less than the pixels between them."""
    from bench.perf.memory import measure

    short, long = (measure(seconds / 60, ["psnr/mean-of-frames@1"]) for seconds in (2, 29))
    pixels = 2 * 27 * 25 * 256 * 256 * 3 / 1e6
    assert long.frames == 725 and short.metrics == long.metrics == 1
    assert long.megabytes - short.megabytes < 0.5 * pixels
