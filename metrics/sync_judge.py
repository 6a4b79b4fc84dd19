"""The corpus's own judge of lip sync: two small networks that look at 0.2 s of mouth and hear 0.2 s of sound.

SyncNet's idea and order of layers (Chung and Zisserman 2016) at a quarter of its widths or less, trained on the
embedded corpus's talking puppets (`run_bench.py train sync-judge`): identities and voices that no generator's own sync
expert ever meets, and never its weights. Its distances are no LSE-D and no SyncNet confidence: only its own numbers
compare.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.clip import Frames
from metrics.errors import MetricError
from metrics.landmarks.scheme68 import MOUTH_CORNERS
from metrics.mfcc import HOP, WINDOW, mfcc

if TYPE_CHECKING:
    import torch

WEIGHTS = "puppet_sync"
SIDE = 64
"""Side in pixels of the mouth's crop."""
FRAMES, ROWS, CEPSTRA = 5, 4, 13
"""Frames of one window, rows of sound a frame (10 ms each), and cepstra a row."""
REACH, DROP = 0.75, 0.06
"""Side of the crop, and how far its centre lies below the middle of the mouth's corners, in face widths."""
JAW_ENDS = (2, 14)
"""Landmarks whose distance is the face's width: the jaw's outline near the ears, which speech does not move."""
CALM = 5
"""Frames over which the crop's place is averaged."""
_FACE, _AUDIO, _HIDDEN, _VECTOR = (24, 48, 64, 64, 64, 128), (16, 32, 64, 64, 64, 128), 128, 128
_BATCH = 64


def build_network() -> torch.nn.Module:
    """The untrained judge, with parts `netcnnlip`, `netfclip` (face) and `netcnnaud`, `netfcaud` (sound).

    `see(crops float (T, 3, 64, 64) in [0, 1])` and `hear(cepstra float (4 T, 13))` give unit vectors (T - 4, 128).
    """
    from torch import Tensor, nn
    from torch.nn import functional as F

    def flat(inputs: int, outputs: int, kernel: Any, padding: int = 0) -> tuple[nn.Module, ...]:
        return nn.Conv2d(inputs, outputs, kernel, 1, padding), nn.BatchNorm2d(outputs), nn.ReLU()

    def deep(inputs: int, outputs: int, kernel: Any, *, every: int = 1, padding: int = 0) -> tuple[nn.Module, ...]:
        step, edge = (1, every, every), (0, padding, padding)
        return nn.Conv3d(inputs, outputs, kernel, step, edge), nn.BatchNorm3d(outputs), nn.ReLU()

    def head(inputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(inputs, _HIDDEN), nn.BatchNorm1d(_HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _VECTOR)
        )

    class Judge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            f, a = _FACE, _AUDIO
            thin = (1, 3, 3)
            self.netcnnlip = nn.Sequential(
                *deep(3, f[0], (FRAMES, 7, 7), every=2), nn.MaxPool3d(thin, (1, 2, 2)),
                *deep(f[0], f[1], (1, 5, 5), every=2, padding=1), nn.MaxPool3d(thin, (1, 2, 2), (0, 1, 1)),
                *deep(f[1], f[2], thin, padding=1), *deep(f[2], f[3], thin, padding=1),
                *deep(f[3], f[4], thin, padding=1), nn.MaxPool3d(thin, (1, 2, 2)),
                *deep(f[4], f[5], (1, 1, 1)),
            )  # fmt: skip
            self.netcnnaud = nn.Sequential(
                *flat(1, a[0], 3, 1), nn.Identity(), *flat(a[0], a[1], 3, 1), nn.MaxPool2d(3, (1, 2)),
                *flat(a[1], a[2], 3, 1), *flat(a[2], a[3], 3, 1), *flat(a[3], a[4], 3, 1), nn.MaxPool2d(3, 2),
                *flat(a[4], a[5], (5, 4)),
            )  # fmt: skip
            self.netfclip, self.netfcaud = head(f[5]), head(a[5])

        def see(self, crops: Tensor) -> Tensor:
            crops = crops - crops.mean((1, 2, 3), keepdim=True)
            crops = crops / (crops.std((1, 2, 3), keepdim=True) + 0.05)
            found = self.netcnnlip(crops.transpose(0, 1)[None])[0, :, :, 0, 0].T
            return F.normalize(self.netfclip(found), dim=-1, eps=1e-6)

        def hear(self, cepstra: Tensor) -> Tensor:
            windows = cepstra.unfold(0, FRAMES * ROWS, ROWS)
            return F.normalize(self.netfcaud(self.netcnnaud(windows[:, None]).flatten(1)), dim=-1, eps=1e-6)

    return Judge()


