"""Many videos at once: the frames of each alone, errors that stay their own, nothing half-made left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from clip_files import write_clips

from bench.assembly import Plan, make_all, plan_for
from bench.errors import MediaError, MissingError, StorageError
from bench.front import Request
from bench.io.audio import write_wav
from bench.io.decode import read_video
from bench.io.probe import probe

PLANS = {
    "one by one": Plan(front=1, encoders=1, abreast=1, fill=False),
    "in turns": Plan(front=2, encoders=2, abreast=2, fill=False),
    "filled up": Plan(front=2, encoders=3, abreast=3, fill=True),
}


@pytest.fixture(scope="module")
def engine(tiny_checkpoint: Path):
    from avct.engine import prepare
    from bench.adapters.avct import load_model

    return prepare(load_model(tiny_checkpoint, "cpu"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path, Path]]:
    """Portrait, sound and phones of three clips of 19, 8 and 26 frames."""
    return write_clips(tmp_path_factory.mktemp("clips"), (19, 8, 26))


@pytest.fixture(autouse=True)
def _no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    import bench.faces

    def absent(image: np.ndarray) -> None:
        raise MissingError("no detector")

    monkeypatch.setattr(bench.faces, "detect", absent)


def requests(files, folder: Path, ending: str = "mkv") -> list[Request]:
    return [
        Request(image, sound, folder / f"{k}.{ending}", phonemes=phones)
        for k, (image, sound, phones) in enumerate(files)
    ]


@pytest.mark.parametrize("name", PLANS)
def test_frames_are_those_of_each_video_alone(name: str, engine, files, tmp_path: Path, tiny_checkpoint: Path) -> None:
    from bench.generate import generate_video

    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    tapped: dict[tuple[int, int], np.ndarray] = {}
    outcomes = list(
        make_all(
            engine,
            requests(files, together),
            batch=8,
            plan=PLANS[name],
            tap=lambda number, frame, pixels: tapped.update({(number, frame): pixels.copy()}),
        )
    )
    assert sorted(one.number for one in outcomes) == [0, 1, 2]
    for number, (image, sound, phones) in enumerate(files):
        request = Request(image, sound, alone / f"{number}.mkv", phonemes=phones, checkpoint=tiny_checkpoint)
        made = generate_video(request)
        wanted, got = read_video(request.out), read_video(together / f"{number}.mkv")
        assert got.shape == wanted.shape and len(wanted) == made.frames == (19, 8, 26)[number]
        # another batch may round a value to the other side
        assert np.abs(got.astype(int) - wanted).max() <= (1 if PLANS[name].fill else 0)
        np.testing.assert_array_equal(np.stack([tapped[number, k] for k in range(len(got))]), got)
        written = next(one.written for one in outcomes if one.number == number)
        assert written.frames == made.frames
        assert PLANS[name].fill or written.sha256 == made.sha256


def test_videos_to_watch_have_sound(engine, files, tmp_path: Path) -> None:
    outcomes = list(make_all(engine, requests(files[:1], tmp_path, "mp4"), plan=PLANS["in turns"]))
    found = probe(tmp_path / "0.mp4")
    assert outcomes[0].written.frames == 19 and found.has_audio and len(read_video(tmp_path / "0.mp4")) == 19


def test_an_error_names_its_request_and_the_others_are_made(engine, files, tmp_path: Path) -> None:
    asked = requests(files, tmp_path)
    silent = tmp_path / "silent.wav"
    write_wav(silent, np.zeros(16_000, np.float32))
    broken = [
        Request(files[0][0], silent, tmp_path / "a.mkv", phonemes=files[0][2]),
        Request(files[0][0], files[0][1], tmp_path / "gone" / "b.mkv", phonemes=files[0][2]),
        Request(tmp_path / "gone.png", files[0][1], tmp_path / "c.mkv", phonemes=files[0][2]),
    ]
    order = [broken[0], asked[0], broken[1], asked[1], asked[2], broken[2]]
    outcomes = {one.number: one for one in make_all(engine, order, plan=PLANS["in turns"])}
    assert {k: type(one.error) for k, one in outcomes.items() if one.error} == {
        0: MediaError,
        2: StorageError,
        5: MissingError,
    }
    assert "silent.wav" in str(outcomes[0].error) and "gone.png" in str(outcomes[5].error)
    assert [len(read_video(outcomes[k].written.path)) for k in (1, 3, 4)] == [19, 8, 26]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.mkv", "1.mkv", "2.mkv", "silent.wav"]


@pytest.mark.parametrize("name", PLANS)
def test_an_interrupt_leaves_no_half_file_and_no_thread(name: str, engine, files, tmp_path: Path) -> None:
    before = threading.active_count()

    def interrupt(number: int, frame: int, pixels: np.ndarray) -> None:
        if (number, frame) == (2, 10):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(make_all(engine, requests(files, tmp_path), plan=PLANS[name], tap=interrupt))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert set(left) <= {"0.mkv", "1.mkv"} and threading.active_count() == before
    for path in tmp_path.iterdir():
        read_video(path)


def test_who_stops_listening_ends_it_all(engine, files, tmp_path: Path) -> None:
    before = threading.active_count()
    running = make_all(engine, requests(files * 4, tmp_path), plan=PLANS["one by one"])
    next(running)
    running.close()
    assert threading.active_count() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_requests_are_taken_up_as_they_are_needed(engine, files, tmp_path: Path) -> None:
    taken, most = 0, 0

    def endless():
        nonlocal taken
        for k in range(24):
            taken += 1
            yield Request(files[1][0], files[1][1], tmp_path / f"{k}.mp4", phonemes=files[1][2])

    plan = PLANS["in turns"]
    done = 0
    for _ in make_all(engine, endless(), plan=plan):
        done += 1
        most = max(most, taken - done)
    assert done == 24 and most < 14


def test_plans_use_the_cores_that_there_are() -> None:
    assert plan_for("cpu", cores=2) == Plan(front=1, encoders=1, abreast=1, fill=False)
    card = plan_for("cuda", cores=16)
    assert card.front >= 8 and card.encoders >= 3 and card.front + card.encoders < 16 and card.fill
    assert min(plan_for("cuda", cores=1).front, plan_for("cuda", cores=1).encoders) == 1
