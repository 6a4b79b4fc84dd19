"""What `generate` reads beside pictures and sound: poses, transcripts, phones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import MediaError, MissingError
from bench.generate import Request, read_speech
from bench.headmotion import idle_pose, read_pose
from bench.io.audio import write_wav

NAMES = "pose_Rx, pose_Ry, pose_Rz, pose_Tx, pose_Ty, pose_Tz"


def test_idle_sway_begins_at_rest_and_stays_gentle() -> None:
    sway = idle_pose(500, 3)
    assert sway.dtype == np.float32 and sway.shape == (500, 6)
    np.testing.assert_array_equal(sway[0], [0, 0, 0, 0, 0, 300])
    turned = np.degrees(np.abs(sway[:, :3]))
    assert 1.0 < turned.max() < 8.0
    assert np.degrees(np.abs(np.diff(sway[:, :3], axis=0))).max() < 0.8, "a head does not jerk"
    np.testing.assert_array_equal(sway, idle_pose(500, 3))
    assert not np.array_equal(sway, idle_pose(500, 4))


def test_poses_of_a_file_are_held_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pose.csv"
    path.write_text(f"frame, {NAMES}\n1, 0.1,0.2,0.3,1,2,300\n2, 0.2,0.2,0.3,1,2,301\n")
    found = read_pose(path, 4)
    assert found.dtype == np.float32 and found.shape == (4, 6)
    np.testing.assert_allclose(found[:, 0], [0.1, 0.2, 0.2, 0.2])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pose_Rx, pose_Ry\n0,0\n", "pose_Rz"),
        (f"{NAMES}\n0,0,zero,0,0,0\n", "zero"),
        (f"{NAMES}\n", "0 rows"),
        (f"{NAMES}\n0,0,nan,0,0,0\n", "finite"),
    ],
)
def test_pose_files_that_cannot_be_used(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "pose.csv"
    path.write_text(text)
    with pytest.raises(MediaError, match=says):
        read_pose(path, 3)
    with pytest.raises(MissingError, match=r"gone\.csv"):
        read_pose(tmp_path / "gone.csv", 3)


def test_a_transcript_is_words_or_a_file(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="aligning a transcript needs pocketsphinx")
    from bench.datasets.puppets.corpus import Puppets

    said = Puppets("test").speech("heldout-a-te01")
    sound = tmp_path / "said.wav"
    write_wav(sound, said.samples)
    words = tmp_path / "said.txt"
    words.write_text(said.transcript)
    by_text, way, notes = read_speech(_request(tmp_path, transcript=said.transcript))
    by_file, _, _ = read_speech(_request(tmp_path, transcript=str(words)))
    assert way == "aligned" and notes == [] and by_text.phones == by_file.phones
    times = np.arange(0, len(said.samples) / 16_000, 0.02)
    assert np.mean([_at(by_text.phones, t) == _at(said.phones, t) for t in times]) > 0.6
    with pytest.raises(MissingError, match=r"gone\.txt"):
        read_speech(_request(tmp_path, transcript=str(tmp_path / "gone.txt")))


def test_a_phone_file_says_when_phones_end(tmp_path: Path) -> None:
    write_wav(tmp_path / "said.wav", np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32))
    given = tmp_path / "said.json"
    given.write_text(
        '[{"word": "x", "phones": [{"ph": "M", "bg": 5, "ed": 10}, {"ph": "B", "bg": 10, "ed": 10},'
        ' {"ph": "AA", "bg": 20, "ed": 50}]}]'
    )
    speech, way, _ = read_speech(_request(tmp_path, phonemes=given))
    assert way == "file" and [(p.symbol, p.start, p.end) for p in speech.phones] == [("M", 0, 0.1), ("AA", 0.1, 0.5)]
    given.write_text('[{"word": "x", "phones": [{"ph": "M", "bg": 0, "ed": 0}]}]')
    with pytest.raises(MediaError, match=r"said\.json: expected phones that last"):
        read_speech(_request(tmp_path, phonemes=given))


def test_words_that_were_not_said_fall_back_and_say_so(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="aligning a transcript needs pocketsphinx")
    rng = np.random.default_rng(0)
    write_wav(tmp_path / "said.wav", rng.normal(0, 0.1, 24_000).astype(np.float32))
    words = "a long sentence about seventeen hungry elephants that wander over the frozen northern sea " * 6
    speech, way, notes = read_speech(_request(tmp_path, transcript=words))
    assert way == "silence" and [p.symbol for p in speech.phones] == ["SIL"]
    assert "could not be found in the sound" in notes[0] and "nothing was heard" in notes[1]


def test_without_a_transcript_words_are_recognised_and_kept(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="recognising words needs pocketsphinx")
    from bench.datasets.puppets.corpus import Puppets

    said = Puppets("test").speech("heldout-a-te01")
    write_wav(tmp_path / "said.wav", said.samples)
    kept = tmp_path / "kept.json"
    heard, way, notes = read_speech(_request(tmp_path, write_phonemes=kept))
    assert way == "decoded" and notes[0].startswith("no transcript was given; heard: ")
    again, way, notes = read_speech(_request(tmp_path, phonemes=kept))
    assert way == "file" and notes == []
    times = np.arange(0, len(said.samples) / 16_000, 0.02)
    assert np.mean([_at(heard.phones, t) == _at(again.phones, t) for t in times]) > 0.85, "times are rounded to 10 ms"
    (tmp_path / "grid.TextGrid").write_text(_grid(heard.phones), encoding="utf-16")
    grid, way, _ = read_speech(_request(tmp_path, phonemes=tmp_path / "grid.TextGrid"))
    assert way == "textgrid" and grid.phones == again.phones


def test_a_face_that_no_detector_is_there_to_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bench.faces

    def absent(image: np.ndarray) -> None:
        raise MissingError("landmarks dlib68 need the extra `faces`")

    monkeypatch.setattr(bench.faces, "detect", absent)
    wide, square = np.zeros((100, 160, 3), np.uint8), np.full((128, 128, 3), 9, np.uint8)
    with pytest.raises(MissingError, match=r"160x100 is not square.*extra `faces`"):
        bench.faces.prepare(wide, Path("wide.png"))
    taken = bench.faces.prepare(square, Path("square.png"))
    assert (
        taken.image.shape == (256, 256, 3) and taken.landmarks is None and "taken as a face crop" in (taken.note or "")
    )


def _request(folder: Path, **changed: object) -> Request:
    return Request(folder / "face.png", folder / "said.wav", folder / "v.mp4", **changed)  # type: ignore[arg-type]


def _at(phones: tuple, t: float) -> str | None:
    return next((p.symbol for p in phones if p.start <= t < p.end), None)


def _grid(phones: tuple) -> str:
    marks = [f'{p.start} {p.end} "{p.symbol.replace("SIL", "sil")}"' for p in phones]
    end = phones[-1].end
    tier = f'"IntervalTier" "phones" 0 {end} {len(marks)}'
    return "\n".join(['File type = "ooTextFile"', '"TextGrid"', f"0 {end} <exists> 1", tier, *marks]) + "\n"
