"""Scoring videos that were made elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import ConfigError, MissingError
from bench.io.encode import write_lossless
from bench.runner.how import How
from bench.runner.score import score
from bench.stats.summary import summarise
from bench.store.manifest import read_manifest
from bench.store.rows import read_rows

ERROR, BRIGHT, PICKY = "toy_error/plain@1", "toy_bright/plain@1", "toy_picky/plain@1"


def write(path: Path, *, frames: int = 8, side: int = 16, shift: int = 0, sound: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [np.full((side, side, 3), 10 * t + shift, np.uint8) for t in range(frames)]
    write_lossless(path, shown, samples=np.full(frames * 640, 0.1, np.float32) if sound else None)


def found(out: Path) -> dict[tuple[str, str, str], dict]:
    rows = read_rows(out / "rows.parquet")
    return {(row["method"], row["driver"], row["metric"]): row for row in rows}


@pytest.fixture
def folders(place, tmp_path: Path) -> tuple[Path, Path, Path]:
    videos, truth = tmp_path / "mine", tmp_path / "true"
    for clip in ("a", "deep/b"):
        write(truth / f"{clip}.mkv")
        write(videos / f"{clip}.mkv", shift=3)
    return videos, truth, tmp_path / "out"


def test_clips_are_matched_by_name_and_counted_in_the_table(folders):
    videos, truth, out = folders
    result = score(videos, metrics=[ERROR, BRIGHT], truth=truth, out=out, how=How(workers=0))
    assert (result.exit_code, result.total, result.done) == (0, 2, 2)
    rows = found(out)
    assert rows["mine", "deep/b", ERROR]["value"] == 9.0 and rows["mine", "a", BRIGHT]["value"] == 38.0
    protocol = read_manifest(out / "manifest.json")["protocol"]
    lines = summarise(read_rows(out / "rows.parquet"), protocol)
    assert [(line["metric"], line["value"], line["n"], line["coverage"]) for line in lines] == [
        (ERROR, 9.0, 2, 1.0),
        (BRIGHT, 38.0, 2, 1.0),
    ]


def test_again_nothing_is_measured_until_a_file_changes(place, folders):
    videos, truth, out = folders
    score(videos, metrics=[ERROR], truth=truth, out=out, how=How(workers=0))
    place.calls()
    assert score(videos, metrics=[ERROR], truth=truth, out=out, how=How(workers=0)).reused == 2 and place.calls() == []
    write(videos / "a.mkv", shift=4)
    assert (
        score(videos, metrics=[ERROR], truth=truth, out=out, how=How(workers=0)).reused == 1 and len(place.calls()) == 1
    )
    assert found(out)["mine", "a", ERROR]["value"] == 16.0
    write(truth / "deep/b.mkv", shift=3)
    assert score(videos, metrics=[ERROR], truth=truth, out=out, how=How(workers=0)).reused == 1
    assert found(out)["mine", "deep/b", ERROR]["value"] == 0.0


def test_what_has_no_partner_is_a_row_that_failed(folders):
    videos, truth, out = folders
    (truth / "a.mkv").rename(truth / "c.mkv")
    result = score(videos, metrics=[ERROR, BRIGHT], truth=truth, out=out, how=How(workers=0))
    assert (result.exit_code, result.done, result.failed) == (1, 1, 2)
    rows = found(out)
    for clip, reason in [("a", "no true video of clip a"), ("c", "no video of clip c")]:
        for metric in (ERROR, BRIGHT):
            row = rows["mine", clip, metric]
            assert (row["status"], row["stage"], row["reason"]) == ("failed", "match", reason)
    lines = summarise(rows.values(), read_manifest(out / "manifest.json")["protocol"])
    assert [(line["n"], round(line["coverage"], 3)) for line in lines] == [(1, 0.333), (1, 0.333)]


def test_without_truth_only_metrics_that_need_it_are_unavailable(folders):
    videos, _, out = folders
    result = score(videos, metrics=[ERROR, BRIGHT], out=out, method="ours", how=How(workers=0))
    assert (result.exit_code, result.done) == (0, 2)
    rows = found(out)
    assert rows["ours", "a", ERROR]["status"] == "unavailable" and rows["ours", "a", BRIGHT]["status"] == "ok"
    assert rows["ours", "a", ERROR]["reason"] == "needs truth (no folder of true videos was given)"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"side": 24}, "the video is 24x24, its truth 16x16; sizes must be equal"),
        ({"frames": 11}, "the video has 11 frames at 25 a second, its truth 8; expected lengths within 2 frames"),
        ({"frames": 5}, "the video has 5 frames at 25 a second, its truth 8; expected lengths within 2 frames"),
        ({"frames": 10}, None),
        ({"frames": 6}, None),
    ],
)
def test_sizes_and_lengths(folders, change: dict, reason: str | None):
    videos, truth, out = folders
    write(videos / "a.mkv", **change)
    score(videos, metrics=[ERROR], truth=truth, out=out, how=How(workers=0))
    row = found(out)["mine", "a", ERROR]
    if reason is None:
        assert (row["status"], row["value"], row["frames"]) == ("ok", 0.0, min(8, change["frames"]))
    else:
        assert (row["status"], row["stage"], row["reason"]) == ("failed", "match", reason)


def test_a_broken_video_and_one_without_sound(folders):
    videos, truth, out = folders
    write(videos / "a.mkv", sound=False)
    (videos / "deep/b.mkv").write_bytes(b"nothing")
    assert score(videos, metrics=[BRIGHT, PICKY], truth=truth, out=out, how=How(workers=0)).failed == 1
    rows = found(out)
    assert rows["mine", "a", PICKY]["reason"] == "needs samples" and rows["mine", "a", BRIGHT]["status"] == "ok"
    assert (rows["mine", "deep/b", BRIGHT]["status"], rows["mine", "deep/b", BRIGHT]["stage"]) == ("failed", "prepare")


def test_a_folder_of_folders_holds_a_method_in_each(folders, tmp_path: Path):
    _, truth, out = folders
    for name, shift in (("one", 1), ("two", 2)):
        write(tmp_path / f"all/{name}/a.mkv", shift=shift)
    (tmp_path / "all/empty").mkdir()
    result = score(tmp_path / "all", metrics=[ERROR], truth=truth, out=out, how=How(workers=2))
    rows = found(out)
    assert (rows["one", "a", ERROR]["value"], rows["two", "a", ERROR]["value"]) == (1.0, 4.0)
    assert (result.done, result.failed) == (2, 2) and rows["two", "deep/b", ERROR][
        "reason"
    ] == "no video of clip deep/b"


def test_mistakes(folders, tmp_path: Path):
    videos, truth, out = folders
    (tmp_path / "bare").mkdir()
    for path, expected in [(tmp_path / "none", "no such folder"), (tmp_path / "bare", "no videos")]:
        with pytest.raises(MissingError, match=expected):
            score(path, metrics=[BRIGHT], out=out)
    write(videos / "a.mp4.mkv")
    write(videos / "a.mp4.mov")
    with pytest.raises(ConfigError, match="two videos are called"):
        score(videos, metrics=[BRIGHT], truth=truth, out=out)
    with pytest.raises(ConfigError):
        score(videos, metrics=["toy_brigt/plain@1"], truth=truth, out=out)
    assert not out.exists()


def test_a_new_folder_is_decoded_once(folders, monkeypatch: pytest.MonkeyPatch):
    """A clip is measured by the task that decodes it: with several workers a second task may go to another process."""
    from bench.runner import files, worker

    videos, truth, out = folders
    decoded: list[str] = []
    plain = files.spool
    monkeypatch.setattr(files, "spool", lambda path, folder: decoded.append(path.name) or plain(path, folder))
    second = []
    measure = worker.Worker.measure
    monkeypatch.setattr(worker.Worker, "measure", lambda self, task: second.append(task) or measure(self, task))
    score(videos, metrics=[ERROR], truth=truth, out=out, how=How(workers=0))
    assert sorted(decoded) == ["a.mkv", "a.mkv", "b.mkv", "b.mkv"] and not second
    assert found(out)["mine", "a", ERROR]["value"] == 9.0
    # a metric that is new to a journal is measured alone, and once: both clips have the same pixels
    score(videos, metrics=[ERROR, BRIGHT], truth=truth, out=out, how=How(workers=0))
    assert [task.metrics for task in second] == [(BRIGHT,)]
