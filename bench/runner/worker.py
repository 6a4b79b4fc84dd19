"""What happens inside a worker process: it keeps its dataset, adapters and last inputs open between tasks."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.adapters import open_adapter
from bench.adapters.base import Adapter
from bench.datasets.catalogue import choices, open_dataset
from bench.errors import BenchError, MediaError, StorageError
from bench.io.decode import frames as decode
from bench.io.digest import ArrayDigest
from bench.io.spool import Video, spool
from bench.records import Dataset, Job
from bench.runner.files import MatchError, read_files, read_given
from bench.runner.measure import Material, measure, say
from bench.runner.pooling import SIGHTINGS
from bench.runner.prepare import Digests, Inputs, digest, prepare
from bench.runner.sightings import SightingStore
from bench.runner.tasks import Failure, Files, Generate, Made, Measure, Measured, Pair, Prepare, Prepared, Result, Task
from metrics.errors import MetricError
from protocols.schema import Protocol

_KEPT = 2
"""Clips whose inputs stay in memory: the one in work, and the next while its predecessor is still measured."""
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Settings:
    """What every worker of a run knows. protocol: expanded. others: drivers for wrong-speech controls."""

    protocol: Protocol
    folder: Path
    run_id: str
    others: tuple[str, ...]
    threads: int


class _Mismatch(BenchError):
    """Inputs that are not what they were when the run hashed them."""


class Worker:
    """One process's memory: everything is opened when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._dataset: Dataset | None = None
        self._adapters: dict[str, Adapter] = {}
        self._inputs: OrderedDict[Pair, tuple[Inputs, Digests]] = OrderedDict()
        self._files: OrderedDict[Files, tuple[Material, Digests]] = OrderedDict()
        self._sightings = SightingStore(settings.folder / SIGHTINGS)

    def prepare(self, task: Prepare) -> Prepared:
        """Hashes of a clip's inputs."""
        start = time.perf_counter()
        if isinstance(task.source, Files):
            material, digests = self._open_files(task.source)
            seconds = {"prepare": time.perf_counter() - start}
            measured = self._compute(material, task.metrics) if task.metrics else None
            return Prepared(digests, seconds, material.frames_sha256, measured=measured)
        inputs, digests = self._open_pair(task.source)
        return Prepared(digests, {"prepare": time.perf_counter() - start}, phones_by=inputs.speech.phones_by)

    def generate(self, task: Generate) -> Made:
        """The video under its key: read where it is whole already, made where it is not or is asked for anew."""
        path = self._settings.folder / "videos" / f"{task.key}.mkv"
        made = None if task.anew else _read_back(path)
        if made is None or made.frames != task.digests.frames:
            made = self._make(task, path)
        if made.frames != task.digests.frames:
            path.unlink(missing_ok=True)
            raise BenchError(f"method {task.method} made {made.frames} frames, expected {task.digests.frames}")
        return made

    def measure(self, task: Measure) -> Measured:
        """Outcomes of the metrics asked for."""
        start = time.perf_counter()
        material = self._material(task)
        decoded = time.perf_counter() - start
        measured = self._compute(material, task.metrics)
        return Measured(measured.outcomes, {"decode": decoded, **measured.seconds})

    def _compute(self, material: Material, metrics: tuple[str, ...]) -> Measured:
        from metrics.registry import get

        return Measured(*measure(material, [get(name) for name in metrics], self._sightings))

    def _make(self, task: Generate, path: Path) -> Made:
        inputs, digests = self._open_pair(task.pair)
        if digests != task.digests:
            raise _Mismatch(f"inputs of {task.pair.reference} and {task.pair.driver} changed during the run")
        if task.method not in self._adapters:
            self._adapters[task.method] = open_adapter(task.method)
        job = Job(
            portrait=inputs.portrait,
            speech=inputs.speech,
            frames=inputs.frames,
            setting=task.setting,
            seed=task.seed,
            pose=inputs.pose,
            take=inputs.take if "truth" in task.uses else None,
            other_speech=inputs.other if "other_speech" in task.uses else None,
            workdir=str(self._work),
        )
        made = self._adapters[task.method].generate(job, path, run_id=self._settings.run_id)
        return Made(made.sha256, made.frames, dict(made.seconds))

    def _material(self, task: Measure) -> Material:
        if isinstance(task.source, Files):
            material, digests = self._open_files(task.source)
        else:
            inputs, digests = self._open_pair(task.source)
            material = _pair_material(inputs, digests, *spool(task.video, self._work))
        if digests != task.digests:
            raise _Mismatch(f"inputs of {task.source} changed during the run")
        if material.frames_sha256 != task.video_sha256:
            raise MediaError(f"{task.video.name}: its pixels changed during the run")
        return material

    def _open_pair(self, pair: Pair) -> tuple[Inputs, Digests]:
        def read() -> tuple[Inputs, Digests]:
            if self._dataset is None:
                self._dataset = open_dataset(self._settings.protocol.dataset, choices(self._settings.protocol))
            inputs = prepare(
                self._dataset,
                pair.reference,
                pair.driver,
                size=pair.size,
                pose_rule=pair.pose,
                others=self._settings.others,
            )
            return inputs, digest(inputs)

        return _kept(self._inputs, pair, read)

    def _open_files(self, files: Files) -> tuple[Material, Digests]:
        def read() -> tuple[Material, Digests]:
            if files.pair is None:
                return read_files(files, self._work)
            assert files.video is not None
            return read_given(files.video, *self._open_pair(files.pair), self._work)

        return _kept(self._files, files, read)

    @property
    def _work(self) -> Path:
        return self._settings.folder / "work"


