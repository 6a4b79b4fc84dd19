"""Metrics of one video: what each needs is found once, and one that breaks takes no other with it."""

from __future__ import annotations

import hashlib
import json
import math
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.records import Phone
from metrics.errors import MetricError, MissingWeights
from metrics.landmarks import GIVEN
from metrics.registry import NAMED_NEEDS

if TYPE_CHECKING:
    from bench.runner.sightings import SightingStore
    from metrics.clip import Clip, Frames, Result
    from metrics.registry import Variant

Outcome = dict[str, Any]
"""The part of a Row that the measurement decides: value, coverage, status, stage, reason, per_frame, series, notes."""


@dataclass(frozen=True)
class Material:
    """All that is known about a video. frames, truth: uint8 (T, H, W, 3) RGB; samples: float32 (N,) at 16 kHz.

    truth_points: float64 (T, 68, 2), exact, or None. no_truth: why there is none. file_points, truth_file_points:
    landmarks of both that lay beside them, float64 (T, 68, 2), NaN where there is no face, or None.
    """

    frames: Frames
    frames_sha256: str
    truth: Frames | None
    truth_sha256: str | None
    samples: np.ndarray | None
    truth_samples: np.ndarray | None
    truth_points: np.ndarray | None
    phones: tuple[Phone, ...] | None
    no_truth: str = "there is no truth for this clip"
    file_points: np.ndarray | None = None
    truth_file_points: np.ndarray | None = None


class _Unavailable(Exception):
    """Something that a variant needs is not there."""


def measure(
    material: Material, variants: Sequence[Variant], sightings: SightingStore
) -> tuple[dict[str, Outcome], dict[str, float]]:
    """Outcome of each variant by id, and the seconds each took, what networks see apart."""
    from metrics.clip import Clip

    finder = _Finder(material, sightings)
    lacking = {variant.id: finder.collect(variant.needs) for variant in variants}
    phones = None
    if material.phones is not None:
        phones = tuple((phone.symbol, phone.start, phone.end) for phone in material.phones)
    clip = Clip(
        frames=material.frames,
        truth=material.truth,
        samples=material.samples,
        truth_samples=material.truth_samples,
        **finder.found,
        phones=phones,
    )
    outcomes: dict[str, Outcome] = {}
    seconds = dict(finder.seconds)
    for variant in variants:
        start = time.perf_counter()
        outcomes[variant.id] = lacking[variant.id] or _evaluate(variant, clip)
        seconds[variant.id] = time.perf_counter() - start
    return outcomes, seconds


def failed(stage: str, reason: str) -> Outcome:
    """The outcome of a metric that has no value because something broke."""
    return _without_value("failed", reason, stage=stage)


def say(error: BaseException) -> str:
    """An unexpected error in one line: type, message and a hash of where it rose, alike on every machine."""
    place = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    mark = hashlib.sha256("\n".join([type(error).__name__, *place]).encode()).hexdigest()[:8]
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message} (traceback {mark})" if message else f"{type(error).__name__} ({mark})"


