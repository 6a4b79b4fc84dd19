"""Single stream, clip latency and offline in virtual time: what they say is what the subject was told to cost."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretence import Subject, Time, conditions, requests

from bench.perf.clip_latency import time_clip_latency
from bench.perf.measurement import Conditions, Measurement
from bench.perf.offline import time_offline
from bench.perf.single_stream import time_single_stream
from bench.perf.subject import Lacking
from bench.store.speeds import SpeedRow

Timing = Callable[[Subject, Conditions, Path], Measurement]
TIMINGS: dict[str, Timing] = {
    "single-stream": lambda subject, given, folder: time_single_stream(subject, given),
    "clip-latency": time_clip_latency,
    "offline": time_offline,
}
every = pytest.mark.parametrize("scenario", sorted(TIMINGS))


class Meter:
    """Counts joules in virtual time: 200 W."""

    def __init__(self, time: Time) -> None:
        self.time, self.entered, self.left = time, 0, 0

    def __enter__(self) -> None:
        self.entered += 1
        self.begin = self.time.now()

    def __exit__(self, *raised: Any) -> None:
        self.left += 1

    def energy(self) -> float:
        return 200.0 * (self.time.now() - self.begin)

    def memory(self) -> dict[str, int | None]:
        return {"process": 7}

    def describe(self) -> dict[str, Any]:
        return {"source": "meter"}


@every
def test_measurements_are_well_formed(scenario: str, tmp_path: Path):
    time = Time()
    told = list[tuple[str, float, float]]()
    meter = Meter(time)
    given = conditions(time, frames=200, monitor=meter, advance=lambda *news: told.append(news))
    measured = TIMINGS[scenario](Subject(time), given, tmp_path)
    assert measured.scenario == scenario and measured.reason == ""
    assert measured.headline in measured.figures
    assert measured.seconds >= 10.0 and measured.frames >= 200 and measured.clips > 1
    for figure in measured.figures.values():
        assert figure.value is not None and figure.n > 0
        assert (figure.low is None) == (figure.high is None)
        assert figure.low is None or figure.low <= figure.value <= figure.high
    assert (meter.entered, meter.left, measured.memory, measured.monitor) == (1, 1, {"process": 7}, {"source": "meter"})
    assert measured.adds_up and measured.unaccounted == pytest.approx(0.0)
    assert measured.warmups["stable"] and measured.warmups["count"] >= 3
    assert told and all(0.0 <= done <= total for _, done, total in told)
    kept = {key: value for key, value in asdict(measured).items() if key in SpeedRow.__dataclass_fields__}
    row = SpeedRow(id="a", protocol="p@1", method="m", setting={}, mode="quick", status="unverified", **kept)
    json.dumps(asdict(row), allow_nan=False)
    json.dumps(measured.remarks, allow_nan=False)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "files that were timed are taken away"


@every
def test_time_in_no_stage_is_found(scenario: str, tmp_path: Path):
    time = Time()
    measured = TIMINGS[scenario](Subject(time, hidden=0.005), conditions(time), tmp_path)
    assert measured.adds_up is False
    assert measured.unaccounted == pytest.approx(5.0, rel=0.01)
    assert measured.wall == pytest.approx(sum(stage.host for stage in measured.stages) + measured.unaccounted)


@every
def test_compiling_while_timed_is_a_reason(scenario: str, tmp_path: Path):
    time = Time()
    quiet = TIMINGS[scenario](Subject(time), conditions(time), tmp_path)
    assert quiet.reason == ""
    time = Time()
    subject = Subject(time)

    class Arming(Meter):
        """Something is compiled a second after the timed run has begun."""

        def __enter__(self) -> None:
            super().__enter__()
            subject.compile_at = time.now() + 1.0

    measured = TIMINGS[scenario](subject, conditions(time, monitor=Arming(time)), tmp_path)
    assert measured.reason == "compiled again 1 times while it was timed"


@every
def test_a_plan_is_kept_to(scenario: str, tmp_path: Path):
    time = Time()
    long = TIMINGS[scenario](Subject(time), conditions(time, seconds=30.0), tmp_path)
    many = TIMINGS[scenario](Subject(time), conditions(time, seconds=0.1, frames=700), tmp_path)
    assert long.seconds >= 30.0 and long.frames > 500
    assert many.frames >= 700 and many.seconds > 5.0


@every
def test_an_interrupt_ends_it_and_whoever_looks_on(scenario: str, tmp_path: Path):
    time = Time()
    meter = Meter(time)

    def interrupt(request: int, number: int, frame: np.ndarray) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TIMINGS[scenario](Subject(time), conditions(time, tap=interrupt, monitor=meter), tmp_path)
    assert (meter.entered, meter.left) == (1, 1)


def test_single_stream_keeps_first_frames_apart():
    time = Time()
    seen = list[tuple[int, int, int]]()

    def tap(request: int, number: int, frame: np.ndarray) -> None:
        seen.append((request, number, int(frame[0, 0, 0])))
        time.pass_by(3.0)  # whoever looks at frames takes his own time, not the subject's

    measured = time_single_stream(Subject(time), conditions(time, tap=tap))
    assert measured.figures["first_frame"].value == pytest.approx(210.0)
    assert all(measured.figures[name].value == pytest.approx(10.0) for name in ("p50", "p90", "p99"))
    assert seen[0] == (0, 0, 0) and len(seen) == measured.frames
    assert all(number == level for _, number, level in seen)
    assert measured.seconds == pytest.approx(0.01 * measured.frames + 0.2 * measured.clips)
    assert measured.figures["p50"].n == measured.frames - measured.clips
    # the stages are those of the frames whose latency is the headline
    assert {stage.name: pytest.approx(stage.host) for stage in measured.stages} == {"motion": 2.5, "render": 7.5}
    assert measured.wall == pytest.approx(10.0)
    assert measured.remarks["first_frame_stages"] == pytest.approx({"decode": 200.0, "motion": 2.5, "render": 7.5})


def test_single_stream_percentiles_and_thinned_curve():
    time = Time()
    subject = Subject(time, first=0.0)
    # one in twenty takes three times as long
    subject.costs = itertools.cycle([0.01] * 19 + [0.03])
    measured = time_single_stream(subject, conditions(time, seconds=60.0, frames=4000))
    figures = {name: figure.value for name, figure in measured.figures.items()}
    assert figures["p50"] == pytest.approx(10.0) and figures["p90"] == pytest.approx(10.0)
    assert figures["p99"] == pytest.approx(30.0)
    curve = measured.curves["latency_ms"]
    assert len(curve) == 2000 and curve == sorted(curve)
    assert curve[0] == pytest.approx(10.0) and curve[-1] == pytest.approx(30.0)
    assert np.mean(np.array(curve) > 20.0) == pytest.approx(0.05, abs=0.005)


def test_single_stream_needs_a_second_frame():
    time = Time()
    alone = requests(2)
    alone = [type(one)(one.number, one.clip, one.portrait, one.speech, None, 1) for one in alone]
    with pytest.raises(Lacking, match="second frame"):
        time_single_stream(Subject(time, clips=alone), conditions(time))


def test_clip_latency_is_of_whole_files(tmp_path: Path):
    time = Time()
    measured = time_clip_latency(Subject(time), conditions(time, seconds=60.0), tmp_path)
    # 31 to 41 frames at 15 ms and 0.2 s before: work for a second of video
    longest, shortest = (25 * (0.015 + 0.2 / frames) for frames in (31, 41))
    middle, slow = (measured.figures[name].value for name in ("rtf_p50", "rtf_p90"))
    assert shortest < middle < slow == pytest.approx(longest)
    assert {stage.name for stage in measured.stages} == {"decode", "motion", "render", "encode"}


def test_offline_takes_turns_in_pairs(tmp_path: Path):
    time = Time()
    subject = Subject(time)
    given = conditions(time, seconds=40.0, frames=1000, batch=8, monitor=Meter(time))
    measured = time_offline(subject, given, tmp_path)
    frames = np.array([request.frames for request in subject.requests])
    assert measured.figures["network_frames_per_s"].value == pytest.approx(100.0, rel=0.01)
    whole = frames.sum() / (0.015 * frames.sum() + 0.2 * len(frames))
    assert measured.figures["frames_per_s"].value == pytest.approx(whole, rel=0.05)
    assert measured.figures["end_to_end_share"].value == pytest.approx(whole / 100.0, rel=0.05)
    assert measured.figures["frames_per_j"].value == pytest.approx(whole / 200.0, rel=0.05)
    order = measured.remarks["turns"]
    assert len(order) >= 8 and all(order[k : k + 2] in ("AB", "BA") for k in range(0, len(order), 2))
    assert {"AB", "BA"} == {order[k : k + 2] for k in range(0, len(order), 2)}
    expected = np.sum(frames % 8) / frames.sum()
    assert measured.figures["tail_share"].value == pytest.approx(expected, abs=0.05)


def test_scores_are_made_ready_outside_the_networks_time(tmp_path: Path):
    time = Time()
    subject = Subject(time)
    measured = time_offline(subject, conditions(time), tmp_path)
    assert measured.figures["network_frames_per_s"].value == pytest.approx(100.0, rel=0.01)
    made_ready = [call for k, call in enumerate(subject.calls) if call not in subject.calls[:k] and call != "A"]
    assert made_ready == [f"paint {k}" for k in range(len(subject.requests))]


def test_a_method_without_networks_of_its_own_has_no_such_figure(tmp_path: Path):
    class Foreign(Subject):
        def paint(self, request: Any) -> int:
            raise Lacking("a command paints it")

    time = Time()
    measured = time_offline(Foreign(time), conditions(time), tmp_path)
    assert "network_frames_per_s" not in measured.figures and measured.figures["frames_per_s"].value > 0
    assert measured.remarks["B"] == "a command paints it" and set(measured.remarks["turns"]) == {"A"}
    assert "frames_per_j" not in measured.figures and measured.monitor["reason"] == "nobody was asked to look on"
