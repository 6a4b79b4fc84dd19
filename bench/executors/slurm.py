"""The executor `slurm`: jobs of a Slurm cluster, submitted through submitit.

Each of the crew's workers is one job that serves many tasks. A job for each task would queue, start Python, load
networks and read its inputs again every time; a worker that stays does so once. Tasks and results are letters in the
run's scratch folder (`bench.executors.mailbox`), which all nodes see as they see the run folder: nothing listens on a
port. The parent alone decides who does what, so no task is taken twice.

Options: those below, as `sbatch` has them, time in minutes. Its own variables, such as SBATCH_PARTITION, count as well.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import math
import os
import pickle
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic

from bench.errors import ConfigError
from bench.executors.base import Crew, Lost, News, R, Ready, T, check_options
from bench.executors.course import carry_out
from bench.executors.host import pack
from bench.executors.mailbox import letters, put, serve, take
from bench.executors.squeue import GONE, State, cancel, job_states
from bench.store.files import make_folder

OPTIONS = (
    "partition", "time", "cpus_per_task", "mem_gb", "gpus_per_node", "account", "qos", "constraint", "nodelist",
    "exclude", "gres",
)  # fmt: skip
_NUMBERS: Mapping[str, Callable[[str], float]] = {
    "time": int,
    "cpus_per_task": int,
    "gpus_per_node": int,
    "mem_gb": float,
}
_NAME = "avct-bench"
_MINUTES = 240
"""Of a job, where nobody says. One that has spent half of its time takes no further task, and another takes its place:
every task has at least half of a job's time."""
_POLL_S = 0.1
_ASK_S = 2.0
"""Between two questions to Slurm's controller, which all users of the cluster ask."""
_BEAT_S = 5.0
_PATIENCE_S = 20.0
"""For jobs that were told to leave."""


class SlurmExecutor(Generic[T, R]):
    """Runs tasks on jobs, each the keeper of a worker process."""

    def __init__(self, crew: Crew[T, R]) -> None:
        self._crew = crew

    def run(self, tasks: Iterable[T], *, done: Callable[[T, R], Iterable[T]], lost: Callable[[T, str], R]) -> None:
        """Run tasks to the end (`Executor.run`). Raises ConfigError where Slurm refuses a job."""
        carry_out(_Staff(self._crew), self._crew, tasks, done=done, lost=lost)


@dataclass(eq=False)
class _Worker:
    """A job. name: of its letters. sent: tasks so far. working: on the last of them."""

    name: str
    job: str
    started: bool = False
    sent: int = 0
    working: bool = False


