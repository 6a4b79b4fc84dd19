"""Carries out a plan in a run folder: lock, manifest, journal, workers, and the row file at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import executors
from bench.adapters.process import end_leftovers
from bench.errors import BenchError, ConfigError, StorageError
from bench.executors.base import Crew
from bench.io.digest import sha256_json
from bench.io.versions import library_versions
from bench.records import Cell
from bench.runner.how import How
from bench.runner.methods import Method
from bench.runner.overwrite import check_policy, remarks
from bench.runner.pooling import FOLDER as POOLED
from bench.runner.pooling import SIGHTINGS, pool
from bench.runner.session import Session
from bench.runner.tally import Progress
from bench.runner.tasks import Failure, Result, Source, Task
from bench.runner.weights import describe_weights
from bench.runner.worker import Settings, perform, start
from bench.stats.summary import clips
from bench.store.files import make_folder
from bench.store.journal import FILE as JOURNAL
from bench.store.journal import Journal
from bench.store.lock import held
from bench.store.manifest import Asked, begin, complete
from bench.store.rows import FILE as ROWS
from bench.store.rows import write_sorted
from protocols.catalogue import standing
from protocols.schema import Protocol

if TYPE_CHECKING:
    from metrics.registry import Variant

INTERRUPTED = 130
"""The shell's exit code for a program that SIGINT ended (128 + 2)."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended. reused counts among done. exit_code: 0, 1 (some cells failed) or 130 (interrupted)."""

    folder: Path
    total: int
    done: int
    failed: int
    reused: int
    exit_code: int
    reason: str


@dataclass(frozen=True)
class Plan:
    """All that a run needs to know before it starts. cells: by the clip whose inputs they share.

    protocol: expanded. declared: as it was asked for, whose hash is the definition's.
    """

    protocol: Protocol
    declared: Protocol
    cells: Mapping[Source, list[Cell]]
    variants: Sequence[Variant]
    methods: Mapping[str, Method]
    others: tuple[str, ...]
    dataset: Mapping[str, Any]
    described: Sequence[Mapping[str, Any]]


def execute(plan: Plan, out: Path, *, how: How, progress: Callable[[Progress], None] | None) -> RunResult:
    """Carry out a plan in a run folder that no other process holds."""
    check_policy(how.overwrite)
    workers, threads = how.workers, how.threads
    if workers < 0 or (threads is not None and threads < 1):
        raise ConfigError(f"expected workers of 0 or more and at least one thread, got {workers} and {threads}")
    if workers == 0 and how.executor not in ("local", "inline"):
        raise ConfigError(f"executor {how.executor!r} expects at least one worker, got 0")
    options, executor = dict(how.options), how.executor if workers else "inline"
    executors.check(executor, options)
    threads = threads or executors.threads(executor, workers, options)
    folder = make_folder(out)
    total = sum(map(len, plan.cells.values()))
    with held(folder):
        _sweep(folder, anew=how.overwrite == "always")
        manifest = begin(folder, _asked(plan, total=total, executor=executor, workers=workers, threads=threads))
        with Journal(folder / JOURNAL) as journal:
            session = Session(
                protocol_id=plan.protocol.id,
                methods=plan.methods,
                variants=plan.variants,
                journal=journal,
                folder=folder,
                total=total,
                overwrite=how.overwrite,
                progress=progress,
            )
            known = Settings(plan.protocol, folder, manifest["run_id"], plan.others, threads)
            crew = _crew(known, workers=workers, options=options)
            try:
                executors.open_executor(executor, crew).run(session.begin(plan.cells), done=session.advance, lost=_lost)
                code, reason = (
                    (1, f"{session.tally.failed} of {total} cells failed") if session.tally.failed else (0, "finished")
                )
                reason += remarks(stale=session.tally.stale, left=session.tally.left)
            except KeyboardInterrupt:
                code = INTERRUPTED
                reason = f"interrupted with {session.tally.done + session.tally.failed} of {total} cells finished"
            except BenchError as error:
                with suppress(StorageError):  # the disk may be what the error is about, and that is what to say
                    _end(folder, manifest, session, code=error.exit_code, reason=str(error), total=total)
                raise
            session.tally.settle()
            pooled = [] if code == INTERRUPTED else _pool(plan, session, folder)
            write_sorted(folder / ROWS, session.tally.rows(pooled))
            broken = [row for row in pooled if row["status"] == "failed"]
            if broken and code == 0:
                code, reason = 1, f"{broken[0]['metric']} of {broken[0]['method']}: {broken[0]['reason']}"
            _end(folder, manifest, session, code=code, reason=reason, total=total)
    shutil.rmtree(folder / "work", ignore_errors=True)
    return RunResult(folder, total, session.tally.done, session.tally.failed, session.tally.reused, code, reason)


def _crew(known: Settings, *, workers: int, options: Mapping[str, str]) -> Crew[Task, Result]:
    policy = known.protocol.failure
    return Crew(
        perform,
        start,
        (known,),
        workers=workers,
        threads=known.threads,
        retries=policy.retries,
        time_limit_s=policy.time_limit_s,
        scratch=known.folder / "work",
        options=options,
    )


def _pool(plan: Plan, session: Session, folder: Path) -> list[dict[str, Any]]:
    """Rows of the metrics that all clips have together."""
    protocol = plan.protocol.as_dict()
    expected = len(clips(protocol))
    return pool(session.tally.rows(), variants=plan.variants, protocol=protocol, folder=folder, expected=expected)


def _lost(task: Task, why: str) -> Failure:
    return Failure("worker", why)


def _sweep(folder: Path, *, anew: bool) -> None:
    """End and remove what a killed run left half done; make the folders that workers write to.

    anew: what was seen and pooled before is forgotten.
    """
    end_leftovers(folder / "work")
    shutil.rmtree(folder / "work", ignore_errors=True)
    for name in ("work", "videos"):
        make_folder(folder / name)
    if anew:
        shutil.rmtree(folder / "cache", ignore_errors=True)
    for place in (folder, folder / "videos", folder / SIGHTINGS, folder / POOLED):
        for path in place.glob(".*.part"):
            path.unlink(missing_ok=True)


def _asked(plan: Plan, *, total: int, executor: str, workers: int, threads: int) -> Asked:
    weights = {weight["name"]: weight for weight in describe_weights(plan.variants)}
    for method in plan.methods.values():
        for fingerprint in method.fingerprints.values():
            weights |= {weight["name"]: weight for weight in fingerprint["weights"]}
    return Asked(
        protocol=plan.protocol.as_dict(),
        protocol_hash=plan.protocol.hash(),
        declared_hash=plan.declared.hash(),
        protocol_state=standing(plan.declared),
        dataset=plan.dataset,
        methods=plan.described,
        seeds=plan.protocol.axes.seeds,
        weights=[weights[name] for name in sorted(weights)],
        devices=[setting.device for setting in plan.protocol.settings],
        libraries=library_versions(),
        cells=total,
        executor=executor,
        workers=workers,
        threads=threads,
    )


def _end(folder: Path, manifest: Mapping[str, Any], session: Session, *, code: int, reason: str, total: int) -> None:
    counts = {
        "total": total,
        "done": session.tally.done,
        "failed": session.tally.failed,
        "reused": session.tally.reused,
    }
    whole = code in (0, 1) and len(session.inputs) == session.sources
    root = sha256_json(dict(sorted(session.inputs.items()))) if whole else None
    complete(folder, manifest, code=code, reason=reason, cells=counts, inputs_sha256=root)
