"""Ctrl-C, two runs on one folder, a full disk: one line, the right exit code, finished rows kept."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, bench, spawn, write_face, write_phones, write_tone

from bench.io.encode import write_lossless

pytestmark = pytest.mark.slow
SLOW = """
import sys, time
sys.path.insert(0, {root!r})
from bench.io.encode import write_lossless
from bench.io.image import read_image
portrait, out, frames = sys.argv[1:]
time.sleep(60 if __import__("os").environ.get("SLOW") else 0)
write_lossless(out, [read_image(portrait)] * int(frames), synthetic=False)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A protocol over two short films with one quick method and one that can be made to hang."""
    mine = tmp_path / "mine"
    films = mine / "protocols" / "datasets" / "films"
    films.mkdir(parents=True)
    (mine / "protocols" / "methods").mkdir()
    (films.parent / "films.toml").write_text('loader = "folder"\n[options]\npath = "./films"\n')
    argv = [sys.executable, "{here}/slow.py", "{portrait}", "{output}/out.mkv", "{frames}"]
    (mine / "protocols" / "methods" / "slow.toml").write_text(f'kind = "command"\nargv = {argv!r}\noutput = "*.mkv"\n')
    (mine / "protocols" / "methods" / "slow.py").write_text(SLOW.format(root=str(ROOT)))
    (mine / "protocols" / "mine.toml").write_text(
        'id = "mine@1"\ndataset = "films"\nsize = 64\npose = "still"\nmetrics = ["psnr/pooled@1"]\n'
        'methods = ["ground-truth", "still", "slow"]\n[axes]\npairs = "same"\n'
    )
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        frames = rng.integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
        write_lossless(films / f"{name}.mkv", frames, samples=rng.normal(0, 0.1, 6 * 640).astype(np.float32))
    return mine


def journal(out: Path) -> list[dict]:
    path = out / "rows.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def wait_for(out: Path, cells: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(journal(out)) < cells:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline, "nothing happened for a minute"
        time.sleep(0.02)


def test_ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = spawn("run", "mine", "--out", out, "--workers", "2", AVCT_BENCH_PATH=str(place), SLOW="1")
    wait_for(out, 4, first)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=30)
    assert first.returncode == 130 and "Traceback" not in said and "interrupted" in said.lower(), said
    kept = journal(out)
    assert len(kept) == 4 and (out / "table.md").is_file(), "what is finished is in the table"
    told = bench("run", "mine", "--out", out, "--workers", "0", "--json", AVCT_BENCH_PATH=str(place))
    assert told.code == 0, told.err
    assert json.loads(told.out)["cells"] == {"total": 6, "done": 6, "failed": 0, "reused": 4}


def test_a_second_run_on_a_folder_is_told_who_holds_it(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = spawn("run", "mine", "--out", out, "--workers", "1", AVCT_BENCH_PATH=str(place), SLOW="1")
    try:
        wait_for(out, 1, first)
        second = bench("run", "mine", "--out", out, AVCT_BENCH_PATH=str(place))
        assert second.code == 2 and f"held by process {first.pid}" in second.line
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(place: Path, tmp_path: Path) -> None:
    """The system lets no file grow beyond 20 kB, which ends writing as a full disk does; videos have 60 kB."""
    out = tmp_path / "run"
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
        f"sys.path.insert(0, {str(ROOT)!r}); from bench.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    environment = {"AVCT_BENCH_PATH": str(place), "AVCT_BENCH_CACHE": str(tmp_path / "cache")}
    done = bench("run", "mine", "--out", out, "--method", "still", "--workers", "0", **environment)
    assert done.code == 0, done.err
    before = journal(out)
    ran = subprocess.run(
        [sys.executable, "-c", script, "run", "mine", "--out", str(out), "--workers", "0", "--set", "size=32"],
        capture_output=True, text=True, env={**os.environ, **environment}, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 2 and "Traceback" not in ran.stderr, ran.stderr
    assert "disk" in ran.stderr.lower() or "space" in ran.stderr.lower() or "large" in ran.stderr.lower(), ran.stderr
    assert journal(out)[: len(before)] == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20_000


def test_an_interrupted_generate_leaves_nothing_behind(tiny_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    out.mkdir()
    process = spawn(
        "generate", "--image", write_face(tmp_path / "face.png"), "--audio", write_tone(tmp_path / "a.wav", 40),
        "--phonemes", write_phones(tmp_path / "p.json", 40), "--checkpoint", tiny_checkpoint,
        "--keypoints", "detector", "--out", out / "v.mkv",
    )  # fmt: skip
    deadline = time.monotonic() + 100
    while not list(out.iterdir()):
        assert process.poll() is None and time.monotonic() < deadline, "it never began to write"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in said, said
    assert not list(out.iterdir())
