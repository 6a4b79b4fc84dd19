"""Sync expert: whether lips and sound belong together, by two networks that look at a fifth of a second each.

One network sees five frames of the mouth, the other hears the cepstra of the same 0.2 s; both answer with a vector, and
vectors of the same moment lie close together. Layers and sizes of the default are SyncNet's in its second version
(Chung and Zisserman 2016, "Out of time": a first convolution over time and space, all others over space alone), and
attributes bear the names of its published weights, which `load_state_dict` therefore takes. The crop is our own rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avct.config import AUDIO_ROWS
from avct.errors import AvctError

CEPSTRA = 13
"""The first columns of AVCT's audio rows: cepstra with the log energy in the place of c0."""
FRAMES = 5
"""Frames of one window: 0.2 s at 25 fps, as in the paper."""
CORNERS, CHEEKS = (0, 1), (9, 10)
"""Keypoints of `avct.facepoints` that place the crop: the mouth's corners, and the jaw's outline near the ears."""
CALM = 5
"""Frames over which the crop's place is averaged: jitter of landmarks must not shake the picture."""


@dataclass(frozen=True)
class SyncConfig:
    """Sizes; the defaults are SyncNet v2's. image: side of the crop in pixels. face, audio: widths of the six
    convolutions of each network. hidden, embedding: widths of the last two layers of each.

    rectified: negative numbers of the vectors become zero, so that cosines are 0 to 1 and may be read as
    probabilities (Wav2Lip's expert). level: each crop's mean and contrast are taken out first, so that skin and
    light say nothing. reach: side of the crop in face widths; drop: how far its centre lies below the corners' middle.
    """

    image: int = 224
    face: tuple[int, ...] = (96, 256, 256, 256, 256, 512)
    audio: tuple[int, ...] = (64, 192, 384, 256, 256, 512)
    hidden: int = 512
    embedding: int = 1024
    rectified: bool = False
    level: bool = False
    reach: float = 0.75
    drop: float = 0.06

    def __post_init__(self) -> None:
        if len(self.face) != 6 or len(self.audio) != 6 or min(*self.face, *self.audio) < 1:
            raise AvctError(f"SyncConfig: expected six widths above 0 in face and audio, got {self.face}, {self.audio}")
        if min(self.hidden, self.embedding) < 1 or not self.reach > 0:
            raise AvctError("SyncConfig: hidden, embedding and reach must be above 0")
        if self.last_side < 1:
            raise AvctError(f"SyncConfig: image must be at least 51 pixels for the layers to fit, got {self.image}")

    @property
    def last_side(self) -> int:
        """Side of the square that the last convolution of the face network covers: 6 at 224 pixels."""
        side = (self.image - 7) // 2 + 1  # convolution 7, every second pixel, no padding
        side = (side - 3) // 2 + 1  # pooling 3, every second
        side = (side - 3) // 2 + 1  # convolution 5, every second, padding 1
        side = (side - 1) // 2 + 1  # pooling 3, every second, padding 1
        return (side - 3) // 2 + 1  # pooling 3, every second


SMALL = SyncConfig(
    image=64, face=(24, 48, 64, 64, 64, 128), audio=(16, 32, 64, 64, 64, 128), hidden=128, embedding=128, level=True
)
"""For the embedded corpus: learns in minutes on one core and weighs under 3 MB."""


class Embedded(NamedTuple):
    """Unit vectors (S, N, D) of the N = L - 4 windows of sequences of L frames."""

    face: Tensor
    audio: Tensor


