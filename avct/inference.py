"""From a portrait, speech and head poses to frames, for both named configurations.

Models are made ready by `avct.engine`; here frames' phones, sound and poses become windows and windows frames. Frames
are painted in batches and handed on as they come, so that memory does not grow with the clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avct.config import AUDIO_COLUMNS, AUDIO_ROWS
from avct.delivery import carrier_for, deliver
from avct.engine import Engine, Sitter, check_precision, prepare
from avct.engine import face_width as face_width
from avct.errors import AvctError
from avct.folding import fold
from avct.geometry import Keypoints
from avct.model import LandmarkModel, Model
from avct.phonemes import SIL
from avct.watch import UNWATCHED, Watch

FRONTAL = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 300.0], np.float32)
"""A head that looks straight ahead from 300 mm, where a portrait's pose is unknown."""
_SPAN = 32
"""Frames whose tokens are made at once: enough to fill a core, 40 MB of maps at full size."""


@dataclass(frozen=True)
class Score:
    """What is performed. image: uint8 (S, S, 3) RGB. phonemes: int64 (T,). audio: float (T, 4, 41) unnormalised.

    poses: float32 (T, 6) rotation vector (rad) and translation (mm). portrait_pose: float32 (6,), the head's pose in
    the image. landmarks: float (68, 2) in the image where a detector found them: the `landmark` configuration then
    takes its keypoints from them instead of its own detector, which has seen puppets only.
    """

    image: np.ndarray
    phonemes: np.ndarray
    audio: np.ndarray
    poses: np.ndarray
    portrait_pose: np.ndarray
    landmarks: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_portrait(self.image)
        frames = len(self.phonemes)
        if frames < 1:
            raise AvctError("speech: expected at least one frame (40 ms) of phonemes, got none")
        if self.audio.shape != (frames, AUDIO_ROWS, AUDIO_COLUMNS):
            raise AvctError(
                f"speech: expected audio rows ({frames}, {AUDIO_ROWS}, {AUDIO_COLUMNS}), got {self.audio.shape}"
            )
        if self.poses.shape != (frames, 6):
            raise AvctError(f"head poses: expected ({frames}, 6), got {self.poses.shape}")


class Windows:
    """Keypoints of frames whose phones, sound and poses come in pieces.

    A frame is known when half a window of frames after it has come, or when the clip has ended. Only the last window's
    tokens are held. Outside the clip lie SIL, zeros (not silence's features) and the pose of the nearest frame.
    """

    def __init__(self, engine: Engine, sitter: Sitter) -> None:
        self._engine, self._sitter = engine, sitter
        self._said: Tensor | None = None
        self._heard: Tensor | None = None
        self._pose: np.ndarray | None = None
        self._first: Keypoints | None = None

    def add(self, phonemes: np.ndarray, rows: np.ndarray, poses: np.ndarray) -> Keypoints | None:
        """Keypoints that the portrait follows in the frames that are known now; None where there are none yet.

        phonemes: int64 (n,). rows: tuned audio (n, 4, 41). poses: float (n, 6). n > 0.
        """
        if self._pose is None:
            self._outside(poses[0])
        self._pose = poses[-1]
        return self._join(self._engine.say(phonemes, poses), self._engine.hear(rows, self._sitter))

    def finish(self) -> Keypoints | None:
        """Keypoints of the last frames; None where none are left."""
        return None if self._pose is None else self._outside(self._pose)

    def _outside(self, pose: np.ndarray) -> Keypoints | None:
        """Keypoints that are known once half a window outside the clip has come."""
        engine, half = self._engine, self._engine.half_window
        if not half:
            return None
        said = engine.say(np.full(half, SIL), np.repeat(pose[None], half, 0))
        # zeros, although silence has other features: the published weights were trained with them
        silence = np.zeros((half, AUDIO_ROWS, AUDIO_COLUMNS), np.float32)
        return self._join(said, engine.hear(silence, self._sitter))

    def _join(self, said: Tensor, heard: Tensor) -> Keypoints | None:
        engine = self._engine
        if self._said is not None:
            said, heard = torch.cat([self._said, said]), torch.cat([self._heard, heard])
        known = max(0, len(said) - engine.window + 1)
        # copies: views would keep everything that was ever said
        self._said, self._heard = said[known:].clone(), heard[known:].clone()
        if not known:
            return None
        spoken = engine.decode(*(tokens.unfold(0, engine.window, 1).permute(0, 2, 1) for tokens in (said, heard)))
        if self._first is None:
            self._first = Keypoints(*(None if part is None else part[:1].clone() for part in spoken))
        return engine.follow(self._sitter, spoken, self._first)


def check_portrait(image: np.ndarray) -> None:
    """Nothing; raises AvctError unless the portrait is a square uint8 image (S, S, 3)."""
    shape = image.shape
    if image.dtype != np.uint8 or image.ndim != 3 or shape[0] != shape[1] or shape[2] != 3:
        raise AvctError(f"portrait: expected a square uint8 image (S, S, 3), got {image.dtype} {shape}")


@torch.inference_mode()
def find_keypoints(model: Model, frames: np.ndarray, *, batch: int = 16) -> np.ndarray:
    """The detector's keypoints float32 (T, K, 2) of uint8 (T, S, S, 3) frames."""
    device = next(model.parameters()).device
    detector = fold(model.kp_detector, vectors=device.type == "cpu")
    found = []
    for start in range(0, len(frames), batch):
        some = torch.from_numpy(np.ascontiguousarray(frames[start : start + batch])).to(device)
        found.append(detector(some.permute(0, 3, 1, 2).float() / 255).keypoints.value.cpu().numpy())
    return np.concatenate(found)


