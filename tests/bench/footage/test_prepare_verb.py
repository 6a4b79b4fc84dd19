"""A folder of films of all kinds into training shards: what works, what fails and why, and going on after a stop."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import speaking_films as films

import bench.footage.prepare as session
from avct.headpose import poses_from_landmarks
from avct.phonemes import IDS
from avct.shards import Shards
from bench.errors import ConfigError, MissingError
from bench.footage.beside import identities
from bench.footage.clip import Failed, Options
from bench.footage.prepare import Step, Summary, prepare_folder
from bench.store.journal import read_journal

REAL = Path(__file__).parents[4] / "shared" / "data" / "real" / "video"


def with_landmarks(path: Path, where: np.ndarray) -> Path:
    """The film's exact landmarks beside it, so that no detector is needed."""
    np.save(path.with_name(f"{path.stem}.landmarks.npy"), films.moved(films.take().landmarks, where).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six films: two that work (other sizes, rates, containers), one broken, one mute, one silent, one copy."""
    home = tmp_path_factory.mktemp("films")
    take = films.take()
    frames, where = films.place(take.frames)
    sound = take.speech.samples
    with_landmarks(films.write(home / "ann" / "one.mp4", frames, fps=30, samples=sound, rate=44_100), where)
    small, there = films.place(take.frames, width=300, height=240, at=(60, 20), side=200)
    with_landmarks(films.write(home / "bob" / "deep" / "two.avi", small, samples=sound, rate=8_000), there)
    phones = [{"word": "ma", "phones": [{"ph": "M", "bg": 0, "ed": 70}, {"ph": "AA", "bg": 70, "ed": 140}]}]
    (home / "bob" / "deep" / "two.json").write_text(json.dumps(phones))
    with_landmarks(films.write(home / "mute.mkv", small[:10]), there)
    with_landmarks(films.write(home / "hush.mkv", small[:10], samples=np.zeros(6400, np.float32)), there)
    (home / "broken.mp4").write_bytes((home / "ann" / "one.mp4").read_bytes()[:9000])
    (home / "cyd").mkdir()
    for name in ("one.mp4", "one.landmarks.npy"):
        (home / "cyd" / name).write_bytes((home / "ann" / name).read_bytes())
    return home


@pytest.fixture(scope="module")
def prepared(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    out = tmp_path_factory.mktemp("shards")
    return out, prepare_folder(folder, out, Options(), workers=0)


def test_what_works_becomes_clips_and_the_rest_rows(prepared: tuple[Path, Summary]) -> None:
    out, summary = prepared
    assert (summary.films, summary.pieces, summary.identities, summary.reused) == (6, 2, 2, 0)
    assert summary.duplicates == ["cyd/one"] and summary.seconds == pytest.approx(2.8, abs=0.09)
    assert {name: stage for name, (stage, _) in summary.failures.items()} == {
        "broken": "sound", "mute": "sound", "hush": "sound",
    }  # fmt: skip
    assert "expected a film with sound, or a file such as mute.wav beside it" in summary.failures["mute"][1]
    assert "expected speech, got silence" in summary.failures["hush"][1]
    assert "broken.mp4" in summary.failures["broken"][1]
    rows = {row["film"]: row for row in read_journal(out / "rows.jsonl")}
    assert {name: row["status"] for name, row in rows.items()} == {
        "ann/one": "ok", "bob/deep/two": "ok", "broken": "failed", "mute": "failed", "hush": "failed",
    }  # fmt: skip
    assert not list(out.glob(".*part")) and len(list(out.glob("*.npz"))) == 2


def test_clips_are_whole_and_agree_with_what_was_filmed(prepared: tuple[Path, Summary]) -> None:
    shards, take = Shards(prepared[0]), films.take()
    assert [(clip.name, clip.identity) for clip in shards] == [("ann/one#000", "ann"), ("bob/deep/two#000", "bob")]
    for clip in shards:
        n = len(clip.frames)
        assert films.FRAMES - 1 <= n <= films.FRAMES and clip.spoken and clip.size == 256
        assert clip.frames.shape == (n, 256, 256, 3) and clip.frames.dtype == np.uint8
        assert clip.landmarks.shape == (n, 68, 2) and clip.landmarks.dtype == np.float32
        assert clip.pose.shape == (n, 6) and clip.audio.shape == (n, 4, 41) and clip.audio.dtype == np.float32
        assert clip.phonemes.shape == (n,) and clip.phonemes.dtype == np.int64
        # the square is fixed and nothing is squashed: landmarks are the truth's but for one scale and one shift
        truth = take.landmarks[:n].astype(float)
        scale = np.ptp(clip.landmarks[..., 0]) / np.ptp(truth[..., 0])
        shift = (clip.landmarks - truth * scale).mean((0, 1))
        np.testing.assert_allclose(clip.landmarks, truth * scale + shift, atol=0.02)
        assert clip.landmarks.min() > 0 and clip.landmarks.max() < 255
        np.testing.assert_allclose(clip.pose, poses_from_landmarks(clip.landmarks, 256), atol=1e-6)
        assert np.abs(np.degrees(clip.pose[:, :3] - take.pose[:n, :3])).mean() < 3
        # the picture under the landmarks is the picture that was filmed
        for t in (0, n - 1):
            x, y = np.rint(clip.landmarks[t, 30]).astype(int)
            u, v = np.rint(truth[t, 30]).astype(int)
            there, here = take.frames[t, v - 3 : v + 4, u - 3 : u + 4], clip.frames[t, y - 4 : y + 5, x - 4 : x + 5]
            np.testing.assert_allclose(here.mean((0, 1)), there.mean((0, 1)), atol=18)
    assert set(shards[1].phonemes[:17]) == {IDS["M"]} and set(shards[1].phonemes[18:]) == {IDS["AA"]}


def test_the_index_says_what_the_data_is_made_of(prepared: tuple[Path, Summary]) -> None:
    about, entries = Shards(prepared[0]).about, Shards(prepared[0]).entries
    assert about["kind"] == "footage" and about["fps"] == 25 and about["options"]["style"] == "fomm"
    assert [film["film"] for film in about["films"]] == ["ann/one", "bob/deep/two"]
    assert about["phones"]["file"] == 1 and sum(about["phones"].values()) == 2
    assert "for their user to settle" in about["licence"] and "300-W" in about["landmarks"]
    assert entries[0]["from"] == 0 and entries[0]["outside"] < 0.1 and entries[0]["other_faces"] == 0


def test_the_same_command_does_nothing_again_but_what_is_new(
    folder: Path, prepared: tuple[Path, Summary], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out, first = prepared
    asked: list[str] = []
    monkeypatch.setattr(
        session, "prepare_clip", lambda clip, *_, **__: asked.append(clip.name) or Failed("face", "none")
    )
    again = prepare_folder(folder, out, Options(), workers=0)
    assert asked == [] and again.reused == 6 and again.failures == first.failures and again.pieces == 2
    # failures are tried again when asked, other options are another result, a missing file is made again
    prepare_folder(folder, out, Options(), workers=0, retry=True)
    assert sorted(asked) == ["broken", "hush", "mute"]
    asked.clear()
    prepare_folder(folder, out, Options(size=128), workers=0)
    assert sorted(asked) == ["ann/one", "bob/deep/two", "broken", "hush", "mute"]
    asked.clear()
    stem = Shards(out).entries[0]["stem"] if (out / "index.json").is_file() else ""
    kept = (out / f"{stem}.npz").read_bytes()
    (out / f"{stem}.npz").unlink()
    prepare_folder(folder, out, Options(), workers=0)
    assert len(asked) == 1
    (out / f"{stem}.npz").write_bytes(kept)


def test_an_interrupted_run_keeps_what_is_done_and_goes_on(folder: Path, tmp_path: Path) -> None:
    options = Options(pictures_only=True, size=64)

    def stop(step: Step) -> None:
        if step.clip == "bob/deep/two" and step.doing == "watching":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_folder(folder, tmp_path, options, workers=0, progress=stop)
    assert [clip.name for clip in Shards(tmp_path)] == ["ann/one#000"]
    seen: set[str] = set()
    summary = prepare_folder(
        folder,
        tmp_path,
        options,
        workers=0,
        progress=lambda s: seen.add(s.clip or "") if s.doing == "watching" else None,
    )
    assert "ann/one" not in seen and summary.reused >= 1
    names = [clip.name for clip in Shards(tmp_path)]
    assert names[:2] == ["ann/one#000", "bob/deep/two#000"] and not Shards(tmp_path)[0].spoken
    # their landmarks are another film's; with sound asked for, they failed for want of it before
    assert {name: stage for name, (stage, _) in summary.failures.items()} == {
        "broken": "read", "mute": "landmarks", "hush": "landmarks",
    }  # fmt: skip


def test_worker_processes_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("one.mp4", "one.landmarks.npy"):
        (tmp_path / "in" / name).write_bytes((folder / "ann" / name).read_bytes())
    options, heard = Options(pictures_only=True, size=48), []
    prepare_folder(tmp_path / "in", tmp_path / "a", options, workers=0)
    prepare_folder(tmp_path / "in", tmp_path / "b", options, workers=2, progress=heard.append)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / x).glob("*.n*")} for x in "ab")
    assert first == second and len(first) == 2
    assert any(step.doing == "watching" for step in heard) and heard[-1].done == 1


def test_a_wall_has_no_face(tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    wall = np.full((30, 200, 300, 3), 120, np.uint8)
    films.write(tmp_path / "wall.mkv", wall, samples=films.take().speech.samples)
    summary = prepare_folder(tmp_path, tmp_path / "out", Options(), workers=0)
    stage, reason = summary.failures["wall"]
    assert stage == "face" and "no face was found in 30 frames of 300x200" in reason
    assert not (tmp_path / "out" / "index.json").exists()


def test_who_is_who(tmp_path: Path) -> None:
    found = {name: tmp_path / name for name in ("id1/a/x", "id1/b/y", "id2/x", "z")}
    assert identities(found, "folder") == {"id1/a/x": "id1", "id1/b/y": "id1", "id2/x": "id2", "z": "z"}
    assert identities(found, "stem") == {"id1/a/x": "x", "id1/b/y": "y", "id2/x": "x", "z": "z"}
    table = tmp_path / "who.csv"
    table.write_text("clip,identity\nx,Ann\nid2/x,Bob\ny,Ann\nz,Cyd\n")
    assert identities(found, str(table)) == {"id1/a/x": "Ann", "id1/b/y": "Ann", "id2/x": "Bob", "z": "Cyd"}
    table.write_text("clip,identity\nx,Ann\n")
    with pytest.raises(ConfigError, match="none is given for id1/b/y and 1 more"):
        identities(found, str(table))
    table.write_text("clip,who\nx,Ann\n")
    with pytest.raises(ConfigError, match="expected the columns clip and identity"):
        identities(found, str(table))
    with pytest.raises(MissingError, match="no such file of identities"):
        identities(found, str(tmp_path / "none.csv"))
    with pytest.raises(ConfigError, match=r"expected folder, stem or a \.csv file, got 'x'"):
        identities(found, "x")


def test_landmarks_of_another_film_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_bytes((folder / "ann" / "one.mp4").read_bytes())
    for values, line in (
        (np.zeros((9, 68, 2)), "landmarks for 35 frames at 25 fps, got 9"),
        (np.zeros(3), "one array"),
    ):
        np.save(tmp_path / "one.landmarks.npy", values)
        summary = prepare_folder(tmp_path, tmp_path / "out", Options(pictures_only=True), workers=0)
        assert summary.failures["one"][0] == "landmarks" and line in summary.failures["one"][1]


@pytest.mark.real
def test_real_films(tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="the extra `faces` is not installed")
    if not REAL.is_dir():
        pytest.skip(f"no real clips at {REAL}")
    (tmp_path / "in").mkdir()
    for name in ("KristiNoem.mp4", "mead_M030_sad.mp4"):
        (tmp_path / "in" / name).write_bytes((REAL / name).read_bytes())
    summary = prepare_folder(tmp_path / "in", tmp_path / "out", Options(), workers=0)
    assert summary.pieces == 2 and not summary.failures and summary.seconds > 9.5
    for clip in Shards(tmp_path / "out"):
        assert clip.landmarks.min() > 8 and clip.landmarks.max() < 248 and np.isfinite(clip.pose).all()
        truth = np.load(REAL / f"{clip.name.partition('#')[0]}_dlib68.npz")["lm"][: len(clip.landmarks)]
        scale = np.ptp(clip.landmarks[:, :, 0]) / np.ptp(truth[..., 0])
        middle = [(p - p.mean((0, 1))) for p in (clip.landmarks / scale, truth)]
        assert np.median(np.linalg.norm(middle[0] - middle[1], axis=2)) < 2.0
