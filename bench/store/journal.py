"""The journal of a run: one line of JSON for each finished cell, on the disk before anybody is told of it.

Only a line that ends counts. A kill or a power cut can tear the last one; it is cut off when the journal is opened.
A line is written at once, which a kill cannot undo; for a power cut, lines that come fast share one fsync. Lines stay
on the disk and are read when they are asked for: curves of ten thousand cells do not fit into memory.
"""

from __future__ import annotations

import json
import math
import os
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from bench.errors import StorageError
from bench.store.files import storing, sync_folder

FILE = "rows.jsonl"
_KEPT = 4
"""Entries that stay in memory once read: what is asked for next is mostly in the same line, or in its neighbour's."""
_REST = 20
"""Times its own length that passes after an fsync before the next: at most a twentieth of the time goes to them."""


class Journal:
    """An open journal: iterate for its entries as read back, `read` one, `append` one. Close it, or use a `with`.

    Opening looks at where lines begin and end. Raises StorageError where a line is damaged, there or when it is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        new = not path.exists()
        with storing(path):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if new:
                sync_folder(path.parent)
        self._recent: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._next_sync = 0.0
        self.synced = True
        try:
            with path.open("rb") as file:
                self._ends = _scan(file, path)
            with storing(path):
                os.ftruncate(self._file, self._end)
        except BaseException:
            os.close(self._file)
            raise

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self._load(number) for number in range(len(self._ends)))

    def read(self, number: int) -> dict[str, Any]:
        """The entry of that number, from 0. It is shared with whoever asks next: leave it as it is."""
        if number in self._recent:
            self._recent.move_to_end(number)
            return self._recent[number]
        self._recent[number] = entry = self._load(number)
        while len(self._recent) > _KEPT:
            self._recent.popitem(last=False)
        return entry

    def append(self, entry: Mapping[str, Any]) -> int:
        """Add one line; its number. As `extend`."""
        return self.extend([entry])[0]

    def extend(self, entries: Sequence[Mapping[str, Any]]) -> range:
        """Add lines; their numbers. On StorageError nothing was added. `synced` says whether a power cut can undo it.

        An interrupt that comes when the lines are whole does not take them back: what is finished is kept.
        """
        lines = [encode(entry) for entry in entries]
        block, written = b"".join(lines), 0
        try:
            with storing(self.path):
                os.lseek(self._file, self._end, os.SEEK_SET)
                while written < len(block):
                    written += os.write(self._file, block[written:])
            self.synced = False
            if time.monotonic() >= self._next_sync:
                self.sync()
        except BaseException as error:
            if written == len(block) and not isinstance(error, StorageError):
                self._keep(lines)
            else:
                # A full disk may have taken half a line; what is cut off here need not be mended at the next start.
                os.ftruncate(self._file, self._end)
            raise
        return self._keep(lines)

    def sync(self) -> None:
        """Bring all that was added to the disk. Raises StorageError."""
        if self.synced:
            return
        begin = time.monotonic()
        with storing(self.path):
            os.fsync(self._file)
        end = time.monotonic()
        self.synced, self._next_sync = True, end + _REST * (end - begin)

    @property
    def _end(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _load(self, number: int) -> dict[str, Any]:
        begin = self._ends[number - 1] if number else 0
        line = os.pread(self._file, self._ends[number] - begin, begin)
        entry = _parse(line)
        if entry is None:
            raise _damage(self.path, number)
        return entry

    def _keep(self, lines: Sequence[bytes]) -> range:
        first = len(self._ends)
        for line in lines:
            self._ends.append(self._end + len(line))
        return range(first, len(self._ends))

    def close(self) -> None:
        """Bring all to the disk and close the file."""
        try:
            self.sync()
        finally:
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal, without touching it; a torn last line is left out. Raises StorageError on damage."""
    if not path.exists():
        return []
    entries = []
    with path.open("rb") as file:
        count = len(_scan(file, path))
        file.seek(0)
        for number in range(count):
            entry = _parse(file.readline())
            if entry is None:
                raise _damage(path, number)
            entries.append(entry)
    return entries


def encode(entry: Mapping[str, Any]) -> bytes:
    """An entry as a line of UTF-8 JSON. A float that is not finite becomes null: JSON has no word for it."""
    try:
        return _dump(entry)
    except (TypeError, ValueError):  # rare: a mapping that is no dict, or a float that is not finite
        return _dump(_plain(entry))


def _dump(entry: Any) -> bytes:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _scan(file: BinaryIO, path: Path) -> array[int]:
    """Where each whole line ends. Of all but the last only both ends are looked at: they are parsed when read."""
    ends, end, doubtful = array("Q"), 0, False
    last = b""
    for line in file:
        if doubtful:
            raise _damage(path, len(ends))
        doubtful = not (line.startswith(b"{") and line.endswith(b"}\n"))
        if not doubtful:
            end += len(line)
            ends.append(end)
        last = line
    # Blocks of one write may reach the disk in any order, so a torn last line may yet end in a newline.
    if not doubtful and ends and _parse(last) is None:
        ends.pop()
    return ends


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _damage(path: Path, number: int) -> StorageError:
    return StorageError(f"{path}: line {number + 1} is damaged; expected a JSON object. Move the file away to restart")
