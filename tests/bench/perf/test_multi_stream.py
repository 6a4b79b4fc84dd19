"""Multi-stream in virtual time: the largest crowd is the one that its cost implies, and misses are counted right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given as draws
from hypothesis import strategies as st
from pretence import Crowd, Subject, Time, conditions, requests

from bench.perf.arrivals import starts
from bench.perf.multi_stream import largest, time_multi_stream
from bench.perf.subject import Lacking, Request
from bench.perf.trial import run_trial


def silence(request: Request) -> np.ndarray:
    return np.zeros(640 * request.frames - 100, np.float32)


class Host(Subject):
    """A subject whose crowds are made by `crowds`."""

    def __init__(self, time: Time, crowds: Callable[[], Any], **given: Any) -> None:
        super().__init__(time, **given)
        self.crowds = crowds

    def crowd(self) -> Any:
        return self.crowds()


@pytest.mark.parametrize("cost", [0.0013, 0.0019, 0.0061, 0.0105, 0.021])
def test_the_largest_crowd_is_what_the_cost_implies(cost: float):
    time = Time()
    measured = time_multi_stream(Subject(time, cost=cost), conditions(time, seconds=12.0), sound=silence)
    # so many frames fit in the 40 ms in which every talker needs one
    assert measured.figures["talkers"].value == int(0.04 / cost)
    assert measured.headline == "talkers" and measured.figures["missed"].value <= 0.01
    assert measured.figures["p99"].value <= 40.0
    assert measured.frames == pytest.approx(25 * 12 * int(0.04 / cost), abs=int(0.04 / cost))


def test_search_with_probes_confirms_with_a_whole_trial():
    time = Time()
    subject = Subject(time, cost=0.0019)
    measured = time_multi_stream(subject, conditions(time, seconds=60.0), probe=5.0, first=16, sound=silence)
    assert measured.figures["talkers"].value == 21
    trials = measured.remarks["trials"]
    assert [t["talkers"] for t in trials if t["seconds"] == pytest.approx(60.0, abs=0.1)] == [21]
    assert measured.seconds == pytest.approx(60.0, abs=0.1)
    assert sorted(measured.curves["talkers"]) == measured.curves["talkers"]
    assert len(measured.curves["missed"]) == len(trials)


def test_hopeless_trials_end_early():
    time = Time()
    trial = run_trial(Subject(time, cost=0.01), conditions(time), 8, 60.0, silence)
    assert trial.hopeless and not trial.passed and trial.seconds < 10.0
    assert trial.missed > 0.01 * 8 * 25 * 60


@pytest.mark.parametrize(("drops", "passed"), [(0, True), (200, True), (20, False)])
def test_frames_that_never_come_are_missed(drops: int, passed: bool):
    time = Time()
    clips = requests(4, frames=400)
    host = Host(time, lambda: Crowd(time, 0.001, drops=drops), clips=clips)
    trial = run_trial(host, conditions(time), 4, 40.0, silence)
    assert trial.share == pytest.approx(1 / drops if drops else 0.0, rel=0.25)
    assert trial.passed is passed and not trial.hopeless


@pytest.mark.parametrize(("late", "missed"), [(0.0, 0.0), (0.039, 0.0), (0.041, 1.0)])
def test_a_frame_may_take_a_frame_period_after_its_sound(late: float, missed: float):
    """One talker, whose frames take `late`: they do not pile up only below 40 ms."""
    time = Time()
    host = Host(time, lambda: Crowd(time, late, look_ahead=0.2))
    trial = run_trial(host, conditions(time), 1, 5.0, silence)
    if missed:
        assert trial.hopeless
    else:
        assert trial.missed == 0 and trial.due == 125
        assert trial.delays.max() == pytest.approx(1000 * late)
        # a clip's last frames wait for no more sound, so they come early
        assert np.isclose(trial.delays, 1000 * late).mean() > 0.8 and trial.delays.min() < 1000 * late - 4.0


@pytest.mark.parametrize("at", [4.0, 20.0, 100.0])
def test_what_is_spoken_while_the_crowd_is_stuck_counts(at: float):
    class Stuck(Crowd):
        """Does nothing for ten seconds, once."""

        stuck = False

        def step(self) -> Any:
            if self.time.now() >= at and not self.stuck:
                self.stuck = True
                self.time.pass_by(10.0)
            return super().step()

    time = Time()
    trial = run_trial(Host(time, lambda: Stuck(time, 0.0005)), conditions(time), 3, 105.0, silence)
    assert trial.due == pytest.approx(3 * 25 * trial.seconds, abs=3)
    # ten seconds, and what is caught up with at a frame of each a step; the look-ahead's frames are in time
    stuck = min(10.0, 108.0 - at) * 25 * 3
    assert 0.95 * stuck < trial.missed < 1.1 * stuck + 20


def test_declared_look_ahead_is_allowed_for_and_no_more():
    class Shy(Crowd):
        """Declares less look-ahead than it takes."""

        @property
        def look_ahead(self) -> float:
            return self._look_ahead - 0.08

    time = Time()
    host = Host(time, lambda: Shy(time, 0.001), clips=requests(2, frames=200))
    trial = run_trial(host, conditions(time), 1, 20.0, silence)
    # only the last frames of a clip, which wait for no more sound, are in time
    assert not trial.passed and trial.missed > 0.9 * trial.due


def test_everybody_hears_every_piece_and_leaves():
    time = Time()
    made = list[Crowd]()
    host = Host(time, lambda: made.append(Crowd(time, 0.001)) or made[-1])
    seen = dict[tuple[int, int], int]()

    def tap(request: int, number: int, frame: np.ndarray) -> None:
        seen[request, number] = seen.get((request, number), 0) + 1

    run_trial(host, conditions(time, tap=tap), 3, 20.0, silence)
    (crowd,) = made
    assert crowd.heard == {} and crowd.joined > 3
    assert {(0, number) for number in range(31)} <= set(seen)


def test_nobody_passes_and_everybody_passes():
    time = Time()
    slow = time_multi_stream(Subject(time, cost=0.05), conditions(time), sound=silence)
    assert slow.figures["talkers"].value == 0 and slow.figures["missed"].value > 0.01
    fast = time_multi_stream(Subject(time, cost=0.0), conditions(time), sound=silence, most=6)
    assert fast.figures["talkers"].value == 6 and fast.remarks["bounded_by_search"]
    with pytest.raises(Lacking, match="clips"):
        time_multi_stream(Subject(time, clips=[]), conditions(time), sound=silence)


def test_compiling_while_frames_count_is_a_reason():
    time = Time()
    subject = Subject(time, cost=0.0105)
    subject.compile_at = 5.0
    measured = time_multi_stream(subject, conditions(time), first=3, sound=silence)
    assert measured.reason == "3 talkers: compiled again 1 times while it was timed"
    subject.compile_at = time.now() + 1.0  # while seats begin
    assert time_multi_stream(subject, conditions(time), first=3, sound=silence).reason == ""


def test_an_interrupt_ends_the_trial():
    class Interrupted(Crowd):
        def step(self) -> Any:
            raise KeyboardInterrupt

    time = Time()
    with pytest.raises(KeyboardInterrupt):
        time_multi_stream(Host(time, lambda: Interrupted(time, 0.0)), conditions(time), sound=silence)


@draws(st.integers(0, 70), st.integers(1, 64))
def test_the_search_finds_any_number(limit: int, first: int):
    asked = list[int]()
    found = largest(lambda number: asked.append(number) or number <= limit, first=first, most=64)
    assert found == min(limit, 64)
    assert len(set(asked)) == len(asked) <= 14


def test_starts_are_poisson_given_their_number():
    made = starts(500, 2.0, seed=1)
    assert np.array_equal(made, starts(500, 2.0, seed=1)) and not np.array_equal(made, starts(500, 2.0, seed=2))
    assert (np.diff(made) >= 0).all() and made[0] >= 0.0 and made[-1] <= 2.0
    gaps = np.diff(made) / np.diff(made).mean()
    assert np.std(gaps) == pytest.approx(1.0, abs=0.15)  # exponential: as wide as its mean
    assert starts(0, 2.0, seed=1).shape == (0,)
    with pytest.raises(ValueError, match="talkers"):
        starts(-1, 2.0, seed=1)
