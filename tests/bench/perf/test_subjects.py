"""What is timed makes real files with the right frames, one way like another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clip_files import face, write_clips

from avct.watch import STAGES
from bench.adapters.inputs import pose_table
from bench.errors import ConfigError, MissingError
from bench.io.decode import read_video
from bench.io.probe import probe
from bench.perf.subject import Lacking, Request
from bench.perf.subjects import open_subject
from bench.records import Setting

LENGTHS = (19, 8)
SETTING = Setting("test", batch=8, size=64)


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    folder, found = tmp_path_factory.mktemp("clips"), []
    for k, (portrait, speech, phones) in enumerate(write_clips(folder, LENGTHS)):
        rng = np.random.default_rng(k)
        poses = np.array([0, 0, 0, 0, 0, 300.0]) + np.cumsum(rng.normal(0, 0.004, (LENGTHS[k], 6)), 0)
        table = folder / f"{k}.csv"
        table.write_text(pose_table(poses))
        found.append(Request(k, f"clip/{k}", portrait, speech, phones, LENGTHS[k], poses=table))
    return found


@pytest.fixture(autouse=True)
def _no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    import bench.faces

    def absent(image: np.ndarray) -> None:
        raise MissingError("no detector")

    monkeypatch.setattr(bench.faces, "detect", absent)


@pytest.fixture(scope="module")
def method(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("methods") / "tiny.toml"
    path.write_text(f'kind = "builtin"\nbuiltin = "avct"\nweights = "{tiny_checkpoint}"\n')
    return str(path)


@pytest.fixture
def subject(method: str, requests: list[Request]):
    return open_subject(method, SETTING, requests)


class Told:
    """A watch that notes which stages it was told of, and that they do not nest."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._inside = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        assert not self._inside, f"{name} inside another stage"
        self._inside = True
        self.names.append(name)
        yield
        self._inside = False


def test_a_clip_is_a_whole_file_and_every_stage_is_told(subject, requests, tmp_path: Path) -> None:
    tapped, watch = [], Told()
    assert subject.prepare() == 0.0
    out = tmp_path / "a.mp4"
    assert subject.make(requests[0], out, tap=lambda *told: tapped.append(told[:2]), watch=watch) == 19
    assert len(read_video(out)) == 19 and probe(out).has_audio
    assert tapped == [(0, k) for k in range(19)]
    assert set(watch.names) == set(STAGES)
    assert watch.names.count("encode") == 20, "every frame, and the end of the file"


@pytest.mark.parametrize("pose", ["truth", "still"])
def test_emitted_frames_are_those_of_the_plain_loop(method: str, requests, tmp_path: Path, pose: str) -> None:
    subject = open_subject(method, replace(SETTING, pose=pose), requests)
    made: dict[tuple[int, int], np.ndarray] = {}
    counts = list(
        subject.make_all([requests[1], requests[0]], tmp_path, tap=lambda r, k, f: made.update({(r, k): f.copy()}))
    )
    assert sorted(counts) == [8, 19] and sorted(made) == [(0, k) for k in range(19)] + [(1, k) for k in range(8)]
    assert sorted(len(read_video(path)) for path in tmp_path.iterdir()) == [8, 19]
    streamed = np.stack([frame.copy() for frame in subject.stream(requests[0])])
    chosen = [17, 0, 5]
    plain = subject.plain(requests[0], chosen)
    assert plain.dtype == np.uint8 and plain.shape == (3, 64, 64, 3)
    for k, frame in zip(chosen, plain, strict=True):
        assert np.abs(made[0, k].astype(int) - frame).max() <= 1
        assert np.abs(streamed[k].astype(int) - frame).max() <= 1
    assert len(streamed) == 19 and subject.paint(requests[0]) == 19
    moved = np.abs(streamed.astype(int) - streamed[0]).max()
    assert moved > 0, "frames that are all alike would compare with anything"


def test_a_stream_reads_nothing_ahead_of_its_window(subject, requests) -> None:
    """A frame comes before more than half a window of those after it went into windows."""
    from avct.inference import Windows

    fed: list[int] = []
    add = Windows.add

    def counted(self, phonemes, rows, poses):
        fed.append(len(phonemes))
        return add(self, phonemes, rows, poses)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Windows, "add", counted)
        running, half = subject.stream(requests[0]), subject.engine.half_window
        for k in range(19):
            next(running)
            assert sum(fed) == min(k + half + 1, 19) and set(fed) == {1}


