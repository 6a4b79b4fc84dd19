"""Every shipped method file drives a stub that takes exactly the real program's command line and inputs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.adapters import open_adapter
from bench.adapters.base import GenerationError
from bench.adapters.command import CommandAdapter
from bench.errors import MissingError
from bench.io.decode import read_video
from bench.records import Job, Phone, Portrait, Setting, Speech
from protocols.catalogue import listing, load_method
from protocols.method import CommandMethod

STUBS = Path(__file__).with_name("stubs")
sys.path.insert(0, str(STUBS))
from homes import install  # noqa: E402
from programs import GREY, PROGRAMS, parse  # noqa: E402

NAMES = sorted(PROGRAMS)
FRAMES = 50
SIDE = 64


def spec_of(name: str) -> CommandMethod:
    spec = load_method(name)
    assert isinstance(spec, CommandMethod)
    return spec


def make_job(workdir: Path) -> Job:
    generator = np.random.default_rng(1)
    samples = generator.normal(0, 0.1, FRAMES * 640).astype(np.float32)
    phones = (Phone("SIL", 0, 0.2), Phone("AA", 0.2, 1.5), Phone("B", 1.5, 2.0))
    workdir.mkdir(exist_ok=True)
    image = generator.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    return Job(
        Portrait("r", image), Speech("d", "s", samples, phones), FRAMES, Setting("f"), 7, None, workdir=str(workdir)
    )


def contents(root: Path) -> dict[str, bytes]:
    """What lies below a folder, links not followed."""
    found = {}
    for folder, _, names in os.walk(root):
        found |= {str(Path(folder, name)): Path(folder, name).read_bytes() for name in names}
        found[folder] = b""
    return found


def test_there_is_a_stub_for_every_program_and_no_other():
    shipped = [name for name in listing("methods") if isinstance(load_method(name), CommandMethod)]
    assert shipped == NAMES and len(NAMES) == 17


@pytest.mark.parametrize("name", NAMES)
def test_a_program_makes_a_video_and_leaves_its_own_folder_alone(name: str, tmp_path: Path, monkeypatch):
    spec = spec_of(name)
    install(spec, tmp_path / "homes", monkeypatch)
    before = contents(tmp_path / "homes")
    adapter = CommandAdapter(spec)
    told = adapter.fingerprint(Setting("f"))
    assert len(told["weights"]) == len(spec.weights) >= 1 and told["code"] and "setting" not in told
    job = make_job(tmp_path / "work")
    made = adapter.generate(job, tmp_path / "out.mkv", run_id="r")
    frames = read_video(made.path)
    assert made.frames == FRAMES and frames.shape == (FRAMES, SIDE, SIDE, 3)
    # The right one of several pictures, and nothing but it; only at its rim may the codec mix in its neighbour.
    assert np.abs(frames[[0, FRAMES // 2, -1], :, 4:-4].astype(int) - GREY).max() <= 4
    assert contents(tmp_path / "homes") == before and not list(Path(job.workdir).iterdir())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("nothing", r"expected one video .*, found 0.*; exit code 0; it said last: all went well"),
        ("short", r"made \d+ frames( from frame 2 on)?, expected \d+ within \d+"),
    ],
)
def test_no_video_and_half_a_video_are_failures(name: str, do: str, expected: str, tmp_path: Path, monkeypatch):
    spec = spec_of(name)
    install(spec, tmp_path / "homes", monkeypatch)
    monkeypatch.setenv("STUB_DO", do)
    monkeypatch.setenv("STUB_WHO", name)
    job = make_job(tmp_path / "work")
    with pytest.raises(GenerationError) as error:
        CommandAdapter(spec).generate(job, tmp_path / "out.mkv", run_id="r")
    assert re.search(expected, str(error.value)) and "\n" not in str(error.value)
    assert not (tmp_path / "out.mkv").exists() and not list(Path(job.workdir).iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_the_stubs_take_no_flag_more_and_none_less(name: str, capsys: pytest.CaptureFixture[str]):
    spec = spec_of(name)
    given = [part.replace("{seed}", "7") for part in spec.argv]
    start = next(
        i for i, part in enumerate(given) if Path(part).suffix in (".py", ".sh") or part.startswith("scripts.")
    )
    given = given[start + 1 :]
    parse(name, given)
    flags = [i for i, part in enumerate(given) if re.match(r"--?[A-Za-z]", part)]
    for wrong in [[*given, "--no-such-flag"], given[:-1], *([given[:i] + given[i + 1 :] for i in flags])]:
        with pytest.raises(SystemExit) as left:
            parse(name, wrong)
        assert left.value.code == 2
    capsys.readouterr()


@pytest.mark.parametrize("name", NAMES)
def test_a_program_that_is_not_here_is_asked_for_in_one_line(name: str, monkeypatch):
    spec = spec_of(name)
    for variable in spec.homes:
        monkeypatch.delenv(variable, raising=False)
    first = next(iter(spec.homes))
    with pytest.raises(MissingError) as error:
        open_adapter(name).fingerprint(Setting("f"))
    told = str(error.value)
    assert told.startswith(f"method {name}: set the environment variable {first}: a checkout of https://github.com/")
    assert "\n" not in told


def test_a_program_without_its_environment_or_weights_is_told_apart(tmp_path: Path, monkeypatch):
    spec = spec_of("wav2lip")
    home = install(spec, tmp_path / "homes", monkeypatch)["WAV2LIP_HOME"]
    adapter = CommandAdapter(spec)
    (home / "checkpoints/wav2lip_gan.pth").unlink()
    with pytest.raises(MissingError, match=r"method wav2lip: wav2lip_gan\.pth: no such file: "):
        adapter.fingerprint(Setting("f"))
    (home / ".venv").unlink()
    with pytest.raises(MissingError, match=r"method wav2lip: no virtual environment: .*/\.venv/bin/python is"):
        adapter.fingerprint(Setting("f"))


def test_a_stage_that_fails_is_named(tmp_path: Path, monkeypatch):
    spec = spec_of("liveportrait")
    install(spec, tmp_path / "homes", monkeypatch)
    monkeypatch.setenv("STUB_DO", "nothing")
    monkeypatch.setenv("STUB_WHO", "sadtalker")
    with pytest.raises(GenerationError, match=r"expected one file sadtalker/\*\.mp4 for \{driving\} below \{output\}"):
        CommandAdapter(spec).generate(make_job(tmp_path / "work"), tmp_path / "out.mkv", run_id="r")
