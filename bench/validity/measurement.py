"""Measures every task in worker processes, by the runs' own code, and keeps what was measured in a journal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.executors import open_executor
from bench.executors.base import Crew, Executor
from bench.io.digest import sha256_array
from bench.runner.measure import Material, measure
from bench.runner.pooling import SIGHTINGS
from bench.runner.sightings import SightingStore
from bench.store.files import make_folder
from bench.store.journal import Journal
from bench.validity.ladders import LADDERS, STAND_INS
from bench.validity.performances import delay
from bench.validity.plan import OFFSET, TRUTH, Case, Task
from bench.validity.scenes import Shown, Stage, stage

JOURNAL = "measured.jsonl"
KEPT = ("value", "status", "reason", "coverage")
"""What the journal keeps of an outcome, and `halves`: means of the per-frame values in both halves of the clip."""
Entry = dict[str, Any]


def show(case: Case, at: Stage) -> Shown:
    """The video of a case."""
    if case.kind == TRUTH:
        return at.truth
    if case.kind == OFFSET:
        return delay(at, case.amount)
    return STAND_INS[case.kind](at) if case.kind in STAND_INS else LADDERS[case.kind].harm(at, case.amount)


def material(case: Case) -> Material:
    """The case as runs give it to metrics. Landmarks "beside the file" are the engine's own, exact in both videos."""
    at = stage(case.scene)
    shown = show(case, at)
    return Material(
        frames=shown.frames,
        frames_sha256=sha256_array(shown.frames),
        truth=at.truth.frames,
        truth_sha256=sha256_array(at.truth.frames),
        samples=shown.samples,
        truth_samples=at.truth.samples,
        truth_points=at.truth.points,
        phones=at.speech.phones,
        file_points=shown.points,
        truth_file_points=at.truth.points,
    )


def measure_all(
    tasks: Sequence[Task], work: Path, *, workers: int, done: Callable[[int, int], None]
) -> dict[tuple[str, str, float], Entry]:
    """Entries by (scene, kind, amount); what the journal in `work` has already is not measured again.

    done: called with tasks finished, and tasks in all. workers 0: in this process.
    """
    make_folder(work)
    with Journal(work / JOURNAL) as journal:
        known: dict[str, Entry] = {}
        for entry in journal:
            _merge(known, entry)
        waiting = [short for task in tasks if (short := _lacking(task, known.get(task.key))) is not None]
        finished = len(tasks) - len(waiting)
        done(finished, len(tasks))

        def keep(_task: Task, entry: Entry) -> Iterator[Task]:
            nonlocal finished
            journal.append(entry)
            _merge(known, entry)
            finished += 1
            done(finished, len(tasks))
            return iter(())

        if waiting:
            _executor(work, workers).run(waiting, done=keep, lost=_lost)
    return {(t.case.scene.name, t.case.kind, t.case.amount): _only(known[t.key], t.variants) for t in tasks}


def _executor(work: Path, workers: int) -> Executor[Task, Entry]:
    threads = max(1, (os.cpu_count() or 1) // max(1, workers))
    crew = Crew(_perform, _start, (work,), workers=workers, threads=threads)
    return open_executor("local" if workers else "inline", crew)


def _start(work: Path) -> None:
    global _store
    _store = SightingStore(work / SIGHTINGS)


_store: SightingStore | None = None
"""What networks saw, in this process and in the work folder."""


def _perform(task: Task) -> Entry:
    from metrics.registry import get

    assert _store is not None, "_start() comes first"
    start = time.perf_counter()
    given = material(task.case)
    outcomes, _ = measure(given, [get(name) for name in task.variants], _store)
    return {
        "key": task.key,
        "scene": task.case.scene.name,
        "kind": task.case.kind,
        "amount": task.case.amount,
        "video_sha256": given.frames_sha256,
        "truth_sha256": given.truth_sha256,
        "seconds": round(time.perf_counter() - start, 2),
        "outcomes": {name: _short(outcome) for name, outcome in outcomes.items()},
    }


def _short(outcome: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: outcome[name] for name in KEPT}
    curve = outcome["per_frame"]
    if curve is None:
        return kept
    values = np.array([np.nan if v is None else v for v in curve])
    halves = [values[: len(values) // 2], values[len(values) // 2 :]]
    return {**kept, "halves": [float(np.nanmean(h)) if np.isfinite(h).any() else None for h in halves]}


def _lost(task: Task, why: str) -> Entry:
    raise BenchError(f"validity: {task.case.scene.name}, {task.case.kind}: {why}")


def _lacking(task: Task, known: Entry | None) -> Task | None:
    """The task with what is not known of it; None where all is. A value that was unavailable is asked for again."""
    if known is None:
        return task
    held = {name for name, outcome in known["outcomes"].items() if outcome["status"] != "unavailable"}
    lacking = [name for name in task.variants if name not in held]
    return replace(task, variants=tuple(lacking)) if lacking else None


def _merge(known: dict[str, Entry], entry: Entry) -> None:
    earlier = known.get(entry["key"])
    known[entry["key"]] = (
        entry if earlier is None else {**entry, "outcomes": {**earlier["outcomes"], **entry["outcomes"]}}
    )


def _only(entry: Entry, variants: Sequence[str]) -> Entry:
    return {**entry, "outcomes": {name: entry["outcomes"][name] for name in variants}}