class _Finder:
    """Finds what variants need, once, and remembers what could not be found. found: as the fields of Clip."""

    def __init__(self, material: Material, sightings: SightingStore) -> None:
        self._material, self._store = material, sightings
        self.found: dict[str, dict[str, np.ndarray]] = {name: {} for name in NAMED_NEEDS}
        self.seconds: dict[str, float] = {}
        self._lacking: dict[str, Outcome] = {}
        given = {"exact": {"truth_landmarks": material.truth_points}}
        given["file"] = {"landmarks": material.file_points, "truth_landmarks": material.truth_file_points}
        for name, fields in given.items():
            for field, points in fields.items():
                if points is not None:
                    self.found[field][name] = points

    def collect(self, needs: Sequence[str]) -> Outcome | None:
        """None where all needs are met, else the outcome that says what is lacking."""
        for need in needs:
            lacking = self._one(need)
            if lacking is not None:
                return lacking
        return None

    def _one(self, need: str) -> Outcome | None:
        if need not in self._lacking:
            start = time.perf_counter()
            try:
                self._find(need)
            except (_Unavailable, MissingWeights) as error:
                self._lacking[need] = _without_value("unavailable", str(error), stage=None)
            except Exception as error:
                reason = str(error) if isinstance(error, MetricError) else say(error)
                self._lacking[need] = failed("measure", f"{need}: {reason}")
            if ":" in need:
                self.seconds[need] = self.seconds.get(need, 0.0) + time.perf_counter() - start
        return self._lacking.get(need)

    def _find(self, need: str) -> None:
        known = self._material
        kind, _, name = need.partition(":")
        plain: Mapping[str, object] = {
            "samples": known.samples,
            "truth": known.truth,
            "truth_samples": known.truth_samples,
            "phones": known.phones,
        }
        if kind in plain:
            if plain[kind] is None:
                why = f" ({known.no_truth})" if kind.startswith("truth") else ""
                raise _Unavailable(f"needs {kind.replace('_', ' ')}{why}")
            return
        if kind not in self.found:
            raise MetricError(f"unknown need {need!r}")
        if name in self.found[kind]:
            return
        of_truth = kind.startswith("truth_")
        if of_truth and name != "exact" and (known.truth is None or known.truth_sha256 is None):
            raise _Unavailable(f"needs truth ({known.no_truth})")
        if name in GIVEN:
            raise _Unavailable(_NOT_GIVEN[name].format("truth" if of_truth else "video"))
        frames, digest = (known.truth, known.truth_sha256) if of_truth else (known.frames, known.frames_sha256)
        assert frames is not None and digest is not None
        self.found[kind][name] = self._store.find(kind.removeprefix("truth_"), name, frames, digest)


_NOT_GIVEN = {
    "exact": "needs exact landmarks of the {}, which this dataset does not know",
    "file": "needs a file of landmarks beside the {}",
}


def _evaluate(variant: Variant, clip: Clip) -> Outcome:
    try:
        return _outcome(variant.measure(clip), len(clip.frames), pooled=variant.corpus is not None)
    except MissingWeights as error:
        return _without_value("unavailable", str(error), stage=None)
    except MetricError as error:
        return failed("measure", str(error))
    except Exception as error:
        return failed("measure", say(error))


def _outcome(result: Result, frames: int, *, pooled: bool) -> Outcome:
    """A metric's result as an outcome. A value that is not finite is no value: no mean could be taken over it.

    pooled: a clip without a value brings something to a value of all clips, unless there is a reason why not.
    """
    curve = None if result.per_frame is None else _curve(result.per_frame, frames, "per_frame")
    series = {name: _curve(values, frames, name) for name, values in sorted(result.series.items())}
    coverage = float(result.coverage)
    if not 0.0 <= coverage <= 1.0:
        raise MetricError(f"expected a coverage from 0 to 1, got {coverage}")
    notes = _plain(result.notes)
    if pooled and result.reason is None:
        kept = {**_without_value("pooled", "", stage=None), "reason": None, "coverage": coverage}
        return {**kept, "per_frame": curve, "series": series, "notes": notes}
    value = None if result.value is None else float(result.value)
    if value is None or not math.isfinite(value):
        reason = result.reason or ("the formula has no value here" if value is None else f"the value is {value}")
        return {
            **_without_value("undefined", reason, stage=None),
            "coverage": coverage,
            "per_frame": curve,
            "series": series,
            "notes": notes,
        }
    kept = {"value": value, "coverage": coverage, "status": "ok", "stage": None, "reason": None}
    return {**kept, "per_frame": curve, "series": series, "notes": notes}


def _plain(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Notes as JSON gives them back."""
    try:
        return json.loads(json.dumps(dict(notes), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise MetricError(f"expected notes that JSON can hold: {error}") from None


def _curve(values: np.ndarray, frames: int, name: str) -> list[float | None]:
    """A curve as plain floats, None where it is not finite."""
    data = np.asarray(values, dtype=np.float64)
    if data.shape != (frames,):
        raise MetricError(f"expected {name} of shape ({frames},), got {data.shape}")
    return [value if math.isfinite(value) else None for value in data.tolist()]


def _without_value(status: str, reason: str, *, stage: str | None) -> Outcome:
    outcome: Outcome = {"value": None, "coverage": 0.0, "status": status, "stage": stage, "reason": reason}
    return {**outcome, "per_frame": None, "series": {}, "notes": {}}
