"""The two controls that need no generator: the truth itself, and the portrait that does not move."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from bench.adapters.base import Generated, GenerationError, setting_fingerprint
from bench.io.encode import write_lossless
from bench.records import Job, Setting
from protocols.method import BuiltinMethod


class GroundTruth:
    """The truth as a method: the upper bound of every metric, and the test that a metric reads perfection as such."""

    def __init__(self, spec: BuiltinMethod) -> None:
        self.name, self._spec = spec.name, spec

    def fingerprint(self, setting: Setting) -> dict[str, Any]:
        """The specification alone; no weights."""
        return _fingerprint(self._spec, setting)

    def generate(self, job: Job, out: Path, *, run_id: str) -> Generated:
        """The take's frames. Raises GenerationError where the pair of reference and driver was never filmed."""
        if job.take is None:
            raise GenerationError("needs the truth: the dataset has no take of this reference with this driver")
        return _write(job, out, job.take.frames, run_id=run_id)


class Still:
    """The portrait, unmoved, for the length of the speech: what a method earns by doing nothing."""

    def __init__(self, spec: BuiltinMethod) -> None:
        self.name, self._spec = spec.name, spec

    def fingerprint(self, setting: Setting) -> dict[str, Any]:
        """The specification alone; no weights."""
        return _fingerprint(self._spec, setting)

    def generate(self, job: Job, out: Path, *, run_id: str) -> Generated:
        """The portrait's image repeated."""
        return _write(job, out, repeat(job.portrait.image, job.frames), run_id=run_id)


def _fingerprint(spec: BuiltinMethod, setting: Setting) -> dict[str, Any]:
    described = setting_fingerprint(setting, sensitive=spec.sensitive_to_setting)
    return {"method": spec.hash(), "weights": [], "code": None, **described}


def _write(job: Job, out: Path, frames: Iterable[np.ndarray], *, run_id: str) -> Generated:
    start = time.perf_counter()
    written = write_lossless(out, frames, samples=job.speech.samples, run_id=run_id)
    return Generated(written.path, written.frames, written.sha256, {"encode": time.perf_counter() - start})