def mouth_crops(frames: Frames, landmarks: np.ndarray) -> torch.Tensor:
    """Mouth crops float32 (T, 3, 64, 64) in [0, 1] of uint8 (T, H, W, 3), turned and sized by float64 (T, 68, 2).

    A square of 0.75 face widths (their median over the clip), centred a little below the middle of the mouth's corners,
    level with the face; place and turn are means over five frames. Edges of the frame are continued. Landmarks must
    have no gaps.
    """
    return _crops(frames, mouth_grids(landmarks), 0, len(frames))


def mouth_grids(landmarks: np.ndarray) -> np.ndarray:
    """Where the crops' corners lie: float64 (T, 3, 2), centre, half side to the right and half side down, in pixels."""
    kept = landmarks[:, [*MOUTH_CORNERS, *JAW_ENDS]].reshape(len(landmarks), -1)
    padded = np.pad(kept, ((CALM // 2, CALM // 2), (0, 0)), mode="edge")
    calm = np.stack([padded[k : k + len(kept)] for k in range(CALM)]).mean(0).reshape(-1, 4, 2)
    across = calm[:, 3] - calm[:, 2]
    length = np.linalg.norm(across, axis=1)
    face = _lower_median(length)
    right = across / np.maximum(length, 1e-9)[:, None]
    down = np.stack([-right[:, 1], right[:, 0]], 1)
    centre = calm[:, :2].mean(1) + DROP * face * down
    return np.stack([centre, REACH / 2 * face * right, REACH / 2 * face * down], 1)


def _crops(frames: Frames, grids: np.ndarray, first: int, last: int) -> torch.Tensor:
    """The mouth crops of frames first to last - 1."""
    import torch
    from torch.nn import functional as F

    height, width = frames.shape[1:3]
    centre, right, down = grids[first:last].transpose(1, 0, 2)[:, :, None, None]
    axis = np.linspace(-1, 1, SIDE) * (1 - 1 / SIDE)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    at = centre + x[..., None] * right + y[..., None] * down
    grid = at * (2 / np.array([max(width - 1, 1), max(height - 1, 1)])) - 1
    pictures = torch.from_numpy(np.ascontiguousarray(frames[first:last])).permute(0, 3, 1, 2).float() / 255
    return F.grid_sample(pictures, torch.from_numpy(grid).float(), padding_mode="border", align_corners=True)


def cepstra(samples: np.ndarray, frames: int) -> np.ndarray:
    """float32 (4 frames, 13): cepstra with the log energy first, every 10 ms, of float32 (N,) at 16 kHz.

    python_speech_features with its defaults on samples without mean and with peak 1, as the judge was trained; sound
    that ends early is followed by zeros.
    """
    signal = samples.astype(np.float64)
    signal = signal - signal.mean() if len(signal) else signal
    peak = np.abs(signal).max(initial=0.0)
    signal = signal / peak if peak > 0 else signal
    # the least number of samples of which psf makes 4 rows a frame
    need = HOP * (ROWS * frames - 2) + WINDOW + 1
    signal = np.pad(signal, (0, max(0, need - len(signal))))
    return mfcc(signal[: need + HOP])[: ROWS * frames].astype(np.float32)


class SyncJudge:
    """The judge with its weights."""

    def __init__(self, network: Any) -> None:
        self._network = network.eval()

    def vectors(self, frames: Frames, landmarks: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors of lips and of sound, each float64 (T - 4, 128), of the windows that begin at frame 0, 1, …"""
        import torch

        if len(frames) < FRAMES:
            raise MetricError(f"puppet-sync: expected {FRAMES} frames or more, got {len(frames)}")
        with torch.inference_mode():
            grids, sound = mouth_grids(landmarks), torch.from_numpy(cepstra(samples, len(frames)))
            windows = len(frames) - FRAMES + 1
            seen, heard = [], []
            for first in range(0, windows, _BATCH):
                last = min(windows, first + _BATCH) + FRAMES - 1
                seen.append(self._network.see(_crops(frames, grids, first, last)))
                heard.append(self._network.hear(sound[ROWS * first : ROWS * last]))
        return torch.cat(seen).double().numpy(), torch.cat(heard).double().numpy()


@lru_cache(maxsize=1)
def load() -> SyncJudge:
    """The judge with its shipped weights. Raises MissingWeights when the file is gone, MetricError for another file."""
    from metrics.weights import load_state

    network = build_network()
    network.load_state_dict(load_state(WEIGHTS))
    return SyncJudge(network)


def _lower_median(values: np.ndarray) -> float:
    """The middle value, of an even number the lower of both: as torch's, with which the judge was trained."""
    return float(np.sort(values)[(len(values) - 1) // 2])
