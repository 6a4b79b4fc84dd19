"""Browser copies: made once, removed when nothing asks for them, and a reason where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_run import FRAMES, SIDE, make_entries, make_protocol, make_run

from bench.io.audio import read_audio
from bench.io.decode import frames
from bench.io.probe import probe
from bench.report.folder import read_run
from bench.report.media import copy_videos, name_copy

A1, A2, B1 = (("ann", "face", "a1", 0), ("ann", "face", "a2", 0), ("bob", "face", "b1", 0))
PROTOCOL = make_protocol(methods=["avct", "loudness"], metrics=["psnr/mean-of-frames@1"])


def test_copies_play_everywhere_and_show_the_same(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", PROTOCOL, videos=True)
    calls: list[tuple[int, int]] = []
    copies = copy_videos(read_run(folder), folder, progress=lambda *now: calls.append(now))
    assert len(copies.found) == 5 and calls == [(done, 5) for done in range(1, 6)]
    copy = copies.found["avct", "f32", A2]
    info = probe(folder / copy.video)
    assert (info.codec, info.pixel_format, info.width, info.height) == ("h264", "yuv420p", SIDE, SIDE)
    shown = np.stack(list(frames(folder / copy.video)))
    assert len(shown) == FRAMES
    # 10 and 16 times the frame's and the video's number, as near as 4:2:0 leaves them
    assert abs(shown[8, ..., 0].mean() - 80) < 8 and abs(shown[8, ..., 1].mean() - 16) < 8
    assert np.abs(read_audio(folder / copy.video)).max() > 0.1
    assert (folder / copy.poster).read_bytes().startswith(b"\xff\xd8")


def test_a_copy_can_be_stepped_through_and_jumped_into(tmp_path: Path) -> None:
    import av

    folder = make_run(tmp_path / "run", PROTOCOL, videos=True)
    copies = copy_videos(read_run(folder), folder)
    with av.open(folder / copies.found["avct", "f32", A2].video) as film:
        packets = [packet for packet in film.demux(video=0) if packet.size]
    keys = [place for place, packet in enumerate(packets) if packet.is_keyframe]
    assert len(packets) == FRAMES and keys[0] == 0
    assert max(np.diff([*keys, FRAMES])) <= 10, "no more than these are decoded for a step back"
    assert [packet.pts for packet in packets] == sorted(packet.pts for packet in packets), "no frame waits for another"
    assert packets[0].pts == 0


def test_a_second_time_makes_nothing_and_removes_what_is_not_asked_for(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", PROTOCOL, videos=True)
    first = copy_videos(read_run(folder), folder)
    stamps = {path: path.stat().st_mtime_ns for path in (folder / "media").iterdir()}
    (folder / "media" / "old-clip-0123456789ab.mp4").write_bytes(b"")
    (folder / "media" / "notes.txt").write_text("mine")
    calls: list[object] = []
    assert copy_videos(read_run(folder), folder, progress=lambda *now: calls.append(now)) == first
    assert not calls
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert {path.name for path in (folder / "media").iterdir()} == {path.name for path in stamps} | {"notes.txt"}


def test_what_has_no_copy_has_a_reason(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", PROTOCOL, videos=True)
    videos = read_run(folder).videos
    videos["avct", "f32", A1].unlink()
    videos["avct", "f32", A2].write_bytes(b"no video")
    copies = copy_videos(read_run(folder), folder)
    assert copies.lacking["avct", "f32", A1] == "the video is gone"
    assert copies.lacking["avct", "f32", A2].startswith("the video cannot be read: ")
    assert str(tmp_path) not in copies.lacking["avct", "f32", A2]
    assert set(copies.found) == {("avct", "f32", B1), ("loudness", "f32", A1), ("loudness", "f32", A2)}
    assert not list((folder / "media").glob("*.part"))


def test_without_making_only_what_is_there_is_found(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", PROTOCOL, videos=True)
    copies = copy_videos(read_run(folder), tmp_path / "out", make=False)
    assert not copies.found and set(copies.lacking.values()) == {"no browser copy was made"}
    assert not (tmp_path / "out").exists()


def test_equal_videos_of_two_settings_share_a_copy(tmp_path: Path) -> None:
    settings = [{**PROTOCOL["settings"][0], "name": name} for name in ("f32", "bf16")]
    protocol = {**PROTOCOL, "settings": settings, "methods": ["avct"]}
    entries = make_entries(protocol)
    for entry in entries:
        sha = "ab" * 32
        entry["rows"] = [{**row, "video_sha256": sha} for row in entry["rows"]]
    folder = make_run(tmp_path / "run", protocol, entries=entries, videos=True)
    read_run(folder).videos["avct", "f32", A1].unlink()
    copies = copy_videos(read_run(folder), folder)
    assert copies.found["avct", "f32", A1] == copies.found["avct", "bf16", A1]
    assert len(list((folder / "media").glob("*.mp4"))) == 3


@pytest.mark.parametrize("word", ["../../x", "a b/c", "中文", "", "x" * 300, "a\0b"])
def test_names_of_copies_are_plain(word: str) -> None:
    name = name_copy((word, "f32", (word, word, word, 0)), "ab" * 32)
    assert name.replace("-", "").isalnum() and name.isascii() and len(name) < 130
