"""Where a command runs: each environment is driven end to end, with stand-ins for conda, docker and ssh on PATH.

A stand-in notes its arguments and runs the rest on this machine, so that what is made of them is tested too.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.adapters import open_adapter
from bench.adapters.base import GenerationError
from bench.adapters.process import end_leftovers
from bench.errors import ConfigError, MissingError
from bench.io.decode import read_video
from bench.records import Job, Portrait, Setting, Speech

NOTE = """#!{python}
import json, os, subprocess, sys, time
argv = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps([os.path.basename(sys.argv[0]), *argv]) + "\\n")
"""
CONDA = """
assert argv[:2] == ["run", "--no-capture-output"] and argv[2] in ("-n", "-p")
os.environ["CONDA_PREFIX"] = argv[3]
os.execvp(argv[4], argv[4:])
"""
DOCKER = """
if argv[0] == "kill":
    # As the daemon does: what the container runs ends, whoever its client was.
    os.killpg(int(open({pids!r} + "/" + argv[1]).read()), 9)
    sys.exit(0)
assert argv[0] == "run"
options, at = {{}}, 1
while argv[at].startswith("--"):
    if argv[at] in ("--rm", "--init"):
        at += 1
        continue
    options.setdefault(argv[at], []).append(argv[at + 1])
    at += 2
image, rest = argv[at], argv[at + 1:]
os.environ.update(dict(pair.split("=", 1) for pair in options["--env"]), IMAGE=image)
child = subprocess.Popen(rest, cwd=options["--workdir"][0], start_new_session=True)
open({pids!r} + "/" + options["--name"][0], "w").write(str(child.pid))
sys.exit(child.wait())
"""
SSH = """
while argv[0] == "-o":
    argv = argv[2:]
host, line = argv
if host == "nowhere":
    print("ssh: connect to host nowhere port 22: No route to host", file=sys.stderr)
    sys.exit(255)
os.environ["THERE"] = host
os.execvp("sh", ["sh", "-c", line])
"""
ODD = "it's $(exit 5) `x`; *"
"""An argument that a shell would make something of."""
SCRIPT = """
import json, os, sys, time
import numpy as np
from bench.io.encode import write_lossless
from bench.io.image import read_image
portrait, config, output, stay = sys.argv[1:5]
seen = {name: os.environ.get(name) for name in ("EXTRA", "VIRTUAL_ENV", "CONDA_PREFIX", "IMAGE", "THERE", "HOME")}
json.dump({**seen, "argv": sys.argv, "cwd": os.getcwd(), "config": open(config).read(), "python": sys.executable},
    open(os.environ["SEEN"], "w"))
time.sleep(float(stay))
image = read_image(portrait)
write_lossless(output + "/made.mkv", [image] * 3)
print("made in", os.getcwd())
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins on PATH; the file that they write to."""
    folder, pids = tmp_path / "bin", tmp_path / "pids"
    folder.mkdir()
    pids.mkdir()
    for name, script in (("conda", CONDA), ("docker", DOCKER), ("ssh", SSH)):
        text = NOTE.format(python=sys.executable, log=str(tmp_path / "calls")) + script.format(pids=str(pids)).lstrip()
        (folder / name).write_text(text if name == "docker" else text.replace("{{}}", "{}"))
        (folder / name).chmod(0o755)
    # First on PATH: what is installed on this machine stays out of it.
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SEEN", str(tmp_path / "seen.json"))
    return tmp_path / "calls"


def calls(log: Path) -> list[list[str]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def method(tmp_path: Path, environment: str, *, stay: float = 0.0, extra: str = ""):
    (tmp_path / "run.py").write_text(SCRIPT)
    argv = json.dumps(
        ["python", str(tmp_path / "run.py"), "{portrait}", "{workdir}/a b.cfg", "{output}", str(stay), ODD]
    )
    text = f"""kind = "command"
