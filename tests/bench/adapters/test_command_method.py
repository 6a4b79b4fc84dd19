"""Command methods: what they are given, what counts as success, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.adapters import open_adapter
from bench.adapters.base import GenerationError
from bench.adapters.fit import fit_length
from bench.errors import ConfigError, MissingError
from bench.io.decode import read_video
from bench.io.digest import sha256_array
from bench.records import Job, Phone, Portrait, Setting, Speech

WRITE = """
import json, os, sys
from bench.io.encode import write_lossless
from bench.io.audio import read_audio
from bench.io.image import read_image
import numpy as np
portrait, audio, phones, pose, output, frames, seed, device, precision, batch = sys.argv[1:11]
seen = {"argv": sys.argv[1:], "phones": json.load(open(phones)), "pose": open(pose).read(), "cwd": os.getcwd(),
    "samples": len(read_audio(audio)), "portrait": read_image(portrait).tolist(), "extra": os.environ.get("EXTRA")}
json.dump(seen, open(os.environ["SEEN"], "w"))
side, count = int(os.environ.get("SIDE", "8")), int(frames) + int(os.environ.get("MORE", "0"))
write_lossless(f"{output}/deep.mkv", (np.full((side, side, 3), t, np.uint8) for t in range(count)))
print("done")
"""
NAMES = ("portrait", "audio", "phonemes", "pose", "output", "frames", "seed", "device", "precision", "batch")
ALL = ", ".join(f'"{{{name}}}"' for name in NAMES)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    generator = np.random.default_rng(1)
    image = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
    samples = generator.normal(0, 0.1, 6 * 640).astype(np.float32)
    phones = (Phone("SIL", 0, 0.04), Phone("AA", 0.04, 0.1), Phone("B", 0.1, 0.24))
    pose = np.arange(36, dtype=np.float32).reshape(6, 6)
    (tmp_path / "work").mkdir()
    speech = Speech("d", "s", samples, phones)
    return Job(
        Portrait("r", image), speech, 6, Setting("f", "cpu", "float32", 4), 7, pose, workdir=str(tmp_path / "work")
    )


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a script and a method file that runs it; the adapter."""
    monkeypatch.setenv("SEEN", str(tmp_path / "seen.json"))

    def build(script: str = WRITE, arguments: str = ALL, extra: str = "", tail: str = ""):
        (tmp_path / "run.py").write_text(script)
        argv = f'["{sys.executable}", "./run.py", {arguments}]'
        text = f'kind = "command"\nargv = {argv}\noutput = "**/*.mkv"\n{extra}\n{tail}'
        (tmp_path / "m.toml").write_text(text)
        return open_adapter(str(tmp_path / "m.toml"))

    return build


def reason(adapter, job: Job, tmp_path: Path) -> str:
    with pytest.raises(GenerationError) as error:
        adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    assert not (tmp_path / "out.mkv").exists() and not list(Path(job.workdir).iterdir())
    assert "\n" not in str(error.value) and job.workdir not in str(error.value)
    return str(error.value)


def test_a_method_is_given_everything_and_its_video_is_kept(make, job: Job, tmp_path: Path):
    adapter = make(tail='[environment]\nvariables = { EXTRA = "{seed} of {here}" }')
    made = adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    frames = read_video(tmp_path / "out.mkv")
    assert (made.frames, made.sha256) == (6, sha256_array(frames)) and [f[0, 0, 0] for f in frames] == list(range(6))
    assert set(made.seconds) == {"inputs", "process", "encode"} and not list(Path(job.workdir).iterdir())
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["argv"][5:] == ["6", "7", "cpu", "float32", "4"] and seen["extra"] == f"7 of {tmp_path}"
    assert seen["samples"] == 6 * 640 and seen["portrait"] == job.portrait.image.tolist()
    assert seen["phones"] == [
        {"word": "sil", "phones": [{"ph": "SIL", "bg": 0, "ed": 4}]},
        {"word": "w1", "phones": [{"ph": "AA", "bg": 4, "ed": 10}, {"ph": "B", "bg": 10, "ed": 24}]},
    ]
    table = seen["pose"].splitlines()
    assert table[0] == "frame,timestamp,confidence,success,pose_Rx,pose_Ry,pose_Rz,pose_Tx,pose_Ty,pose_Tz"
    assert table[2].startswith("2,0.040,1.00,1,6.000000,7.000000") and len(table) == 7
    assert Path(seen["cwd"]).parent == Path(job.workdir)


