"""What tests of metrics share: golden vectors, committed ones and the longer list beside the repository."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrics.clip import Clip

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "tests" / "golden" / "metrics"
SHARED = ROOT.parent / "shared" / "metrics" / "golden"
Golden = tuple[dict[str, Any], dict[str, np.ndarray]]


@pytest.fixture(autouse=True)
def no_folders_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics and weights of whoever runs the tests must not enter them."""
    for name in ("AVCT_BENCH_PATH", "AVCT_BENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def golden_clip() -> Clip:
    """The committed clip: 28 frames of 40x40, a painted mouth, landmarks by both backends' names."""
    spec = importlib.util.spec_from_file_location("golden_metrics_record", COMMITTED / "record.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.open_clip()


@pytest.fixture(scope="session", params=["committed", "shared"])
def read_golden(request: pytest.FixtureRequest) -> Callable[[str], Golden]:
    """Expected values and arrays by name: the committed ones, then all, skipped where the folder is not here."""
    folder = COMMITTED if request.param == "committed" else SHARED

    def read(name: str) -> Golden:
        if not (folder / f"{name}.json").is_file():
            assert request.param == "shared", f"{folder / name}.json is gone"
            pytest.skip(f"no {name} beside the repository (../shared/metrics/golden)")
        with np.load(folder / f"{name}.npz") as held:
            return json.loads((folder / f"{name}.json").read_text()), {key: held[key] for key in held.files}

    return read
