"""The journal of a run: one line of JSON for each finished cell, on the disk before the next one is started.

Only a line that ends counts. A kill or a power cut can tear the last one; it is cut off when the journal is opened.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.errors import StorageError
from bench.store.files import storing, sync_folder

FILE = "rows.jsonl"


class Journal:
    """An open journal: its `entries`, all as read back from their lines, and `append`. Close it, or use a `with`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        new = not path.exists()
        with storing(path):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if new:
                sync_folder(path.parent)
        try:
            self.entries, self._end = _parse(path.read_bytes(), path)
            with storing(path):
                os.ftruncate(self._file, self._end)
        except BaseException:
            os.close(self._file)
            raise

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add one line and bring it to the disk. On StorageError the journal is as it was before the call.

        An interrupt that comes when the line is whole does not take it back: what is finished is kept.
        """
        line = encode(entry)
        written = 0
        try:
            with storing(self.path):
                os.lseek(self._file, self._end, os.SEEK_SET)
                while written < len(line):
                    written += os.write(self._file, line[written:])
                os.fsync(self._file)
        except BaseException as error:
            if written == len(line) and not isinstance(error, StorageError):
                self._keep(line)
            else:
                # A full disk may have taken half a line; what is cut off here need not be mended at the next start.
                os.ftruncate(self._file, self._end)
            raise
        self._keep(line)

    def _keep(self, line: bytes) -> None:
        self._end += len(line)
        self.entries.append(json.loads(line))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal, without touching it; a torn last line is left out. Raises StorageError on damage."""
    return _parse(path.read_bytes(), path)[0] if path.exists() else []


def encode(entry: Mapping[str, Any]) -> bytes:
    """An entry as a line of UTF-8 JSON. A float that is not finite becomes null: JSON has no word for it."""
    return json.dumps(_plain(entry), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parse(content: bytes, path: Path) -> tuple[list[dict[str, Any]], int]:
    """The entries of whole lines, and where the last whole line ends."""
    entries: list[dict[str, Any]] = []
    end = 0
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            # Blocks of one write may reach the disk in any order, so a torn last line may yet end in a newline.
            if number == len(lines):
                break
            raise StorageError(
                f"{path}: line {number} is damaged; expected a JSON object. Move the file away to restart"
            )
        entries.append(entry)
        end += len(line)
    return entries, end
