"""One method under one setting in one scenario: timed, its frames judged, its stages held against the bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.perf import gate
from bench.perf.ceilings import ceilings
from bench.perf.clip_latency import time_clip_latency
from bench.perf.clock import Clock
from bench.perf.cold_start import time_cold_start
from bench.perf.machine import now
from bench.perf.measurement import Conditions, Measurement
from bench.perf.monitor import Monitor
from bench.perf.multi_stream import time_multi_stream
from bench.perf.offline import time_offline
from bench.perf.plan import QUICK_SECONDS, Plan
from bench.perf.roofline import bound
from bench.perf.sample import Keeper
from bench.perf.single_stream import time_single_stream
from bench.perf.subject import Subject
from bench.records import Setting
from bench.runner.methods import Method
from bench.store.speeds import FidelityRow, SpeedRow, StageTime

Within = Callable[[str, float, float], None]


@dataclass(frozen=True)
class Task:
    """What one row is about. key: of all that decides the speed. seed, sampled: of frames that are held against the
    plain loop; machine, code: for the row."""

    id: str
    key: str
    protocol: str
    method: Method
    setting: Setting
    scenario: str
    plan: Plan
    seed: int
    sampled: int
    machine: Mapping[str, Any]
    code: Mapping[str, Any]


def time_task(
    task: Task,
    subject: Subject,
    compiled: float,
    *,
    advance: Within = lambda *_: None,
    conditions: Conditions | None = None,
) -> list[FidelityRow | SpeedRow]:
    """The rows of a task: its fidelity row, then its speed row, which names it.

    compiled: seconds that compiling took. conditions: in place of the task's own, in tests. Raises `Lacking` where the
    subject cannot take part in the scenario.
    """
    started = now()
    keeper = Keeper(subject.requests, seed=task.seed, count=task.sampled)
    conditions = conditions or Conditions(
        plan=task.plan,
        seed=task.seed,
        monitor=Monitor(task.setting.device),
        clock=lambda: Clock(task.setting.device),
        batch=task.setting.batch,
        advance=advance,
    )
    found = _time(task, subject, replace(conditions, tap=keeper))
    advance("fidelity", 0, 1)
    reference = _AsHeardLive(subject) if task.scenario == "multi-stream" else subject
    fidelity = gate.judge(
        keeper.frames, reference, speed=task.id, seed=task.seed, reached=keeper.reached, count=task.sampled
    )
    row = SpeedRow(
        id=task.id,
        protocol=task.protocol,
        method=task.method.name,
        scenario=task.scenario,
        setting=dict(task.setting.__dict__),
        mode=task.plan.mode,
        status="unverified",
        headline=found.headline,
        figures=found.figures,
        curves=found.curves,
        stages=_bounded(task, subject, found),
        wall=found.wall,
        unaccounted=found.unaccounted,
        excluded=tuple(subject.excluded.get(task.scenario, ())),
        clips=found.clips,
        frames=found.frames,
        seconds=found.seconds,
        warmups=found.warmups,
        compile_s=compiled,
        memory=found.memory,
        machine={**task.machine, **subject.describe()},
        monitor={**found.monitor, "remarks": dict(found.remarks)},
        code={**task.code, "key": task.key},
        started=started,
    )
    if found.reason:
        return [fidelity, gate.verdict(row, None, reason=found.reason)]
    return [fidelity, gate.verdict(row, fidelity)]


def _time(task: Task, subject: Subject, conditions: Conditions) -> Measurement:
    if task.scenario == "cold-start":
        threads = int(task.machine["threads"])
        return time_cold_start(subject, conditions, method=task.method.name, setting=task.setting, threads=threads)
    if task.scenario == "single-stream":
        return time_single_stream(subject, conditions)
    if task.scenario == "multi-stream":
        # short trials find the number and a whole one confirms it: every whole one lasts over a minute
        return time_multi_stream(subject, conditions, probe=None if conditions.plan.mode == "quick" else QUICK_SECONDS)
    files = time_clip_latency if task.scenario == "clip-latency" else time_offline
    with TemporaryDirectory(prefix="avct-perf-") as place:
        return files(subject, conditions, Path(place))


def _bounded(task: Task, subject: Subject, found: Measurement) -> Sequence[StageTime]:
    """The stages with what they compute and move and their share of what the device allows, where that is counted."""
    works = getattr(subject, "works", None)
    if works is None or not found.stages:
        return found.stages
    batch = 1 if task.scenario == "single-stream" else task.setting.batch
    limits = ceilings(task.setting.device, quick=task.plan.mode == "quick")
    return bound(found.stages, works(batch), limits, precision=task.setting.precision)


class _AsHeardLive:
    """A subject whose plain loop knows what a live talker knows: sound is measured against what was heard so far."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.requests = subject.requests
        self.plain = getattr(subject, "plain_live", subject.plain)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)