def start(settings: Settings) -> None:
    """A worker process's first act. Nothing is opened yet: what cannot be opened is a task's failure, not a crash."""
    global _worker
    _worker = Worker(settings)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(settings.threads)


def perform(task: Task) -> Result:
    """The result of a task; whatever breaks becomes a Failure with its stage and reason."""
    assert _worker is not None, "start() comes first"
    stage = {Prepare: "prepare", Generate: "generate", Measure: "decode"}[type(task)]
    try:
        if isinstance(task, Prepare):
            return _worker.prepare(task)
        return _worker.generate(task) if isinstance(task, Generate) else _worker.measure(task)
    except StorageError as error:
        return Failure(stage, str(error), fatal=True)
    except _Mismatch as error:
        return Failure("prepare", str(error))
    except MatchError as error:
        return Failure("match", str(error))
    except (BenchError, MetricError) as error:
        return Failure(stage, str(error))
    except Exception as error:
        return Failure(stage, say(error))


_worker: Worker | None = None
"""The state of this process, if it is a worker."""


def _kept(memory: OrderedDict[K, V], key: K, read: Callable[[], V]) -> V:
    """The value of a key from a small memory that forgets what was used longest ago."""
    if key in memory:
        memory.move_to_end(key)
        return memory[key]
    while len(memory) >= _KEPT:
        memory.popitem(last=False)
    memory[key] = read()
    return memory[key]


def _read_back(path: Path) -> Made | None:
    """What lies under a key already: it was put there whole. None where there is nothing, or where the disk lost it."""
    if not path.is_file():
        return None
    begin = time.perf_counter()
    pixels, count, shape = ArrayDigest(), 0, (0, 0, 3)
    try:
        for frame in decode(path):
            pixels.add(frame)
            count, shape = count + 1, frame.shape
    except MediaError:
        return None
    pixels.close(np.dtype(np.uint8), (count, *shape))
    return Made(pixels.hexdigest(), count, {"read": time.perf_counter() - begin})


def _pair_material(inputs: Inputs, digests: Digests, shown: Video, pixels: str) -> Material:
    take = inputs.take
    points = None if take is None or take.landmarks is None else take.landmarks.astype(np.float64)
    return Material(
        frames=shown,
        frames_sha256=pixels,
        truth=None if take is None else take.frames,
        truth_sha256=digests.truth,
        samples=inputs.speech.samples,
        truth_samples=None if take is None else take.speech.samples,
        truth_points=points,
        phones=inputs.speech.phones,
        no_truth="the dataset has no take of this reference with this driver",
    )
