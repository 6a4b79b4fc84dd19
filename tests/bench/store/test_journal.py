"""The journal: torn lines, damage, full disks, and text that reads back as it was."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.errors import StorageError
from bench.store.journal import Journal, encode, read_journal


def fill(path: Path, count: int) -> bytes:
    with Journal(path) as journal:
        for number in range(count):
            journal.append({"key": str(number), "text": "ä\nb", "values": [0.1, float(number)]})
    return path.read_bytes()


def test_what_was_appended_is_read_back(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    fill(path, 3)
    assert [entry["key"] for entry in read_journal(path)] == ["0", "1", "2"]
    with Journal(path) as journal:
        assert list(journal) == read_journal(path)
        number = journal.append({"value": 1 / 3, "none": None, "per_frame": [float("nan"), float("inf"), 1.0]})
        assert journal.read(number) == {"value": 1 / 3, "none": None, "per_frame": [None, None, 1.0]}
    assert len(read_journal(path)) == 4


@pytest.mark.parametrize("left", ["all but the newline", "half", "one byte", "newline but not JSON"])
def test_a_torn_last_line_is_cut_off_and_the_rest_kept(tmp_path: Path, left: str):
    path = tmp_path / "rows.jsonl"
    whole = fill(path, 3)
    last = whole.splitlines(keepends=True)[-1]
    kept = len(whole) - len(last)
    torn = {
        "all but the newline": last[:-1],
        "half": last[: len(last) // 2],
        "one byte": last[:1],
        "newline but not JSON": b"\0" * 5 + b"\n",
    }[left]
    path.write_bytes(whole[:kept] + torn)
    assert len(read_journal(path)) == 2
    assert path.stat().st_size == kept + len(torn), "reading must not change the file"
    with Journal(path) as journal:
        assert len(journal) == 2 and path.stat().st_size == kept
        journal.append({"key": "new"})
    assert [entry.get("key") for entry in read_journal(path)] == ["0", "1", "new"]


def test_damage_in_the_middle_is_said_and_nothing_is_lost(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    whole = fill(path, 3).splitlines(keepends=True)
    path.write_bytes(whole[0] + b"{]\n" + whole[2])
    before = path.read_bytes()
    with pytest.raises(StorageError, match="line 2 is damaged"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_failed_append_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "rows.jsonl"
    before = fill(path, 2)
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with Journal(path) as journal:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(StorageError, match=r"rows\.jsonl: cannot be written \(No space left on device\)"):
            journal.append({"key": "x" * 200})
        monkeypatch.undo()
        assert path.read_bytes() == before
        journal.append({"key": "after"})
    assert [entry["key"] for entry in read_journal(path)] == ["0", "1", "after"]


def test_an_interrupt_takes_back_half_a_line_and_never_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "rows.jsonl"
    fill(path, 1)
    write = os.write

    def interrupt(*arguments: object) -> int:
        raise KeyboardInterrupt

    def torn(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", interrupt)
        return write(descriptor, data[: len(data) // 2])

    with Journal(path) as journal:
        for name, broken in (("fsync", interrupt), ("write", torn)):
            monkeypatch.setattr(os, name, broken)
            with pytest.raises(KeyboardInterrupt):
                journal.append({"key": name})
            monkeypatch.undo()
            assert [entry["key"] for entry in journal] == ["0", "fsync"]
            assert [entry["key"] for entry in read_journal(path)] == ["0", "fsync"]
        journal.append({"key": "after"})
    assert [entry["key"] for entry in read_journal(path)] == ["0", "fsync", "after"]


def test_lines_that_come_fast_share_an_fsync_and_closing_leaves_none_behind(tmp_path: Path, monkeypatch):
    path, sizes, sync = tmp_path / "rows.jsonl", [], os.fsync

    def slow(descriptor: int) -> None:
        time.sleep(0.05)
        sync(descriptor)
        sizes.append(path.stat().st_size)

    with Journal(path) as journal:
        monkeypatch.setattr(os, "fsync", slow)
        journal.append({"key": "first"})
        assert journal.synced and sizes == [path.stat().st_size]
        for number in range(20):
            journal.append({"key": str(number)})
            assert path.read_bytes().count(b"\n") == number + 2, "a kill takes no line back"
        assert len(sizes) == 1 and not journal.synced
        journal.sync()
        assert journal.synced and len(sizes) == 2
        journal.append({"key": "last"})
    assert sizes[-1] == path.stat().st_size and len(sizes) == 3


def test_lines_added_together_are_there_together_or_not_at_all(tmp_path: Path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    before = fill(path, 1)
    with Journal(path) as journal:
        assert list(journal.extend([{"key": "a"}, {"key": "b"}])) == [1, 2]
        assert [journal.read(2), journal.read(0)["key"], len(journal)] == [{"key": "b"}, "0", 3]
        kept = path.read_bytes()
        write = os.write
        monkeypatch.setattr(os, "write", lambda d, data: write(d, data[:15]) if len(data) > 20 else no_space())
        with pytest.raises(StorageError, match="No space"):
            journal.extend([{"key": "cccc"}, {"key": "dddd"}])
        monkeypatch.undo()
        assert path.read_bytes() == kept != before and len(journal) == 3


def no_space() -> int:
    raise OSError(28, "No space left on device")


FULL = """
import resource, signal, sys
from pathlib import Path
from bench.errors import StorageError
from bench.store.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
with Journal(Path(sys.argv[1])) as journal:
    journal.append({"key": "x" * 30})
    try:
        journal.append({"key": "y" * 200})
    except StorageError as error:
        print(error)
"""


def test_a_file_that_the_system_lets_grow_no_further(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=30)
    assert re.fullmatch(r".*rows\.jsonl: cannot be written \(File too large\)\n", done.stdout), done.stderr
    assert [entry["key"] for entry in read_journal(path)] == ["x" * 30]
    assert path.read_bytes().endswith(b"\n")


def test_no_permission(tmp_path: Path):
    (tmp_path / "rows.jsonl").mkdir()
    with pytest.raises(StorageError, match=r"rows\.jsonl"):
        Journal(tmp_path / "rows.jsonl")


def test_a_line_is_one_line():
    assert encode({"a": "x\ny\r\u2028"}).count(b"\n") == 1
