"""From a portrait, speech and head poses to frames, for both named configurations.

Work that is constant for a clip is done once (the portrait's keypoints and features), work that belongs to a frame
once a frame (tokens), and frames are painted in batches and handed on as they come, so that memory does not grow with
the clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avct import facepoints
from avct.config import AUDIO_COLUMNS, AUDIO_ROWS
from avct.errors import AvctError
from avct.geometry import Keypoints
from avct.model import FaithfulModel, LandmarkModel, Model
from avct.phonemes import SIL
from avct.transfer import transfer
from avct.vector_tokens import pose_numbers, standardise

FRONTAL = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 300.0], np.float32)
"""A head that looks straight ahead from 300 mm, where a portrait's pose is unknown."""
_WINDOWS = 64  # windows of the transformer at once: enough to fill a core, 10 MB of tokens


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
        frames = len(self.phonemes)
        if (
            self.image.dtype != np.uint8
            or self.image.ndim != 3
            or self.image.shape[0] != self.image.shape[1]
            or self.image.shape[2] != 3
        ):
            raise AvctError(
                f"portrait: expected a square uint8 image (S, S, 3), got {self.image.dtype} {self.image.shape}"
            )
        if frames < 1:
            raise AvctError("speech: expected at least one frame (40 ms) of phonemes, got none")
        if self.audio.shape != (frames, AUDIO_ROWS, AUDIO_COLUMNS):
            raise AvctError(
                f"speech: expected audio rows ({frames}, {AUDIO_ROWS}, {AUDIO_COLUMNS}), got {self.audio.shape}"
            )
        if self.poses.shape != (frames, 6):
            raise AvctError(f"head poses: expected ({frames}, 6), got {self.poses.shape}")


def _picture(image: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).to(device).permute(2, 0, 1)[None].float() / 255


def _frames(prediction: Tensor, *, truncate: bool) -> np.ndarray:
    scaled = prediction.float().clamp(0, 1) * 255
    if not truncate:
        scaled = scaled.round()
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


@torch.inference_mode()
def find_keypoints(model: Model, frames: np.ndarray, *, batch: int = 16) -> np.ndarray:
    """The detector's keypoints float32 (T, K, 2) of uint8 (T, S, S, 3) frames."""
    device = next(model.parameters()).device
    found = []
    for start in range(0, len(frames), batch):
        some = torch.from_numpy(np.ascontiguousarray(frames[start : start + batch])).to(device)
        found.append(model.kp_detector(some.permute(0, 3, 1, 2).float() / 255).keypoints.value.cpu().numpy())
    return np.concatenate(found)


def _windows(tokens: Tensor, window: int) -> Tensor:
    """All windows (T, W, D) of padded tokens (T + W - 1, D)."""
    return tokens.unfold(0, window, 1).permute(0, 2, 1)


def _spoken_keypoints(model: LandmarkModel, score: Score, source: Tensor) -> tuple[Tensor, Tensor]:
    """Keypoints (T, K, 2) that the speech asks for and (1, K, 2) of the same face at rest in the portrait's pose."""
    net, device = model.speech, source.device
    half = net.config.half_window
    pose = np.pad(pose_numbers(score.poses), ((half, half), (0, 0)), "edge")
    rest = pose_numbers(score.portrait_pose[None])
    ph = np.pad(score.phonemes, half, constant_values=SIL)
    audio = np.pad(standardise(score.audio), ((half, half), (0, 0), (0, 0)))

    def tensor(x: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(x)).to(device)

    face = net.face_numbers(source, tensor(rest))
    said, heard = net.encoder_tokens(tensor(ph), tensor(pose)), net.decoder_tokens(tensor(audio), face)
    window = net.config.window
    said, heard = _windows(said, window), _windows(heard, window)
    found = [net.decode(said[i : i + _WINDOWS], heard[i : i + _WINDOWS]).value for i in range(0, len(said), _WINDOWS)]
    still = net.encoder_tokens(tensor(np.full(window, SIL)), tensor(rest).expand(window, -1))
    hush = net.decoder_tokens(torch.zeros(window, AUDIO_ROWS, AUDIO_COLUMNS, device=device), face)
    return torch.cat(found), net.decode(still[None], hush[None]).value


def face_width(value: Tensor) -> Tensor:
    """Distance (B, 1, 1) of the jaw's sides of keypoints (B, K, 2)."""
    left, right = value[:, 9], value[:, 10]  # the jaw's sides: facepoints.POINTS
    return (right - left).norm(dim=-1)[:, None, None]


