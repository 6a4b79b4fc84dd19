"""The shipped dataset files on miniature trees of their layouts: clips, people, parts, sound and words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.catalogue import open_dataset
from bench.errors import ConfigError, MediaError, MissingError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HDTF", "VOXCELEB2", "MEAD", "GRID", "LRS2", "LRW", "CREMA_D"):
        monkeypatch.setenv(f"{name}_ROOT", str(tmp_path))
    return tmp_path


def people(data) -> dict[str, str]:
    return data.identities(data.references())


def test_voxceleb2(kit, root: Path):
    kit.tree(root, ["test/mp4/id00017/abc/00001.mp4", "test/mp4/id00061/x-y/00004.mp4", "dev/mp4/id00012/q/00002.mp4"])
    kit.put(root / "test/aac/id00017/abc/00001.m4a")
    data = open_dataset("voxceleb2", {"split": "test"})
    assert people(data) == {"id00017/abc/00001": "id00017", "id00061/x-y/00004": "id00061"}
    assert data.name == "voxceleb2" and data.speakers() == ["id00017", "id00061"]
    assert len(open_dataset("voxceleb2").references()) == 3
    assert len(data.speech("id00017/abc/00001").samples) == 11264  # the file in aac/, padded by its encoder
    assert len(data.speech("id00061/x-y/00004").samples) == 10240  # the video's own
    assert data.check() == ["split test: expected 36237 clips, found 2"]
    with pytest.raises(MissingError, match="no videos"):
        open_dataset("voxceleb2", {"split": "tset"})


def test_mead(kit, root: Path):
    kit.tree(root, ["M003/video/front/angry/level_1/001.mp4", "W009/video/front/neutral/level_1/030.mp4"], "mute")
    kit.tree(root, ["M003/video/left_30/angry/level_1/001.mp4"])
    kit.put(root / "M003/audio/angry/level_1/001.m4a")
    data = open_dataset("mead", {"crop": "none"})
    assert people(data) == {"M003/angry/level_1/001": "M003", "W009/neutral/level_1/030": "W009"}
    assert len(data.speech("M003/angry/level_1/001").samples) == 11264
    with pytest.raises(MediaError, match="expected an audio stream"):
        data.speech("W009/neutral/level_1/030")


def test_grid(kit, root: Path):
    kit.tree(root, ["s1/video/bbaf2n.mpg", "s2/lbij3a.mpg", "s10/video/prwq3s.mpg"], "wide")
    (root / "s1/align").mkdir()
    (root / "s1/align/bbaf2n.align").write_text("0 23750 sil\n23750 29500 bin\n29500 34000 blue\n34000 75000 sil\n")
    data = open_dataset("grid", {"crop": "centre"})
    assert people(data) == {"s1/bbaf2n": "s1", "s10/prwq3s": "s10", "s2/lbij3a": "s2"}
    assert data.speech("s1/bbaf2n").transcript == "bin blue" and data.speech("s2/lbij3a").transcript is None
    assert open_dataset("grid", {"split": "test"}).speakers() == ["s1", "s2"]
    assert open_dataset("grid", {"split": "train"}).speakers() == ["s10"]
    with pytest.raises(ConfigError, match=r"dataset grid: no split 'tset'. Did you mean test"):
        open_dataset("grid", {"split": "tset"})
    shown = open_dataset("grid", {"crop": "centre", "poses": "none"}).take("s2/lbij3a", "s2/lbij3a").frames
    assert shown.shape == (15, 128, 128, 3)
    assert np.abs(shown.astype(float) - kit.frames).mean() < 4  # MPEG-1 costs that; another cut would cost tens
    (root / "s1/align/bbaf2n.align").write_text("0 23750\n")
    with pytest.raises(MediaError, match=r"bbaf2n\.align: expected lines of start, end and word"):
        data.speech("s1/bbaf2n")


def test_lrs2(kit, root: Path):
    kit.tree(root, ["main/553/00001.mp4", "main/553/00002.mp4", "main/600/00003.mp4", "pretrain/553/00009.mp4"])
    (root / "main/553/00001.txt").write_text("Text:  WHEN YOU'RE COOKING\nConf:  4\n")
    (root / "main/600/00003.txt").write_text("WHEN\n")
    lists = {"train": "553/00001", "val": "553/00002", "test": "600/00003 NF\n", "pretrain": "553/00009"}
    for part, text in list(lists.items())[:3]:
        (root / f"{part}.txt").write_text(text)
    with pytest.raises(MissingError, match=r"dataset lrs2: .*pretrain\.txt: no such file; expected the list"):
        open_dataset("lrs2")
    (root / "pretrain.txt").write_text(lists["pretrain"])
    assert people(open_dataset("lrs2", {"split": "test"})) == {"600/00003": "600"}
    assert open_dataset("lrs2", {"split": "pretrain"}).references() == ["553/00009"]
    data = open_dataset("lrs2")
    assert data.drivers("553") == ["553/00001", "553/00002", "553/00009"]
    assert data.speech("553/00001").transcript == "WHEN YOU'RE COOKING"
    with pytest.raises(MediaError, match=r"expected a first line 'Text: \.\.\.', got 'WHEN'"):
        data.speech("600/00003")


def test_lrw(kit, root: Path):
    kit.tree(root, ["ABOUT/test/ABOUT_00001.mp4", "ABOUT/val/ABOUT_00001.mp4", "YEARS/test/YEARS_00050.mp4"])
    (root / "ABOUT/test/ABOUT_00001.txt").write_text("Disk reference: 5537631054\nDuration: 0.34 seconds\n")
    data = open_dataset("lrw", {"split": "test"})
    assert people(data) == {"ABOUT_00001": "ABOUT_00001", "YEARS_00050": "YEARS_00050"}
    assert data.speech("ABOUT_00001").transcript is None  # what lies beside it is no transcript
    assert data.check() == ["split test: expected 25000 clips, found 2"]


def test_crema_d(kit, root: Path):
    kit.tree(root, ["VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1002_IEO_HAP_HI.flv"], "wide")
    kit.put(root / "AudioWAV/1001_DFA_ANG_XX.wav")
    data = open_dataset("crema-d", {"crop": "centre", "frame": 3})
    assert people(data) == {"1001_DFA_ANG_XX": "1001", "1002_IEO_HAP_HI": "1002"}
    said = data.speech("1001_DFA_ANG_XX")
    assert said.transcript == "Don't forget a jacket." and len(said.samples) == 9600
    np.testing.assert_allclose(said.samples, kit.samples, atol=1 / 30_000)
    assert data.speech("1002_IEO_HAP_HI").transcript == "It's eleven o'clock."
    assert data.check() == ["split (none): expected 7442 clips, found 2"]


def test_hdtf(kit, root: Path):
    kit.tree(root, ["WDA_AdamSmith_0.mp4", "more/JonKyl_0.mp4", "RD_Radio11_001.mp4", "TomPerez.mp4", "Nobody_0.mp4"])
    data = open_dataset("hdtf", {"split": "test"})
    assert len(data.references()) == 74 and len(data.speakers()) == 50
    assert data.identities(["WDA_AdamSmith_0"]) == {"WDA_AdamSmith_0": "AdamSmith"}
    for clip in ("WDA_AdamSmith_0", "WRA_JonKyl_0"):
        assert len(data.speech(clip).samples) == 10240
    # Uncut, and shorter than the time stamp at which the clip begins.
    with pytest.raises(MediaError, match=r"TomPerez\.mp4: expected at least one frame in the clip's time"):
        data.portrait("WDA_TomPerez_0")
    with pytest.raises(MediaError, match="expected sound after 5 s"):
        data.speech("WDA_TomPerez_0")
    with pytest.raises(
        MissingError, match=r"hdtf: clip WDA_TimWalz_0 is not on this disk \(looked for WDA_TimWalz_0 or"
    ):
        data.portrait("WDA_TimWalz_0")
    problems = data.check()
    assert problems[0] == "71 of 74 clips are not on this disk" and len(problems) == 72
    thorough = "\n".join(data.check(thorough=True)[72:])
    assert "1 videos below" in thorough and "no clip of the list: Nobody_0.mp4" in thorough
    assert "expected 293 s (give or take 1) of clip WDA_AdamSmith_0, got 0.60 s" in thorough
    assert "TomPerez.mp4: expected at least 225 s, which clip WDA_TomPerez_0 needs; got 0.60 s" in thorough
    assert open_dataset("hdtf", {"split": "train"}).speech("RD_Radio11_1").speaker == "Radio11"
    with pytest.raises(
        MissingError, match=r"none of the 29 clips of split 'val' of hdtf\.csv is there; expected files"
    ):
        open_dataset("hdtf", {"split": "val"})
    kit.put(root / "other/WDA_AdamSmith_0.mp4")
    with pytest.raises(ConfigError, match="two files may be clip WDA_AdamSmith_0"):
        open_dataset("hdtf", {"split": "test"})


def test_clips_do_not_depend_on_what_is_on_the_disk(kit, root: Path):
    from bench.datasets.catalogue import clips_sha256

    kit.put(root / "WDA_AdamSmith_0.mp4")
    one = clips_sha256(open_dataset("hdtf", {"split": "test"}))
    kit.put(root / "WRA_JonKyl_0.mp4")
    assert clips_sha256(open_dataset("hdtf", {"split": "test"})) == one
    assert clips_sha256(open_dataset("hdtf")) != one
