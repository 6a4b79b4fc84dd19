"""Run folders made by hand: a protocol, rows with every kind of status, a journal, a manifest, small lossless videos.

Four methods on three clips. `loudness` fails on the last clip, `still` has no correlation of lips, `avct` has no PSNR
on the first clip and saw 75 % of the frames there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.io.encode import write_lossless
from bench.records import Row
from bench.report.folder import read_run
from bench.report.tables.cards import find_cards
from bench.report.tables.table import Table, build_table
from bench.stats.summary import clips
from bench.store.journal import encode

LIPS, PSNR, SSIM = "lip_opening_r/puppet68@1", "psnr/mean-of-frames@1", "ssim/gauss11-rgb@1"
FRAMES, SIDE = 16, 64
SKILL = {"ground-truth": 1.0, "still": 0.0, "loudness": 0.5, "avct": 0.9}
WHY_FAILED = "RuntimeError: out of paint"
HOSTILE = '<img src=x onerror="window.pwned=1">\'"><script>window.pwned=1</script>'


def make_protocol(**changes: Any) -> dict[str, Any]:
    """A resolved protocol as a manifest holds it."""
    return {
        "id": "tiny@1",
        "title": "Four methods on three clips",
        "dataset": "puppets",
        "metrics": [LIPS, PSNR, SSIM],
        "methods": list(SKILL),
        "settings": [{"name": "f32", "device": "cpu", "precision": "float32", "batch": 8}],
        "axes": {"drivers": {"ann": ["a1", "a2"], "bob": ["b1"]}, "references": ["face"], "seeds": [0], "pairs": "all"},
        "statistics": {"resamples": 200, "level": 0.95, "seed": 0, "cluster": "clip", "fewest": 2},
        **changes,
    }


def make_entries(protocol: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The journal's lines: one for each cell, in the protocol's order."""
    return [
        _entry(protocol, method, dict(setting), clip, place)
        for method in protocol["methods"]
        for setting in protocol["settings"]
        for place, clip in enumerate(clips(protocol))
    ]


def _entry(
    protocol: Mapping[str, Any], method: str, setting: Mapping[str, Any], clip: tuple[str, str, str, int], place: int
) -> dict[str, Any]:
    speaker, reference, driver, seed = clip
    names = {"method": method, "speaker": speaker, "reference": reference, "driver": driver, "seed": seed}
    key = "-".join(map(str, (protocol["methods"].index(method), setting["name"], place)))
    failed = method == "loudness" and place == len(clips(protocol)) - 1
    sha = None if failed else f"{key:0>64}"
    rows = []
    for metric in protocol["metrics"]:
        found = {"value": None, "status": "failed", "stage": "generate", "reason": WHY_FAILED, "coverage": 0.0}
        if not failed:
            found = _measured(method, metric, place)
        base = {"protocol": protocol["id"], "cell": key, **names, "setting": setting["name"], "metric": metric}
        rows.append(Row(**base, frames=FRAMES, video_sha256=sha, truth_sha256="t", **found).as_dict())
    video = None if failed else f"videos/{key}.mkv"
    return {"key": key, "cell": {**names, "setting": dict(setting)}, "rows": rows, "video": video, "seconds": {}}


def _measured(method: str, metric: str, place: int) -> dict[str, Any]:
    skill = SKILL.get(method, 0.3)
    truth = opening(place)
    series = {"opening": tuple(truth * skill + (1 - skill)), "truth": tuple(truth)}
    if metric == LIPS and skill == 0:
        reason = f"constant lip opening: standard deviation 0.0{place} %, under 0.5"
        return {"value": None, "status": "undefined", "reason": reason, "coverage": 1.0, "series": series}
    if metric == LIPS:
        return {"value": skill - 0.01 * place, "status": "ok", "coverage": 1.0, "series": series}
    if metric == PSNR and method == "avct" and place == 0:
        return {"value": None, "status": "unavailable", "reason": "no truth here", "coverage": 0.0}
    share = 0.75 if metric == SSIM and method == "avct" and place == 0 else 1.0
    value = 30 + 5 * skill + place if metric == PSNR else 0.8 + 0.1 * skill + 0.001 * place
    return {"value": value, "status": "ok", "coverage": share, "per_frame": tuple(value + np.arange(FRAMES) / 10)}


