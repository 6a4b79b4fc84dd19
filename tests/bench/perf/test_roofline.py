"""Shares of bounds, on figures that can be worked out by hand."""

from __future__ import annotations

import pytest

from bench.perf.ceilings import Ceilings
from bench.perf.counting import Work
from bench.perf.roofline import bound, report, total
from bench.store.speeds import StageTime

WORKS = {
    "portrait": Work(counted=1e9, bytes=300e6),  # 10 ms of arithmetic, 30 ms of memory
    "motion": Work(counted=2e9, bytes=10e6),  # 20 ms of arithmetic, 1 ms of memory
    "render": Work(counted=4e9, added={"warp": 4e9}, bytes=50e6),  # 20 ms in bfloat16, 5 ms
    "copy": Work(bytes=4e6),
    "encode": Work(bytes=2e6),
}
STAGES = (
    StageTime("decode", 1.0),
    StageTime("portrait", 60.0),
    StageTime("motion", 40.0),
    StageTime("render", 100.0),
    StageTime("copy", 0.5),
    StageTime("encode", 3.0),
)


def device(kind: str) -> Ceilings:
    return Ceilings(kind, "it", 1, {}, False, {"float32": 100e9, "bfloat16": 400e9}, 10e9)


def test_each_stage_is_held_against_the_nearer_ceiling() -> None:
    found = {stage.name: stage for stage in bound(STAGES, WORKS, device("cpu"), precision="bfloat16")}
    assert found["decode"] == STAGES[0]
    assert found["motion"].bound == pytest.approx(0.5) and found["motion"].limit == "compute"
    assert found["render"].flops == 8e9 and found["render"].bound == pytest.approx(0.2)
    assert found["portrait"].bound == pytest.approx(0.5) and found["portrait"].limit == "memory"
    assert found["copy"].bytes == 4e6 and found["copy"].bound is None and found["encode"].bound is None
    exact = {stage.name: stage for stage in bound(STAGES, WORKS, device("cpu"), precision="float32")}
    assert exact["render"].bound == pytest.approx(0.8) and exact["motion"] == found["motion"]


def test_on_a_gpu_the_device_s_own_time_counts() -> None:
    timed = (StageTime("render", 100.0, device=40.0), StageTime("copy", 0.5, device=0.4), StageTime("encode", 3.0))
    found = bound(timed, WORKS, device("cuda"), precision="bfloat16")
    assert found[0].bound == pytest.approx(0.5)
    assert found[1].bytes == 4e6 and found[1].bound is None and found[2].bound is None


def test_a_stage_that_took_no_time_has_no_bound() -> None:
    assert bound((StageTime("render", 0.0),), WORKS, device("cpu"), precision="float32")[0].bound is None


def test_the_sum_weighs_stages_by_what_they_must_take() -> None:
    found = bound(STAGES, WORKS, device("cpu"), precision="bfloat16")
    summed = total(found, WORKS)
    assert summed.host == pytest.approx(200) and summed.device is None
    assert summed.bound == pytest.approx((30 + 20 + 20) / 200) and summed.limit == "compute"
    assert summed.flops == 11e9 and summed.bytes == pytest.approx(360e6)
    assert total(STAGES, WORKS).bound is None


def test_the_terminal_gets_a_line_a_stage() -> None:
    lines = report(bound(STAGES, WORKS, device("cpu"), precision="bfloat16"), WORKS).split("\n")
    assert [line.split()[0] for line in lines] == ["decode", "portrait", "motion", "render", "copy", "encode", "sum"]
    assert lines[0].endswith("1.000 ms")
    assert lines[2] == "motion        40.000 ms     2.000 GFLOP     10.00 MB   50.0% of what compute allows"
    assert len(report(STAGES[:1], WORKS).split("\n")) == 1
