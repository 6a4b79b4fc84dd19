"""What a protocol would take: cells, what is missing, and rough time and disk, without making a single video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench.datasets.catalogue import check_files, choices, describe, open_listed
from bench.errors import BenchError, MissingError
from bench.records import FPS, RATE, Dataset
from bench.runner.expand import cells, expand, pairs, settings
from bench.runner.methods import Method, describe_method, open_methods
from bench.runner.run import find_variants, open_clips
from bench.runner.weights import lookers, variant_weights
from bench.store.journal import FILE, read_journal
from protocols.schema import Protocol

_BYTES_A_PIXEL = 0.6
"""FFV1 on faces: 36 to 40 KiB for a frame of 256x256 (measured by bench.io on real clips and on puppets)."""
_GENERATE = 0.05
"""Seconds a frame on one core for a method whose file does not say: AVCT at 256x256 takes 0.04 to 0.07."""
_MEASURE = 0.003
"""Seconds a frame and metric: SSIM's; PSNR takes a tenth of it, metrics of landmarks nothing."""
_LOOK = {("landmarks", "dlib68"): 0.01, ("faces", "hog"): 0.006, ("faces", "s3fd"): 0.05}
_LOOK |= {("features", "dlib128"): 0.017, ("landmarks", "puppet68"): 0.005}
_OTHER_LOOK = {"landmarks": 0.02, "faces": 0.01, "features": 0.12}
"""Seconds a frame of 256x256 for what looks at frames; for what is not named, by its kind."""
T = TypeVar("T")


@dataclass(frozen=True)
class Estimate:
    """The outcome of a validation. seconds and bytes are rough; basis says what they rest on.

    missing: inputs and methods that are not there; weights: metrics without theirs; overlap: methods trained on what
    they are tested on. videos: distinct ones, since a method that ignores settings is run once for all of them.
    """

    protocol: Protocol
    cells: int
    clips: int
    videos: int
    frames: int
    seconds: float
    bytes: int
    basis: str
    missing: tuple[str, ...]
    weights: tuple[str, ...]
    overlap: tuple[str, ...]


def estimate(protocol: Protocol, *, out: Path | None = None, workers: int = 1) -> Estimate:
    """What a run of the protocol would take. out: a run folder whose journal gives times in place of guesses.

    Raises ConfigError for a protocol that could not be run at all, MissingError where the dataset is not there.
    """
    missing: list[str] = []
    try:
        dataset = open_clips(protocol)
        missing += check_files(dataset, thorough=True)
    except MissingError as error:
        listed = open_listed(protocol.dataset, choices(protocol))
        if listed is None:
            raise
        dataset = listed
        missing.append(str(error))
    resolved = expand(protocol, dataset)
    here = not missing
    variants = find_variants(resolved.metrics)
    methods = open_methods(resolved.methods, settings(resolved))
    clips = pairs(resolved)
    missing += [_said(method) for method in methods.values() if method.lacking]
    unread: list[str] = []
    lengths = _lengths(clips, dataset, unread)
    for reference in dict.fromkeys(reference for _, reference, _ in clips):
        _attempt(partial(dataset.portrait, reference), f"reference {reference}", unread)
    missing += unread if here else []  # else said already, once for all
    guess = _guess(protocol, lengths)
    spent = _spent(read_journal(out / FILE)) if out is not None else {}
    frames, videos, seconds = 0, 0, 0.0
    looking = {looker for variant in variants for looker in lookers(variant)}
    for _, _, driver in clips:
        for method in methods.values():
            made = _videos(method, protocol) * len(protocol.axes.seeds)
            length = lengths.get(driver, guess) * made
            videos, frames = videos + made, frames + length
            seconds += length * spent.get(f"generate {method.name}", method.spec.seconds_per_frame or _GENERATE)
            measured = len(variants) * _MEASURE
            measured += sum(_LOOK.get(looker, _OTHER_LOOK[looker[0]]) for looker in looking)
            seconds += length * spent.get("measure", measured)
    described = describe(protocol.dataset)
    return Estimate(
        protocol=resolved,
        cells=len(cells(resolved)),
        clips=len(clips) * len(protocol.axes.seeds),
        videos=videos,
        frames=frames,
        seconds=seconds / workers,
        bytes=round(frames * protocol.size**2 * _BYTES_A_PIXEL),
        basis=("times of the journal" if spent else "rough constants")
        + (f"; {len(unknown)} lengths guessed" if (unknown := {d for _, _, d in clips} - set(lengths)) else ""),
        missing=tuple(missing),
        weights=tuple(_without_weights(variants)),
        overlap=tuple(
            f"method {told['name']} was trained on {', '.join(told['overlap'])}"
            for told in (describe_method(method, described, resolved) for method in methods.values())
            if told["overlap"]
        ),
    )


def _said(method: Method) -> str:
    lacking = method.lacking or ""
    return lacking if lacking.startswith(f"method {method.name}") else f"method {method.name}: {lacking}"


def _guess(protocol: Protocol, lengths: Mapping[str, int]) -> int:
    """Frames of a clip that cannot be read: all of the window, else as the others, else five seconds."""
    if protocol.window is not None:
        return round((protocol.window[1] - protocol.window[0]) * FPS)
    return round(sum(lengths.values()) / len(lengths)) if lengths else 5 * FPS


def _videos(method: Method, protocol: Protocol) -> int:
    """Distinct videos of a method on one clip and seed."""
    if not method.spec.sensitive_to_setting:
        return 1
    sides = {
        (s.device, s.precision, s.batch, s.compile, s.size, method.spec.follows_pose and s.pose)
        for s in protocol.settings
    }
    return len(sides)


def _lengths(clips: Sequence[tuple[str, str, str]], dataset: Dataset, missing: list[str]) -> dict[str, int]:
    lengths = {}
    for driver in dict.fromkeys(driver for _, _, driver in clips):
        speech = _attempt(partial(dataset.speech, driver), f"driver {driver}", missing)
        if speech is not None:
            lengths[driver] = len(speech.samples) * FPS // RATE
    return lengths


def _attempt(read: Callable[[], T], what: str, missing: list[str]) -> T | None:
    try:
        return read()
    except BenchError as error:
        missing.append(f"{what}: {error}")
        return None


def _without_weights(variants: Sequence[Any]) -> list[str]:
    lines = []
    for variant in variants:
        lacking = [name for name, sha256 in variant_weights(variant).items() if sha256 is None]
        if lacking:
            lines.append(f"metric {variant.id}: {', '.join(sorted(lacking))}")
    return lines


def _spent(entries: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds a frame: "generate <method>", and "measure" for all metrics together, from what a journal holds."""
    seconds: dict[str, float] = defaultdict(float)
    frames: dict[str, int] = defaultdict(int)
    for entry in entries:
        count = (entry["inputs"] or {}).get("frames", 0)
        for stage, name in (("generate:", f"generate {entry['cell']['method']}"), ("measure:", "measure")):
            spent = [value for key, value in entry["seconds"].items() if key.startswith(stage)]
            if spent and count and "generate:read" not in entry["seconds"]:
                seconds[name] += sum(spent)
                frames[name] += count
    return {name: seconds[name] / frames[name] for name in seconds}
