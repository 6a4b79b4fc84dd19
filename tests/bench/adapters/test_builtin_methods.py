"""The two controls without a generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.adapters import open_adapter
from bench.adapters.base import GenerationError
from bench.adapters.fit import resize, scale_points
from bench.io.audio import read_audio
from bench.io.decode import read_video
from bench.io.digest import sha256_array
from bench.io.probe import probe
from bench.records import Job, Portrait, Setting, Speech, Take


@pytest.fixture
def job() -> Job:
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 255, (5, 16, 16, 3), dtype=np.uint8)
    speech = Speech("d", "s", generator.normal(0, 0.1, 3200).astype(np.float32))
    return Job(Portrait("r", frames[2]), speech, 5, Setting("f"), 0, take=Take(frames, speech))


def test_ground_truth_is_the_take_with_its_sound(job: Job, tmp_path: Path):
    made = open_adapter("ground-truth").generate(job, tmp_path / "v.mkv", run_id="run-1")
    assert made.sha256 == sha256_array(job.take.frames) and made.frames == 5
    np.testing.assert_array_equal(read_video(made.path), job.take.frames)
    np.testing.assert_array_equal(read_audio(made.path), job.speech.samples)
    assert probe(made.path).run_id == "run-1"


def test_ground_truth_without_a_take_fails(job: Job, tmp_path: Path):
    blind = Job(**{**job.__dict__, "take": None})
    with pytest.raises(GenerationError, match="needs the truth"):
        open_adapter("ground-truth").generate(blind, tmp_path / "v.mkv", run_id="r")


def test_still_is_the_portrait_repeated(job: Job, tmp_path: Path):
    made = open_adapter("still").generate(job, tmp_path / "v.mkv", run_id="r")
    np.testing.assert_array_equal(read_video(made.path), np.repeat(job.portrait.image[None], 5, axis=0))


def test_fingerprints_do_not_depend_on_the_setting():
    prints = [
        open_adapter(name).fingerprint(Setting("x", batch=b)) for name in ("still", "ground-truth") for b in (1, 2)
    ]
    assert prints[0] == prints[1] != prints[2] == prints[3]


def test_resizing_keeps_places():
    image = np.zeros((64, 64, 3), np.uint8)
    image[16:24, 32:40] = 255  # centred on x 35.5, y 19.5
    for side in (32, 128):
        small = resize(image, side, side).astype(float)[..., 0]
        y, x = (np.arange(side) @ small.sum(axis) / small.sum() for axis in (1, 0))
        np.testing.assert_allclose(
            [x, y], scale_points(np.array([35.5, 19.5]), before=(64, 64), after=(side, side)), atol=0.02
        )
    assert resize(image, 64, 64) is image