argv = {argv}
output = "made.mkv"
{extra}
[files]
"a b.cfg" = "portrait: {{portrait}}"
[environment]
variables = {{ EXTRA = "{{seed}} & more" }}
{environment}
"""
    (tmp_path / "m.toml").write_text(text)
    return open_adapter(str(tmp_path / "m.toml"))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "work").mkdir()
    image = np.random.default_rng(1).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    speech = Speech("d", "s", np.zeros(3 * 640, np.float32))
    return Job(Portrait("r", image), speech, 3, Setting("f"), 7, workdir=str(tmp_path / "work"))


def make(adapter, job: Job, tmp_path: Path) -> dict:
    made = adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    assert np.array_equal(read_video(made.path)[2], job.portrait.image) and not list(Path(job.workdir).iterdir())
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["EXTRA"] == "7 & more" and seen["argv"][-1] == ODD
    assert seen["config"] == f"portrait: {seen['argv'][1]}"
    return seen


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_a_virtual_environment_comes_first(log: Path, job: Job, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("MY_VENV", str(tmp_path / "venv"))
    (tmp_path / "venv").symlink_to(sys.prefix)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    seen = make(method(tmp_path, 'venv = "$MY_VENV"'), job, tmp_path)
    assert seen["VIRTUAL_ENV"] == str(tmp_path / "venv")
    assert seen["python"] == str(tmp_path / "venv/bin/python") and not calls(log)


def test_a_virtual_environment_that_is_not_there(log: Path, tmp_path: Path):
    adapter = method(tmp_path, f'venv = "{tmp_path}/none"')
    with pytest.raises(MissingError, match=r"method m: no virtual environment: .*/none/bin/python is not there"):
        adapter.fingerprint(Setting("f"))


@pytest.mark.parametrize(("given", "flag"), [("talk", "-n"), ("/envs/talk", "-p")])
def test_conda_runs_it_by_name_or_folder(log: Path, job: Job, tmp_path: Path, given: str, flag: str):
    seen = make(method(tmp_path, f'conda = "{given}"'), job, tmp_path)
    assert seen["CONDA_PREFIX"] == given
    (call,) = calls(log)
    assert call[:5] == ["conda", "run", "--no-capture-output", flag, given] and call[5] == "python"


def test_docker_sees_what_it_needs_and_no_network(log: Path, job: Job, tmp_path: Path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/net.bin").write_bytes(b"net")
    (tmp_path / "more").mkdir()
    extra = f'weights = [{{ name = "net", path = "{tmp_path}/weights/net.bin" }}]'
    docker = f'docker = {{ image = "talk@sha256:{"0" * 64}", mounts = ["{tmp_path}/more"] }}'
    seen = make(method(tmp_path, docker, extra=extra), job, tmp_path)
    assert seen["IMAGE"] == f"talk@sha256:{'0' * 64}" and seen["HOME"].startswith(job.workdir)
    (call,) = calls(log)
    folder = seen["HOME"]
    mounts = [call[i + 1] for i, part in enumerate(call) if part == "--mount"]
    # All else lies in the method file's folder, which is mounted anyway.
    assert mounts == [
        f"type=bind,source={folder},target={folder}",
        f"type=bind,source={tmp_path},target={tmp_path},readonly",
    ]
    assert call[call.index("--network") + 1] == "none" and "--rm" in call and "--gpus" not in call
    assert (
        call[call.index("--user") + 1] == f"{os.getuid()}:{os.getgid()}" and call[call.index("--workdir") + 1] == folder
    )


@pytest.mark.parametrize(("device", "gpus"), [("cuda", "all"), ("cuda:1", "device=1")])
def test_docker_is_given_the_cards_of_the_setting(log: Path, job: Job, tmp_path: Path, device: str, gpus: str):
    job = Job(**{**job.__dict__, "setting": Setting("f", device)})
    make(method(tmp_path, 'docker = { image = "talk" }'), job, tmp_path)
    (call,) = calls(log)
    assert call[call.index("--gpus") + 1] == gpus


def container(tmp_path: Path) -> tuple[str, int]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for path in (tmp_path / "pids").iterdir():
            if path.read_text():
                return path.name, int(path.read_text())
        time.sleep(0.02)
    raise AssertionError("no container")


def test_a_container_is_ended_by_name_at_the_limit(log: Path, job: Job, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("bench.adapters.process._GRACE", 0.2)
    adapter = method(tmp_path, 'docker = { image = "talk" }', stay=60, extra="timeout_s = 1")
    with pytest.raises(GenerationError, match="ended after the limit of 1 s"):
        adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    name, pid = container(tmp_path)
    assert calls(log)[-1] == ["docker", "kill", name] and gone(pid) and not list(Path(job.workdir).iterdir())


def test_the_container_of_a_worker_that_died_is_ended(log: Path, tmp_path: Path):
    folder = tmp_path / "work/job-1"
    folder.mkdir(parents=True)
    (tmp_path / "pids/avct-bench-1").write_text("1073741824")  # nobody's
    (folder / ".container").write_text("avct-bench-1")
    end_leftovers(tmp_path / "work")
    end_leftovers(tmp_path / "work")
    assert calls(log) == [["docker", "kill", "avct-bench-1"]]


def test_another_host_is_given_a_copy_and_gives_it_back(log: Path, job: Job, tmp_path: Path):
    (tmp_path / "over there").mkdir()
    seen = make(method(tmp_path, f'remote = {{ host = "me@gpu", folder = "{tmp_path}/over there" }}'), job, tmp_path)
    assert seen["THERE"] == "me@gpu" and seen["cwd"].startswith(f"{tmp_path}/over there/avct-bench-")
    assert all(part.startswith(seen["cwd"]) for part in seen["argv"][1:4])
    assert not list((tmp_path / "over there").iterdir())
    lines = [call[-1] for call in calls(log)]
    assert all(call[:-2] == ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"] for call in calls(log))
    words = [shlex.split(line)[0] for line in lines]
    assert words == ["mkdir", "tar", "cd", "tar", "rm"] and shlex.quote(ODD) in lines[2]


def test_another_host_ends_it_at_the_limit(log: Path, job: Job, tmp_path: Path):
    adapter = method(tmp_path, f'remote = {{ host = "gpu", folder = "{tmp_path}" }}', stay=60, extra="timeout_s = 1")
    with pytest.raises(GenerationError, match="ended after the limit of 1 s"):
        adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    assert not list(tmp_path.glob("avct-bench-*")) and not list(Path(job.workdir).iterdir())
    assert "timeout --kill-after=5 1 env" in calls(log)[2][-1]


def test_failures_of_and_on_another_host_say_so(log: Path, job: Job, tmp_path: Path):
    adapter = method(tmp_path, 'remote = { host = "nowhere" }')
    with pytest.raises(GenerationError, match="nowhere could not make a folder: ssh: connect to host nowhere"):
        adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    adapter = method(tmp_path, f'remote = {{ host = "gpu", folder = "{tmp_path}" }}')
    (tmp_path / "run.py").write_text("import sys; print('no card in', sys.argv[1]); sys.exit(3)")
    with pytest.raises(GenerationError, match=r"exit code 3; it said last: no card in \{workdir\}/portrait\.png$"):
        adapter.generate(job, tmp_path / "out.mkv", run_id="r")


def test_weights_and_code_are_hashed_where_they_are(log: Path, tmp_path: Path):
    (tmp_path / "net a.bin").write_bytes(b"one")
    extra = f'weights = [{{ name = "net", path = "{tmp_path}/net a.bin" }}]\ncode = ["{tmp_path}/run.py"]'
    remote = 'remote = { host = "gpu" }'
    first = method(tmp_path, remote, extra=extra).fingerprint(Setting("f"))
    local = method(tmp_path, "", extra=extra).fingerprint(Setting("f"))
    assert (first["weights"], first["code"]) == (local["weights"], local["code"]) and first["method"] != local["method"]
    (tmp_path / "net a.bin").write_bytes(b"two")
    assert method(tmp_path, remote, extra=extra).fingerprint(Setting("f"))["weights"] != first["weights"]
    (tmp_path / "net a.bin").unlink()
    with pytest.raises(MissingError, match=r"method m: gpu: .*net a\.bin.*No such file"):
        method(tmp_path, remote, extra=extra).fingerprint(Setting("f"))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            'venv = "a"\nconda = "b"',
            "environment: name at most one of venv, conda, docker and remote, not venv",
        ),
        ('remote = { host = "-oProxyCommand=x" }', "environment.remote.host: expected a host as ssh takes it"),
        ('remote = { host = "h", folder = "tmp" }', "environment.remote.folder: expected an absolute path, got 'tmp'"),
        ('docker = { image = "--privileged" }', "environment.docker.image: expected the name of an image"),
        ('docker = { imag = "x" }', "environment.docker.imag: unknown key. Did you mean image"),
        ('conda = "-n"', "environment.conda: expected name or folder of a conda environment"),
    ],
)
def test_environments_that_cannot_be(tmp_path: Path, environment: str, expected: str):
    with pytest.raises(ConfigError) as error:
        method(tmp_path, environment)
    assert expected in str(error.value) and "\n" not in str(error.value) and "m.toml" in str(error.value)