class _Staff:
    """The jobs: those that work or may, and the numbers of those that were told to leave."""

    def __init__(self, crew: Crew[Any, Any]) -> None:
        assert crew.scratch is not None, "jobs and their parent meet in the scratch folder"
        scratch = Path(os.path.abspath(crew.scratch))
        self._box = make_folder(scratch / "slurm")
        self._logs = make_folder(scratch.parent / "slurm")
        self._packed, self._executor = pack(crew), _submitter(self._logs, crew)
        self._names = itertools.count()
        self._workers: list[_Worker] = []
        self._leaving: list[str] = []
        self._states: Mapping[str, State] = {}
        self._asked, self._beaten = time.monotonic(), -math.inf
        self._losses = 0

    def hire(self) -> _Worker:
        from submitit.core.utils import FailedJobError

        self._beat()
        name = str(next(self._names))
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # submitit repeats what sbatch says; so do we
                job = self._executor.submit(serve, str(self._box), name, self._packed)
        except FailedJobError as error:
            raise ConfigError(f"Slurm refused a job: {_last_words(str(error))}") from None
        self._workers.append(_Worker(name, job.job_id))
        return self._workers[-1]

    def give(self, worker: _Worker, task: Any) -> None:
        put(self._box, f"{worker.name}-{worker.sent}.task", pickle.dumps(task))
        worker.sent, worker.working = worker.sent + 1, True

    def wait(self) -> Sequence[tuple[_Worker, News]]:
        time.sleep(_POLL_S)
        self._beat()
        asked = time.monotonic() - self._asked >= _ASK_S and self._ask()
        lying = letters(self._box)  # after the question: what a job said before it was over still counts
        told: list[tuple[_Worker, News]] = []
        for worker in self._workers:
            what = self._hear(worker, lying) or (self._look(worker) if asked else None)
            if what is not None:
                told.append((worker, what))
        for worker, what in told:
            self._losses += isinstance(what, Lost) and bool(what.why)
            if not isinstance(what, Ready) and getattr(what, "gone", False):
                self._dismiss(worker)
        return told

    def let_go(self) -> None:
        """There is nothing more to do. Jobs that serve leave by themselves and are waited for, others are cancelled."""
        put(self._box, "leave")
        cancel([worker.job for worker in self._workers if not worker.started], self._box)
        jobs = [*self._leaving, *(worker.job for worker in self._workers if worker.started)]
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self._ask() and not any(self._states.get(job, GONE).under_way for job in jobs):
                self._workers, self._leaving = [], []
                return
            time.sleep(_POLL_S)

    def end(self) -> None:
        """Cancel every job that is left. Logs stay where a worker was lost: its last words may be there."""
        cancel([*self._leaving, *(worker.job for worker in self._workers)], self._box)
        if not self._losses:
            shutil.rmtree(self._logs, ignore_errors=True)

    def _hear(self, worker: _Worker, lying: set[str]) -> News | None:
        """What a worker wrote, if anything; one whose job has spent half of its time is gone with that."""
        if not worker.started and f"{worker.name}.ready" in lying:
            worker.started = True
            return Ready()
        letter = f"{worker.name}-{worker.sent - 1}.news"
        if not worker.working or letter not in lying:
            return None
        worker.working = False
        news: Any = pickle.loads(take(self._box, letter))
        return replace(news, gone=True) if hasattr(news, "gone") and self._state(worker).spent > 0.5 else news

    def _look(self, worker: _Worker) -> Lost | None:
        """Whether a worker that says nothing is gone."""
        state = self._state(worker)
        if state.under_way:
            return Lost("", gone=True) if worker.started and not worker.working and state.spent > 0.5 else None
        return Lost(state.why(started=worker.started), gone=True)

    def _state(self, worker: _Worker) -> State:
        return self._states.get(worker.job, GONE)

    def _dismiss(self, worker: _Worker) -> None:
        put(self._box, f"{worker.name}.leave")
        self._workers.remove(worker)
        self._leaving.append(worker.job)

    def _ask(self) -> bool:
        """Ask Slurm how the jobs are; whether it answered."""
        states = job_states(_NAME, self._box)
        self._asked = time.monotonic()
        self._states = self._states if states is None else states
        return states is not None

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= _BEAT_S:
            self._beaten = time.monotonic()
            put(self._box, "beat", str(self._beaten).encode())


def _submitter(logs: Path, crew: Crew[Any, Any]) -> Any:
    """submitit's executor, which writes the batch files and calls sbatch."""
    import submitit

    minutes = _MINUTES if crew.time_limit_s is None else max(_MINUTES, 2 * math.ceil(crew.time_limit_s / 60) + 2)
    executor = submitit.SlurmExecutor(folder=logs, max_num_timeout=0)
    asked = {"time": minutes, "cpus_per_task": crew.threads, **_read(crew.options)}
    # A job that Slurm puts back into the queue has lost its task all the same: a new one takes its place.
    more = {"no-requeue": True}
    executor.update_parameters(
        job_name=_NAME, stderr_to_stdout=True, use_srun=False, additional_parameters=more, **asked
    )
    return executor


def _read(options: Mapping[str, str]) -> dict[str, Any]:
    """Options as submitit takes them. Raises ConfigError."""
    read: dict[str, Any] = {}
    for name, value in options.items():
        try:
            read[name] = _NUMBERS[name](value) if name in _NUMBERS else value
        except ValueError:
            raise ConfigError(f"--executor-option {name}: expected a number, got {value!r}") from None
        if name in _NUMBERS and read[name] <= 0:
            raise ConfigError(f"--executor-option {name}: expected a number above 0, got {value}")
    return read


def _last_words(said: str) -> str:
    """What sbatch said of why not."""
    errors = [line.partition("error: ")[2] for line in said.splitlines() if "sbatch: error: " in line]
    return "; ".join(errors) or said.strip().splitlines()[-1]


def check(options: Mapping[str, str]) -> None:
    """Raises ConfigError: unknown or wrong option, submitit not installed, or no Slurm on this machine."""
    check_options("slurm", options, OPTIONS)
    _read(options)
    if importlib.util.find_spec("submitit") is None:
        raise ConfigError("executor 'slurm' needs the extra `slurm`, which is not installed: `uv run --extra slurm …`")
    for program in ("sbatch", "squeue", "scancel", "srun"):
        if shutil.which(program) is None:
            raise ConfigError(f"executor 'slurm' needs Slurm's program {program}, which is not on this machine's PATH")


def threads(workers: int, options: Mapping[str, str]) -> int:
    """As many as the processors that a job asks for."""
    return int(_read(options).get("cpus_per_task", 1))


def open_executor(crew: Crew[T, R]) -> SlurmExecutor[T, R]:
    """The executor."""
    return SlurmExecutor(crew)
