"""The correlation transformer fed with vectors instead of pictures: a named departure that trains in minutes.

Same tokens, same windows, same transformer and same centre-frame heads as `Audio2kpTransformer`; what differs is how
a token is made. Phoneme and head pose enter the encoder as an embedding and six numbers (not as 64x64 maps), sound
and portrait enter the decoder as standardised features and keypoints (not as a feature map). Keypoints have no
Jacobians.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from avct.config import AUDIO_COLUMNS, AUDIO_ROWS, TransformerConfig
from avct.errors import AvctError
from avct.facepoints import KEYPOINTS
from avct.geometry import Keypoints
from avct.transformer import PositionTable, Transformer

POSE_NUMBERS = 6
QUIETEST = -20.0
"""Log energies below are equally silent: nothing is heard there, and digital silence has some near -36."""


def _transformer() -> TransformerConfig:
    return TransformerConfig(width=128, heads=4, encoder_layers=3, decoder_layers=3, feedforward=256, dropout=0.1)


@dataclass(frozen=True)
class VectorTokensConfig:
    """Sizes of the vector-token transformer. reads, hears: whether it is told phones and
    sound (ablations withhold one)."""

    keypoints: int = KEYPOINTS
    phonemes: int = 41
    embedding: int = 64
    half_window: int = 5
    positions: int = 20
    reads: bool = True
    hears: bool = True
    transformer: TransformerConfig = field(default_factory=_transformer)

    def __post_init__(self) -> None:
        if min(self.keypoints, self.phonemes, self.embedding) < 1 or self.half_window < 0:
            raise AvctError(
                "VectorTokensConfig: keypoints, phonemes and embedding must be above 0, half_window 0 or more"
            )
        if self.window > self.positions:
            raise AvctError(
                f"VectorTokensConfig: a window of {self.window} needs positions >= {self.window}: {self.positions}"
            )

    @property
    def window(self) -> int:
        """Frames in one window: the centre and half_window on either side."""
        return 2 * self.half_window + 1


def pose_numbers(pose: np.ndarray) -> np.ndarray:
    """Six well-scaled numbers float32 (T, 6) of poses (T, 6): rotation vector, place in the image, logarithm of size.

    pose is in OpenFace's convention (radians, millimetres). x and y are divided by the distance, so they are image
    positions whatever the person's size; 0.2 rad and a tenth of the image are about one unit.
    """
    p = np.asarray(pose, np.float64)
    if p.ndim != 2 or p.shape[1] != POSE_NUMBERS or not np.isfinite(p).all() or (p[:, 5] <= 0).any():
        raise AvctError(
            f"poses must be finite (T, 6) with the face in front of the camera (Tz > 0), got shape {p.shape}"
        )
    place = p[:, 3:5] / p[:, 5:6]
    return np.concatenate([p[:, :3] / 0.2, place / 0.1, np.log(p[:, 5:6] / 300)], 1).astype(np.float32)


class Voice(NamedTuple):
    """What a recording's features are measured against: means of cepstra 1 to 12 (12,) and of the filter bank (26,)
    where there is speech, and the median frequency in Hz where there is a voice."""

    cepstra: np.ndarray
    bands: np.ndarray
    pitch: float


def voice_of(rows: np.ndarray) -> Voice:
    """The voice of a recording, of its unnormalised audio rows (T, 4, 41)."""
    flat = _flat(rows)
    energy = np.clip(flat[:, 0], QUIETEST, None)
    loud = energy > energy.max() - 8  # the mean is taken where there is speech: pauses would drag it
    voiced = flat[:, 40] > 0.5
    pitch = np.median(flat[voiced, 39]) if voiced.any() else 1.0
    return Voice(flat[loud, 1:13].mean(0), np.clip(flat[loud, 13:39], QUIETEST, None).mean(0), max(float(pitch), 1.0))


def standardise(rows: np.ndarray, voice: Voice | None = None) -> np.ndarray:
    """Audio rows float32 (T, 4, 41) as the network wants them, of unnormalised features (T, 4, 41).

    Spectral columns lose the recording's own mean (a voice's timbre and the microphone), except the log energy, which
    keeps its level; F0 becomes semitones from the recording's median over voiced rows, 0 where unvoiced. Constants are
    typical standard deviations of speech at normal level. voice: the recording's, where rows are not all of it.
    """
    flat = _flat(rows)
    voice = voice or voice_of(rows)
    out = np.empty_like(flat)
    out[:, 0] = (np.clip(flat[:, 0], QUIETEST, None) + 4) / 5
    out[:, 1:13] = (flat[:, 1:13] - voice.cepstra) / 12
    out[:, 13:39] = (np.clip(flat[:, 13:39], QUIETEST, None) - voice.bands) / 3
    voiced = flat[:, 40] > 0.5
    pitch = np.where(voiced, flat[:, 39], 1.0)
    out[:, 39] = np.where(voiced, 12 * np.log2(np.maximum(pitch, 1) / voice.pitch), 0) / 4
    out[:, 40] = flat[:, 40]
    return np.clip(out, -6, 6).reshape(rows.shape).astype(np.float32)


def _flat(rows: np.ndarray) -> np.ndarray:
    x = np.asarray(rows, np.float64)
    if x.ndim != 3 or x.shape[1:] != (AUDIO_ROWS, AUDIO_COLUMNS):
        raise AvctError(f"audio rows must be (T, {AUDIO_ROWS}, {AUDIO_COLUMNS}), got {x.shape}")
    return x.reshape(-1, AUDIO_COLUMNS)


class VectorTokenTransformer(nn.Module):
    """Keypoints (without Jacobians) for windows of W frames; the centre frame's are returned."""

    def __init__(self, config: VectorTokensConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or VectorTokensConfig()
        width = c.transformer.width
        self.embedding = nn.Embedding(c.phonemes, c.embedding)
        self.pos_enc = PositionTable(c.positions, width)
        self.said = nn.Sequential(nn.Linear(c.embedding + POSE_NUMBERS, width), nn.GELU(), nn.Linear(width, width))
        self.sound = nn.Sequential(nn.Linear(AUDIO_ROWS * AUDIO_COLUMNS, width), nn.GELU(), nn.Linear(width, width))
        self.face = nn.Linear(2 * c.keypoints + POSE_NUMBERS, width)
        self.transformer = Transformer(c.transformer)
        self.kp = nn.Linear(width, 2 * c.keypoints)

    def encoder_tokens(self, ph: Tensor, pose: Tensor) -> Tensor:
        """Tokens (N, D) of phonemes int64 (N,) and `pose_numbers` float (N, 6)."""
        phones = self.embedding(ph)
        return self.said(torch.cat([phones if self.config.reads else torch.zeros_like(phones), pose], -1))

    def decoder_tokens(self, audio: Tensor, face: Tensor) -> Tensor:
        """Tokens (N, D) of standardised audio (N, 4, 41) and the portrait's `face_numbers` (N or 1, 2K + 6)."""
        heard = audio.flatten(1)
        return self.sound(heard if self.config.hears else torch.zeros_like(heard)) + self.face(face)

    def decode(self, encoder_tokens: Tensor, decoder_tokens: Tensor) -> Keypoints:
        """Keypoints (B) of the centre frames of windows of tokens (B, W, D)."""
        decoded = self.transformer(
            encoder_tokens.transpose(0, 1), decoder_tokens.transpose(0, 1), positions=self.pos_enc(self.config.window)
        )
        return Keypoints(self.kp(decoded.stack[-1, self.config.half_window]).unflatten(-1, (-1, 2)))

    def face_numbers(self, keypoints: Tensor, pose: Tensor) -> Tensor:
        """What is told of the portrait: (N, 2K + 6) of its keypoints (N, K, 2) and `pose_numbers` (N, 6)."""
        return torch.cat([keypoints.flatten(1), pose], -1)
