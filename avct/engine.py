"""A model made ready for a machine: rewritten once, so that frames cost no more than they must.

`prepare` gives an engine of either configuration. It computes what is constant for a portrait once (`meet`), what
belongs to a frame once a frame (`say`, `hear`) although eleven windows see it, only the centre frame in the last
decoder layer, and frames in batches (`paint`, of `avct.painter`). Networks are folded as in `avct.folding`. In float32
the frames are those of the plain loop (`avct.plain`) within 1e-4; a half precision concerns the painters (and the
hourglass of the dense motion where `Tuning.motion` says so): keypoints, candidates and flow stay in float32.

Engines hold the weights of the moment they were made. Training never meets them. One thread at a time uses one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avct import facepoints
from avct.compiling import compilations
from avct.config import AUDIO_COLUMNS, AUDIO_ROWS
from avct.folding import fold
from avct.geometry import Keypoints
from avct.graphs import CudaRecorder, Graph, Recorder, copied
from avct.hearing import Hearing
from avct.model import FaithfulModel, LandmarkModel, Model
from avct.painter import Painter
from avct.phonemes import SIL
from avct.posebox import draw_all
from avct.sitter import Sitter as Sitter
from avct.sitter import stack as stack
from avct.transfer import transfer
from avct.transformer import Transformer
from avct.tuning import Tuning
from avct.tuning import check_precision as check_precision
from avct.vector_tokens import Voice, pose_numbers, standardise


class Engine(ABC):
    """One model on its device, made ready; frames come from `avct.inference` and `avct.talker`."""

    truncates: bool
    """Whether levels are cut (as the official code does) or rounded."""

    def __init__(self, model: Model, tuning: Tuning) -> None:
        self.model, self.config = model, model.config
        self.device = next(model.parameters()).device
        self.tuning = tuning.settled(self.device)
        self._recorder: Recorder | None = CudaRecorder() if self.tuning.graphs else None
        self._painter = Painter(
            model.generator, self.tuning, self.device, side=model.config.image_size, recorder=self._recorder
        )
        self._moves: dict[str, Graph] = {}
        net = model.ph2kp if isinstance(model, FaithfulModel) else model.speech
        self.half_window, self.window = net.config.half_window, net.config.window

    @property
    def generator(self) -> Any:
        """The generator as it was rewritten."""
        return self._painter.generator

    def describe(self) -> dict[str, Any]:
        """The settled tuning, and which form each block that doubles pixels was found to be fastest in."""
        return {**asdict(self.tuning), "forms": dict(self._painter.forms)}

    def recompiles(self) -> int:
        """Graphs compiled in this process and programs made for sizes of batches so far: a timed run in which this
        number grew has timed a compilation."""
        compiled = compilations() if self.tuning.compile != "none" else 0
        return compiled + self._painter.programs + len(self._moves)

    @abstractmethod
    def meet(self, image: np.ndarray, *, pose: np.ndarray, landmarks: np.ndarray | None = None) -> Sitter:
        """The portrait uint8 (S, S, 3) made ready. pose: float (6,), its own. landmarks: (68, 2) if they are to be
        its keypoints."""

    def show(self, image: np.ndarray, source: Keypoints) -> Sitter:
        """The portrait uint8 (S, S, 3) with keypoints (1), ready to be painted but not to speak."""
        return Sitter(source, self._painter.encode(self._picture(image)))

    @abstractmethod
    def tune(self, rows: np.ndarray, voice: Voice | None = None) -> np.ndarray:
        """Audio rows float32 (T, 4, 41) as `hear` wants them, of unnormalised ones. voice: the recording's own, where
        rows are a part of it."""

    @abstractmethod
    def say(self, phonemes: np.ndarray, poses: np.ndarray) -> Tensor:
        """Encoder tokens (N, D) of phoneme ids int64 (N,) and head poses float (N, 6)."""

    @abstractmethod
    def hear(self, rows: np.ndarray, sitter: Sitter) -> Tensor:
        """Decoder tokens (N, D) of tuned audio rows (N, 4, 41)."""

    @abstractmethod
    def decode(self, said: Tensor, heard: Tensor) -> Keypoints:
        """The training speaker's keypoints (B) at the centres of windows of tokens (B, W, D)."""

    @abstractmethod
    def follow(self, sitter: Sitter, spoken: Keypoints, first: Keypoints) -> Keypoints:
        """The portrait's keypoints moved as the speaker's; first: the speaker's in the clip's first frame."""

    def paint(self, sitter: Sitter, driving: Keypoints, *, batch: int | None = None) -> Tensor:
        """Frames float32 (B, 3, S, S) RGB in [0, 1] of one portrait, or of B portraits (`stack`) a frame each.

        batch: the size that B is filled up to where shapes are fixed; by default a size that is known already, if it is
        less than twice as large, or the next power of two.
        """
        return self._painter.paint(sitter.encoded, sitter.source, driving, batch)

    def levels(self, painted: Tensor) -> np.ndarray:
        """Painted frames as uint8 (B, S, S, 3)."""
        return self.pixels(painted).cpu().numpy()

    def pixels(self, painted: Tensor) -> Tensor:
        """Painted frames as uint8 (B, S, S, 3) on the device."""
        scaled = painted.float().clamp(0, 1) * 255
        if not self.truncates:
            scaled = scaled.round()
        return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous()

    def exactly(self) -> AbstractContextManager[None]:
        """A block in which float32 means float32 on a GPU too: TF32 keeps 10 bits and would move keypoints."""
        if self.device.type != "cuda":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)

    def _moved(self, name: str, work: Callable[..., Any], *given: Any) -> Any:
        """What work gives for tensors; for a single frame as a graph where graphs were asked for. The last of several
        may be a portrait's, constant from frame to frame."""
        if self._recorder is None or len(given[0]) > 1:
            return work(*given)
        if name not in self._moves:
            self._moves[name] = Graph(work, self._recorder, constants=(1,) if name == "hear" else ())
        return copied(self._moves[name](*given))

    def _picture(self, image: np.ndarray) -> Tensor:
        return self._tensor(image).permute(2, 0, 1)[None].float() / 255

    def _tensor(self, array: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self.device.type != "cuda":
            return tensor.to(self.device)
        # from pinned memory nobody waits: the processor runs ahead of the painters
        return tensor.pin_memory().to(self.device, non_blocking=True)


class FaithfulEngine(Engine):
    """The paper's configuration made ready."""

    truncates = True

    def __init__(self, model: FaithfulModel, tuning: Tuning) -> None:
        super().__init__(model, tuning)
        self.net, self.hearing = fold(model.ph2kp, vectors=False), Hearing(model.ph2kp)

    def meet(self, image: np.ndarray, *, pose: np.ndarray, landmarks: np.ndarray | None = None) -> Sitter:
        found = self.model.kp_detector(self._picture(image))
        return self.show(image, found.keypoints)._replace(face=self.hearing.look(found.feature_map))

    def tune(self, rows: np.ndarray, voice: Voice | None = None) -> np.ndarray:
        return np.asarray(rows, np.float32)  # the paper's network is told features as they are

    def say(self, phonemes: np.ndarray, poses: np.ndarray) -> Tensor:
        rasters = draw_all(poses, size=self.net.config.pose_size)
        return self._moved("say", self.net.encoder_tokens, self._tensor(phonemes), self._tensor(rasters))

    def hear(self, rows: np.ndarray, sitter: Sitter) -> Tensor:
        return self._moved("hear", self.hearing, self._tensor(rows), sitter.face)

    def decode(self, said: Tensor, heard: Tensor) -> Keypoints:
        return self._moved("decode", self._decode, said, heard)

    def _decode(self, said: Tensor, heard: Tensor) -> Keypoints:
        net = self.net
        centre = centre_output(net.transformer, said, heard, positions=net.pos_enc(self.window), at=self.half_window)
        jacobian = None if net.jacobian is None else net.jacobian(centre).reshape(len(centre), -1, 2, 2)
        return Keypoints(net.kp(centre).reshape(len(centre), -1, 2), jacobian)

    def follow(self, sitter: Sitter, spoken: Keypoints, first: Keypoints) -> Keypoints:
        return transfer(sitter.source, spoken, first)


class LandmarkEngine(Engine):
    """The `landmark` configuration made ready."""

    truncates = False

    def __init__(self, model: LandmarkModel, tuning: Tuning) -> None:
        super().__init__(model, tuning)
        self.net = model.speech

    def meet(self, image: np.ndarray, *, pose: np.ndarray, landmarks: np.ndarray | None = None) -> Sitter:
        net = self.net
        if landmarks is not None:
            value = self._tensor(facepoints.from_landmarks(landmarks, image.shape[0]))[None]
        else:
            value = self.model.kp_detector(self._picture(image)).keypoints.value
        numbers = self._tensor(pose_numbers(np.asarray(pose)[None]))
        still_face = self._tensor(facepoints.close_mouth(value.cpu().numpy()))
        face = net.face_numbers(still_face, numbers)
        still = net.encoder_tokens(torch.full((self.window,), SIL, device=self.device), numbers.expand(self.window, -1))
        hush = net.decoder_tokens(torch.zeros(self.window, AUDIO_ROWS, AUDIO_COLUMNS, device=self.device), face)
        rest = self.decode(still[None], hush[None]).value
        scale = face_width(value) / face_width(rest)
        start = Keypoints(still_face)
        return self.show(image, Keypoints(value))._replace(face=face, rest=rest, scale=scale, start=start)

    def tune(self, rows: np.ndarray, voice: Voice | None = None) -> np.ndarray:
        return standardise(rows, voice)

    def say(self, phonemes: np.ndarray, poses: np.ndarray) -> Tensor:
        return self._moved("say", self.net.encoder_tokens, self._tensor(phonemes), self._tensor(pose_numbers(poses)))

    def hear(self, rows: np.ndarray, sitter: Sitter) -> Tensor:
        return self._moved("hear", self.net.decoder_tokens, self._tensor(rows), sitter.face)

    def decode(self, said: Tensor, heard: Tensor) -> Keypoints:
        return self._moved("decode", self._decode, said, heard)

    def _decode(self, said: Tensor, heard: Tensor) -> Keypoints:
        net = self.net
        centre = centre_output(net.transformer, said, heard, positions=net.pos_enc(self.window), at=self.half_window)
        return Keypoints(net.kp(centre).unflatten(-1, (-1, 2)))

    def follow(self, sitter: Sitter, spoken: Keypoints, first: Keypoints) -> Keypoints:
        """Motion away from the face at rest (not from the first frame), by the ratio of face widths: FOMM's adaptive
        movement scale, since landmark keypoints measure the face."""
        rest = sitter.rest
        if not self.config.relative:
            return spoken
        return transfer(sitter.start, Keypoints(rest + (spoken.value - rest) * sitter.scale), Keypoints(rest))


def prepare(
    model: Model | Engine, *, precision: str = "float32", compiled: str = "none", tuning: Tuning | None = None
) -> Engine:
    """The engine of a model in eval mode, on the model's device; an engine is returned as it is.

    tuning: all settings; without it those of the two most common ones. The first batch of each size is slow where it is
    compiled (a minute) or captured. Raises AvctError for settings that the device cannot have.
    """
    if isinstance(model, Engine):
        return model
    made = FaithfulEngine if isinstance(model, FaithfulModel) else LandmarkEngine
    with torch.inference_mode():
        return made(model, tuning or Tuning(precision, compiled))


def face_width(value: Tensor) -> Tensor:
    """Distance (B, 1, 1) of the jaw's sides of keypoints (B, K, 2)."""
    left, right = value[:, 9], value[:, 10]  # the jaw's sides: facepoints.POINTS
    return (right - left).norm(dim=-1)[:, None, None]


def centre_output(
    transformer: Transformer, encoder_tokens: Tensor, decoder_tokens: Tensor, *, positions: Tensor, at: int
) -> Tensor:
    """The last decoder layer's normalised output (B, D) at place `at` of windows (B, W, D), and nothing else of it."""
    memory = transformer.encoder(encoder_tokens.transpose(0, 1) + positions)
    *layers, last = transformer.decoder.layers
    x = decoder_tokens.transpose(0, 1) + positions
    for layer in layers:
        x = layer(x, memory)
    centre = x[at : at + 1]
    centre = last.norm1(centre + last.self_attn(centre, x, x, need_weights=False)[0])
    centre = last.norm2(centre + last.multihead_attn(centre, memory, memory, need_weights=False)[0])
    centre = last.norm3(centre + last.linear2(last.activation(last.linear1(centre))))
    return transformer.decoder.norm(centre)[0]
