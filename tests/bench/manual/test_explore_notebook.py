"""The example notebook runs from top to bottom in a kernel of its own, on a small run and on the kept benchmark."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "bench" / "manual" / "explore.ipynb"


def carry_out(
    environment: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch, *, cells: int | None = None
) -> list[dict[str, Any]]:
    """The code cells with their outputs, after all, or the notebook's first so many, ran; one that raises fails."""
    nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed: pip install avct-bench[dev]")
    client = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install avct-bench[dev]")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install avct-bench[dev]")
    # a kernel of this very Python, whatever kernels the user has, and nothing written outside the test's folder
    specs = folder / "jupyter" / "kernels" / "here"
    specs.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (specs / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "here", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(folder / name.lower()))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    book = nbformat.read(NOTEBOOK, as_version=4)
    book.cells = book.cells[:cells]
    runner = client.NotebookClient(
        book, timeout=600, kernel_name="here", resources={"metadata": {"path": str(folder)}}
    )  # fmt: skip
    runner.execute()
    return [cell for cell in book.cells if cell.cell_type == "code"]


def pictures(cells: list[dict[str, Any]]) -> int:
    """How many cells show a figure."""
    shown = [output for cell in cells for output in cell["outputs"] if "data" in output]
    return sum("image/png" in output["data"] for output in shown)


def test_it_is_kept_without_outputs() -> None:
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 8 and not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert NOTEBOOK.stat().st_size < 20_000


def test_it_runs_on_a_small_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.insert(0, str(ROOT / "tests" / "bench" / "report"))
    try:
        from report_run import make_run
    finally:
        sys.path.pop(0)
    cells = carry_out({"AVCT_BENCH_RUN": str(make_run(tmp_path / "run"))}, tmp_path, monkeypatch)
    assert "36 rows of metrics" in cells[0]["outputs"][0]["data"]["text/plain"]
    assert "verdict" not in cells[2]["outputs"][0]["data"]["text/plain"]
    assert "mean over clips" in cells[2]["outputs"][0]["data"]["text/plain"]
    assert pictures(cells) >= 4, "figures show themselves without a magic command"


def test_it_finds_the_kept_benchmark_from_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVCT_BENCH_RUN", raising=False)
    within = tmp_path / "repository" / "bench" / "manual"
    within.mkdir(parents=True)
    (tmp_path / "repository" / "results").symlink_to(ROOT / "results")
    # as far as the rows: the estimates of so many clips take longer than all other tests of the manual
    cells = carry_out({}, within, monkeypatch, cells=4)
    assert "35280 rows of metrics" in cells[0]["outputs"][0]["data"]["text/plain"]
    assert "puppet-oneshot" in cells[1]["outputs"][0]["data"]["text/plain"]