def opening(place: int) -> np.ndarray:
    """float64 (FRAMES,): the truth's lip opening on a clip."""
    return 3 + 2 * np.sin(np.arange(FRAMES) * (0.5 + 0.1 * place))


def make_manifest(protocol: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A manifest of a run that ended with a failed cell."""
    return {
        "schema": 1,
        "run_id": "20260101T000000Z-0000abcd",
        "protocol": protocol,
        "protocol_hash": "ab" * 32,
        "methods": [{"name": name, "overlap": []} for name in protocol["methods"]],
        "code": {"version": "0.1.0", "git_commit": None, "source_sha256": "cd" * 32},
        "python": "3.11.9",
        "ffmpeg": {"libavcodec": "62.1.0"},
        "device": {"cpu": "a processor", "cores": 2, "cuda": None, "cuda_reason": "no driver"},
        "weights": [{"name": "avct.safetensors", "sha256": "ef" * 32, "bytes": 12}],
        "started": "2026-01-01T00:00:00+00:00",
        "ended": "2026-01-01T00:01:00+00:00",
        "exit": {"code": 1, "reason": "1 of 12 cells failed"},
        "cells": {"total": 12, "done": 11, "failed": 1, "reused": 0},
        **changes,
    }


def film(path: Path, number: int) -> None:
    """A clip whose red channel counts frames and whose green channel tells methods and clips apart."""
    frames = np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8)
    frames[..., 0] = (10 * np.arange(FRAMES, dtype=np.uint8))[:, None, None]
    frames[..., 1] = 16 * (number % 16)
    time = np.arange(FRAMES * 640) / 16_000
    write_lossless(path, frames, samples=(0.2 * np.sin(2 * np.pi * 220 * time)).astype(np.float32), run_id="r")


def make_run(
    folder: Path,
    protocol: Mapping[str, Any] | None = None,
    *,
    entries: Sequence[Mapping[str, Any]] | None = None,
    manifest: Mapping[str, Any] | None = None,
    videos: bool = False,
) -> Path:
    """A run folder; `manifest` holds changes to the manifest."""
    protocol = protocol or make_protocol()
    entries = make_entries(protocol) if entries is None else entries
    (folder / "videos").mkdir(parents=True)
    (folder / "rows.jsonl").write_bytes(b"".join(encode(entry) for entry in entries))
    (folder / "manifest.json").write_text(json.dumps(make_manifest(protocol, **(manifest or {}))))
    for number, entry in enumerate(entries if videos else ()):
        if entry["video"]:
            film(folder / entry["video"], number)
    return folder


def make_hostile_run(folder: Path, *, shuffled: int | None = None, videos: bool = False) -> Path:
    """A run under two settings whose title, reasons and third method are markup; entries and rows in another order."""
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("f32", "bf16")]
    methods = ["ground-truth", "avct", HOSTILE]
    protocol = make_protocol(methods=methods, metrics=[LIPS, PSNR], settings=settings, title=HOSTILE)
    entries = make_entries(protocol)
    for entry in entries:
        entry["rows"] = [{**row, "reason": row["reason"] and HOSTILE} for row in entry["rows"]]
    if shuffled is not None:
        order = np.random.default_rng(shuffled).permutation(len(entries))
        entries = [{**entries[i], "rows": entries[i]["rows"][::-1]} for i in order]
    return make_run(folder, protocol, entries=entries, videos=videos)


def make_table(folder: Path) -> Table:
    """The table of a run folder."""
    run = read_run(folder)
    return build_table(run, find_cards(run.protocol["metrics"]))
