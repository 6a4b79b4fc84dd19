"""Rows on disk: `rows.parquet`, sorted, with a fixed schema, the same bytes whenever the rows are the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import MissingError, StorageError
from bench.store.files import replacing

FILE = "rows.parquet"
_TEXT = ("protocol", "cell", "method", "speaker", "reference", "driver", "setting")
_ORDER = ("method", "setting", "speaker", "reference", "driver", "seed", "metric")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXT),
        ("seed", pa.int64()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("coverage", pa.float64()),
        ("frames", pa.int64()),
        *((name, pa.string()) for name in ("status", "stage", "reason")),
        ("per_frame", pa.list_(pa.float64())),
        ("series", pa.string()),
        ("notes", pa.string()),
        *((name, pa.string()) for name in ("video_sha256", "truth_sha256")),
    ]
)
"""The fields of `bench.records.Row` in their order; `series` and `notes` are JSON text with sorted keys."""
_JSON = ("series", "notes")
_TOGETHER = 1024
"""Rows of one group of the file: what is in memory while it is written, a few megabytes with curves of 90 frames."""


def place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the order of rows goes by: method, setting, speaker, reference, driver, seed, metric."""
    return tuple(row[name] for name in _ORDER)


def sort_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the one order they are stored in."""
    return sorted((dict(row) for row in rows), key=place)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows.parquet, whole or not at all. rows: dicts with the fields of `bench.records.Row`, in any order."""
    write_sorted(path, sort_rows(rows))


def write_sorted(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """The same of rows that come in their order; no more than `_TOGETHER` of them are in memory at once."""
    waiting = iter(rows)
    with replacing(path) as file, pq.ParquetWriter(file, SCHEMA, compression="zstd", version="2.6") as writer:
        while some := list(itertools.islice(waiting, _TOGETHER)):
            writer.write_table(_table(some))


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    columns = {
        name: [_json_text(row.get(name)) if name in _JSON else row[name] for row in rows] for name in SCHEMA.names
    }
    return pa.table(columns, schema=SCHEMA)


def read_rows(path: Path, *, reference: str | None = None) -> list[dict[str, Any]]:
    """The rows as dicts, `series` as a dict of lists, `notes` as a dict; of one reference where it is given.

    Raises MissingError, or StorageError for a damaged file.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such file; a finished run writes it")
    try:
        chosen = None if reference is None else [("reference", "=", reference)]
        rows = pq.read_table(path, schema=SCHEMA, filters=chosen).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{path}: cannot be read as rows ({str(error).splitlines()[0]})") from None
    for row in rows:
        for name in _JSON:
            # Most are empty, and there may be a million of them.
            row[name] = json.loads(row[name]) if row[name] and row[name] != "{}" else {}
    return rows


def _json_text(content: Mapping[str, Any] | None) -> str:
    return json.dumps(content or {}, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
