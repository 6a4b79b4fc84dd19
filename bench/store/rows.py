"""Rows on disk: `rows.parquet`, sorted, with a fixed schema, the same bytes whenever the rows are the same."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import MissingError, StorageError
from bench.store.files import replace_file

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


def sort_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the one order they are stored in: method, setting, speaker, reference, driver, seed, metric."""
    return sorted((dict(row) for row in rows), key=lambda row: tuple(row[name] for name in _ORDER))


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows.parquet, whole or not at all. rows: dicts with the fields of `bench.records.Row`, in any order."""
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    for row in sort_rows(rows):
        for name in SCHEMA.names:
            columns[name].append(_json_text(row.get(name)) if name in _JSON else row[name])
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=SCHEMA), buffer, compression="zstd", version="2.6")
    replace_file(path, buffer.getvalue())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows as dicts, `series` as a dict of lists, `notes` as a dict.

    Raises MissingError, or StorageError for a damaged file.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such file; a finished run writes it")
    try:
        rows = pq.read_table(path, schema=SCHEMA).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{path}: cannot be read as rows ({str(error).splitlines()[0]})") from None
    for row in rows:
        for name in _JSON:
            row[name] = json.loads(row[name] or "{}")
    return rows


def _json_text(content: Mapping[str, Any] | None) -> str:
    return json.dumps(content or {}, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
