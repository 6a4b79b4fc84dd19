"""What a large sweep holds in memory, and that the benchmark of it does what it says. No times are asserted."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from bench.perf.sweep import METRICS, cost, main, sweep
from bench.store.journal import read_journal
from bench.store.rows import read_rows

pytestmark = pytest.mark.slow

FEW, MANY = 260, 500
"""Both beyond what is in memory while rows are written, two groups of them."""


def peak(folder: Path, count: int) -> int:
    """The most bytes that Python held while so many cells were expanded, journaled, taken up again and written."""
    tracemalloc.start()
    try:
        sweep(folder, count, metrics=METRICS)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_cell_more_costs_a_few_kilobytes_of_memory_and_not_its_curves(tmp_path: Path):
    sweep(tmp_path / "first", 40, metrics=METRICS, frames=1)  # all that is imported is imported
    grown = peak(tmp_path / "many", MANY) - peak(tmp_path / "few", FEW)
    line = (tmp_path / "many/rows.jsonl").stat().st_size / MANY
    # Curves alone are 9 x 90 floats of 32 bytes each with their place in a list: 26 kB a cell if they were held.
    assert grown / (MANY - FEW) < 6_000 and line > 18_000


def test_every_cell_of_the_sweep_is_journaled_once_and_written(tmp_path: Path):
    clock = sweep(tmp_path, 60, metrics=METRICS[:2], frames=5)
    entries, rows = read_journal(tmp_path / "rows.jsonl"), read_rows(tmp_path / "rows.parquet")
    assert len(entries) == 60 and len({json.dumps(entry["cell"]) for entry in entries}) == 60
    assert len(rows) == 120 and all(len(row["per_frame"]) == 5 for row in rows)
    assert list(clock.seconds) == list(clock.busy) == ["expanding", "journaling", "resuming", "writing rows"]


def test_the_cost_is_by_cell_and_too_few_are_refused(capsys: pytest.CaptureFixture[str]):
    found = cost(40, metrics=METRICS[:2], frames=3)
    assert set(found.ms) == set(found.busy_ms) and all(ms > 0 for ms in found.ms.values())
    assert (found.cells, found.metrics) == (40, 2) and found.journal_mb > 0 and found.fsync_ms > 0
    assert main(["--cells", "10"]) == 2
    assert capsys.readouterr().err.startswith("error: expected --cells of 200 or more and --frames of 1 or more, got")
