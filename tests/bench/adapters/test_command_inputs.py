"""What else a program may be given, and how its video may look: videos and folders of the portrait, phoneme ids, a
private tree, stages, panels, and a video that starts later than the speech."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from avct.phonemes import SYMBOLS
from bench.adapters import open_adapter
from bench.adapters.base import GenerationError
from bench.adapters.fit import cut_panel, fit_length, fit_size
from bench.adapters.inputs import phone_ids, write_inputs
from bench.adapters.tree import plant
from bench.errors import MissingError
from bench.io.decode import read_video
from bench.io.image import read_image
from bench.records import Job, Phone, Portrait, Setting, Speech
from protocols.method import InputContract, Tree


@pytest.fixture
def job(tmp_path: Path) -> Job:
    image = np.repeat(np.arange(0, 240, 15, dtype=np.uint8)[None, :, None], 16, 0).repeat(3, 2)
    speech = Speech("d", "s", np.zeros(6 * 640, np.float32), (Phone("SIL", 0, 0.04), Phone("AA", 0.04, 0.2)))
    (tmp_path / "work").mkdir()
    return Job(Portrait("r", image), speech, 6, Setting("f"), 7, workdir=str(tmp_path / "work"))


def written(job: Job, folder: Path, need: str, **contract) -> Path:
    return Path(write_inputs(job, folder, InputContract(**contract), needs=frozenset([need]))[need])


def test_the_portrait_as_a_video_lasts_as_long_as_the_speech(job: Job, tmp_path: Path):
    path = written(job, tmp_path, "portrait_video", fps=30, square=32)
    frames = read_video(path, fps=None)
    assert path.suffix == ".mp4" and frames.shape == (8, 32, 32, 3)  # 6 frames at 25 are 7.2 at 30
    still = read_image(written(job, tmp_path, "portrait", square=32))
    assert np.abs(frames.astype(int) - still).max() <= 4


def test_the_portrait_as_a_folder_of_frames(job: Job, tmp_path: Path):
    folder = written(job, tmp_path, "portrait_frames", portrait="jpg")
    assert [path.name for path in sorted(folder.iterdir())] == [f"{index:06d}.jpg" for index in range(6)]
    assert np.abs(read_image(folder / "000005.jpg").astype(int) - job.portrait.image).max() <= 2


def test_the_portrait_as_a_jpeg_is_nearly_the_portrait(job: Job, tmp_path: Path):
    path = written(job, tmp_path, "portrait", portrait="jpg")
    assert path.read_bytes()[:2] == b"\xff\xd8"
    assert np.abs(read_image(path).astype(int) - job.portrait.image).max() <= 2


def test_phoneme_ids_are_the_generators_and_taken_at_the_frames_start():
    every = [Phone(symbol, index / 25, (index + 1) / 25) for index, symbol in enumerate(SYMBOLS)]
    assert phone_ids(every, 45, 25) == [*range(41), 31, 31, 31, 31]
    two = (Phone("SIL", 0, 0.32), Phone("AA", 0.32, 0.5))
    assert phone_ids(two, 14, 25) == [31] * 8 + [0] * 5 + [31]
    assert phone_ids(two, 16, 30) == [31] * 10 + [0] * 5 + [31]
    with pytest.raises(GenerationError, match="phone 'AX' is not in the alphabet of 41"):
        phone_ids((Phone("AX", 0, 1),), 3, 25)


def test_a_tree_links_what_is_there_and_is_fresh_where_it_is_written_to(tmp_path: Path):
    home, root = tmp_path / "home", tmp_path / "tree"
    for name in ("run.py", "src/net.py", "examples/ckpt/a.pth", "examples/old.wav", "examples/dump/emb.pickle"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    plant(home, root, Tree(source="x", fresh=["examples", "examples/dump", "out/deep"], keep=["examples/ckpt"]))
    assert (root / "run.py").is_symlink() and (root / "src").is_symlink()
    assert sorted(path.name for path in (root / "examples").iterdir()) == ["ckpt", "dump"]
    assert not list((root / "examples/dump").iterdir()) and (root / "examples/ckpt/a.pth").read_text()
    assert (root / "out/deep").is_dir() and not (root / "out").is_symlink()
    (root / "examples/dump/new").touch()
    (root / "out/deep/new").touch()
    assert not (home / "examples/dump/new").exists() and not (home / "out").exists()
    with pytest.raises(MissingError, match=r"no such file or folder: .*examples/none"):
        plant(home, tmp_path / "b", Tree(source="x", fresh=["examples"], keep=["examples/none"]))
    with pytest.raises(MissingError, match=r"no such folder: .*nowhere"):
        plant(tmp_path / "nowhere", tmp_path / "c", Tree(source="x"))


def test_a_fresh_folder_inside_one_that_is_not(tmp_path: Path):
    home, root = tmp_path / "home", tmp_path / "tree"
    (home / "data/old").mkdir(parents=True)
    (home / "data/keep.txt").write_text("kept")
    plant(home, root, Tree(source="x", fresh=["data/old"]))
    assert (root / "data/keep.txt").is_symlink() and not (root / "data").is_symlink()
    assert not (root / "data/old").is_symlink() and not list((root / "data/old").iterdir())


def test_one_of_several_pictures_is_cut_out():
    frames = np.arange(6, dtype=np.uint8)[None, None, :, None].repeat(2, 0).repeat(2, 1).repeat(3, 3)
    assert cut_panel(frames, 1, 3)[0, 0, :, 0].tolist() == [2, 3]
    with pytest.raises(GenerationError, match="made a video 6 pixels wide where 4 pictures of one width were expected"):
        cut_panel(frames, 0, 4)


def test_a_video_that_starts_later_than_the_speech_is_put_in_its_place():
    frames = np.arange(5, dtype=np.uint8)[:, None, None, None]
    shown = [int(frame.item()) for frame in fit_length(frames, 9, tolerance=2, starts_at=2)]
    assert shown == [0, 0, 0, 1, 2, 3, 4, 4, 4]
    with pytest.raises(GenerationError, match="made 5 frames from frame 2 on, expected 8 within 2"):
        fit_length(frames, 10, tolerance=2, starts_at=2)


def test_another_shape_is_refused_even_where_another_size_is_not():
    assert fit_size(np.zeros((1, 32, 32, 3), np.uint8), (8, 8, 3), allowed=True).shape == (1, 8, 8, 3)
    with pytest.raises(GenerationError, match="made 48x32 where 8x8 was asked for: another shape"):
        fit_size(np.zeros((1, 32, 48, 3), np.uint8), (8, 8, 3), allowed=True)


STAGES = """
import os, sys, time
what, given, out = sys.argv[1:4]
if what == "first":
    time.sleep(float(os.environ.get("SLOW", "0")))
    open(out, "w").write(open(given, "rb").read(4).decode("latin1"))
