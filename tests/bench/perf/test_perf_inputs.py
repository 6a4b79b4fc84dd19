"""A protocol's clips as files: what is in them, and that they are written once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.datasets.puppets.corpus import Puppets, perform_labels
from bench.errors import MissingError
from bench.front import Request as Wanted
from bench.front import read_speech
from bench.headmotion import read_pose
from bench.io.image import read_image
from bench.perf.inputs import describe_clips, read_clips
from bench.runner.expand import expand
from metrics.lip_opening import face_height, opening
from protocols.schema import Axes, Protocol

DRIVERS = ["heldout-a-te01", "heldout-a-te02"]


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    axes = Axes(speakers=["heldout-a"], drivers=DRIVERS, references=["test-003"])
    given = Protocol(id="t@1", dataset="puppets", metrics=["psnr/mean-of-frames@1"], methods=["avct"], axes=axes)
    return expand(given, Puppets("test"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def test_clips_are_files_that_generate_reads(protocol: Protocol, folder: Path) -> None:
    corpus = Puppets("test")
    found = read_clips(protocol, corpus, folder=folder)
    assert [(r.number, r.clip) for r in found] == [(0, f"test-003/{DRIVERS[0]}"), (1, f"test-003/{DRIVERS[1]}")]
    assert found[0].portrait == found[1].portrait and len(list(folder.glob("*.png"))) == 1
    assert read_image(found[0].portrait).shape == (256, 256, 3)
    for request, driver in zip(found, DRIVERS, strict=True):
        said = corpus.speech(driver)
        speech, way, _ = read_speech(
            Wanted(request.portrait, request.speech, folder / "v.mp4", phonemes=request.phones)
        )
        assert way == "file" and [p.symbol for p in speech.phones] == [p.symbol for p in said.phones]
        np.testing.assert_allclose(speech.samples, said.samples, atol=1e-4)
        landmarks, poses = perform_labels("test-003", said)
        assert request.frames == len(poses) == len(said.samples) // 640
        np.testing.assert_allclose(read_pose(request.poses, request.frames), poses, atol=1e-5)
        np.testing.assert_allclose(request.truth, opening(landmarks) * 100 / face_height(landmarks), rtol=1e-6)
        assert request.truth.max() > 3, "a mouth that speaks"


def test_clips_are_written_once(protocol: Protocol, folder: Path) -> None:
    first = read_clips(protocol, Puppets("test"), folder=folder)
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    class Unpainted(Puppets):
        def portrait(self, reference: str):
            raise AssertionError("painted again")

    again = read_clips(protocol, Unpainted("test"), folder=folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written
    assert [r.portrait for r in again] == [r.portrait for r in first]
    still = read_clips(protocol.model_copy(update={"pose": "still"}), Unpainted("test"), folder=folder)
    assert still[0].poses is None and still[0].frames == first[0].frames


def test_a_clip_that_is_not_here_is_left_out(protocol: Protocol, folder: Path) -> None:
    class Lost(Puppets):
        lost = DRIVERS[:1]

        def speech(self, driver: str):
            if driver in self.lost:
                raise MissingError(f"{driver} is not here")
            return super().speech(driver)

    left = read_clips(protocol, Lost("test"), folder=folder)
    assert [(r.number, r.clip) for r in left] == [(0, f"test-003/{DRIVERS[1]}")]
    Lost.lost = DRIVERS
    with pytest.raises(MissingError, match="te01 is not here"):
        read_clips(protocol, Lost("test"), folder=folder)


def test_lengths_off_the_batch_are_counted(protocol: Protocol, folder: Path) -> None:
    one = read_clips(protocol, Puppets("test"), folder=folder)[0]
    told = describe_clips([replace(one, frames=count) for count in (16, 17, 30)], 8)
    assert told["off_batch"] == 2 and told["frames"] == {"all": 63, "least": 16, "most": 30}
    assert told["phones"] == "file" and describe_clips([replace(one, phones=None)], 8)["phones"] == "heard"
