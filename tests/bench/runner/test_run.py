"""Runs of a tiny protocol: what is made once, what is made again, and what a failure becomes."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from bench.adapters.base import Generated
from bench.errors import ConfigError, StorageError
from bench.io.encode import write_lossless
from bench.runner.how import How
from bench.runner.run import RunResult
from bench.runner.run import run as run_with_workers
from bench.store.journal import read_journal
from bench.store.manifest import read_manifest
from bench.store.rows import read_rows
from protocols.schema import Protocol

FEW = "axes.drivers=['one']"


def run(protocol: Protocol, *, out: Path, workers: int = 0, progress=None) -> RunResult:
    """Most tests ask what a run makes, not where: they run in this process, which is faster."""
    return run_with_workers(protocol, out=out, how=How(workers=workers), progress=progress)


def rows_of(out: Path) -> list[dict]:
    return read_rows(out / "rows.parquet")


def count(calls: list[str]) -> Counter:
    return Counter(" ".join(call.split()[:2]) for call in calls)


def test_a_run_makes_each_video_once_and_a_second_run_makes_nothing(place, tmp_path: Path):
    out = tmp_path / "out"
    first = run(place.protocol("axes.drivers_per_speaker=1"), out=out)
    assert (first.total, first.done, first.failed, first.reused, first.exit_code) == (24, 24, 0, 0, 0)
    # Three methods, four clips, two settings; none of the methods minds the setting, so 12 videos, each measured once.
    assert count(place.calls()) == {"generate": 4, "measure error": 12, "measure bright": 12}
    assert len(list((out / "videos").glob("*.mkv"))) == 12
    rows = rows_of(out)
    assert len(rows) == 48 and {row["status"] for row in rows} == {"ok"}
    errors = [row for row in rows if row["metric"] == "toy_error/plain@1"]
    truth = [row for row in errors if row["method"] == "ground-truth"]
    assert len(truth) == 8 and all(row["value"] == 0 and row["video_sha256"] == row["truth_sha256"] for row in truth)
    (echo,) = [row for row in errors if row["cell"] == "echo/first/ann/r0/one/0"]
    assert echo["value"] == 17.5 and echo["per_frame"] == [float(t * t) for t in range(8)] and echo["frames"] == 8
    assert echo["series"] == {"root": [float(t) for t in range(8)]}
    before = (out / "rows.parquet").read_bytes(), (out / "rows.jsonl").read_bytes()
    second = run(place.protocol("axes.drivers_per_speaker=1"), out=out)
    assert (second.done, second.reused, second.exit_code, place.calls()) == (24, 24, 0, [])
    assert ((out / "rows.parquet").read_bytes(), (out / "rows.jsonl").read_bytes()) == before
    manifest = read_manifest(out / "manifest.json")
    assert manifest["cells"] == {"total": 24, "done": 24, "failed": 0, "reused": 24}
    assert manifest["exit"] == {"code": 0, "reason": "finished"} and len(manifest["resumed"]) == 1
    assert manifest["protocol"]["axes"]["drivers"] == {"ann": ["one"], "bob": ["three"]}
    assert len(manifest["inputs_sha256"]) == 64
    assert Protocol.model_validate(manifest["protocol"]).hash() == manifest["protocol_hash"]
    assert not (out / "work").exists() and not list(out.rglob("*.part"))


def test_none_one_and_two_workers_give_the_same_bytes(place, tmp_path: Path):
    metrics = "metrics=['toy_picky/plain@1','toy_error/plain@1']"
    place.add_failing_method("broken")
    contents = []
    for workers in (0, 1, 2):
        out = tmp_path / f"out{workers}"
        protocol = place.protocol(metrics, "methods=['echo','broken','still']", "axes.references=['r1']")
        assert run(protocol, out=out, workers=workers).exit_code == 1
        contents.append((out / "rows.parquet").read_bytes())
    assert contents[0] == contents[1] == contents[2]


def test_one_pixel_reruns_exactly_the_cells_that_it_is_in(place, edit_pixel, tmp_path: Path):
    out = tmp_path / "out"
    run(place.protocol(FEW), out=out)
    before = {(row["cell"], row["metric"]): row for row in rows_of(out)}
    place.calls()
    edit_pixel("r1")
    again = run(place.protocol(FEW), out=out)
    assert (again.total, again.reused) == (12, 6)
    assert count(place.calls()) == {"generate": 1, "measure error": 3, "measure bright": 3}
    for row in rows_of(out):
        same = row == before[row["cell"], row["metric"]]
        assert same == (row["reference"] == "r0"), row["cell"]


def test_a_new_metric_is_measured_on_the_videos_that_are_there(place, tmp_path: Path):
    out = tmp_path / "out"
    run(place.protocol(FEW, "metrics=['toy_error/plain@1']"), out=out)
    place.calls()
    run(place.protocol(FEW), out=out)
    assert count(place.calls()) == {"measure bright": 6}
    # Fewer metrics, or another name for the protocol, need no measurement at all; and rows are this protocol's.
    renamed = run(place.protocol(FEW, "metrics=['toy_bright/plain@1']", "id=toy@2"), out=out)
    assert place.calls() == [] and renamed.done == 12
    assert {(row["protocol"], row["metric"]) for row in rows_of(out)} == {("toy@2", "toy_bright/plain@1")}


def test_changed_code_of_a_method_or_a_metric_is_run_again(place, tmp_path: Path):
    out, few = tmp_path / "out", (FEW, "methods=['echo']", "axes.references=['r0']")
    run(place.protocol(*few), out=out)
    place.calls()
    (place.root / "echo.py").write_text((place.root / "echo.py").read_text() + "\n# a comment\n")
    run(place.protocol(*few), out=out)
    # Another key, the same pixels: generated again, not measured again.
    assert count(place.calls()) == {"generate": 1}
    (place.root / "metrics/toy.py").write_text((place.root / "metrics/toy.py").read_text() + "\n# a comment\n")
    (place.root / "echo.py").write_text((place.root / "echo.py").read_text().replace("2 * t", "3 * t"))
    run(place.protocol(*few), out=out)
    assert count(place.calls()) == {"generate": 1, "measure error": 1, "measure bright": 1}
    assert {row["value"] for row in rows_of(out) if row["metric"] == "toy_error/plain@1"} == {0.0}


def test_a_method_that_fails_is_rows_with_stage_and_reason_and_the_others_finish(place, tmp_path: Path):
    out = tmp_path / "out"
    (place.root / "silent.py").write_text("print('cannot find a face')")
    place.add_method("silent", script="silent.py")
    protocol = place.protocol(FEW, "methods=['silent','still']")
    seen = []
    result = run(protocol, out=out, progress=seen.append)
    assert (result.exit_code, result.done, result.failed, result.reason) == (1, 4, 4, "4 of 8 cells failed")
    failed = [row for row in rows_of(out) if row["method"] == "silent"]
    assert len(failed) == 8 and {row["status"] for row in rows_of(out) if row["method"] == "still"} == {"ok"}
    for row in failed:
        assert (row["value"], row["coverage"], row["status"], row["stage"]) == (None, 0.0, "failed", "generate")
        assert row["reason"].endswith("found 0; exit code 0; it said last: cannot find a face")
        assert row["frames"] == 8 and row["video_sha256"] is None and row["truth_sha256"] is not None
    assert [event.status for event in seen].count("failed") == 4 and seen[-1].total == 8
    assert read_manifest(out / "manifest.json")["exit"] == {"code": 1, "reason": "4 of 8 cells failed"}
    (place.root / "silent.py").write_text((place.root / "echo.py").read_text())
    place.calls()
    again = run(protocol, out=out)
    assert (again.exit_code, again.done, again.reused) == (0, 8, 4)
    # Sensitive to the setting: one video for each of two settings and two references, of equal pixels in pairs.
    assert count(place.calls())["generate"] == 4
    assert {row["status"] for row in rows_of(out)} == {"ok"}


def test_what_a_metric_cannot_say_is_said_in_its_row(place, tmp_path: Path):
    out = tmp_path / "out"
    metrics = "metrics=['toy_picky/plain@1','toy_deaf/plain@1','toy_bright/plain@1']"
    protocol = place.protocol(metrics, "methods=['still']", "axes.references=['r0']", "settings=[{name='f'}]")
    result = run(protocol, out=out)
    assert (result.exit_code, result.done, result.failed) == (1, 2, 1)
    found = {(row["metric"].split("/")[0], row["driver"]): row for row in rows_of(out)}
    assert {row["status"] for (metric, _), row in found.items() if metric == "toy_bright"} == {"ok"}
    ten = found["toy_picky", "two"]
    assert (ten["status"], ten["stage"]) == ("failed", "measure") and "RuntimeError: ten is too many (" in ten["reason"]
    nine, eight = found["toy_picky", "three"], found["toy_picky", "one"]
    assert (nine["status"], nine["reason"], nine["coverage"]) == ("undefined", "nine has no value", 0.5)
    assert (eight["status"], eight["value"], eight["reason"]) == ("undefined", None, "the value is inf")
    deaf = found["toy_deaf", "one"]
    assert deaf["status"] == "unavailable" and "nobody68" in deaf["reason"] and deaf["coverage"] == 0.0
    place.calls()
    again = run(protocol, out=out)
    assert again.reused == 2 and count(place.calls()) == {"measure picky": 1}


def test_without_a_take_metrics_that_need_truth_are_unavailable(place, tmp_path: Path):
    place.add_dataset("toy", untold="['r1']")
    out = tmp_path / "out"
    result = run(place.protocol(FEW, "methods=['still','ground-truth']", "settings=[{name='f'}]"), out=out)
    assert (result.exit_code, result.failed) == (1, 1)
    found = {(row["method"], row["reference"], row["metric"].split("/")[0]): row for row in rows_of(out)}
    assert found["still", "r0", "toy_error"]["status"] == "ok"
    lacking = found["still", "r1", "toy_error"]
    assert lacking["status"] == "unavailable" and lacking["reason"].startswith("needs truth (the dataset has no take")
    assert found["still", "r1", "toy_bright"]["status"] == "ok" and lacking["truth_sha256"] is None
    assert found["ground-truth", "r1", "toy_bright"]["reason"].startswith("needs the truth")


def test_inputs_that_cannot_be_read_fail_at_prepare(place, tmp_path: Path):
    out = tmp_path / "out"
    protocol = place.protocol(FEW, "settings=[{name='f'}]", "methods=['still']")
    (place.root / "faces/r1.png").write_bytes(b"no picture")
    result = run(protocol, out=out)
    assert (result.done, result.failed) == (1, 1)
    (broken, _) = [row for row in rows_of(out) if row["reference"] == "r1"]
    assert (broken["stage"], broken["frames"]) == ("prepare", 0) and "not an image" in broken["reason"]


def is_running(pid: int, *, patience: float) -> bool:
    """Whether a process still runs after at most `patience` seconds; a dead one may wait for init to collect it."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except (ProcessLookupError, FileNotFoundError):
            return False
        time.sleep(0.05)
    return True