def test_live_talkers_are_those_of_the_plain_loop(subject, requests) -> None:
    from bench.io.audio import read_audio

    crowd = subject.crowd()
    shown: dict[tuple[int, int], np.ndarray] = {}
    who = {crowd.join(request): request for request in requests}
    assert crowd.look_ahead >= subject.engine.half_window / 25
    for talker, request in who.items():
        samples = read_audio(request.speech)
        for start in range(0, len(samples), 1000):
            crowd.hear(talker, samples[start : start + 1000], last=start + 1000 >= len(samples))
    while told := crowd.step():
        shown.update({(who[talker].number, k): frame.copy() for talker, k, frame in told})
    assert sorted(shown) == [(0, k) for k in range(19)] + [(1, k) for k in range(8)]
    assert all(crowd.done(talker) for talker in who)
    for request in requests:
        wanted = subject.plain_live(request, [0, 3, 7])
        for k, frame in zip([0, 3, 7], wanted, strict=True):
            assert np.abs(shown[request.number, k].astype(int) - frame).max() <= 1


def test_an_error_of_one_request_comes_after_the_others(subject, requests, tmp_path: Path) -> None:
    gone = replace(requests[0], number=7, portrait=tmp_path / "gone.png")
    folder = tmp_path / "out"
    folder.mkdir()
    running = subject.make_all([gone, *requests], folder)
    counts = []
    with pytest.raises(MissingError, match=r"gone\.png"):
        for count in running:
            counts.append(count)
    assert sorted(counts) == [8, 19]


@pytest.mark.slow
def test_two_devices_share_the_requests(method: str, tmp_path: Path) -> None:
    files = write_clips(tmp_path, LENGTHS, face=face())
    requests = [Request(k, f"clip/{k}", *some, LENGTHS[k]) for k, some in enumerate(files)]
    subject = open_subject(method, replace(SETTING, devices=2, pose="still"), requests)
    subject.prepare()
    broken = replace(requests[0], number=2, speech=tmp_path / "gone.wav")
    for turn in range(2):
        folder = tmp_path / str(turn)
        folder.mkdir()
        told, counts = set(), []
        with pytest.raises(MissingError, match=r"gone\.wav"):
            for count in subject.make_all(
                [*requests, broken, *requests], folder, tap=lambda r, k, frame, told=told: told.add((r, k))
            ):
                counts.append(count)
        assert sorted(counts) == [8, 8, 19, 19] and len(told) == 27
        assert len(list(folder.glob("[!.]*.mp4"))) == 4


def test_sizes_that_networks_can_do_and_others(method: str, requests, tmp_path: Path) -> None:
    larger = open_subject(method, replace(SETTING, size=128), requests)
    out = tmp_path / "a.mp4"
    larger.make(requests[1], out)
    assert read_video(out).shape == (8, 128, 128, 3) and larger.plain(requests[1], [2]).shape == (1, 128, 128, 3)
    with pytest.raises(Lacking, match="multiple of 8"):
        open_subject(method, replace(SETTING, size=100), requests).prepare()
    with pytest.raises(Lacking, match="float16 is for CUDA"):
        open_subject(method, replace(SETTING, precision="float16"), requests).prepare()
    with pytest.raises(Lacking, match="head-pose network"):
        open_subject(method, replace(SETTING, pose="audio"), requests).prepare()


def test_full_size_networks_do_one_size() -> None:
    from bench.perf.networks import _sized

    class Large:
        kind = "faithful"

        class config:
            image_size = 256

    with pytest.raises(Lacking, match=r"avct-full: .*256x256.*512x512"):
        _sized(Large(), 512, "avct-full")  # type: ignore[arg-type]


def test_what_a_reader_is_told(subject) -> None:
    told = subject.describe()
    assert told["weights"] == "tiny" and told["size"] == 64 and "H.264" in told["codec"]
    assert told["frames"] == {"all": 27, "least": 8, "most": 19} and told["off_batch"] == 1
    assert subject.recompiles() == subject.recompiles()


def test_other_methods_make_whole_clips(requests, tmp_path: Path) -> None:
    subject = open_subject("still", SETTING, requests)
    assert subject.prepare() == 0.0
    tapped = []
    assert subject.make(requests[0], tmp_path / "a.mkv", tap=lambda r, k, f: tapped.append((r, k, f.copy()))) == 19
    assert [(r, k) for r, k, _ in tapped] == [(0, k) for k in range(19)]
    np.testing.assert_array_equal(subject.plain(requests[0], [3])[0], tapped[3][2])
    for lacking in (subject.stream, subject.paint):
        with pytest.raises(Lacking, match="still makes whole clips, not frames"):
            lacking(requests[0])
    with pytest.raises(Lacking, match="whole clips"):
        subject.crowd()
    with pytest.raises(Lacking, match="truth"):
        open_subject("ground-truth", SETTING, requests).prepare()
    with pytest.raises(ConfigError, match="no-such"):
        open_subject("no-such", SETTING, requests)
