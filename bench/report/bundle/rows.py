"""Rows of a stranger: the fields of a row and their kinds, read in batches so that no file fills the memory unseen."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.records import EVERY
from bench.report.bundle.checks import Flaw, count
from bench.store.rows import SCHEMA, place

STATUSES = ("ok", "failed", "unavailable", "undefined", "pooled")
MOST_ROWS = 5_000_000
MOST_NUMBERS = 500_000_000
"""Values of one column with all curves: a day of video by 20 methods and 8 metrics has a third of it."""
_BATCH = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAMES = ("protocol", "cell", "method", "speaker", "reference", "driver", "setting", "metric", "status")


def read_strangers(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, each field of the kind that `bench.records.Row` says, in the stored order.

    Curves are dropped: what is computed from rows reads the file again. Flaw says in one line what is wrong.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_frame(file)
            return list(_rows(file))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Flaw(f"{path.name} cannot be read ({str(error).splitlines()[0] if str(error) else error!r})") from None


def _check_frame(file: pq.ParquetFile) -> None:
    found, wanted = file.schema_arrow.remove_metadata(), SCHEMA
    if not found.equals(wanted):
        names = [name for name in wanted.names if name not in found.names]
        odd = [name for name in found.names if name not in wanted.names]
        told = f"; missing: {', '.join(names)}" if names else f"; unknown: {', '.join(odd)}" if odd else ""
        raise Flaw(f"its columns are not those of rows{told}")
    if file.metadata.num_rows > MOST_ROWS:
        raise Flaw(f"{file.metadata.num_rows:,} rows, expected at most {MOST_ROWS:,}")
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    for column in range(file.metadata.num_columns):
        if sum(group.column(column).num_values for group in groups) > MOST_NUMBERS:
            raise Flaw(f"a column of more than {MOST_NUMBERS:,} values")


def _rows(file: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    number, before = 0, None
    for batch in file.iter_batches(batch_size=_BATCH):
        for row in batch.to_pylist():
            number += 1
            wrong = find_fault(row)
            if wrong is not None:
                raise Flaw(f"row {number}: {wrong}")
            if before is not None and place(row) < before:
                raise Flaw(f"row {number} is not in its place")
            before = place(row)
            yield {**row, "per_frame": None, "series": {}, "notes": json.loads(row["notes"] or "{}")}


def find_fault(row: dict[str, Any]) -> str | None:
    """What is wrong with a row as it is stored, None where nothing is."""
    for name in _NAMES:
        if not row[name] or not isinstance(row[name], str):
            return f"{name} is {row[name]!r}"
    if row["status"] not in STATUSES:
        return f"status is {row['status']!r}, expected one of {', '.join(STATUSES)}"
    for name in ("seed", "frames"):
        if not isinstance(row[name], int) or row[name] < 0:
            return f"{name} is {row[name]!r}"
    if row["coverage"] is None or not 0 <= row["coverage"] <= 1:
        return f"coverage is {row['coverage']!r}, expected 0 to 1"
    for name in ("video_sha256", "truth_sha256"):
        if row[name] is not None and not _SHA256.fullmatch(row[name]):
            return f"{name} is {row[name]!r}"
    return _value_fault(row) or _curve_fault(row)


def _value_fault(row: dict[str, Any]) -> str | None:
    value, status = row["value"], row["status"]
    if value is not None and not math.isfinite(value):
        return f"value is {value!r}"
    if status != "ok" and value is not None:
        return f"a value, {value!r}, with status {status!r}"
    if status == "failed" and not (row["stage"] and row["reason"]):
        return "failed without stage and reason"
    if status in ("unavailable", "undefined") and not row["reason"]:
        return f"{status} without a reason"
    return None


def _curve_fault(row: dict[str, Any]) -> str | None:
    held = {}
    for name in ("series", "notes"):
        try:
            held[name] = json.loads(row[name] or "{}", parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return f"{name} is no JSON"
        if not isinstance(held[name], dict):
            return f"{name} is no object"
    curves = list(held["series"].values()) + ([row["per_frame"]] if row["per_frame"] is not None else [])
    for curve in curves:
        if not isinstance(curve, list) or not all(v is None or type(v) in (int, float) for v in curve):
            return "a curve that is no list of numbers"
    if row["reference"] == EVERY and {row["speaker"], row["driver"]} != {EVERY}:
        return f"of all clips ({EVERY}) in part only"
    return None


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def describe_rows(rows: list[dict[str, Any]]) -> str:
    """A line on rows that are in order: how many, and how many of each status."""
    tally = {status: sum(row["status"] == status for row in rows) for status in STATUSES}
    return f"{count(len(rows), 'row')}: " + ", ".join(f"{n:,} {status}" for status, n in tally.items() if n)