def test_a_worker_that_dies_fails_its_cell_alone(place, tmp_path: Path):
    out, pids = tmp_path / "out", tmp_path / "pids"
    note = f"import os, time\nopen({str(pids)!r}, 'a').write(str(os.getpid()) + ' ')\n"
    kill = note + "os.kill(os.getppid(), 9)\ntime.sleep(60)"
    (place.root / "killer.py").write_text(kill)
    place.add_method("killer", script="killer.py", sensitive_to_setting=False)
    result = run(place.protocol(FEW, "methods=['echo','killer','still']", "axes.references=['r0']"), out=out, workers=2)
    assert (result.exit_code, result.done, result.failed) == (1, 4, 2)
    failed = [row for row in rows_of(out) if row["status"] == "failed"]
    assert {(row["method"], row["stage"]) for row in failed} == {("killer", "worker")}
    assert "the worker process died" in failed[0]["reason"]
    # It was tried twice, and neither process outlives the run although its worker could not end it.
    started = pids.read_text().split()
    assert len(started) == 2
    assert not [pid for pid in started if is_running(int(pid), patience=10)]


def test_a_video_of_the_wrong_length_is_no_video(place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Short:
        def generate(self, job, out, *, run_id):
            written = write_lossless(out, [job.portrait.image] * (job.frames - 1))
            return Generated(written.path, written.frames, written.sha256)

    out, few = tmp_path / "out", (FEW, "methods=['still']", "axes.references=['r0']")
    with monkeypatch.context() as patch:
        patch.setattr("bench.runner.worker.open_adapter", lambda name: Short())
        assert run(place.protocol(*few), out=out).failed == 2
    assert {(row["stage"], row["reason"]) for row in rows_of(out)} == {
        ("generate", "method still made 7 frames, expected 8")
    }
    assert not list((out / "videos").iterdir())
    assert run(place.protocol(*few), out=out).exit_code == 0


def test_a_method_that_lacks_a_file_fails_and_the_others_run(place, tmp_path: Path):
    text = (place.root / "protocols/methods/echo.toml").read_text()
    lacking = text + '[[weights]]\nname = "net"\npath = "$NO_SUCH_VARIABLE_HERE/net.pt"\n'
    (place.root / "protocols/methods/lacking.toml").write_text(lacking)
    out = tmp_path / "out"
    result = run(place.protocol(FEW, "methods=['lacking','still']", "axes.references=['r0']"), out=out)
    assert (result.done, result.failed) == (2, 2)
    reasons = {row["reason"] for row in rows_of(out) if row["method"] == "lacking"}
    assert len(reasons) == 1 and "set the environment variable NO_SUCH_VARIABLE_HERE" in reasons.pop()


def test_a_video_that_the_disk_lost_is_made_again_when_it_is_needed(place, tmp_path: Path):
    out, few = tmp_path / "out", (FEW, "methods=['echo']", "axes.references=['r0']")
    run(place.protocol(*few, "metrics=['toy_error/plain@1']"), out=out)
    (video,) = (out / "videos").glob("*.mkv")
    whole = video.read_bytes()
    place.calls()
    video.write_bytes(whole[: len(whole) // 2])
    assert run(place.protocol(*few, "metrics=['toy_error/plain@1']"), out=out).reused == 2 and place.calls() == []
    assert run(place.protocol(*few), out=out).exit_code == 0
    assert count(place.calls()) == {"generate": 1, "measure bright": 1} and len(video.read_bytes()) == len(whole)


def test_the_journal_line_has_what_reports_need(place, tmp_path: Path):
    out = tmp_path / "out"
    run(place.protocol(FEW, "methods=['echo']", "axes.references=['r0']"), out=out)
    one, two = read_journal(out / "rows.jsonl")
    assert one["key"] == two["key"] and one["video"] == f"videos/{one['key']}.mkv" and (out / one["video"]).is_file()
    assert (one["cell"]["setting"]["name"], two["cell"]["setting"]["name"]) == ("first", "second")
    assert {row["metric"] for row in one["rows"]} == set(one["measured"])
    assert {"generate:process", "measure:decode", "measure:toy_error/plain@1", "prepare"} <= set(one["seconds"])


def test_a_disk_that_takes_no_more_ends_the_run_and_keeps_what_is_done(place, tmp_path: Path):
    out, few = tmp_path / "out", (FEW, "methods=['still','echo']", "axes.references=['r0']")
    run(place.protocol(*few), out=out)
    (entry,) = [e for e in read_journal(out / "rows.jsonl") if e["cell"]["method"] == "echo"][:1]
    shutil.rmtree(out)
    (out / entry["video"]).mkdir(parents=True)
    with pytest.raises(StorageError, match="expected a file to write, it is a directory"):
        run(place.protocol(*few), out=out)
    assert {e["cell"]["method"] for e in read_journal(out / "rows.jsonl")} == {"still"}
    assert read_manifest(out / "manifest.json")["exit"]["code"] == 2


def test_mistakes_are_said_before_anything_is_written(place, tmp_path: Path):
    out = tmp_path / "out"
    for override, expected in [
        ("metrics=['toy_eror/plain@1']", "toy_error"),
        ("methods=['ecko']", "Did you mean echo"),
        ("dataset='toi'", "Did you mean toy"),
        ("axes.references=['r9']", "dataset toy has no reference 'r9'"),
        ("axes.speakers=['anne']", "Did you mean ann"),
    ]:
        with pytest.raises(ConfigError, match=expected):
            run(place.protocol(override), out=out)
    assert not out.exists()
    out.write_text("in the way")
    with pytest.raises(StorageError, match="a file is in the way"):
        run(place.protocol(FEW), out=out)


def test_manifest_names_the_methods_and_their_overlap(place, tmp_path: Path):
    path = place.root / "protocols/methods/echo.toml"
    path.write_text('trained_on = ["toy", "other"]\n' + path.read_text())
    run(place.protocol(FEW, "methods=['echo']", "axes.references=['r0']"), out=tmp_path / "out")
    (described,) = read_manifest(tmp_path / "out/manifest.json")["methods"]
    assert described["overlap"] == ["toy"] and described["lacking"] is None
    assert json.dumps(described["fingerprints"]["first"]) == json.dumps(described["fingerprints"]["second"])
