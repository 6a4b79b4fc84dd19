"""The committed rows of speed: every table and figure is made of them again, and every number in them was verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.places import ROOT
from bench.report.speed.writing import write_speeds
from bench.store.speeds import final, read

FOLDERS = sorted(path.parent for path in (ROOT / "results").glob("throughput-*/speeds.jsonl"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_tables_are_functions_of_the_rows(folder: Path, tmp_path: Path) -> None:
    speeds, fidelities = read(folder)
    passed = {row.id for row in fidelities if row.passed}
    assert final(speeds) and all(row.gate in passed for row in final(speeds))
    assert (folder / "manifest.json").is_file()
    write_speeds(folder, out=tmp_path)
    for name in ("table.md", "table.tex", "table.csv", "table.json", "table.html"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
