"""The official procedure as it is specified: one frame at a time, everything computed for every frame.

It is what `avct.engine` must equal and is measured against; nobody generates with it. Portrait keypoints and features
are found again for each frame, each frame's window of eleven frames goes through the whole correlation network, and
the generator starts from the portrait's pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from avct.engine import face_width
from avct.facepoints import close_mouth, from_landmarks
from avct.geometry import Keypoints
from avct.inference import Score
from avct.model import FaithfulModel, LandmarkModel, Model
from avct.phonemes import SIL
from avct.posebox import draw
from avct.transfer import transfer
from avct.vector_tokens import pose_numbers, standardise


def predictions(
    model: Model, score: Score, frames: Sequence[int] | None = None, *, tuned: np.ndarray | None = None
) -> Iterator[Tensor]:
    """Frames float32 (3, S, S) RGB in [0, 1] of a score, one by one: all of them, or those numbers in their order.

    tuned: as in `driving`.
    """
    for keypoints, source in driving(model, score, frames, tuned=tuned):
        with torch.inference_mode():
            yield model.generator(_picture(model, score), source, keypoints).prediction[0]


@torch.inference_mode()
def driving(
    model: Model, score: Score, frames: Sequence[int] | None = None, *, tuned: np.ndarray | None = None
) -> Iterator[tuple[Keypoints, Keypoints]]:
    """Keypoints (1) that each frame follows, and the portrait's. frames: all of them, or those numbers in their order.

    tuned: audio rows float32 (T, 4, 41) as the networks want them, where they are not the score's measured against the
    whole recording: a live talker knows only what was heard so far.
    """
    speak = _faithful if isinstance(model, FaithfulModel) else _landmark
    audio = _tuned(model, score) if tuned is None else tuned
    initial: Keypoints | None = None
    for frame in range(len(score.phonemes)) if frames is None else frames:
        spoken, source, rest = speak(model, score, audio, frame)
        if initial is None:
            initial = rest or (spoken if frame == 0 else speak(model, score, audio, 0)[0])
        absolute = isinstance(model, LandmarkModel) and not model.config.relative
        start = source if rest is None else Keypoints(_closed(source.value))
        yield spoken if absolute else transfer(start, spoken, initial), source


def _tuned(model: Model, score: Score) -> np.ndarray:
    return score.audio if isinstance(model, FaithfulModel) else standardise(score.audio)


def _faithful(model: FaithfulModel, score: Score, audio: np.ndarray, frame: int) -> tuple[Keypoints, Keypoints, None]:
    net = model.ph2kp
    found = model.kp_detector(_picture(model, score))
    ph, audio, poses = _window(score, audio, frame, net.config.half_window)
    rasters = np.stack([draw(pose, size=net.config.pose_size) for pose in poses])
    inputs = (torch.from_numpy(x)[None].to(found.feature_map.device) for x in (ph, rasters, audio.astype(np.float32)))
    ph, rasters, audio = inputs
    return net(ph, rasters, audio, found.feature_map), found.keypoints, None


def _landmark(
    model: LandmarkModel, score: Score, audio: np.ndarray, frame: int
) -> tuple[Keypoints, Keypoints, Keypoints]:
    net, device = model.speech, next(model.parameters()).device
    if score.landmarks is not None:
        source = torch.from_numpy(from_landmarks(score.landmarks, score.image.shape[0]))[None].to(device)
    else:
        source = model.kp_detector(_picture(model, score)).keypoints.value
    own = torch.from_numpy(pose_numbers(score.portrait_pose[None])).to(device)
    face = net.face_numbers(_closed(source), own)

    def say(ph: np.ndarray, audio: np.ndarray, pose: Tensor) -> Tensor:
        said = net.encoder_tokens(torch.from_numpy(ph).to(device), pose)
        return net.decode(said[None], net.decoder_tokens(torch.from_numpy(audio).to(device), face)[None]).value

    ph, audio, poses = _window(score, audio, frame, net.config.half_window)
    spoken = say(ph, audio, torch.from_numpy(pose_numbers(poses)).to(device))
    rest = say(np.full_like(ph, SIL), np.zeros_like(audio), own.expand(len(ph), -1))
    if model.config.relative:
        spoken = rest + (spoken - rest) * (face_width(source) / face_width(rest))
    return Keypoints(spoken), Keypoints(source), Keypoints(rest)


def _closed(value: Tensor) -> Tensor:
    return torch.from_numpy(close_mouth(value.cpu().numpy())).to(value.device)


def _window(score: Score, audio: np.ndarray, frame: int, half: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Phonemes (W,), audio (W, 4, 41) and poses (W, 6) around a frame; outside the clip SIL, zeros, nearest pose."""
    frames = len(score.phonemes)
    places = np.arange(frame - half, frame + half + 1)
    inside, nearest = (places >= 0) & (places < frames), places.clip(0, frames - 1)
    ph = np.where(inside, score.phonemes[nearest], SIL)
    return ph, np.where(inside[:, None, None], audio[nearest], 0), score.poses[nearest]


def _picture(model: Model, score: Score) -> Tensor:
    image = torch.from_numpy(score.image).to(next(model.parameters()).device)
    return image.permute(2, 0, 1)[None].float() / 255
