"""A protocol's methods under its settings, scenario by scenario, as rows of speed with the fidelity of what was timed.

Every row is on disk before the next one is begun; what has a row of the same key is not timed again, so a run that was
interrupted goes on. The key stands for whatever decides a speed: protocol, method and its weights, setting, scenario,
mode, code, machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datasets.catalogue import describe
from bench.errors import BenchError, ConfigError
from bench.io.digest import sha256_json
from bench.perf.machine import describe_machine, now
from bench.perf.plan import Plan
from bench.perf.plan import plan as make_plan
from bench.perf.subject import Lacking, Request, Subject
from bench.perf.timing import Task, time_task
from bench.records import Setting
from bench.runner.expand import expand, settings
from bench.runner.methods import Method, describe_method, open_methods
from bench.runner.run import describe_dataset, open_clips
from bench.store import manifest, speeds
from bench.store.closure import closure_sha256
from bench.store.files import make_folder
from bench.store.lock import held
from bench.store.source import describe_code
from bench.store.speeds import FidelityRow, SpeedRow
from protocols import catalogue
from protocols.schema import Protocol, Timing
from protocols.validation import nearest

Advance = Callable[[str, float, float | None], None]
Open = Callable[[Method, Setting, Sequence[Request], int], Subject]

_TIMING = ("bench.perf.timing", "bench.perf.opening")
_OURS = (
    *("avct", "bench.perf", "bench.adapters", "bench.io", "bench.assembly", "bench.front", "bench.generate"),
    *("bench.faces", "bench.framing", "bench.headmotion"),
)
"""Code that times and that is timed: an edit of a table must not make a night's rows worthless."""


@dataclass(frozen=True)
class Order:
    """What is to be timed. settings: names or beginnings of them, empty: all. mode: "full" or "quick". threads: of
    torch, None: one a core. again: also what has a row already."""

    protocol: Protocol
    settings: tuple[str, ...] = ()
    mode: str = "full"
    threads: int | None = None
    again: bool = False


@dataclass(frozen=True)
class Timed:
    """What the folder holds afterwards of what was asked for. timed, reused: rows; failed ones are among both."""

    folder: Path
    speeds: tuple[SpeedRow, ...]
    fidelities: tuple[FidelityRow, ...]
    timed: int
    reused: int

    @property
    def failed(self) -> int:
        """Rows without a speed."""
        return sum(row.status == "failed" for row in self.speeds)

    @property
    def exit_code(self) -> int:
        """0 where every row counts, 1 where one failed or could not be verified."""
        return int(any(row.status != "ok" for row in self.speeds))


def measure(order: Order, out: Path, *, advance: Advance = lambda *_: None, open_subject: Open | None = None) -> Timed:
    """Times what was ordered into the folder `out` and returns its rows.

    open_subject: makes the subject of a method under a setting; replaced in tests. Raises ConfigError, MissingError,
    BusyError, StorageError; what a method or a scenario cannot do is a row.
    """
    from bench.perf.inputs import read_clips
    from bench.perf.opening import open_subject as usual
    from bench.store.device import usable_cores

    timing = order.protocol.timing or Timing()
    lasting = make_plan(order.mode) if order.mode == "quick" else make_plan(
        "full", seconds=timing.seconds, frames=timing.frames
    )  # fmt: skip
    dataset = open_clips(order.protocol)
    protocol = expand(order.protocol, dataset)
    chosen = choose(settings(protocol), order.settings)
    methods = open_methods(protocol.methods, chosen)
    threads = order.threads or usable_cores()
    machine = describe_machine([setting.device for setting in chosen], threads)
    make_folder(out)
    with held(out):
        code = describe_code()
        tasks = list(_tasks(order, protocol, timing, lasting, list(methods.values()), chosen, machine, code))
        begun = manifest.begin(out, _asked(order.protocol, protocol, dataset, methods, chosen, len(tasks), threads))
        advance("clips", 0, len(tasks))
        requests = read_clips(protocol, dataset)
        known = {row.id: row for row in speeds.read(out)[0]}
        reused = [t for t in tasks if not order.again and _counts(known.get(t.id), t)]
        todo = [task for task in tasks if task not in reused]
        _carry_out(todo, out, requests, open_subject or usual, advance, done=len(reused), total=len(tasks))
        timed = _gather(out, tasks, len(todo), len(reused))
        manifest.complete(
            out, begun, code=timed.exit_code, reason="" if not timed.exit_code else "some rows do not count",
            cells={"total": len(tasks), "done": len(tasks) - timed.failed, "failed": timed.failed,
                   "reused": timed.reused},
            inputs_sha256=sha256_json([[r.portrait.name, r.speech.name, r.frames] for r in requests]),
        )  # fmt: skip
    return timed


