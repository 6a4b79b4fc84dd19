"""The executor `ray`: actors of a Ray cluster, of this machine or of the one that RAY_ADDRESS names.

Options: num_cpus, num_gpus of each worker. Ray hides graphics cards from workers that ask for none.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic

from bench.errors import ConfigError
from bench.executors.base import DIED, UNSTARTED, Crew, Lost, News, R, Ready, T, check_options
from bench.executors.course import carry_out
from bench.executors.host import Host, pack

OPTIONS = ("num_cpus", "num_gpus")
_SURROUNDINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # else a worker of `uv run` sets the whole project up anew
}
_STORE_BYTES = 100 * 2**20
"""Of the object store, through which only tasks and their small results go; Ray asks for a third of the memory."""


class RayExecutor(Generic[T, R]):
    """Runs tasks on actors, each the keeper of a worker process."""

    def __init__(self, crew: Crew[T, R]) -> None:
        self._crew = crew

    def run(self, tasks: Iterable[T], *, done: Callable[[T, R], Iterable[T]], lost: Callable[[T, str], R]) -> None:
        """Run tasks to the end (`Executor.run`). Raises ConfigError where the cluster is too small for one worker."""
        with _cluster(self._crew) as ray:
            carry_out(_Staff(ray, self._crew), self._crew, tasks, done=done, lost=lost)


class _Staff:
    """The actors. refs: what is awaited -> the actor that owes it."""

    def __init__(self, ray: Any, crew: Crew[Any, Any]) -> None:
        self._ray, self._packed = ray, pack(crew)
        # Lost tasks are tried again by the course; Ray itself is to try nothing.
        self._kind = ray.remote(max_restarts=0, max_task_retries=0, **_needs(crew.options))(_Actor)
        self._actors: set[Any] = set()
        self._started: set[Any] = set()
        self._refs: dict[Any, Any] = {}

    def hire(self) -> Any:
        actor = self._kind.remote(self._packed)
        self._actors.add(actor)
        self._refs[actor.ready.remote()] = actor
        return actor

    def give(self, worker: Any, task: Any) -> None:
        self._refs[worker.perform.remote(pickle.dumps(task))] = worker

    def wait(self) -> Sequence[tuple[Any, News]]:
        ended, _ = self._ray.wait(list(self._refs), num_returns=1)
        return [(actor := self._refs.pop(ref), self._read(ref, actor)) for ref in ended]

    def let_go(self) -> None:
        """Nothing: actors stay until they are ended."""

    def end(self) -> None:
        """End all actors; their worker processes end with them."""
        for actor in self._actors:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(actor)

    def _read(self, ref: Any, actor: Any) -> News:
        try:
            said = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError:
            raise
        except self._ray.exceptions.RayError:
            self._actors.discard(actor)
            return Lost(DIED if actor in self._started else UNSTARTED, gone=True)
        if said is None:
            self._started.add(actor)
            return Ready()
        return pickle.loads(said)


class _Actor:
    """What Ray makes an actor of."""

    def __init__(self, packed: bytes) -> None:
        self._host = Host(packed)

    def ready(self) -> None:
        """Answers when the actor has started."""

    def perform(self, task: bytes) -> bytes:
        return self._host.perform(task)


@contextmanager
def _cluster(crew: Crew[Any, Any]) -> Iterator[Any]:
    """Ray, connected: to a cluster that this process is connected to already, to RAY_ADDRESS, or to one of its own.

    Its own cluster takes this machine alone and ends with the block. Ray tells of dead workers on standard output,
    where other programs read our JSON: during the block that goes to standard error.
    """
    before = {name: os.environ.get(name) for name in _SURROUNDINGS}
    os.environ.update(_SURROUNDINGS)
    ray = _ray()
    theirs = ray.is_initialized()
    needs = _needs(crew.options)
    with contextlib.redirect_stdout(sys.stderr):
        try:
            if not theirs:
                quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
                if os.environ.get("RAY_ADDRESS"):
                    ray.init(**quiet)
                else:
                    cores = max(1, round(crew.workers * needs["num_cpus"]))
                    ray.init(
                        "local", num_cpus=cores, include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet
                    )
            _check_size(ray.cluster_resources(), needs)
            yield ray
        finally:
            if not theirs:
                ray.shutdown()
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _check_size(there: Mapping[str, float], needs: Mapping[str, float]) -> None:
    """A worker that asks for more than there is would be waited for without end."""
    for ray_name, name, words in (("CPU", "num_cpus", "processors"), ("GPU", "num_gpus", "graphics cards")):
        if needs[name] > there.get(ray_name, 0):
            raise ConfigError(
                f"--executor-option {name}: expected at most the {there.get(ray_name, 0):g} {words} "
                f"of the Ray cluster for one worker, got {needs[name]:g}"
            )


def _needs(options: Mapping[str, str]) -> dict[str, float]:
    """What each worker asks of the cluster."""
    needs = {"num_cpus": 1.0, "num_gpus": 0.0}
    for name, value in options.items():
        try:
            needs[name] = float(value)
        except ValueError:
            needs[name] = -1.0
        if needs[name] < 0 or (needs[name] > 1 and needs[name] % 1):
            raise ConfigError(f"--executor-option {name}: expected a number such as 0.5, 1 or 2, got {value!r}")
    return needs


def _ray() -> Any:
    import ray

    return ray


def check(options: Mapping[str, str]) -> None:
    """Raises ConfigError: unknown or wrong option, or Ray is not installed."""
    check_options("ray", options, OPTIONS)
    _needs(options)
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("executor 'ray' needs the extra `ray`, which is not installed: `uv run --extra ray …`")


def threads(workers: int, options: Mapping[str, str]) -> int:
    """As many as the cores that a worker asks for."""
    return max(1, int(_needs(options)["num_cpus"]))


def open_executor(crew: Crew[T, R]) -> RayExecutor[T, R]:
    """The executor."""
    return RayExecutor(crew)