class SyncNet(nn.Module):
    """Both networks. Windows advance by one frame, so L frames have L - 4 windows; window n begins at frame n."""

    def __init__(self, config: SyncConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or SyncConfig()
        a, f = c.audio, c.face
        self.netcnnaud = nn.Sequential(
            *_layer2(1, a[0], 3, padding=1), nn.MaxPool2d(1, 1),
            *_layer2(a[0], a[1], 3, padding=1), nn.MaxPool2d(3, (1, 2)),
            *_layer2(a[1], a[2], 3, padding=1), *_layer2(a[2], a[3], 3, padding=1), *_layer2(a[3], a[4], 3, padding=1),
            nn.MaxPool2d(3, 2), *_layer2(a[4], a[5], (5, 4)),
        )  # fmt: skip
        self.netcnnlip = nn.Sequential(
            *_layer3(3, f[0], (FRAMES, 7, 7), stride=(1, 2, 2)), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_layer3(f[0], f[1], (1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_layer3(f[1], f[2], (1, 3, 3), padding=(0, 1, 1)), *_layer3(f[2], f[3], (1, 3, 3), padding=(0, 1, 1)),
            *_layer3(f[3], f[4], (1, 3, 3), padding=(0, 1, 1)), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_layer3(f[4], f[5], (1, c.last_side, c.last_side)),
        )  # fmt: skip
        self.netfcaud, self.netfclip = _head(a[5], c), _head(f[5], c)

    def see(self, crops: Tensor) -> Tensor:
        """Unit vectors (S, L - 4, D) of crops float (S, L, 3, side, side) in [0, 1] as `mouth_crops` makes them."""
        if crops.dim() != 5 or crops.shape[1] < FRAMES:
            raise AvctError(
                f"sync expert: expected crops (S, L of {FRAMES} or more, 3, H, W), got {tuple(crops.shape)}"
            )
        if self.config.level:
            crops = crops - crops.mean((2, 3, 4), keepdim=True)
            # 0.05 keeps crops of one colour finite
            crops = crops / (crops.std((2, 3, 4), keepdim=True) + 0.05)
        found = self.netcnnlip(crops.transpose(1, 2))[..., 0, 0].transpose(1, 2)
        return self._unit(self.netfclip(found.flatten(0, 1)).unflatten(0, found.shape[:2]))

    def hear(self, rows: Tensor) -> Tensor:
        """Unit vectors (S, L - 4, D) of cepstra (S, L, 4, 13) or of whole audio rows (S, L, 4, 41)."""
        if rows.dim() != 4 or rows.shape[1] < FRAMES or rows.shape[2] != AUDIO_ROWS or rows.shape[3] < CEPSTRA:
            raise AvctError(
                f"sync expert: expected audio rows (S, L of {FRAMES} or more, 4, 13 or 41), got {tuple(rows.shape)}"
            )
        # each window (13, 20): cepstra downwards, time to the right
        windows = rows[..., :CEPSTRA].flatten(1, 2).unfold(1, FRAMES * AUDIO_ROWS, AUDIO_ROWS)
        found = self.netcnnaud(windows.flatten(0, 1)[:, None]).flatten(1)
        return self._unit(self.netfcaud(found).unflatten(0, windows.shape[:2]))

    def forward(self, crops: Tensor, rows: Tensor) -> Embedded:
        return Embedded(self.see(crops), self.hear(rows))

    def _unit(self, x: Tensor) -> Tensor:
        return F.normalize(F.relu(x) if self.config.rectified else x, dim=-1, eps=1e-6)


def mouth_crops(frames: Tensor, keypoints: Tensor, config: SyncConfig, *, disturb: Tensor | None = None) -> Tensor:
    """Mouth crops float (S, L, 3, image, image) of frames (S, L, 3, H, H) in [0, 1]: differentiable in the frames.

    The crop rule: a square, `reach` face widths wide (distance of landmarks 2 and 14, its median over the sequence),
    centred `drop` face widths below the middle of the mouth's corners, turned with the face. Place and turn are
    averaged over five frames. Nothing that a jaw moves places the crop, so lips are seen opening inside it, and heads
    are not seen moving. Edges of the frame are continued.

    keypoints: (S, L, 17, 2) in [-1, 1] as `avct.facepoints.from_landmarks` gives them, taken as given: no gradient
    reaches them. disturb: (S, L, 5) what training adds: shift x, y in sides, logarithm of the zoom, turn in radians,
    mirror (1 or -1).
    """
    sequences, length, channels = frames.shape[:3]
    if channels != 3 or keypoints.shape[:2] != frames.shape[:2] or keypoints.shape[2] <= max(CHEEKS):
        raise AvctError(
            f"sync expert: expected frames (S, L, 3, H, H) and keypoints (S, L, 17, 2), got {tuple(frames.shape)} and "
            f"{tuple(keypoints.shape)}"
        )
    points = keypoints.detach()[:, :, [*CORNERS, *CHEEKS]].to(frames.dtype).flatten(2).transpose(1, 2)
    points = F.avg_pool1d(F.pad(points, (CALM // 2, CALM // 2), mode="replicate"), CALM, 1)
    left, right, near, far = points.transpose(1, 2).unflatten(2, (4, 2)).unbind(2)
    across = far - near
    width = across.norm(dim=-1).median(dim=1, keepdim=True).values
    unit = F.normalize(across, dim=-1)
    down = torch.stack([-unit[..., 1], unit[..., 0]], -1)
    centre = (left + right) / 2 + config.drop * width[..., None] * down
    half = (config.reach / 2 * width).expand(-1, length)
    if disturb is not None:
        shift, zoom, angle, mirror = disturb[..., :2], disturb[..., 2], disturb[..., 3], disturb[..., 4:]
        centre = centre + 2 * half[..., None] * shift
        half = half * zoom.exp()
        cos, sin = angle.cos()[..., None], angle.sin()[..., None]
        unit, down = (cos * unit + sin * down) * mirror, cos * down - sin * unit
    axis = torch.linspace(-1, 1, config.image, dtype=frames.dtype, device=frames.device) * (1 - 1 / config.image)
    x, y = torch.meshgrid(axis, axis, indexing="xy")
    grid = x[..., None] * unit[:, :, None, None] + y[..., None] * down[:, :, None, None]
    grid = grid * half[:, :, None, None, None] + centre[:, :, None, None]
    found = F.grid_sample(frames.flatten(0, 1), grid.flatten(0, 1), padding_mode="border", align_corners=True)
    return found.unflatten(0, (sequences, length))


def _layer2(inputs: int, outputs: int, kernel: int | tuple[int, int], *, padding: int = 0) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU()


def _layer3(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int, int],
    *,
    stride: tuple[int, int, int] = (1, 1, 1),
    padding: tuple[int, int, int] = (0, 0, 0),
) -> tuple[nn.Module, ...]:
    return nn.Conv3d(inputs, outputs, kernel, stride, padding), nn.BatchNorm3d(outputs), nn.ReLU()


def _head(inputs: int, c: SyncConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, c.hidden), nn.BatchNorm1d(c.hidden), nn.ReLU(), nn.Linear(c.hidden, c.embedding)
    )