def choose(all: Sequence[Setting], names: Sequence[str]) -> list[Setting]:
    """The settings of those names or beginnings, in the protocol's order. ConfigError where one fits none."""
    known = [setting.name for setting in all]
    for name in names:
        if not any(one.startswith(name) for one in known):
            raise ConfigError(f"--setting: no setting {name!r}.{nearest(name, known)}")
    exact = {name for name in names if name in known}
    wanted = lambda one: one in exact or any(one.startswith(n) for n in names if n not in exact)  # noqa: E731
    return [setting for setting in all if not names or wanted(setting.name)]


def _tasks(
    order: Order, protocol: Protocol, timing: Timing, lasting: Plan, methods: Sequence[Method],
    chosen: Sequence[Setting], machine: dict[str, Any], code: dict[str, Any],
) -> Iterator[Task]:  # fmt: skip
    aside = [] if lasting.mode == "full" else [lasting.mode]  # what was looked at takes no place of what counts
    for method in methods:
        for setting in chosen:
            detailed = not timing.detailed or setting.name in timing.detailed
            for scenario in timing.scenarios:
                if not detailed and scenario != "offline" and "offline" in timing.scenarios:
                    continue
                told = {
                    "protocol": order.protocol.hash(), "method": method.name,
                    "fingerprint": method.fingerprints.get(setting.name), "setting": dict(setting.__dict__),
                    "scenario": scenario, "plan": [lasting.mode, lasting.seconds, lasting.frames],
                    "seed": timing.seed, "sampled": timing.sampled,
                    "code": closure_sha256(_TIMING, _OURS), "machine": machine,
                }  # fmt: skip
                yield Task(
                    id="/".join([method.name, setting.name, scenario, *aside]), key=sha256_json(told),
                    protocol=protocol.id, method=method, setting=setting, scenario=scenario, plan=lasting,
                    seed=timing.seed, sampled=timing.sampled, machine=machine, code=code,
                )  # fmt: skip


def _counts(row: SpeedRow | None, task: Task) -> bool:
    """Whether a row is the outcome of the same task; what failed is tried again."""
    return row is not None and row.code.get("key") == task.key and row.status != "failed"


def _carry_out(
    todo: Sequence[Task], out: Path, requests: Sequence[Request], opening: Open, advance: Advance, *, done: int,
    total: int,
) -> None:  # fmt: skip
    """Rows of tasks into the folder; a subject is kept while tasks are about the same method and setting."""
    subject: Subject | None = None
    about: tuple[str, str] | None = None
    compiled = 0.0
    for number, task in enumerate(todo, done):
        label = task.id

        def within(note: str, part: float, whole: float, number: int = number, label: str = label) -> None:
            advance(f"{label}: {note}", number + min(1.0, part / whole if whole else 0.0), total)

        within("opening", 0, 1)
        try:
            if task.method.lacking is not None:
                raise Lacking(task.method.lacking)
            if about != (task.method.name, task.setting.name):
                subject = None  # the one before goes before the next one comes
                subject = opening(task.method, task.setting, requests, int(task.machine["threads"]))
                about = (task.method.name, task.setting.name)
                compiled = subject.prepare()
            assert subject is not None
            rows = time_task(task, subject, compiled, advance=within)
        except (Lacking, BenchError) as error:
            if about != (task.method.name, task.setting.name):
                subject, about = None, None
            rows = [_failed(task, str(error))]
        for row in rows:
            speeds.append(out, row)
        within("done", 1, 1)


def _failed(task: Task, reason: str) -> SpeedRow:
    return SpeedRow(
        id=task.id, protocol=task.protocol, method=task.method.name, scenario=task.scenario,
        setting=dict(task.setting.__dict__), mode=task.plan.mode, status="failed", reason=" ".join(reason.split()),
        machine=task.machine, code={**task.code, "key": task.key}, started=now(),
    )  # fmt: skip


def _gather(out: Path, tasks: Sequence[Task], timed: int, reused: int) -> Timed:
    found, fidelities = speeds.read(out)
    asked = {task.id for task in tasks}
    rows = tuple(row for row in found if row.id in asked)
    linked = {row.gate for row in rows}
    return Timed(out, rows, tuple(row for row in fidelities if row.id in linked), timed, reused)


def _asked(
    declared: Protocol, protocol: Protocol, dataset: Any, methods: dict[str, Method], chosen: Sequence[Setting],
    count: int, threads: int,
) -> manifest.Asked:  # fmt: skip
    from bench.io.versions import library_versions

    prints = [p for m in methods.values() for p in m.fingerprints.values()]
    weights = {weight["sha256"]: weight for each in prints for weight in each.get("weights", ())}
    described = describe(protocol.dataset)
    return manifest.Asked(
        protocol=protocol.as_dict(), protocol_hash=protocol.hash(), declared_hash=declared.hash(),
        protocol_state=catalogue.standing(declared), dataset=describe_dataset(declared, dataset),
        methods=[describe_method(method, described, protocol) for method in methods.values()],
        seeds=list(protocol.axes.seeds), weights=list(weights.values()),
        devices=[setting.device for setting in chosen], libraries=library_versions(), cells=count, executor="inline",
        workers=0, threads=threads,
    )  # fmt: skip
