"""Rows of speed: one for each method, setting and scenario that was timed, and one for its fidelity.

`speeds.jsonl` in a run folder holds a line a row; the last line of an id counts. Tables and plots are functions of
these rows alone. A speed row counts only with a fidelity row that passed, of frames of the very run that was timed.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import MediaError, StorageError

FILE = "speeds.jsonl"
SCHEMA = 1
SCENARIOS = ("single-stream", "clip-latency", "offline", "multi-stream", "cold-start")
MODES = ("full", "quick")
STATUSES = ("ok", "unverified", "failed")


@dataclass(frozen=True)
class Figure:
    """One measured number. low, high: 95 % limits, None where there are none. n: what it was measured on."""

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True)
class StageTime:
    """A stage's cost for each frame in milliseconds, in the pass in which stages run one after another.

    host: by the processor's clock. device: by the device's events, None where the stage is not on one. flops, bytes:
    counted, a frame; bound: share of what the device could do in that time (0 to 1), by whichever ceiling is nearer;
    limit: "compute" or "memory". None where not counted.
    """

    name: str
    host: float
    device: float | None = None
    flops: float | None = None
    bytes: float | None = None
    bound: float | None = None
    limit: str | None = None


@dataclass(frozen=True)
class SpeedRow:
    """What timing one method under one setting in one scenario gave.

    id: names method, setting and scenario, such as "avct/cpu-float32/offline"; protocol: id@version. mode: "full" or
    "quick". status: "ok" (the fidelity row `gate` passed), "unverified" (it did not, or there is none: `reason`), or
    "failed" (nothing was timed: `reason`).

    figures: by name: p50, p90, p99, first_frame (ms); rtf_p50, rtf_p90 (seconds of work for a second of video);
    frames_per_s, network_frames_per_s, frames_per_j; talkers, missed (share of late frames); cold_s, cold_cached_s.
    headline: the figure that the scenario is about. excluded: stages that the headline leaves out.
    curves: what plots need, such as {"latency_ms": [...]}, {"talkers": [...], "missed": [...]}.
    stages, wall, unaccounted: milliseconds a frame of the pass stage by stage; unaccounted is wall less all stages.
    memory: peak bytes: "process", "allocator", "device". machine: what ran it (names, versions, threads). monitor:
    clocks, power, temperature and throttling while it ran, or the reason why nobody looked. warmups: how many until
    stable, and whether they were. compile_s: seconds of compiling, apart. frames, clips, seconds: of the timed part.
    """

    id: str
    protocol: str
    method: str
    scenario: str
    setting: Mapping[str, Any]
    mode: str
    status: str
    reason: str = ""
    headline: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    stages: Sequence[StageTime] = ()
    wall: float | None = None
    unaccounted: float | None = None
    excluded: Sequence[str] = ()
    clips: int = 0
    frames: int = 0
    seconds: float = 0.0
    warmups: Mapping[str, Any] = field(default_factory=dict)
    compile_s: float | None = None
    memory: Mapping[str, int | None] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    monitor: Mapping[str, Any] = field(default_factory=dict)
    gate: str | None = None
    code: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    kind: str = "speed"
    schema: int = SCHEMA


@dataclass(frozen=True)
class FidelityRow:
    """Frames that a timed run emitted, held against the float32 plain loop of the same method.

    psnr_mean, psnr_worst: dB (infinite values are kept as None with `exact` true). drift: largest over frames of the
    mean distance of keypoints, pixels; reader: what found them. r_change: lip-opening correlation with the truth,
    emitted less plain. lpips, lse_c_change: None where their weights are not here. frames: how many were compared,
    chosen by `seed`. passed, reasons: the gate's verdict, a line for each bar that was missed or could not be measured.
    """

    id: str
    speed: str
    frames: int
    seed: int
    psnr_mean: float | None
    psnr_worst: float | None
    exact: bool
    drift: float | None
    reader: str
    r_change: float | None
    lpips: float | None
    lse_c_change: float | None
    passed: bool
    reasons: Sequence[str] = ()
    unmeasured: Sequence[str] = ()
    kind: str = "fidelity"
    schema: int = SCHEMA


def append(folder: Path, row: SpeedRow | FidelityRow) -> None:
    """Nothing; the row is on disk when this returns. StorageError where it cannot be."""
    line = json.dumps(asdict(row), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FILE).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(f"{folder / FILE}: cannot be written ({error.strerror})") from None


def read(folder: Path) -> tuple[list[SpeedRow], list[FidelityRow]]:
    """Speed rows and fidelity rows of a run folder, the last of each id, in the order in which ids first came.

    Empty lists where nothing was timed; a last line that was cut off by a crash is left out. MediaError names a line
    that is something else.
    """
    path = folder / FILE
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from None
    speeds: dict[str, SpeedRow] = {}
    fidelities: dict[str, FidelityRow] = {}
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line end was never finished
        try:
            row = _row(json.loads(line))
        except (ValueError, TypeError, KeyError) as error:
            raise MediaError(f"{path}: expected a row of speed in line {number} ({error})") from None
        if isinstance(row, SpeedRow):
            speeds[row.id] = row
        else:
            fidelities[row.id] = row
    return list(speeds.values()), list(fidelities.values())


def final(rows: Iterable[SpeedRow]) -> list[SpeedRow]:
    """Those that a table may show: verified, and not of a quick run."""
    return [row for row in rows if row.status == "ok" and row.mode == "full"]


def _row(held: dict[str, Any]) -> SpeedRow | FidelityRow:
    if held.get("schema") != SCHEMA:
        raise ValueError(f"expected schema {SCHEMA}, got {held.get('schema')!r}")
    if held["kind"] == "fidelity":
        return FidelityRow(**held)
    if held["kind"] != "speed":
        raise ValueError(f"unknown kind {held['kind']!r}")
    figures = {name: Figure(**figure) for name, figure in held["figures"].items()}
    row = SpeedRow(**{**held, "figures": figures, "stages": [StageTime(**stage) for stage in held["stages"]]})
    if row.scenario not in SCENARIOS or row.mode not in MODES or row.status not in STATUSES:
        raise ValueError(f"unknown scenario, mode or status in {row.id!r}")
    return row


def replace(row: SpeedRow, **changes: Any) -> SpeedRow:
    """The row with other fields."""
    return dataclasses.replace(row, **changes)
