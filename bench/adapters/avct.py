"""AVCT as a method, and its controls: the same network told another speech, silence, or only how loud it is.

The one adapter that imports the generator. Portrait, speech and head poses are all that a job's frames come from;
only the upper bound `reconstruction` looks at the truth, whose keypoints it follows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.adapters.base import Generated, GenerationError, setting_fingerprint
from bench.errors import ConfigError, MissingError
from bench.io.digest import sha256_array, sha256_json
from bench.io.encode import write_lossless
from bench.records import FPS, RATE, Job, Portrait, Setting, Speech
from protocols.method import BuiltinMethod

if TYPE_CHECKING:
    from avct.engine import Engine
    from avct.inference import Score
    from avct.model import Model
    from avct.tuning import Tuning

UNTRAINED = "avct-full"
"""The paper's networks at full size, whose published weights were never at hand: what it costs, not what it can."""
DRIVERS = ("avct", "wrong-speech", "silence", "loudness", "reconstruction", UNTRAINED)
_LOUDEST = 0.075
"""Jaw drop of the loudest frame under `loudness`, in face widths: an open vowel of the corpus's reference style."""


def open(spec: BuiltinMethod) -> AvctAdapter:
    """The adapter of a builtin method file."""
    if spec.builtin not in DRIVERS:
        raise ConfigError(f"method {spec.name}: unknown builtin {spec.builtin!r}; expected one of {', '.join(DRIVERS)}")
    return AvctAdapter(spec, checkpoint_of(spec))


def checkpoint_of(spec: BuiltinMethod) -> Path | None:
    """The checkpoint that a method file names; None where it names none."""
    if spec.weights is None:
        return None
    given = Path(os.path.expandvars(spec.weights)).expanduser()
    return given if given.is_absolute() else Path(spec.here) / given


@lru_cache(maxsize=2)
def load_model(path: Path | None, device: str) -> Model:
    """The model of a checkpoint (None: the shipped one) on a device. MissingError or ConfigError in one line."""
    from avct.checkpoint import load
    from avct.errors import AvctError, MissingWeights

    try:
        return load(path, device=device)
    except MissingWeights as error:
        raise MissingError(str(error)) from None
    except AvctError as error:
        raise ConfigError(str(error)) from None


@lru_cache(maxsize=4)
def _engine(path: Path | None, device: str, tuning: Tuning) -> Engine:
    """The model made ready under a setting, once for all clips: compiling alone takes a minute."""
    from avct.engine import prepare

    return prepare(load_model(path, device), tuning=tuning)


def tuning_of(setting: Setting) -> Tuning:
    """What a setting asks of the engine. Raises AvctError for what cannot be."""
    from avct.tuning import Tuning

    return Tuning(setting.precision, setting.compile, graphs=setting.graphs, channels_last=setting.channels_last)


@lru_cache(maxsize=32)
def _rows(key: _Samples) -> np.ndarray:
    """Audio features of one recording; pitch tracking takes longer than painting its frames."""
    from avct.audio import features

    return features(key.samples)


class _Samples:
    """Samples that hash by their digest, so that the features' cache holds recordings and not arrays."""

    def __init__(self, digest: str, samples: np.ndarray) -> None:
        self.digest, self.samples = digest, samples

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Samples) and other.digest == self.digest


