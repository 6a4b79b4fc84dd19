"""Run folders that are not whole: one line each, with what was expected and from which file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_run import make_manifest, make_protocol, make_run

from bench.errors import MissingError, StorageError
from bench.report import write
from bench.report.folder import name_clip, read_run


@pytest.mark.parametrize("lost", ["manifest.json", "rows.jsonl"])
def test_what_is_missing_is_named(tmp_path: Path, lost: str) -> None:
    folder = make_run(tmp_path / "run")
    (folder / lost).unlink()
    with pytest.raises(MissingError, match=lost) as caught:
        write(folder)
    assert "\n" not in str(caught.value)
    assert not (folder / "table.md").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such folder"):
        write(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", ["{", "[]", '{"schema": 99}'])
def test_a_damaged_manifest(tmp_path: Path, damage: str) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "manifest.json").write_text(damage)
    with pytest.raises(StorageError, match="manifest"):
        write(folder)


@pytest.mark.parametrize("name", ["methods", "metrics", "settings", "axes", "statistics"])
def test_a_protocol_that_is_not_whole(tmp_path: Path, name: str) -> None:
    folder = make_run(tmp_path / "run")
    protocol = {key: value for key, value in make_protocol().items() if key != name}
    (folder / "manifest.json").write_text(json.dumps({**make_manifest(make_protocol()), "protocol": protocol}))
    with pytest.raises(StorageError, match=f"; {name} is missing"):
        write(folder)


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="taken"):
        write(make_run(tmp_path / "run"), out=tmp_path / "taken")


def test_rows_of_other_cells_are_left_out(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    everything = len(read_run(folder).rows)
    asked = make_protocol(methods=["avct"], metrics=["psnr/mean-of-frames@1"])
    (folder / "manifest.json").write_text(json.dumps(make_manifest(asked)))
    rows = read_run(folder).rows
    assert everything == 36 and len(rows) == 3
    assert {(row["method"], row["metric"]) for row in rows} == {("avct", "psnr/mean-of-frames@1")}


@pytest.mark.parametrize(
    ("clip", "seeds", "name"),
    [
        (("ann", "face", "a1", 0), False, "ann / face / a1"),
        (("ann", "face", "ann-1", 0), False, "face / ann-1"),
        (("unknown", "x", "x", 0), False, "x"),
        (("unknown", "unknown", "unknown", 0), False, "unknown"),
        (("ann", "face", "a1", 7), True, "ann / face / a1 / seed 7"),
    ],
)
def test_clips_are_named_without_repetition(clip, seeds: bool, name: str) -> None:
    assert name_clip(clip, seeds=seeds) == name
