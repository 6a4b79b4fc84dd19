"""AVCT and its controls as methods: what each is told, on a small network with random weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.adapters.avct import AvctAdapter, hush, level, load_model, score, speech_inputs
from bench.adapters.base import GenerationError
from bench.errors import ConfigError, MissingError
from bench.io.decode import read_video
from bench.records import Job, Phone, Portrait, Setting, Speech, Take
from protocols.method import BuiltinMethod

FRAMES = 12
PHONES = (Phone("SIL", 0.0, 0.1), Phone("M", 0.1, 0.2), Phone("AA", 0.2, 0.4), Phone("SIL", 0.4, 0.48))


def speak(seed: int) -> Speech:
    samples = np.random.default_rng(seed).normal(0, 0.1, FRAMES * 640).astype(np.float32)
    samples[: 640 * 3] = 0
    return Speech(f"d{seed}", "s", samples, PHONES if seed == 0 else (Phone("AA", 0.0, 0.48),))


@pytest.fixture(scope="module")
def job() -> Job:
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 255, (FRAMES, 64, 64, 3), dtype=np.uint8)
    poses = np.zeros((FRAMES, 6), np.float32)
    poses[:, 1], poses[:, 5] = np.linspace(0, 0.2, FRAMES), 300
    portrait = Portrait("r", frames[0], None, poses[0])
    said = speak(0)
    take = Take(frames, said, None, poses)
    return Job(portrait, said, FRAMES, Setting("f"), 0, pose=poses, take=take, other_speech=speak(1))


def adapter(name: str, checkpoint: Path) -> AvctAdapter:
    return AvctAdapter(BuiltinMethod(name=name, kind="builtin", builtin=name), checkpoint)


def frames_of(name: str, job: Job, checkpoint: Path, folder: Path) -> np.ndarray:
    made = adapter(name, checkpoint).generate(job, folder / f"{name}.mkv", run_id="r")
    frames = read_video(made.path)
    assert frames.shape == (FRAMES, 64, 64, 3) and made.frames == FRAMES
    return frames


def test_each_driver_is_told_its_own_speech(job: Job, tiny_checkpoint: Path, tmp_path: Path) -> None:
    made = {
        name: frames_of(name, job, tiny_checkpoint, tmp_path)
        for name in ("avct", "wrong-speech", "silence", "loudness", "reconstruction")
    }
    for name, frames in made.items():
        for other, others in made.items():
            assert name == other or not np.array_equal(frames, others), (name, other)
    # a control differs from avct in the speech alone: told the right speech it is avct
    swapped = replace(job, other_speech=job.speech)
    np.testing.assert_array_equal(frames_of("wrong-speech", swapped, tiny_checkpoint, tmp_path), made["avct"])
    mute = replace(job, speech=hush(FRAMES))
    np.testing.assert_array_equal(frames_of("avct", mute, tiny_checkpoint, tmp_path), made["silence"])


def test_only_the_upper_bound_looks_at_the_truth(job: Job, tiny_checkpoint: Path, tmp_path: Path) -> None:
    blind = replace(job, take=None)
    for name in ("avct", "silence", "wrong-speech", "loudness"):
        seen = frames_of(name, job, tiny_checkpoint, tmp_path)
        np.testing.assert_array_equal(frames_of(name, blind, tiny_checkpoint, tmp_path), seen)
    with pytest.raises(GenerationError, match="needs the truth"):
        frames_of("reconstruction", blind, tiny_checkpoint, tmp_path)


def test_what_is_lacking_is_said(job: Job, tiny_checkpoint: Path, tmp_path: Path) -> None:
    alone = replace(job, other_speech=None)
    with pytest.raises(GenerationError, match="another driver's speech"):
        frames_of("wrong-speech", alone, tiny_checkpoint, tmp_path)
    dumb = replace(job, speech=replace(job.speech, phones=None))
    with pytest.raises(GenerationError, match="needs phones"):
        frames_of("avct", dumb, tiny_checkpoint, tmp_path)
    short = replace(job, pose=job.pose[:5])
    with pytest.raises(GenerationError, match=f"needs {FRAMES} head poses, got 5"):
        frames_of("avct", short, tiny_checkpoint, tmp_path)
    large = replace(job, portrait=replace(job.portrait, image=np.zeros((96, 96, 3), np.uint8)))
    with pytest.raises(GenerationError, match="64x64"):
        frames_of("avct", large, tiny_checkpoint, tmp_path)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_batch_and_precision_are_settings_not_methods(job: Job, tiny_checkpoint: Path, tmp_path: Path) -> None:
    whole = frames_of("avct", job, tiny_checkpoint, tmp_path).astype(int)
    single = frames_of("avct", replace(job, setting=Setting("b", batch=1)), tiny_checkpoint, tmp_path).astype(int)
    assert np.abs(whole - single).max() <= 1
    half = replace(job, setting=Setting("h", precision="bfloat16"))
    near = frames_of("avct", half, tiny_checkpoint, tmp_path).astype(int)
    assert 0 < np.abs(whole - near).mean() < 4


def test_a_fingerprint_is_of_weights_and_setting(tiny_checkpoint: Path, tmp_path: Path) -> None:
    told = adapter("avct", tiny_checkpoint).fingerprint(Setting("a"))
    card = json.loads(tiny_checkpoint.with_suffix(".json").read_text())
    assert told["weights"] == [{"name": "tiny", "sha256": card["sha256"], "bytes": tiny_checkpoint.stat().st_size}]
    assert told != adapter("avct", tiny_checkpoint).fingerprint(Setting("a", precision="bfloat16"))
    assert told != adapter("silence", tiny_checkpoint).fingerprint(Setting("a"))
    with pytest.raises(MissingError, match=r"gone\.safetensors.*run_bench\.py train"):
        adapter("avct", tmp_path / "gone.safetensors").fingerprint(Setting("a"))


def test_damaged_weights_are_a_configuration_error(tiny_checkpoint: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(tiny_checkpoint.read_bytes()[:-4] + b"\0\1\2\3")
    bad.with_suffix(".json").write_text(tiny_checkpoint.with_suffix(".json").read_text())
    with pytest.raises(ConfigError, match="sha256"):
        load_model(bad, "cpu")


def test_speech_becomes_phones_and_rows_for_every_frame() -> None:
    ids, audio = speech_inputs(speak(0), FRAMES + 4)
    assert ids.shape == (FRAMES + 4,) and ids.dtype == np.int64
    assert audio.shape == (FRAMES + 4, 4, 41) and audio.dtype == np.float32
    assert len(set(ids[-4:].tolist())) == 1 and ids[3] != ids[-1], "a speech that is over is followed by silence"


def test_loudness_follows_the_sound() -> None:
    loud = level(speak(0), FRAMES)
    assert loud.shape == (FRAMES,) and loud[:3].max() == 0 and loud[4:].min() > 0.5 and loud.max() <= 1
    assert level(hush(5), 5).max() == 0


def test_without_poses_the_head_holds_the_portraits(job: Job) -> None:
    told = score(job.portrait, job.speech, None, FRAMES)
    np.testing.assert_array_equal(told.poses, np.repeat(job.portrait.pose[None], FRAMES, 0))
    assert score(replace(job.portrait, pose=None), job.speech, None, FRAMES).poses[0, 5] == 300
