"""Faces cut out of pictures and films into files, and the verbs `crop` and `prepare` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import speaking_films as films

from bench.cli import main
from bench.footage.crop import crop_file
from bench.io.audio import read_audio
from bench.io.decode import read_video
from bench.io.image import read_image, write_png
from bench.io.probe import probe

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FRAMES = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with a face at its right edge, a film whose face comes late, and a wall."""
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    folder = tmp_path_factory.mktemp("in")
    take = films.take()
    frames, _ = films.place(take.frames[:FRAMES], width=500, height=300, at=(244, 20))
    write_png(folder / "edge.png", np.ascontiguousarray(frames[0, :, :450]))
    empty = np.full((5, *frames.shape[1:]), (70, 90, 110), np.uint8)
    films.write(folder / "films" / "late.mkv", np.concatenate([empty, frames]), samples=take.speech.samples[: 17 * 640])
    write_png(folder / "wall.png", np.full((90, 120, 3), 120, np.uint8))
    return folder


def test_a_film_is_cut_from_where_its_face_comes_with_its_sound(home: Path, tmp_path: Path) -> None:
    made = crop_file(home / "films" / "late.mkv", tmp_path / "out.mkv", style="fomm", size=200)
    shown = read_video(made.path)
    assert shown.shape == (FRAMES, 200, 200, 3) and made.frames == FRAMES
    heard = read_audio(made.path)
    whole = read_audio(home / "films" / "late.mkv")
    np.testing.assert_allclose(heard, whole[5 * 640 : 17 * 640], atol=1e-6)
    assert made.notes[0] == "its face is there from 0.20 to 0.68 s of 0.68 s; the rest was left out"
    assert not probe(made.path).synthetic
    still = np.abs(shown[1:].astype(int) - shown[:-1])[:, :, :6].mean()
    assert still < 1.0, "the square moves"


def test_pictures_films_and_folders_from_the_command_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["crop", str(home / "edge.png"), str(tmp_path / "a.png"), "--size", "128"]) == 0
    line = capsys.readouterr().out
    assert "a.png: one picture; " in line and "% of the square lies outside the picture" in line
    assert read_image(tmp_path / "a.png").shape == (128, 128, 3)
    assert main(["crop", str(home), str(tmp_path / "all"), "--films", "mp4", "--json"]) == 1
    rows = {Path(row["in"]).name: row for row in json.loads(capsys.readouterr().out)}
    assert rows["wall.png"]["status"] == "failed" and "no face was found in 120x90" in rows["wall.png"]["reason"]
    assert rows["late.mkv"]["frames"] == FRAMES and (tmp_path / "all" / "films" / "late.mp4").is_file()
    assert rows["edge.png"]["outside"] > 0.02 and read_image(tmp_path / "all" / "edge.png").shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("crop", "none.png", "a.png"), 3, "none.png: no such file"),
        (("crop", "wall.png", "a.mp4"), 2, "expected a name ending in .png for wall.png"),
        (("crop", "films/late.mkv", "a.png"), 2, "expected a name ending in .mkv or .mp4 for late.mkv"),
        (("crop", "wall.png", "a.png"), 2, "wall.png: no face was found in 120x90 pixels"),
        (("crop", "wall.png", "wall.png"), 2, "another file than the one that is cut"),
        (("crop", "wall.png", "a.png", "--size", "7"), 2, "--size: expected 32 to 2048 pixels, got 7"),
        (("prepare", "none", "--out", "x"), 3, "none: no such folder"),
        (("prepare", "wall.png", "--out", "x"), 2, "expected a folder of videos, got a file"),
        (("prepare", "films", "--out", "x", "--identities", "name"), 2, "expected folder, stem or a .csv file"),
        (("prepare", "films", "--out", "x", "--longest", "0.5"), 2, "got 1 and 0.5"),
        (("prepare", "films", "--out", "wall.png"), 2, "expected a folder to write to, a file is in the way"),
        (("prepare", "films", "--out", "x", "--workers", "-1"), 2, "--workers: expected 0 or more, got -1"),
    ],
)
def test_mistakes_are_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, arguments: tuple, code: int, line: str
) -> None:
    monkeypatch.chdir(home)
    assert main(list(arguments)) == code
    said = [text for text in capsys.readouterr().err.splitlines() if text.startswith("error:")]
    assert len(said) == 1 and line in said[0], said


def test_prepare_says_what_became_of_a_folder(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "in").mkdir()
    for name, source in (("a.mkv", home / "films" / "late.mkv"), ("b.mkv", home / "films" / "late.mkv")):
        (tmp_path / "in" / name).write_bytes(source.read_bytes())
    (tmp_path / "in" / "c.mp4").write_bytes(b"no film")
    asked = ["prepare", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--shortest", "0.3", "--workers", "0"]
    assert main([*asked, "--pictures-only"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "films 1 of 3" in shown and "pieces 1, 0.5 s of 0.7 s" in shown and "identities 1" in shown
    assert "failed: read 1, such as" in shown and "twice 1 films" in shown
    assert main([*asked, "--pictures-only", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reused"] == 3
