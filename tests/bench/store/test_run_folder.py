"""What stands beside the journal: lock, manifest, row file, array store, source hashes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.errors import BusyError, MissingError, StorageError
from bench.records import Row
from bench.store.arrays import keep_array, load_array
from bench.store.files import make_folder, replace_file
from bench.store.lock import held
from bench.store.manifest import Asked, begin, complete, read_manifest
from bench.store.rows import SCHEMA, read_rows, write_rows
from bench.store.source import ROOT, git_commit, source_sha256

HOLD = """
import sys, time
from pathlib import Path
from bench.store.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_told_who_holds_the_folder_and_a_dead_one_holds_nothing(tmp_path: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        begun = time.monotonic()
        with pytest.raises(BusyError) as error, held(tmp_path):
            pass
        assert time.monotonic() - begun < 1.0
        assert re.search(rf"is held by process {holder.pid} on \S+ since 20\d\d-", str(error.value))
    finally:
        holder.kill()
        holder.wait()
    with held(tmp_path), pytest.raises(BusyError, match=f"process {os.getpid()} "), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def asked(**changes: object) -> Asked:
    plain: dict = {
        "protocol": {"id": "x@1"},
        "protocol_hash": "0" * 64,
        "declared_hash": "0" * 64,
        "protocol_state": "own",
        "dataset": {"name": "d"},
        "methods": [],
        "seeds": [0],
        "weights": [{"name": "w", "sha256": "1" * 64, "bytes": 3}],
        "devices": ["cpu"],
        "libraries": {"av": "1", "libavcodec": "2"},
        "cells": 4,
        "executor": "local",
        "workers": 1,
        "threads": 1,
    }
    return Asked(**{**plain, **changes})


def test_the_manifest_is_there_first_and_complete_last(tmp_path: Path):
    first = begin(tmp_path, asked())
    stored = read_manifest(tmp_path / "manifest.json")
    assert stored == first
    assert (stored["ended"], stored["exit"]["code"], stored["ffmpeg"]) == (None, None, {"libavcodec": "2"})
    assert stored["code"]["source_sha256"] == source_sha256("avct", "bench", "metrics", "protocols")
    complete(tmp_path, first, code=1, reason="1 of 4 cells failed", cells={"total": 4}, inputs_sha256="2" * 64)
    stored = read_manifest(tmp_path / "manifest.json")
    assert stored["exit"] == {"code": 1, "reason": "1 of 4 cells failed"} and stored["ended"]
    assert "ended_reason" not in stored and stored["inputs_sha256"] == "2" * 64


def test_every_null_in_the_manifest_has_its_reason(tmp_path: Path):
    def check(content: dict, path: str) -> None:
        for key, value in content.items():
            if value is None and f"{path}{key}" != "exit.code":
                assert content.get(f"{key}_reason"), f"{path}{key} is null without a reason"
            if isinstance(value, dict):
                check(value, f"{path}{key}.")

    check(begin(tmp_path, asked()), "")
    check(begin(tmp_path, asked(devices=["cuda:0"])), "")


def test_a_resumed_run_keeps_its_name_and_start(tmp_path: Path):
    first = begin(tmp_path, asked())
    again = begin(tmp_path, asked())
    assert (again["run_id"], again["started"], len(again["resumed"])) == (first["run_id"], first["started"], 1)
    (tmp_path / "manifest.json").write_text("{")
    assert begin(tmp_path, asked())["run_id"] != first["run_id"]
    (tmp_path / "manifest.json").write_text('{"schema": 99}')
    with pytest.raises(StorageError, match="schema 1"):
        read_manifest(tmp_path / "manifest.json")


def make_row(**changes: object) -> dict:
    plain: dict = {"protocol": "p@1", "cell": "c", "method": "m", "speaker": "s", "reference": "r", "driver": "d"}
    plain |= {"setting": "f32", "seed": 0, "metric": "a/b@1", "value": 0.1, "coverage": 1.0, "frames": 2}
    plain |= {"status": "ok", "per_frame": (0.1, 0.2), "series": {"z": (1.0, 2.0), "a": (3.0, 4.0)}}
    return Row(**{**plain, **changes}).as_dict()


def test_rows_read_back_sorted_and_equal(tmp_path: Path):
    rows = [
        make_row(method="n"),
        make_row(seed=2),
        make_row(metric="a/a@1"),
        make_row(value=None, per_frame=None, series={}),
    ]
    rows[3].update(driver="e", status="failed", stage="generate", reason="broke")
    write_rows(tmp_path / "rows.parquet", rows)
    back = read_rows(tmp_path / "rows.parquet")
    assert [(row["method"], row["driver"], row["seed"], row["metric"]) for row in back] == [
        ("m", "d", 0, "a/a@1"),
        ("m", "d", 2, "a/b@1"),
        ("m", "e", 0, "a/b@1"),
        ("n", "d", 0, "a/b@1"),
    ]
    assert back[2] == rows[3] and back[3] == rows[0]
    assert pq.read_schema(tmp_path / "rows.parquet").names == SCHEMA.names == list(make_row())


def test_row_order_does_not_change_a_byte(tmp_path: Path):
    rows = [make_row(seed=seed, driver=driver, value=seed / 7) for seed in range(5) for driver in "xyz"]
    contents = set()
    for turn in range(3):
        order = np.random.default_rng(turn).permutation(len(rows))
        write_rows(tmp_path / "rows.parquet", [rows[index] for index in order])
        contents.add((tmp_path / "rows.parquet").read_bytes())
    assert len(contents) == 1
    rows[0]["value"] = 0.5
    write_rows(tmp_path / "rows.parquet", rows)
    assert (tmp_path / "rows.parquet").read_bytes() not in contents


def test_row_files_that_are_not_there_or_damaged(tmp_path: Path):
    with pytest.raises(MissingError, match="no such file"):
        read_rows(tmp_path / "rows.parquet")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(StorageError, match="cannot be read as rows"):
        read_rows(tmp_path / "rows.parquet")
    write_rows(tmp_path / "rows.parquet", [])
    assert read_rows(tmp_path / "rows.parquet") == []


def test_folders_and_files_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(StorageError, match="a file is in the way"):
        make_folder(tmp_path / "taken")
    with pytest.raises(StorageError, match="a file is in the way"):
        make_folder(tmp_path / "taken" / "below")
    with pytest.raises(StorageError, match="cannot be written"):
        replace_file(tmp_path / "none" / "file", b"x")
    replace_file(tmp_path / "taken", b"y")
    assert (tmp_path / "taken").read_bytes() == b"y" and len(list(tmp_path.iterdir())) == 1


def test_arrays_are_kept_and_damage_counts_as_absence(tmp_path: Path):
    values = np.array([[1.0, np.nan]])
    assert load_array(tmp_path, "k") is None
    keep_array(tmp_path / "new", "k", values)
    np.testing.assert_array_equal(load_array(tmp_path / "new", "k"), values)
    (tmp_path / "new" / "k.npy").write_bytes(b"\x93NUMPY")
    assert load_array(tmp_path / "new", "k") is None


def test_source_hash_and_commit(tmp_path: Path):
    assert len({source_sha256("bench/io"), source_sha256("bench/store"), source_sha256("bench/io", "bench/store")}) == 3
    assert git_commit(tmp_path) is None
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{'b' * 40} refs/heads/main\n")
    assert git_commit(tmp_path) == "b" * 40
    (git / "refs/heads/main").write_text("a" * 40 + "\n")
    assert git_commit(tmp_path) == "a" * 40
    (git / "HEAD").write_text("c" * 40 + "\n")
    assert git_commit(tmp_path) == "c" * 40
    commit = git_commit(ROOT)
    assert commit is None or re.fullmatch("[0-9a-f]{40}", commit)