else:
    import numpy as np
    from bench.io.encode import write_lossless
    assert open(given).read() == "RIFF" and os.path.basename(given) == "driving.txt"
    write_lossless(out, [np.full((16, 16, 3), 9, np.uint8)] * 12, fps=50)
"""


@pytest.fixture
def staged(tmp_path: Path):
    (tmp_path / "run.py").write_text(STAGES)
    python = json.dumps(sys.executable)
    text = f"""
kind = "command"
argv = [{python}, "./run.py", "second", "{{driving}}", "{{output}}/x.mkv"]
output = "x.mkv"
timeout_s = 60
[[before]]
argv = [{python}, "./run.py", "first", "{{audio}}", "{{output}}/today.txt"]
gives = "driving"
output = "*.txt"
"""
    (tmp_path / "m.toml").write_text(text)
    return open_adapter(str(tmp_path / "m.toml"))


def test_what_a_stage_leaves_goes_to_the_next(staged, job: Job, tmp_path: Path):
    made = staged.generate(job, tmp_path / "out.mkv", run_id="r")
    assert made.frames == 6 and read_video(made.path)[0, 0, 0, 0] == 9  # twelve at 50 a second
    assert not list(Path(job.workdir).iterdir())


def test_the_limit_is_for_all_stages_together(staged, job: Job, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SLOW", "30")
    monkeypatch.setattr("bench.adapters.process._GRACE", 0.2)
    path = tmp_path / "m.toml"
    path.write_text(path.read_text().replace("timeout_s = 60", "timeout_s = 1"))
    with pytest.raises(GenerationError, match="ended after the limit of 1 s"):
        open_adapter(str(path)).generate(job, tmp_path / "out.mkv", run_id="r")
    assert os.listdir(job.workdir) == []
