"""Rows of a stranger: kinds, cells and values of all clips together; and tables that are compared cell by cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bundle_run import sound_entries, sound_manifest, sound_protocol
from report_run import LIPS, PSNR

from bench.records import EVERY
from bench.report.bundle import cells as cells_module
from bench.report.bundle import rows as rows_module
from bench.report.bundle.cells import check_cells, check_media, check_pooled, clips_of
from bench.report.bundle.checks import Flaw, Unchecked
from bench.report.bundle.comparison import find_difference
from bench.report.bundle.rows import describe_rows, find_fault, read_strangers
from bench.stats.pooled import identify
from bench.store.rows import SCHEMA, sort_rows, write_rows
from protocols.schema import Protocol
from protocols.validation import validate

PROTOCOL = validate(Protocol, sound_protocol(), "test")
MANIFEST = {**sound_manifest(sound_protocol()), "ended": "then", "exit": {"code": 1, "reason": "one failed"}}


def sound_rows() -> list[dict[str, Any]]:
    """The rows of a run that ended, as they are read."""
    return sort_rows(row for entry in sound_entries(sound_protocol()) for row in entry["rows"])


def pooled_rows() -> list[dict[str, Any]]:
    """The same where one metric is of all clips together."""
    rows = sound_rows()
    for row in rows:
        if row["metric"] == PSNR and row["method"] == "still":
            row.update(value=None, status="pooled")
    mine = [row for row in rows if row["status"] == "pooled"]
    notes = {"clips": 3, "clips_sha256": identify(mine)}
    names = dict.fromkeys(("speaker", "reference", "driver"), EVERY)
    return sort_rows([*rows, {**mine[0], **names, "value": 30.0, "status": "ok", "notes": notes, "video_sha256": None}])


def test_sound_rows_pass(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", pooled_rows())
    rows = read_strangers(tmp_path / "rows.parquet")
    assert len(rows) == 37 and describe_rows(rows).startswith("37 rows: 27 ok, 3 failed")
    assert check_cells(rows, PROTOCOL, MANIFEST) == "12 cells, each with 3 metrics"
    assert check_pooled(rows, MANIFEST).startswith("1 value of all clips together")
    with pytest.raises(Unchecked):
        check_pooled(sound_rows(), MANIFEST)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "fine"}, "status is 'fine', expected one of"),
        ({"value": float("nan")}, "value is nan"),
        ({"value": float("inf")}, "value is inf"),
        ({"status": "undefined", "reason": "why"}, "with status 'undefined'"),
        ({"value": None, "status": "undefined"}, "undefined without a reason"),
        ({"value": None, "status": "failed", "reason": "why"}, "failed without stage and reason"),
        ({"coverage": 1.5}, "coverage is 1.5"),
        ({"coverage": None}, "coverage is None"),
        ({"frames": -1}, "frames is -1"),
        ({"seed": None}, "seed is None"),
        ({"method": None}, "method is None"),
        ({"video_sha256": "../x"}, "video_sha256 is '../x'"),
        ({"series": "{"}, "series is no JSON"),
        ({"series": "[" * 50_000}, "series is no JSON"),
        ({"series": '{"a": [NaN]}'}, "series is no JSON"),
        ({"series": '{"a": ["b"]}'}, "a curve that is no list of numbers"),
        ({"notes": "[]"}, "notes is no object"),
        ({"reference": EVERY}, "in part only"),
    ],
)
def test_a_field_of_another_kind_is_named(change: dict[str, Any], says: str) -> None:
    row = next(row for row in sound_rows() if row["status"] == "ok" and row["metric"] == LIPS)
    stored = {**row, "series": json.dumps({k: list(v) for k, v in row["series"].items()}), "notes": "{}"}
    assert find_fault(stored) is None
    assert says in str(find_fault({**stored, **change}))


def test_files_that_are_no_rows_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 is not enough PAR1")
    with pytest.raises(Flaw, match=r"rows\.parquet cannot be read"):
        read_strangers(path)
    pq.write_table(pa.table({"value": [1.0]}), path)
    with pytest.raises(Flaw, match="not those of rows; missing: protocol, cell"):
        read_strangers(path)
    columns = [SCHEMA.field(name) if name != "value" else pa.field("value", pa.string()) for name in SCHEMA.names]
    pq.write_table(pa.schema(columns).empty_table(), path)
    with pytest.raises(Flaw, match="not those of rows"):
        read_strangers(path)
    write_rows(path, sound_rows())
    monkeypatch.setattr(rows_module, "MOST_ROWS", 10)
    with pytest.raises(Flaw, match="36 rows, expected at most 10"):
        read_strangers(path)
    monkeypatch.setattr(rows_module, "MOST_ROWS", 100)
    monkeypatch.setattr(rows_module, "MOST_NUMBERS", 100)
    with pytest.raises(Flaw, match="a column of more than 100 values"):
        read_strangers(path)


def test_rows_out_of_their_place_are_named(tmp_path: Path) -> None:
    from bench.store.rows import write_sorted

    write_sorted(tmp_path / "rows.parquet", sound_rows()[::-1])
    with pytest.raises(Flaw, match="row 2 is not in its place"):
        read_strangers(tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"method": "mine"}, "row .* of mine/.* is foreign: the protocol has no such method"),
        ({"setting": "fast"}, "is foreign"),
        ({"metric": "other/metric@1"}, "is foreign"),
        ({"driver": "b9"}, "the protocol has no such clip"),
        ({"seed": 5}, "the protocol has no such clip"),
        ({"protocol": "other@1"}, "is of protocol other@1, not of tiny@1"),
        ({"video_sha256": "ab" * 32}, "do not agree on video_sha256"),
        ({"frames": 3}, "do not agree on frames"),
    ],
)
def test_a_row_from_elsewhere_is_named(change: dict[str, Any], says: str) -> None:
    rows = sound_rows()
    rows[4] = {**rows[4], **change}
    with pytest.raises(Flaw, match=says):
        check_cells(rows, PROTOCOL, MANIFEST)


def test_rows_that_are_missing_or_twice_are_named() -> None:
    rows = sound_rows()
    with pytest.raises(Flaw, match="is there twice"):
        check_cells([*rows, rows[0]], PROTOCOL, MANIFEST)
    with pytest.raises(Flaw, match=r"1 of 12 cells lack rows, the manifest knows of 0; .* lacks"):
        check_cells(rows[1:], PROTOCOL, MANIFEST)
    with pytest.raises(Flaw, match="1 of 12 cells lack rows"):
        check_cells(rows[3:], PROTOCOL, MANIFEST)
    left = {**MANIFEST, "cells": {**MANIFEST["cells"], "done": 10}}
    assert "11 of 12 cells" in check_cells(rows[3:], PROTOCOL, left)
    assert "11 of 12 cells" in check_cells(rows[1:], PROTOCOL, {**MANIFEST, "ended": None})
    with pytest.raises(Flaw, match="asks for 12 cells, the manifest says 99"):
        check_cells(rows, PROTOCOL, {**MANIFEST, "cells": {**MANIFEST["cells"], "total": 99}})


def test_a_protocol_of_too_many_clips_is_not_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"r{number}" for number in range(2000)]
    axes = {"drivers": {"ann": [f"d{number}" for number in range(2000)]}, "references": names, "pairs": "all"}
    with pytest.raises(Flaw, match="up to 4,000,000 clips"):
        clips_of(validate(Protocol, sound_protocol(axes=axes), "test"))
    monkeypatch.setattr(cells_module, "MOST_PAIRS", 1000)
    with pytest.raises(Flaw, match="expected at most"):
        clips_of(validate(Protocol, sound_protocol(axes={**axes, "pairs": "same"}), "test"))


def test_a_value_of_other_clips_is_named() -> None:
    def changed(**changes: Any) -> list[dict[str, Any]]:
        return [{**row, **changes} if row["reference"] == EVERY else row for row in pooled_rows()]

    together = next(row for row in pooled_rows() if row["reference"] == EVERY)
    with pytest.raises(Flaw, match="rests on other clips"):
        check_pooled(changed(notes={"clips": 3, "clips_sha256": "0" * 64}), MANIFEST)
    with pytest.raises(Flaw, match="says 9 clips, 3 entered it"):
        check_pooled(changed(notes={**together["notes"], "clips": 9}), MANIFEST)
    with pytest.raises(Flaw, match="clips entered a value of all clips that is not there"):
        check_pooled([row for row in pooled_rows() if row["reference"] != EVERY], MANIFEST)
    with pytest.raises(Flaw, match="rests on other clips"):
        rows = pooled_rows()
        next(row for row in rows if row["status"] == "pooled")["video_sha256"] = "ab" * 32
        check_pooled(rows, MANIFEST)


def test_videos_of_no_row_are_named() -> None:
    rows = sound_rows()
    with pytest.raises(Unchecked):
        check_media([], rows)
    with pytest.raises(Flaw, match=r"media/x\.mp4 is of no row's video"):
        check_media(["media/x.mp4"], rows)


TABLE = b"method,setting,metric,value\nours,f32,psnr,30.5\ntheirs,f32,psnr,\n"


@pytest.mark.parametrize(
    ("name", "other", "says", "close"),
    [
        ("t.csv", TABLE.replace(b"30.5", b"30.500000000001"), "by rounding alone", True),
        ("t.csv", TABLE.replace(b"30.5", b"30.6"), "2 (ours, f32, psnr), value is '30.5', the rows give '30.6'", False),
        ("t.csv", TABLE.replace(b"psnr,\n", b"psnr,1\n"), "value is '', the rows give '1'", False),
        ("t.csv", TABLE + b"more,f32,psnr,1\n", "2 lines, the rows give 3", False),
        ("t.csv", TABLE.replace(b"value", b"mean"), "its columns", False),
        ("t.md", TABLE.replace(b"30.5", b"30.500000000001"), "by rounding alone", True),
        ("t.md", TABLE.replace(b"ours", b"hers"), "line 2 is 'ours,f32", False),
        ("t.md", TABLE + b"x", "line 4 is ''", False),
        ("t.md", TABLE + b"\n\n", "on one side only", False),
        ("t.csv", b"\xff", "is no text", False),
    ],
)  # fmt: skip
def test_tables_are_compared_cell_by_cell(name: str, other: bytes, says: str, close: bool) -> None:
    told, rounding = find_difference(name, TABLE, other)
    assert says in told and rounding is close