def test_a_working_folder_below_the_current_one_is_found_by_the_program(
    make, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    made = make().generate(replace(job, workdir="work"), tmp_path / "out.mkv", run_id="r")
    assert made.frames == 6 and not list(Path(job.workdir).iterdir())


def test_the_contract_decides_size_and_rate(make, job: Job, tmp_path: Path):
    make(tail="[input]\nsquare = 16\nrate = 8000").generate(job, tmp_path / "out.mkv", run_id="r")
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert np.array(seen["portrait"]).shape == (16, 16, 3)
    assert abs(seen["samples"] - 6 * 640) <= 2  # read back at 16 kHz


def test_configuration_files_are_filled_in(make, job: Job, tmp_path: Path):
    script = 'import os, shutil, sys\nshutil.copy("sub/c.json", os.environ["SEEN"])\nprint("x" * 9)'
    adapter = make(script, '"a"', tail='[files]\n"sub/c.json" = \'{{"n": {frames}, "keep": "{{seed}}"}}\'')
    assert "found 0" in reason(adapter, job, tmp_path)
    assert json.loads((tmp_path / "seen.json").read_text()) == {"n": 6, "keep": "{seed}"}


@pytest.mark.parametrize(
    ("more", "tolerance", "good"),
    [(0, 0, True), (1, 0, False), (-1, 0, False), (2, 2, True), (-2, 2, True), (3, 2, False)],
)
def test_the_length_must_be_right_within_the_stated_tolerance(make, job, tmp_path, monkeypatch, more, tolerance, good):
    monkeypatch.setenv("MORE", str(more))
    adapter = make(extra=f"frames_tolerance = {tolerance}")
    if good:
        assert adapter.generate(job, tmp_path / "out.mkv", run_id="r").frames == 6
        shown = [int(frame[0, 0, 0]) for frame in read_video(tmp_path / "out.mkv")]
        assert shown == [min(t, 5 + more) for t in range(6)]
    else:
        assert f"made {6 + more}" in reason(adapter, job, tmp_path)


def test_the_size_must_be_right_unless_the_method_file_says_otherwise(make, job: Job, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SIDE", "16")
    assert "made 16x16 where 8x8 was asked for" in reason(make(), job, tmp_path)
    made = make(extra="resize_output = true").generate(job, tmp_path / "out.mkv", run_id="r")
    assert read_video(made.path).shape == (6, 8, 8, 3)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("print('all went well')", "found 0; exit code 0; it said last: all went well"),
        ("import sys; print('a\\nb'); print('no face in', sys.argv[1], file=sys.stderr); sys.exit(3)",
            "found 0; exit code 3; it said last: a | b | no face in {workdir}/portrait.png"),
        (WRITE + "\nprint('late trouble'); sys.exit(4)", "exit code 4; it said last: done | late trouble"),
        ("import sys, shutil; open(sys.argv[5] + '/x.mkv', 'w').write('no video')", "x.mkv: "),
        (WRITE + "\nos.link(output + '/deep.mkv', output + '/two.mkv')", "found 2 (deep.mkv, two.mkv)"),
        ("import os; os.kill(os.getpid(), 11)", "exit code -11; it said nothing"),
    ],
)  # fmt: skip
def test_failures_say_why(make, job: Job, tmp_path: Path, script: str, expected: str):
    assert expected in reason(make(script), job, tmp_path)