def speech_inputs(speech: Speech, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Phoneme ids int64 (frames,) and audio rows float32 (frames, 4, 41) of speech, ending in silence if it is short.

    Raises GenerationError without phones and for speech below 25 ms.
    """
    from avct.audio import frame_rows, lengthen
    from avct.errors import AvctError
    from avct.phonemes import SIL, from_seconds, ids_at_25fps

    if speech.phones is None:
        raise GenerationError(
            f"needs phones: none are known for speech {speech.driver!r} (put a phone file beside the video, or set the "
            "option phones = 'heard' of the folder dataset)"
        )
    try:
        said = from_seconds([(p.symbol, p.start, p.end) for p in speech.phones], origin=speech.driver)
        ids = ids_at_25fps(said)[:frames]
        digest = sha256_array(speech.samples)
        lasting = lengthen(speech.samples[: frames * RATE // FPS], frames)
        audio = frame_rows(_rows(_Samples(f"{digest}:{frames}", lasting)), frames)
    except AvctError as error:
        raise GenerationError(str(error)) from None
    return np.array(ids + [SIL] * (frames - len(ids)), np.int64), audio.astype(np.float32)


def hush(frames: int) -> Speech:
    """Silence of `frames` frames as speech: zeros and SIL."""
    from bench.records import Phone

    seconds = frames / FPS
    return Speech("silence", "silence", np.zeros(round(seconds * RATE), np.float32), (Phone("SIL", 0.0, seconds),), "")


def level(speech: Speech, frames: int) -> np.ndarray:
    """Loudness float64 (frames,) in 0..1: root mean square of each 40 ms, over its own 95th percentile."""
    step = RATE // FPS
    held = np.zeros(frames * step)
    some = speech.samples[: frames * step].astype(np.float64)
    held[: len(some)] = some
    rms = np.sqrt((held.reshape(frames, step) ** 2).mean(1))
    return np.clip(rms / max(np.percentile(rms, 95), 1e-4), 0, 1)


def score(portrait: Portrait, speech: Speech, pose: np.ndarray | None, frames: int) -> Score:
    """What the generator is to perform. Without poses the head holds the portrait's own (or looks straight ahead)."""
    from avct.inference import FRONTAL, Score

    ids, audio = speech_inputs(speech, frames)
    own = FRONTAL if portrait.pose is None else np.asarray(portrait.pose, np.float32)
    poses = np.repeat(own[None], frames, 0) if pose is None else np.asarray(pose, np.float32)[:frames]
    if len(poses) < frames:
        raise GenerationError(f"needs {frames} head poses, got {len(poses)}")
    found = portrait.landmarks if portrait.photograph else None
    return Score(portrait.image, ids, audio, poses, own, found)


def _poses(model: Model, job: Job) -> np.ndarray | None:
    """The poses that the job gives, or, under the rule "audio", those that the head-pose network hears in its speech.

    Controls that are told another speech or none move the head as the true speech does: they differ in the lips alone.
    """
    if job.setting.pose != "audio":
        return job.pose
    from avct.audio2pose import head_poses
    from avct.inference import FRONTAL

    if model.audio2pose is None:
        raise GenerationError('pose = "audio": this checkpoint has no head-pose network')
    own = FRONTAL if job.portrait.pose is None else np.asarray(job.portrait.pose, np.float32)
    return head_poses(model.audio2pose, own, speech_inputs(job.speech, job.frames)[1])


class AvctAdapter:
    """One of the drivers of one checkpoint."""

    def __init__(self, spec: BuiltinMethod, checkpoint: Path | None = None) -> None:
        self.name, self._spec, self._checkpoint = spec.name, spec, checkpoint

    def fingerprint(self, setting: Setting) -> dict[str, Any]:
        """Specification, checkpoint and setting. Raises MissingError where the checkpoint is not there."""
        from avct.errors import MissingWeights
        from avct.weights_path import SHIPPED

        described = setting_fingerprint(setting, sensitive=self._spec.sensitive_to_setting)
        if self._spec.builtin == UNTRAINED and self._checkpoint is None:
            return {"method": self._spec.hash(), "weights": [], "sizes": None, "code": None, **described}
        path = self._checkpoint or SHIPPED
        card = path.with_suffix(".json")
        if not path.is_file() or not card.is_file():
            raise MissingError(
                str(MissingWeights(f"checkpoint {path} is not there; train one with `run_bench.py train`"))
            )
        told = json.loads(card.read_text())
        weights = [{"name": path.stem, "sha256": told["sha256"], "bytes": path.stat().st_size}]
        sizes = sha256_json([told.get("configuration"), told.get("sizes")])
        return {"method": self._spec.hash(), "weights": weights, "sizes": sizes, "code": None, **described}

    def generate(self, job: Job, out: Path, *, run_id: str) -> Generated:
        """The portrait performing what this driver is told. Raises GenerationError with what the network refused."""
        from avct.errors import AvctError

        began = time.perf_counter()
        try:
            frames = self._frames(job)
            written = write_lossless(out, frames, samples=job.speech.samples, run_id=run_id)
        except AvctError as error:
            raise GenerationError(str(error)) from None
        return Generated(written.path, written.frames, written.sha256, {"generate": time.perf_counter() - began})

    def _frames(self, job: Job) -> Iterator[np.ndarray]:
        from avct.inference import perform

        setting, driver = job.setting, self._spec.builtin
        if driver == UNTRAINED and self._checkpoint is None:
            raise GenerationError("untrained networks make no face: `perf` times them, and nothing is measured on them")
        engine = _engine(self._checkpoint, setting.device, tuning_of(setting))
        if driver == "loudness":
            yield from self._by_level(engine, job)
            return
        if driver == "reconstruction":
            yield from self._by_truth(engine, job)
            return
        others = {"wrong-speech": job.other_speech, "silence": hush(job.frames)}
        said = others.get(driver, job.speech)
        if said is None:
            raise GenerationError("needs another driver's speech: the protocol has only one driver")
        told = score(job.portrait, said, _poses(engine.model, job), job.frames)
        for some in perform(engine, told, batch=setting.batch, precision=setting.precision):
            yield from some

    @staticmethod
    def _by_truth(engine: Engine, job: Job) -> Iterator[np.ndarray]:
        """The portrait moved by the keypoints that the model's own detector finds in the true frames."""
        import torch

        from avct.facepoints import from_landmarks
        from avct.geometry import Keypoints
        from avct.inference import find_keypoints, render

        if job.take is None:
            raise GenerationError("needs the truth: the dataset has no take of this reference with this driver")
        if engine.model.kind != "landmark":
            raise GenerationError("reconstruction is made for `landmark` checkpoints")
        model = engine.model
        portrait, take, size = job.portrait, job.take, job.portrait.image.shape[0]
        if portrait.photograph and portrait.landmarks is not None and take.landmarks is not None:
            own, moved = from_landmarks(portrait.landmarks, size)[None], from_landmarks(take.landmarks, size)
        else:
            own, moved = find_keypoints(model, portrait.image[None]), find_keypoints(model, take.frames[: job.frames])
        device = next(model.parameters()).device
        source, driving = (Keypoints(torch.from_numpy(k).to(device)) for k in (own, moved))
        for some in render(engine, portrait.image, source, driving, batch=job.setting.batch):
            yield from some

    @staticmethod
    def _by_level(engine: Engine, job: Job) -> Iterator[np.ndarray]:
        """The silent face at the same poses, its jaw dropped by how loud the speech is: no phones, no learning."""
        import torch

        from avct.facepoints import drop_jaw
        from avct.geometry import Keypoints
        from avct.inference import check, render, speech_keypoints
        from avct.model import LandmarkModel

        if not isinstance(engine.model, LandmarkModel):
            raise GenerationError("the loudness control needs keypoints on the lips: a `landmark` checkpoint")
        setting = job.setting
        told = score(job.portrait, hush(job.frames), _poses(engine.model, job), job.frames)
        check(engine, told, batch=setting.batch, precision=setting.precision)
        source, driving = speech_keypoints(engine, told)
        dropped = drop_jaw(driving.value.cpu().numpy(), _LOUDEST * level(job.speech, job.frames))
        driving = Keypoints(torch.from_numpy(dropped).to(source.value.device))
        for some in render(engine, job.portrait.image, source, driving, batch=setting.batch):
            yield from some