@torch.inference_mode()
def speech_keypoints(model: LandmarkModel, score: Score) -> tuple[Keypoints, Keypoints]:
    """Keypoints of the portrait (1) and of every frame (T) after relative transfer.

    The reference is the network's own face at rest in the portrait's pose, which is the paper's frame 0 where a clip
    starts in silence and in the portrait's pose. Motion is scaled by the ratio of face widths, as FOMM's adaptive
    movement scale, since landmark keypoints measure the face.
    """
    device = next(model.parameters()).device
    size = score.image.shape[0]
    if score.landmarks is not None:
        source = torch.from_numpy(facepoints.from_landmarks(score.landmarks, size))[None].to(device)
    else:
        source = model.kp_detector(_picture(score.image, device)).keypoints.value
    spoken, rest = _spoken_keypoints(model, score, source)
    if not model.config.relative:
        return Keypoints(source), Keypoints(spoken)
    scale = face_width(source) / face_width(rest)
    moved = transfer(Keypoints(source), Keypoints(rest + (spoken - rest) * scale), Keypoints(rest))
    return Keypoints(source), moved


@torch.inference_mode()
def render(
    model: LandmarkModel,
    image: np.ndarray,
    source: Keypoints,
    driving: Keypoints,
    *,
    batch: int = 8,
    precision: str = "float32",
) -> Iterator[np.ndarray]:
    """Batches of frames uint8 (n, S, S, 3) of the portrait under driving keypoints (T, K, 2).

    precision "bfloat16" paints in half precision; keypoints and flow stay in float32.
    """
    device = source.value.device
    portrait = model.generator.encode(_picture(image, device))
    for start in range(0, len(driving.value), batch):
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            out = model.generator.render(portrait, source, Keypoints(driving.value[start : start + batch]))
        yield _frames(out.prediction, truncate=False)


def check(model: Model, score: Score, *, batch: int, precision: str) -> None:
    """Raises AvctError for a portrait of the wrong size, an unknown precision or an impossible batch."""
    if precision not in ("float32", "bfloat16"):
        raise AvctError(f"precision: expected 'float32' or 'bfloat16', got {precision!r}")
    if batch < 1:
        raise AvctError(f"batch: expected 1 or more, got {batch}")
    size, (height, width) = model.config.image_size, score.image.shape[:2]
    if height != size:
        raise AvctError(f"portrait: this model wants {size}x{size} pixels, got {width}x{height}")


def perform(model: Model, score: Score, *, batch: int = 8, precision: str = "float32") -> Iterator[np.ndarray]:
    """Batches of frames uint8 (n, S, S, 3) of the portrait speaking. Raises AvctError as `check` does."""
    check(model, score, batch=batch, precision=precision)
    if isinstance(model, LandmarkModel):
        source, driving = speech_keypoints(model, score)
        yield from render(model, score.image, source, driving, batch=batch, precision=precision)
    else:
        yield from _perform_faithful(model, score, batch=batch, precision=precision)


@torch.inference_mode()
def _perform_faithful(model: FaithfulModel, score: Score, *, batch: int, precision: str) -> Iterator[np.ndarray]:
    """The paper's procedure (SPEC section 9) with constants cached: portrait once, tokens once a frame."""
    from avct.posebox import draw

    device = next(model.parameters()).device
    picture = _picture(score.image, device)
    found = model.kp_detector(picture)
    source, net = found.keypoints, model.ph2kp
    portrait = model.generator.encode(picture)
    half, window = net.config.half_window, net.config.window
    frames = len(score.phonemes)
    # outside the clip: SIL, zero features (not those of silence), the pose of the nearest frame
    ph = torch.from_numpy(np.pad(score.phonemes, half, constant_values=SIL)).to(device)
    audio = torch.from_numpy(np.pad(score.audio, ((half, half), (0, 0), (0, 0))).astype(np.float32)).to(device)
    poses = np.pad(score.poses, ((half, half), (0, 0)), "edge")
    initial: Keypoints | None = None
    for start in range(0, frames, batch):
        stop = min(frames, start + batch)
        span = slice(start, stop + window - 1)
        rasters = torch.from_numpy(np.stack([draw(p, size=net.config.pose_size) for p in poses[span]])).to(device)
        said = _windows(net.encoder_tokens(ph[span], rasters), window)
        heard = _windows(net.decoder_tokens(audio[span], found.feature_map), window)
        driving = net.decode(said, heard)
        if initial is None:
            initial = Keypoints(driving.value[:1], None if driving.jacobian is None else driving.jacobian[:1])
        moved = transfer(source, driving, initial)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            out = model.generator.render(portrait, source, moved)
        yield _frames(out.prediction, truncate=True)  # the official code truncates