FORK = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
open(os.environ["SEEN"], "w").write(str(child.pid))
STAY
"""


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("stay", "expected"), [("time.sleep(60)", "ended after the limit of 1 s"), ("", "found 0")])
def test_children_end_with_the_method(make, job: Job, tmp_path: Path, stay: str, expected: str):
    adapter = make(FORK.replace("STAY", stay), '"a"', extra="timeout_s = 1")
    begun = time.monotonic()
    assert expected in reason(adapter, job, tmp_path)
    assert time.monotonic() - begun < 6
    assert gone(int((tmp_path / "seen.json").read_text()))


def test_a_method_that_ignores_the_request_to_end_is_ended_anyway(make, job: Job, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("bench.adapters.process._GRACE", 0.3)
    script = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"
    begun = time.monotonic()
    assert "limit of 1 s" in reason(make(script, '"a"', extra="timeout_s = 1"), job, tmp_path)
    assert time.monotonic() - begun < 5


def test_an_interrupt_ends_the_method_and_removes_its_folder(make, job: Job, tmp_path: Path, monkeypatch):
    adapter = make(FORK.replace("STAY", "time.sleep(60)"), '"a"')

    pause = time.sleep

    def interrupt(seconds: float) -> None:
        if (tmp_path / "seen.json").exists() and (tmp_path / "seen.json").read_text():
            raise KeyboardInterrupt
        pause(seconds)

    monkeypatch.setattr("bench.adapters.process.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    monkeypatch.undo()
    assert gone(int((tmp_path / "seen.json").read_text())) and not list(Path(job.workdir).iterdir())


def test_inputs_that_are_not_known(make, job: Job, tmp_path: Path):
    adapter = make()
    for change, expected in [
        ({"pose": None}, "needs head pose"),
        ({"speech": Speech("d", "s", job.speech.samples)}, "needs phones"),
    ]:
        assert expected in reason(adapter, Job(**{**job.__dict__, **change}), tmp_path)
    assert "takes speech of 1 s to 3 s, this driver's is 0.24 s" in reason(
        make(tail="[input]\nmin_seconds = 1\nmax_seconds = 3"), job, tmp_path
    )


def test_a_program_that_is_not_there(make, job: Job, tmp_path: Path):
    make()
    text = tmp_path / "m.toml"
    text.write_text(text.read_text().replace(sys.executable, "no-such-program"))
    assert "no-such-program cannot be started (No such file or directory)" in reason(
        open_adapter(str(text)), job, tmp_path
    )


def test_the_fingerprint_follows_code_weights_and_setting(make, tmp_path: Path, monkeypatch):
    (tmp_path / "w.bin").write_bytes(b"one")
    monkeypatch.setenv("TOY_WEIGHTS", str(tmp_path))
    tail = '[[weights]]\nname = "net"\npath = "$TOY_WEIGHTS/w.bin"'
    one, two = Setting("a", batch=1), Setting("b", batch=2)
    first = make(tail=tail).fingerprint(one)
    assert first["weights"][0]["name"] == "net" and first["weights"][0]["bytes"] == 3
    assert {file["name"] for file in first["code"]} >= {"run.py"}
    assert make(tail=tail).fingerprint(one) == first != make(tail=tail).fingerprint(two)
    assert make(tail=tail).fingerprint(Setting("other name", batch=1)) == first
    still = make(extra="sensitive_to_setting = false", tail=tail)
    assert still.fingerprint(one) == still.fingerprint(two) and "setting" not in still.fingerprint(one)
    assert make(WRITE + "\n", tail=tail).fingerprint(one) != first
    (tmp_path / "w.bin").write_bytes(b"two")
    assert make(tail=tail).fingerprint(one) != first
    (tmp_path / "w.bin").unlink()
    with pytest.raises(MissingError, match="net: no such file"):
        make(tail=tail).fingerprint(one)
    monkeypatch.delenv("TOY_WEIGHTS")
    with pytest.raises(MissingError, match="set the environment variable TOY_WEIGHTS"):
        make(tail=tail).fingerprint(one)


def test_a_length_that_is_wrong_is_said_before_the_first_frame():
    with pytest.raises(GenerationError, match="made 5 frames, expected 7 within 1"):
        fit_length(np.zeros((5, 2, 2, 3), np.uint8), 7, tolerance=1)


def test_an_unknown_method_is_suggested():
    with pytest.raises(ConfigError, match="Did you mean still"):
        open_adapter("stil")