@torch.inference_mode()
def speech_keypoints(
    model: LandmarkModel | Engine, score: Score, *, watch: Watch = UNWATCHED
) -> tuple[Keypoints, Keypoints]:
    """Keypoints of the portrait (1) and of every frame (T) after relative transfer.

    The reference is the network's own face at rest in the portrait's pose, which is the paper's frame 0 where a clip
    starts in silence and in the portrait's pose. Motion is scaled by the ratio of face widths, as FOMM's adaptive
    movement scale, since landmark keypoints measure the face.
    """
    engine = prepare(model)
    sitter = _met(engine, score, watch)
    return sitter.source, _joined(list(_driving(engine, sitter, score, watch)))


@torch.inference_mode()
def render(
    model: LandmarkModel | Engine,
    image: np.ndarray,
    source: Keypoints,
    driving: Keypoints,
    *,
    batch: int = 8,
    precision: str = "float32",
    watch: Watch = UNWATCHED,
) -> Iterator[np.ndarray]:
    """Batches of frames uint8 (n, S, S, 3) of the portrait under driving keypoints (T, K, 2).

    precision "bfloat16" or "float16" (CUDA) paints in half precision; keypoints and flow stay in float32.
    """
    engine = prepare(model, precision=precision)
    with watch.stage("portrait"), engine.exactly():
        sitter = engine.show(image, source)
    painted = _painted(engine, sitter, iter([driving]), batch, watch)
    yield from deliver(painted, engine.pixels, carrier=carrier_for(engine.device), watch=watch)


def check(model: Model | Engine, score: Score, *, batch: int, precision: str) -> None:
    """Raises AvctError for a portrait of the wrong size, a precision that cannot be or an impossible batch."""
    config = model.config
    check_precision(precision, model.device if isinstance(model, Engine) else next(model.parameters()).device)
    if batch < 1:
        raise AvctError(f"batch: expected 1 or more, got {batch}")
    size, (height, width) = config.image_size, score.image.shape[:2]
    if height != size:
        raise AvctError(f"portrait: this model wants {size}x{size} pixels, got {width}x{height}")


def perform(
    model: Model | Engine, score: Score, *, batch: int = 8, precision: str = "float32", watch: Watch = UNWATCHED
) -> Iterator[np.ndarray]:
    """Batches of frames uint8 (n, S, S, 3) of the portrait speaking. Raises AvctError as `check` does.

    model: an engine (whose precision then counts) spares preparing a model for every clip. watch: told of the stages
    portrait, motion, render and copy.
    """
    check(model, score, batch=batch, precision=precision)
    engine = prepare(model, precision=precision)
    painted = predictions(engine, score, batch=batch, watch=watch)
    yield from deliver(painted, engine.pixels, carrier=carrier_for(engine.device), watch=watch)


@torch.inference_mode()
def predictions(engine: Engine, score: Score, *, batch: int = 8, watch: Watch = UNWATCHED) -> Iterator[Tensor]:
    """Batches of frames float32 (n, 3, S, S) RGB in [0, 1] of the portrait speaking."""
    sitter = _met(engine, score, watch)
    yield from _painted(engine, sitter, _driving(engine, sitter, score, watch), batch, watch)


def _met(engine: Engine, score: Score, watch: Watch) -> Sitter:
    with watch.stage("portrait"), engine.exactly():
        return engine.meet(score.image, pose=score.portrait_pose, landmarks=score.landmarks)


def _driving(engine: Engine, sitter: Sitter, score: Score, watch: Watch) -> Iterator[Keypoints]:
    """Keypoints of the score's frames, some at a time."""
    with watch.stage("motion"):
        windows, rows = Windows(engine, sitter), engine.tune(score.audio)
    for start in range(0, len(rows), _SPAN):
        span = slice(start, start + _SPAN)
        with watch.stage("motion"), engine.exactly():
            known = windows.add(score.phonemes[span], rows[span], score.poses[span])
        if known is not None:
            yield known
    with watch.stage("motion"), engine.exactly():
        known = windows.finish()
    if known is not None:
        yield known


def _painted(
    engine: Engine, sitter: Sitter, driving: Iterator[Keypoints], batch: int, watch: Watch
) -> Iterator[Tensor]:
    """Frames of keypoints that come in pieces of any length, in full batches and one that may be smaller at the end."""
    held: Keypoints | None = None
    for some in driving:
        held = some if held is None else _joined([held, some])
        while len(held.value) >= batch:
            with watch.stage("render"), engine.exactly():
                painted = engine.paint(sitter, _cut(held, slice(batch)), batch=batch)
            yield painted
            held = _cut(held, slice(batch, None))
    if held is not None and len(held.value):
        with watch.stage("render"), engine.exactly():
            painted = engine.paint(sitter, held, batch=batch)
        yield painted


def _joined(pieces: list[Keypoints]) -> Keypoints:
    value = torch.cat([piece.value for piece in pieces])
    jacobians = [piece.jacobian for piece in pieces]
    return Keypoints(value, None if jacobians[0] is None else torch.cat(jacobians))


def _cut(keypoints: Keypoints, part: slice) -> Keypoints:
    return Keypoints(keypoints.value[part], None if keypoints.jacobian is None else keypoints.jacobian[part])
