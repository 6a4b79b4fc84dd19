"""A folder of videos as a dataset: names, speakers, truth where there is one, and a run over it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.datasets.folder import open_dataset
from bench.datasets.phones import phones_beside
from bench.datasets.puppets.corpus import rest_portrait
from bench.errors import ConfigError, MediaError, MissingError
from bench.io.encode import write_lossless
from bench.records import Phone
from bench.runner.how import How


def write(path: Path, *, height: int = 16, width: int = 16, frames: int = 6, samples: int = 6 * 640) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = np.random.default_rng(len(path.name)).integers(0, 255, (frames, height, width, 3), dtype=np.uint8)
    write_lossless(path, shown, samples=np.linspace(-0.5, 0.5, samples, dtype=np.float32))
    return shown


def test_clips_are_speakers_references_and_drivers(tmp_path: Path):
    shown = write(tmp_path / "ann_1.mkv")
    write(tmp_path / "bob/x.mkv")
    (tmp_path / "notes.txt").write_text("no video")
    data = open_dataset({"path": str(tmp_path)})
    assert data.references() == data.speakers() == ["ann_1", "bob/x"] and data.drivers("bob/x") == ["bob/x"]
    np.testing.assert_array_equal(data.portrait("ann_1").image, shown[0])
    take = data.take("ann_1", "ann_1")
    np.testing.assert_array_equal(take.frames, shown)
    assert take.speech.samples.shape == (3840,) and take.speech.speaker == "ann_1" and take.landmarks is None
    with pytest.raises(MissingError, match="no take of ann_1 with the speech of bob/x"):
        data.take("ann_1", "bob/x")
    with pytest.raises(MissingError, match="no clip 'zoe'"):
        data.portrait("zoe")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("folder", {"ann_1": ["ann_1"], "bob": ["bob/ann_2"]}), (r"(ann|bob)_\d$", {"ann": ["ann_1", "bob/ann_2"]})],
)
def test_speaker_rules(tmp_path: Path, rule: str, expected: dict):
    write(tmp_path / "ann_1.mkv")
    write(tmp_path / "bob/ann_2.mkv")
    data = open_dataset({"path": str(tmp_path), "speaker": rule})
    assert {speaker: data.drivers(speaker) for speaker in data.speakers()} == expected
    assert data.speech("bob/ann_2").speaker == next(s for s, clips in expected.items() if "bob/ann_2" in clips)


def test_frames_must_be_square_or_are_cut_to_the_middle(tmp_path: Path):
    shown = write(tmp_path / "wide.mkv", height=8, width=14)
    with pytest.raises(MediaError, match=r"wide\.mkv: expected square frames, got 14x8"):
        open_dataset({"path": str(tmp_path)}).portrait("wide")
    data = open_dataset({"path": str(tmp_path), "crop": "centre"})
    np.testing.assert_array_equal(data.take("wide", "wide").frames, shown[:, :, 3:11])
    np.testing.assert_array_equal(data.portrait("wide").image, shown[0, :, 3:11])


def test_frames_without_sound_at_the_end_are_left_out(tmp_path: Path):
    write(tmp_path / "a.mkv", frames=6, samples=4 * 640 + 1)
    assert len(open_dataset({"path": str(tmp_path)}).take("a", "a").frames) == 5


def test_phones_beside_the_video(tmp_path: Path):
    write(tmp_path / "a.mkv")
    words = [
        {"word": "sil", "phones": [{"ph": "SIL", "bg": 0, "ed": 4}, {"ph": "AA", "bg": 4, "ed": 4}]},
        {"word": "be", "phones": [{"ph": "B", "bg": 4, "ed": 24}]},
    ]
    (tmp_path / "a.json").write_text(json.dumps(words))
    expected = (Phone("SIL", 0.0, 0.04), Phone("B", 0.04, 0.24))
    assert open_dataset({"path": str(tmp_path)}).speech("a").phones == expected
    assert phones_beside(tmp_path / "none.mkv") is None
    (tmp_path / "a.json").write_text('{"words": 3}')
    with pytest.raises(MediaError, match=r"a\.json: expected a list of at least one word"):
        open_dataset({"path": str(tmp_path)}).speech("a")


def test_a_textgrid_and_a_transcript_beside_the_video(tmp_path: Path):
    write(tmp_path / "a.mkv")
    marks = '0 0.04 "sil"\n0.04 0.24 "AA1"'
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n'
    grid = f'{head}0 0.24 <exists> 1\n"IntervalTier" "phones" 0 0.24 2\n{marks}\n'
    (tmp_path / "a.TextGrid").write_text(grid, encoding="utf-16")
    (tmp_path / "a.txt").write_text("Ah!")
    speech = open_dataset({"path": str(tmp_path)}).speech("a")
    assert speech.phones == (Phone("SIL", 0.0, 0.04), Phone("AA", 0.04, 0.24))
    assert (speech.transcript, speech.phones_by) == ("Ah!", "textgrid")


def test_phones_are_heard_once_where_no_file_gives_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pocketsphinx", reason="phones from sound need pocketsphinx")
    monkeypatch.setenv("AVCT_BENCH_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "films" / "a.mkv")
    assert open_dataset({"path": str(tmp_path / "films")}).speech("a").phones is None
    heard = open_dataset({"path": str(tmp_path / "films"), "phones": "heard"}).speech("a")
    assert heard.phones_by in ("silence", "all-phone", "decoded") and heard.phones[-1].end == pytest.approx(0.24)
    (kept,) = (tmp_path / "cache" / "phones").iterdir()
    again = open_dataset({"path": str(tmp_path / "films"), "phones": "heard"}).speech("a")
    assert (again.phones, again.phones_by) == (heard.phones, heard.phones_by)
    kept.write_text("{")
    assert open_dataset({"path": str(tmp_path / "films"), "phones": "heard"}).speech("a").phones == heard.phones


@pytest.mark.parametrize(
    ("options", "error", "expected"),
    [
        ({}, ConfigError, "expected a path"),
        ({"path": "none"}, MissingError, "no such folder"),
        ({"path": "HERE", "glob": "*.mp4"}, MissingError, "no videos"),
        ({"path": "HERE", "crop": "center"}, ConfigError, "'none', 'centre' or 'face', got 'center'"),
        ({"path": "HERE", "phones": "guess"}, ConfigError, "'beside' or 'heard', got 'guess'"),
        ({"path": "HERE", "speaker": "("}, ConfigError, "not a regular expression"),
        ({"path": "HERE", "speaker": "x(y)"}, ConfigError, "finds no group in the clip's name 'a'"),
    ],
)
def test_options_that_do_not_work(tmp_path: Path, options: dict, error: type, expected: str):
    write(tmp_path / "a.mkv")
    with pytest.raises(error, match=expected.replace("(", "\\(")):
        open_dataset({key: str(tmp_path) if value == "HERE" else value for key, value in options.items()})


def test_a_protocol_over_a_folder_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from bench.runner.expand import load
    from bench.runner.run import run
    from bench.store.rows import read_rows

    for name in ("a", "b"):
        write(tmp_path / f"clips/{name}.mkv")
    (tmp_path / "clips/a.json").write_text(json.dumps([{"word": "a", "phones": [{"ph": "AA", "bg": 0, "ed": 24}]}]))
    for name, text in {
        "datasets/mine.toml": 'loader = "folder"\n[options]\npath = "./../../clips"\n',
        "mine.toml": 'id = "mine@1"\ndataset = "mine"\nsize = 16\nmetrics = ["psnr/mean-of-frames@1"]\n'
        'methods = ["ground-truth", "still"]\n[axes]\npairs = "same"\n',
    }.items():
        path = tmp_path / "protocols" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv("AVCT_BENCH_PATH", str(tmp_path))
    result = run(load("mine"), out=tmp_path / "out", how=How(workers=0))
    assert (result.total, result.done, result.exit_code) == (4, 4, 0)
    written = [json.loads(line) for line in (tmp_path / "out/rows.jsonl").read_text().splitlines()]
    assert {(entry["cell"]["driver"], entry["phones_by"]) for entry in written} == {("a", "file"), ("b", None)}
    rows = {(row["method"], row["driver"]): row for row in read_rows(tmp_path / "out/rows.parquet")}
    assert rows["ground-truth", "a"]["video_sha256"] == rows["ground-truth", "a"]["truth_sha256"]
    shown = write(tmp_path / "again/b.mkv").astype(float)
    errors = ((shown[1:] - shown[0]) ** 2).mean((1, 2, 3))  # the first frame is equal, which counts as 100 dB
    expected = (100 + (10 * np.log10(255**2 / errors)).sum()) / 6
    assert rows["still", "b"]["value"] == pytest.approx(expected) and rows["still", "b"]["frames"] == 6


def test_a_filmed_face_comes_with_landmarks_and_head_pose(tmp_path: Path):
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    known = rest_portrait("astronaut")
    write_lossless(tmp_path / "a.mkv", [known.image] * 2, samples=np.zeros(1280, np.float32))
    found = open_dataset({"path": str(tmp_path)}).portrait("a")
    assert found.photograph and found.landmarks is not None and found.pose is not None and known.pose is not None
    assert found.landmarks.dtype == found.pose.dtype == np.float32
    assert np.abs(np.degrees(found.pose - known.pose)[:3]).max() < 8
    assert np.abs(found.pose - known.pose)[3:].max() < 40
