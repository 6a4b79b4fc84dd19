"""What the trackers' tests share: small run folders of the report's tests, and rows of speed beside them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from report_run import make_hostile_run, make_run
from speed_rows import make_gate, make_row

from bench.report.figures.style import NEUTRAL, as_png, new_figure, styled
from bench.store.speeds import append


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four methods on three clips, a figure at both widths, and speeds: verified, of a quick run, and failed."""
    folder = make_run(tmp_path_factory.mktemp("tracked") / "run")
    (folder / "figures").mkdir()
    with styled():
        figure = new_figure(3.0, 1.0)
        figure.subplots().plot([0, 1], color=NEUTRAL)
        for name in ("metrics", "metrics-column"):
            (folder / "figures" / f"{name}.png").write_bytes(as_png(figure))
    row = make_row("single-stream")
    append(folder, row)
    append(folder, make_gate(row))
    append(folder, make_row("offline", mode="quick"))
    append(folder, make_row("cold-start", status="failed", reason="RuntimeError: no cards", figures={}))
    return folder


@pytest.fixture
def mine(run: Path, tmp_path: Path) -> Path:
    """A copy of `run` that a test may change."""
    return Path(shutil.copytree(run, tmp_path / "mine"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose title, reasons and third method are markup."""
    return make_hostile_run(tmp_path_factory.mktemp("hostile") / "run")
