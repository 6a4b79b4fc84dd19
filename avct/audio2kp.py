"""The audio-visual correlation transformer (checkpoint part `ph2kp`): speech and head pose become keypoints.

Encoder tokens are one frame's phoneme and pose raster, decoder tokens one frame's sound and the portrait's appearance.
A token depends on its own frame only, so a clip needs each token once; `decode` joins windows of them.
"""

from __future__ import annotations

from itertools import pairwise
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct.blocks import AntiAlias, DownRes
from avct.config import AUDIO_COLUMNS, AUDIO_ROWS, AUDIO_SIDE, Audio2kpConfig
from avct.errors import AvctError
from avct.geometry import Keypoints
from avct.transformer import PositionTable, Transformer

AUDIO_WIDTH = 14
"""Kernel width of the first audio layer; with a padding of 11 it squeezes 41 columns to 32."""


class Audio2kpTransformer(nn.Module):
    """Keypoints of the training speaker for windows of W frames; the centre frame's are returned."""

    def __init__(self, config: Audio2kpConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or Audio2kpConfig()
        width = config.transformer.width
        self.embedding = nn.Embedding(config.phonemes, config.embedding)
        self.pos_enc = PositionTable(config.positions, width)
        self.down_pose = AntiAlias(1, shrink=config.pose_size // config.map_size)
        self.feature_extract = _token_extractor(2, config.features)
        kernel = (AUDIO_SIDE - AUDIO_ROWS + 1, AUDIO_WIDTH)
        padding = (0, (AUDIO_COLUMNS - 1 + AUDIO_WIDTH - AUDIO_SIDE) // 2)
        self.audio_embedding = nn.Sequential(
            nn.ConvTranspose2d(1, 8, kernel, padding=padding),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, config.audio_channels, 13, padding=6),
        )
        self.decodefeature_extract = _token_extractor(config.audio_channels + config.map_channels, config.features)
        self.transformer = Transformer(config.transformer)
        self.kp = nn.Linear(width, 2 * config.keypoints)
        self.jacobian: nn.Linear | None = None
        if config.jacobian:
            self.jacobian = nn.Linear(width, 4 * config.keypoints)
            nn.init.zeros_(self.jacobian.weight)
            with torch.no_grad():
                self.jacobian.bias.copy_(torch.eye(2).flatten().repeat(config.keypoints))

    def forward(self, ph: Tensor, pose: Tensor, audio: Tensor, feature_map: Tensor) -> Keypoints:
        """Keypoints of B windows' centre frames.

        ph: int64 (B, W) phoneme ids. pose: (B, W, P, P) rasters of 0 and 255. audio: float (B, W, 4, 41).
        feature_map: float (B, C, S, S), the detector's, of the portrait.
        """
        batch, window = self._check(ph, pose, audio, feature_map)
        spoken = self.encoder_tokens(ph.flatten(), pose.flatten(0, 1))
        heard = self.decoder_tokens(audio.flatten(0, 1), feature_map.repeat_interleave(window, dim=0))
        return self.decode(spoken.unflatten(0, (batch, window)), heard.unflatten(0, (batch, window)))

    def encoder_tokens(self, ph: Tensor, pose: Tensor) -> Tensor:
        """Tokens (N, D) of N frames' phonemes int64 (N,) and pose rasters (N, P, P) of 0 and 255."""
        side = isqrt(self.config.embedding)
        phoneme = self.embedding(ph).reshape(-1, 1, side, side)
        phoneme = F.interpolate(phoneme, scale_factor=float(self.config.map_size // side), mode="nearest")
        # 0 and 255 as they are, not 0 and 1: the first batch norm's statistics in the checkpoints expect it.
        raster = self.down_pose(pose[:, None].to(phoneme.dtype))
        return self.feature_extract(torch.cat([raster, phoneme], dim=1)).flatten(1)

    def decoder_tokens(self, audio: Tensor, feature_map: Tensor) -> Tensor:
        """Tokens (N, D) of N frames' audio float (N, 4, 41) and the portrait's feature map (N or 1, C, S, S)."""
        # Features are not normalised (Hz beside flags): the batch norms inside take care of the scales.
        sound = self.audio_embedding(audio[:, None])
        sound = F.interpolate(sound, scale_factor=float(self.config.map_size // AUDIO_SIDE), mode="nearest")
        face = feature_map.expand(sound.shape[0], -1, -1, -1)
        return self.decodefeature_extract(torch.cat([sound, face], dim=1)).flatten(1)

    def decode(self, encoder_tokens: Tensor, decoder_tokens: Tensor) -> Keypoints:
        """Keypoints (B) of the centre frames of windows of tokens (B, W, D). Values are not bounded to [-1, 1]."""
        window = self.config.window
        decoded = self.transformer(
            encoder_tokens.transpose(0, 1), decoder_tokens.transpose(0, 1), positions=self.pos_enc(window)
        )
        centre = decoded.stack[-1, self.config.half_window]
        value = self.kp(centre).reshape(-1, self.config.keypoints, 2)
        if self.jacobian is None:
            return Keypoints(value)
        return Keypoints(value, self.jacobian(centre).reshape(-1, self.config.keypoints, 2, 2))

    def _check(self, ph: Tensor, pose: Tensor, audio: Tensor, feature_map: Tensor) -> tuple[int, int]:
        config, batch = self.config, ph.shape[0]
        wanted = {
            "ph": (batch, config.window),
            "pose": (batch, config.window, config.pose_size, config.pose_size),
            "audio": (batch, config.window, AUDIO_ROWS, AUDIO_COLUMNS),
            "feature_map": (batch, config.map_channels, config.map_size, config.map_size),
        }
        for (name, shape), tensor in zip(wanted.items(), (ph, pose, audio, feature_map), strict=True):
            if tuple(tensor.shape) != shape:
                raise AvctError(f"{name} must be of shape {shape}, got {tuple(tensor.shape)}")
        return batch, config.window


def _token_extractor(inputs: int, features: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(DownRes(a, b) for a, b in pairwise((inputs, *features))), nn.AvgPool2d(2))
