"""Runs that are killed, interrupted or met by a second process; each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.runner.how import How
from bench.runner.run import run
from bench.store.journal import read_journal
from bench.store.manifest import read_manifest

FEW = ("methods=['still','echo','ground-truth']", "axes.drivers=['one']")
HANG = """
import os, time
with open(os.environ["TOY_LOG"] + ".pids", "a") as file:
    file.write(f"{os.getpid()} {os.getppid()} ")
time.sleep(60)
"""


def lines(out: Path) -> int:
    try:
        return (out / "rows.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, f"ended early: {process.stdout.read() if process.stdout else ''}"
        assert time.monotonic() < deadline, "nothing happened for a minute"
        time.sleep(0.005)


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_killed_at_several_moments_and_resumed_gives_the_same_bytes(place, tmp_path: Path):
    protocol = place.protocol(*FEW)
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run(protocol, out=whole, how=How(workers=0)).exit_code == 0
    place.calls()
    # The first kill strikes before the first cell, the others as soon as so many more cells are journaled.
    for more in (0, 1, 4):
        begun = lines(out)
        rows = [row for entry in read_journal(out / "rows.jsonl") for row in entry["rows"]]
        known = {(row["metric"].split("/")[0][4:], row["video_sha256"]) for row in rows}
        process = place.drive(out, *FEW, workers=2)
        wait_until(
            (out / "manifest.json").exists if more == 0 else lambda b=begun, m=more: lines(out) >= b + m, process
        )
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        measured = {tuple(call.split()[1:]) for call in place.calls() if call.startswith("measure")}
        assert not measured & known, "a journaled value was computed again"
        assert read_manifest(out / "manifest.json")["exit"]["code"] is None
    journaled = lines(out)
    assert 5 <= journaled < 12, "the kills came too late to show anything"
    result = run(protocol, out=out, how=How(workers=0))
    assert (result.exit_code, result.reused) == (0, journaled)
    assert (out / "rows.parquet").read_bytes() == (whole / "rows.parquet").read_bytes()
    assert {p.name for p in (out / "videos").iterdir()} == {p.name for p in (whole / "videos").iterdir()}


def test_killed_between_video_and_journal_the_video_is_used(place, tmp_path: Path):
    few = ("axes.drivers=['one']", "methods=['echo']", "axes.references=['r0']")
    out = tmp_path / "out"
    run(place.protocol(*few), out=out, how=How(workers=0))
    first = (out / "rows.parquet").read_bytes()
    (out / "rows.jsonl").unlink()
    (out / "rows.parquet").unlink()
    place.calls()
    run(place.protocol(*few), out=out, how=How(workers=0))
    assert [call.split()[0] for call in place.calls()] == ["measure", "measure"]
    assert (out / "rows.parquet").read_bytes() == first


def test_an_interrupt_keeps_finished_rows_and_ends_everything(place, tmp_path: Path):
    (place.root / "hang.py").write_text(HANG)
    place.add_method("hang", script="hang.py")
    out, pids = tmp_path / "out", Path(f"{place.log}.pids")
    methods = "methods=['still','hang']"
    process = place.drive(out, methods, "axes.drivers=['one']", "axes.references=['r0']", workers=2)
    wait_until(lambda: lines(out) >= 2 and pids.exists() and len(pids.read_text().split()) >= 4, process)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "interrupted with 2 of 4 cells finished\n")
    assert all(gone(int(pid)) for pid in pids.read_text().split())
    manifest = read_manifest(out / "manifest.json")
    assert manifest["exit"]["code"] == 130 and manifest["cells"] == {"total": 4, "done": 2, "failed": 0, "reused": 0}
    assert len(read_journal(out / "rows.jsonl")) == 2 and not (out / "work").exists()


def test_a_second_process_on_the_folder_is_refused_and_a_killed_one_leaves_no_process(place, tmp_path: Path):
    (place.root / "hang.py").write_text(HANG)
    place.add_method("hang", script="hang.py")
    out, pids = tmp_path / "out", Path(f"{place.log}.pids")
    few = ("methods=['hang']", "axes.drivers=['one']", "axes.references=['r0']")
    first = place.drive(out, *few)
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) >= 2, first)
    before = (out / "manifest.json").read_bytes()
    begun = time.monotonic()
    second = place.drive(out, *few)
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 2 and time.monotonic() - begun < 10
    assert said.startswith(f"{out} is held by process {first.pid} on ") and said.count("\n") == 1
    assert (out / "manifest.json").read_bytes() == before
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert all(gone(int(pid)) for pid in pids.read_text().split()), "a killed run left processes behind"


@pytest.mark.parametrize("cut", [1, 40])
def test_a_torn_last_line_costs_its_cell_alone(place, tmp_path: Path, cut: int):
    few = ("axes.drivers=['one']", "methods=['still','ground-truth']")
    out = tmp_path / "out"
    run(place.protocol(*few), out=out, how=How(workers=0))
    first, journal = (out / "rows.parquet").read_bytes(), out / "rows.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    again = run(place.protocol(*few), out=out, how=How(workers=0))
    assert (again.reused, again.done) == (7, 8)
    assert (out / "rows.parquet").read_bytes() == first and lines(out) == 8


def test_nobody_is_told_of_a_cell_that_a_power_cut_could_take(place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out, safe, told, sync = tmp_path / "out", [0], [], os.fsync

    def slow(descriptor: int) -> None:
        sync(descriptor)
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(out / "rows.jsonl"):
            time.sleep(0.02)
            safe.append(lines(out))

    monkeypatch.setattr(os, "fsync", slow)
    protocol = place.protocol("methods=['still','ground-truth']")
    run(protocol, out=out, how=How(workers=0), progress=lambda step: told.append((step.done, safe[-1])))
    assert [done for done, _ in told] == list(range(1, 25)) and all(done <= known for done, known in told)
    assert len(safe) - 1 < 24 / 2, "two settings share a video and therefore an fsync, and fast ones more"
