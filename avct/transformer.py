"""The encoder-decoder transformer inside AVCT, sequence first: (positions, batch, width).

Layers are torch's own post-norm layers, whose parameter names are the checkpoints'. Departures from DETR, on which the
published network leans: positions are added once at the start, not again inside every attention; the decoder's input
is the audio tokens themselves; nothing is masked, so frames outside the clip take part as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avct.config import TransformerConfig


class PositionTable(nn.Module):
    """Sines and cosines for `positions` places (Vaswani et al. 2017): buffer pos_table float (1, positions, width)."""

    pos_table: Tensor

    def __init__(self, positions: int, width: int) -> None:
        super().__init__()
        # float64 until the end: angles of late positions lose digits in float32.
        place = torch.arange(positions, dtype=torch.float64)[:, None]
        pair = torch.arange(width, dtype=torch.float64) // 2
        angle = place / 10000.0 ** (2 * pair / width)
        even = torch.arange(width) % 2 == 0
        self.register_buffer("pos_table", torch.where(even, angle.sin(), angle.cos()).float()[None])

    def forward(self, length: int) -> Tensor:
        """The first `length` places, (length, 1, width)."""
        return self.pos_table[:, :length].transpose(0, 1)


class Encoder(nn.Module):
    """Tokens (W, B, D) after self-attention: the memory (W, B, D). No norm at the end: the checkpoints have none."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(config.width, config.heads, config.feedforward, config.dropout)
            for _ in range(config.encoder_layers)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens


class Decoder(nn.Module):
    """Tokens (W, B, D) that attend to a memory: every layer's normalised output (layers, W, B, D)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerDecoderLayer(config.width, config.heads, config.feedforward, config.dropout)
            for _ in range(config.decoder_layers)
        )
        # One norm for the outputs of all layers; what flows from layer to layer is not normalised by it.
        self.norm = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        outputs = []
        for layer in self.layers:
            tokens = layer(tokens, memory)
            outputs.append(tokens)
        return self.norm(torch.stack(outputs))


class Decoded(NamedTuple):
    """memory (W, B, D) of the encoder; stack (decoder layers, W, B, D) of the decoder."""

    memory: Tensor
    stack: Tensor


class Transformer(nn.Module):
    """Memory and decoder outputs of encoder and decoder tokens (W, B, D) with positions (W, 1, D)."""

    def __init__(self, config: TransformerConfig | None = None) -> None:
        super().__init__()
        config = config or TransformerConfig()
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, encoder_tokens: Tensor, decoder_tokens: Tensor, *, positions: Tensor) -> Decoded:
        memory = self.encoder(encoder_tokens + positions)
        return Decoded(memory, self.decoder(decoder_tokens + positions, memory))
