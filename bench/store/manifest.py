"""A run's manifest: what was asked, by which code, on which machine, and how it ended.

Written before the first cell and completed after the last, so that a killed run still says what it was. A field that
cannot be known is null, with the reason in the field `<name>_reason` beside it.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.errors import StorageError
from bench.store.device import describe_device
from bench.store.files import json_bytes, replace_file
from bench.store.source import describe_code, package_versions

FILE = "manifest.json"
SCHEMA = 1


@dataclass(frozen=True)
class Asked:
    """What a run is about to do. devices: names in the settings. libraries: versions of the media libraries.

    protocol_hash: of the expanded protocol. declared_hash: as it was asked for. protocol_state: how that stands to the
    shipped one of its id, "as shipped", "changed" or "own".
    """

    protocol: Mapping[str, Any]
    protocol_hash: str
    declared_hash: str
    protocol_state: str
    dataset: Mapping[str, Any]
    methods: Sequence[Mapping[str, Any]]
    seeds: Sequence[int]
    weights: Sequence[Mapping[str, Any]]
    devices: Sequence[str]
    libraries: Mapping[str, str]
    cells: int
    executor: str
    workers: int
    threads: int


def begin(folder: Path, asked: Asked) -> dict[str, Any]:
    """Write and return the manifest of a run that starts now; a resumed run keeps its first run id and start."""
    earlier = _earlier(folder / FILE)
    now = _now()
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "run_id": earlier.get("run_id") or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}",
        "protocol": dict(asked.protocol),
        "protocol_hash": asked.protocol_hash,
        "declared_hash": asked.declared_hash,
        "protocol_state": asked.protocol_state,
        "dataset": dict(asked.dataset),
        "methods": [dict(method) for method in asked.methods],
        "code": describe_code(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": package_versions(),
        "ffmpeg": {name: version for name, version in asked.libraries.items() if name.startswith("lib")},
        "libraries": dict(asked.libraries),
        "device": describe_device(asked.devices),
        "executor": asked.executor,
        "workers": asked.workers,
        "threads": asked.threads,
        "seeds": list(asked.seeds),
        "weights": [dict(weight) for weight in asked.weights],
        "inputs_sha256": None,
        "inputs_sha256_reason": "the run has not ended",
        "started": earlier.get("started") or now,
        "resumed": [*earlier.get("resumed", []), now] if earlier else [],
        "ended": None,
        "ended_reason": "the run has not ended",
        "exit": {"code": None, "reason": "the run has not ended"},
        "cells": {"total": asked.cells, "done": 0, "failed": 0, "reused": 0},
    }
    replace_file(folder / FILE, json_bytes(manifest))
    return manifest


def complete(
    folder: Path,
    manifest: Mapping[str, Any],
    *,
    code: int,
    reason: str,
    cells: Mapping[str, int],
    inputs_sha256: str | None = None,
) -> dict[str, Any]:
    """Write and return the manifest with its end: exit code and reason, counts, and the hash over all inputs."""
    done = {**manifest, "ended": _now(), "exit": {"code": code, "reason": reason}, "cells": dict(cells)}
    del done["ended_reason"]
    if inputs_sha256 is not None:
        done["inputs_sha256"] = inputs_sha256
        del done["inputs_sha256_reason"]
    else:
        done["inputs_sha256_reason"] = "not every input could be read"
    replace_file(folder / FILE, json_bytes(done))
    return done


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run. Raises StorageError where it is missing or is no manifest of this schema."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file; expected a run folder, which holds one") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read as a manifest ({error})") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise StorageError(f"{path}: expected a manifest of schema {SCHEMA}")
    return manifest


def _earlier(path: Path) -> dict[str, Any]:
    """The manifest that is there already, or nothing where none can be read: it decides nothing but a name."""
    try:
        return read_manifest(path)
    except StorageError:
        return {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
