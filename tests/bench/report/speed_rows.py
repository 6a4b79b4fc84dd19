"""Rows of speed made by hand with values as a card and a processor would give them; nothing of it was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.store.speeds import FILE, FidelityRow, Figure, SpeedRow, StageTime, append

PROTOCOL = "throughput@1"
HOSTILE = '<script>window.pwned=1</script>&_50%$"'
BEFORE = {"decode": 0.05, "features": 0.21, "phonemes": 0.08, "pose": 0.12, "portrait": 0.03, "motion": 0.31,
          "render": 0.92, "copy": 0.06, "encode": 0.17}  # fmt: skip
"""Milliseconds a frame on a card, in another order than frames meet stages."""
ON_DEVICE = ("portrait", "motion", "render", "copy")
CARD = {
    "device": "NVIDIA H100 80GB HBM3", "driver": "580.95.05", "cuda": "13.0", "cudnn": "9.13.0", "torch": "2.11.0",
    "clips": 16, "frames": {"all": 1600, "least": 41, "most": 180}, "off_batch": 15, "size": 256,
    "cpu": "AMD EPYC 9354", "cores": 16, "threads": 16, "codec": "libx264 veryfast crf 18", "python": "3.12.3",
}  # fmt: skip
PLAIN = {**CARD, "device": "Some CPU", "driver": None, "cuda": None, "cudnn": None, "cpu": "Some CPU", "cores": 2,
         "threads": 2}  # fmt: skip
HOST = {"frequency_mhz": {"median": 2450.0, "min": 2100.0, "max": 3100.0}, "load_start": 0.4, "load_end": 1.9,
        "energy_j": None, "energy_reason": "no counter"}  # fmt: skip
WATCHED = {
    "source": "nvml", "gpu": "NVIDIA H100 80GB HBM3", "driver": "580.95.05", "hz": 10.0, "samples": 612,
    "sm_clock_mhz": {"median": 1980.0, "min": 1755.0, "max": 1980.0},
    "power_w": {"median": 512.4, "min": 88.0, "max": 691.0},
    "temperature_c": {"median": 58.0, "min": 41.0, "max": 63.0},
    "throttle": {}, "throttled": False, "energy_j": 30211.5, "energy_source": "counter", "unread": {}, "host": HOST,
    "remarks": {"turns": "ABBA" * 40, "batch": 32, "method": "block bootstrap"},
}  # fmt: skip
UNWATCHED = {"source": None, "reason": "the device is no GPU", "hz": 10.0, "samples": 600, "host": HOST, "remarks": {}}


def make_setting(**changes: Any) -> dict[str, Any]:
    """A setting as a protocol holds it, named by what it changes."""
    setting: dict[str, Any] = {"device": "cuda", "precision": "float16", "batch": 32, "compile": "default", "size": 256,
                               "pose": "truth", "graphs": False, "channels_last": True, "devices": 1}  # fmt: skip
    setting |= changes
    words = [setting["device"], setting["precision"], f"batch{setting['batch']}"]
    words += [] if setting["compile"] == "none" else [f"compile-{setting['compile']}"]
    words += [] if setting["devices"] == 1 else [f"devices{setting['devices']}"]
    return {"name": "-".join(words)} | setting | {key: changes[key] for key in ("name",) if key in changes}


def make_row(
    scenario: str, *, method: str = "avct", setting: Mapping[str, Any] | None = None, pace: float = 1.0, **changes: Any
) -> SpeedRow:
    """A row in that scenario; pace: how many times as fast as a fast card."""
    setting = setting or make_setting()
    card = setting["device"] != "cpu"
    name = f"{method}/{setting['name']}/{scenario}"
    figures, curves = _figures(scenario, pace, len(name), card=card)
    stages, wall, unaccounted = (
        _stages(pace, card=card) if scenario in ("single-stream", "offline") else ([], None, None)
    )
    row: dict[str, Any] = {
        "id": name, "protocol": PROTOCOL, "method": method, "scenario": scenario, "setting": setting, "mode": "full",
        "status": "ok", "headline": next(iter(figures), ""), "figures": figures, "curves": curves, "stages": stages,
        "wall": wall, "unaccounted": unaccounted, "excluded": ("encode",) if scenario == "single-stream" else (),
        "clips": 16, "frames": 4123, "seconds": 61.3,
        "warmups": {"count": 14, "unit": "call", "seconds": 9.1, "stable": True, "spread": 0.013, "reason": ""},
        "compile_s": 43.2 if card else 0.0,
        "memory": {"process": 2_400_000_000, "allocator": _share(setting) + 900_000_000 if card else None,
                   "device": _share(setting) + 1_700_000_000 if card else None},
        "machine": CARD if card else PLAIN, "monitor": WATCHED if card else UNWATCHED,
        "gate": f"{name}/fidelity", "code": {"git_commit": "ace08b2f00ba7", "dirty": False},
        "started": "2026-11-22T10:00:00+00:00",
    }  # fmt: skip
    return SpeedRow(**{**row, **changes})


def make_gate(row: SpeedRow, **changes: Any) -> FidelityRow:
    """The fidelity row of a speed row."""
    whole = row.setting["precision"] == "float32"
    dull = 3.0 if row.setting["precision"] == "bfloat16" else 0.0
    gate: dict[str, Any] = {
        "id": row.gate or f"{row.id}/fidelity", "speed": row.id, "frames": 89, "seed": 0,
        "psnr_mean": None if whole else 51.3 - dull - len(row.id) % 5, "psnr_worst": None if whole else 44.2 - dull,
        "exact": whole, "drift": 0.0 if whole else 0.021, "reader": "puppet-68", "r_change": 0.0 if whole else -0.0004,
        "lpips": None, "lse_c_change": None, "passed": True, "unmeasured": ("lpips", "lse_c"),
    }  # fmt: skip
    return FidelityRow(**{**gate, **changes})


def make_rows() -> tuple[list[SpeedRow], list[FidelityRow]]:
    """Two methods on a card and a processor, at several batches and on several cards; some rows that do not count."""
    rows = []
    for scenario in ("single-stream", "clip-latency", "offline", "multi-stream", "cold-start"):
        rows.append(make_row(scenario, pace=1.4))
        rows.append(make_row(scenario, setting=make_setting(batch=1, compile="reduce-overhead")))
        rows.append(make_row(scenario, method="avct-lite", setting=make_setting(compile="none"), pace=2.1))
    for precision, pace in (("float32", 0.35), ("bfloat16", 0.8), ("float16", 1.0)):
        for batch in (1, 2, 4, 8, 16, 32, 64):
            setting = make_setting(precision=precision, batch=batch, compile="none")
            rows.append(make_row("offline", setting=setting, pace=pace * batch**0.35 / 2.2))
    rows += [make_row("offline", setting=make_setting(devices=n), pace=1.4 * n**0.93) for n in (2, 4, 8)]
    rows += [
        make_row(scenario, setting=make_setting(device="cpu", precision="float32", batch=8, compile="none"), pace=0.002)
        for scenario in ("single-stream", "offline")
    ]
    gates = [make_gate(row) for row in rows]
    int8 = make_setting(name="cuda-int8")
    rows += [
        make_row("offline", setting=make_setting(batch=128), status="failed", figures={}, gate=None,
                 reason="generate: out of memory"),
        make_row("offline", setting=int8, status="unverified", pace=9.0, reason="mean PSNR 31.20 dB, under 40 dB"),
        make_row("single-stream", setting=make_setting(name="cuda-short"), mode="quick", pace=7.0),
    ]  # fmt: skip
    gates.append(make_gate(rows[-1]))
    gates.append(make_gate(rows[-2], psnr_mean=31.2, passed=False, reasons=("mean PSNR 31.20 dB, under 40 dB",)))
    return rows, gates


def make_manifest(**changes: Any) -> dict[str, Any]:
    """A manifest of a run of `perf`."""
    return {
        "schema": 1, "run_id": "20261122T100000Z-0000abcd",
        "protocol": {"id": PROTOCOL, "title": "AVCT under settings of the device", "methods": ["avct", "avct-lite"],
                     "settings": []},
        "code": {"git_commit": "ace08b2f00ba7"}, "ended": "2026-11-22T10:40:00+00:00",
        "exit": {"code": 0, "reason": "done"}, **changes,
    }  # fmt: skip


def make_speeds(
    folder: Path,
    rows: Iterable[SpeedRow | FidelityRow] | None = None,
    *,
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """A folder with speeds.jsonl and a manifest."""
    if rows is None:
        speeds, gates = make_rows()
        rows = [*speeds, *gates]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).touch()
    for row in rows:
        append(folder, row)
    (folder / "manifest.json").write_text(json.dumps(manifest or make_manifest()))
    return folder


def _figures(scenario: str, pace: float, seed: int, *, card: bool) -> tuple[dict[str, Figure], dict[str, list[float]]]:
    if scenario == "single-stream":
        random = np.random.default_rng(seed)
        latency = 2.4 / pace * (1 + random.gamma(1.2, 0.06, 900)) + (random.random(900) > 0.985) * 2.5 / pace
        found = {name: _near(float(np.quantile(latency, q)), "ms") for name, q in
                 (("p90", 0.9), ("p50", 0.5), ("p99", 0.99))}  # fmt: skip
        return {**found, "first_frame": Figure(41.0 / pace, "ms", n=16)}, {"latency_ms": [round(v, 6) for v in latency]}
    if scenario == "clip-latency":
        return {"rtf_p90": _near(0.031 / pace, "s/s"), "rtf_p50": _near(0.027 / pace, "s/s")}, {}
    if scenario == "offline":
        found = {"frames_per_s": _near(880 * pace, "frames/s"), "network_frames_per_s": _near(1210 * pace, "frames/s")}
        return found | ({"frames_per_j": _near(2.1 * pace, "frames/J")} if card else {}), {}
    if scenario == "multi-stream":
        talkers = [8, 16, 24, 32, 40, 48]
        missed = [0.0, 0.0, 0.001, 0.004, 0.03, 0.2]
        return {"talkers": Figure(32.0, "", 30.0, 34.0, 5), "missed": Figure(0.004, "share", 0.002, 0.007, 5)}, {
            "talkers": talkers, "missed": missed}  # fmt: skip
    return {"cold_s": Figure(48.7 / pace**0.1, "s", n=3), "cold_cached_s": Figure(11.2 / pace**0.1, "s", n=3)}, {}


def _share(setting: Mapping[str, Any]) -> int:
    return (170_000_000 if setting["precision"] == "float32" else 90_000_000) * setting["batch"]


def _near(value: float, unit: str) -> Figure:
    return Figure(value, unit, value * 0.985, value * 1.013, 80)


def _stages(pace: float, *, card: bool) -> tuple[list[StageTime], float, float]:
    stages = []
    for name, cost in BEFORE.items():
        device = cost / pace if card and name in ON_DEVICE else None
        counted = {"flops": 88.6e9 * cost, "bytes": 310e6 * cost, "bound": 0.31, "limit": "compute"}
        counted = counted if name in ("motion", "render") else {}
        stages.append(StageTime(name, cost / pace * 1.02, device=device, **counted))
    held = sum(stage.host for stage in stages)
    return stages, held * 1.03, held * 0.03
