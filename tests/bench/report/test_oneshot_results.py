"""The committed benchmark: what it rests on, and that its tables and figures are those of its rows, byte for byte."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from remade import remake

from bench.records import EVERY
from bench.store.rows import read_rows
from protocols import catalogue
from protocols.schema import Protocol

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[3] / "results" / "puppet-oneshot"


def test_tables_and_figures_are_made_again_from_rows_alone(tmp_path: Path) -> None:
    before, after = remake(shutil.copytree(FOLDER, tmp_path / "oneshot"))
    assert set(after) == set(before) and len(before) >= 20
    assert [name for name, content in before.items() if after[name] != content] == []


def test_it_is_the_shipped_protocol_run_in_full() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text())
    shipped = catalogue.load("puppet-oneshot")
    assert manifest["declared_hash"] == shipped.hash() and manifest["protocol_state"] == "as shipped"
    assert Protocol.model_validate(manifest["protocol"]).hash() == manifest["protocol_hash"]
    assert manifest["exit"]["code"] == 0 and manifest["cells"]["done"] == manifest["cells"]["total"]
    rows = [row for row in read_rows(FOLDER / "rows.parquet") if row["reference"] != EVERY]
    clips = {(row["speaker"], row["reference"], row["driver"]) for row in rows}
    assert len(clips) == 120 and len({reference for _, reference, _ in clips}) == 24
    assert {speaker for speaker, _, _ in clips} == {"heldout-a", "heldout-b"}
    cells = {(row["method"], row["setting"], row["reference"], row["driver"]) for row in rows}
    assert len(cells) == len(shipped.methods) * 2 * 120 and len(rows) == len(cells) * len(shipped.metrics)
    assert not [row for row in rows if row["status"] == "failed"]


def test_it_names_no_machine() -> None:
    for path in FOLDER.glob("*.*"):
        if path.suffix not in (".parquet", ".jpg"):
            text = path.read_text(encoding="utf-8")
            assert not [folder for folder in ("home", "root", "tmp", "work") if f"/{folder}/" in text], path.name
