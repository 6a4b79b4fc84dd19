"""The head-pose network (checkpoint part `audio2pose`): speech and the portrait's pose become head motion.

The pose predictor of Audio2Head (Wang et al., IJCAI 2021) that sees the raster of a pose in place of a photograph. An
LSTM hears one frame at a time and is given its own last output back, so it runs step by step and can go on from a
state; the residual networks before it (He et al. 2016) treat every frame alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from avct.config import AUDIO_COLUMNS, AUDIO_ROWS, Audio2PoseConfig
from avct.errors import AvctError

LOWEST = (-0.6, -0.6, -0.6, -128.0, -128.0, 128.0)
HIGHEST = (0.6, 0.6, 0.6, 128.0, 128.0, 384.0)
"""What the network's -1 and 1 mean: rotation in rad, translation in mm. Audio2Head's ranges are others."""
_ROWS = 256  # frames of sound embedded at once, so that memory does not grow with the clip


class PoseState(NamedTuple):
    """Where the network stands before it hears frame t: output (B, H), whose pose is frame t's; cells h and c
    (layers, B, H) of the LSTM.
    """

    output: Tensor
    h: Tensor
    c: Tensor


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (B, C, H, W) to (B, C', H / stride, W / stride), sizes rounded up."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Embeddings (N, outputs) of one-channel pictures (N, 1, H, W) of any size; 34 layers at full size."""

    def __init__(self, config: Audio2PoseConfig, outputs: int) -> None:
        super().__init__()
        first, last = config.widths[0], config.widths[-1]
        self.conv1 = nn.Conv2d(1, first, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.stages = [f"layer{i + 1}" for i in range(len(config.widths))]
        for name, (before, width), count in zip(
            self.stages, pairwise((first, *config.widths)), config.blocks, strict=True
        ):
            # the first stage follows a pooling and keeps its size, every later one halves it
            stride = 1 if name == "layer1" else 2
            blocks = [
                BasicBlock(before if i == 0 else width, width, stride=stride if i == 0 else 1) for i in range(count)
            ]
            self.add_module(name, nn.Sequential(*blocks))
        self.fc = nn.Linear(last, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        for name in self.stages:
            x = self.get_submodule(name)(x)
        return self.fc(x.mean(dim=(2, 3)))


class Embedding(nn.Module):
    """A ResNet under the name that it has in the checkpoints."""

    def __init__(self, config: Audio2PoseConfig, outputs: int) -> None:
        super().__init__()
        self.resnet = ResNet(config, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.resnet(x)


class Audio2Pose(nn.Module):
    """Head poses in the network's own units (-1 to 1 over LOWEST to HIGHEST) of speech after a first pose."""

    def __init__(self, config: Audio2PoseConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or Audio2PoseConfig()
        # the raster's embedding stands where the LSTM's output will stand, hence its width
        self.em_pose = Embedding(config, config.hidden)
        self.em_audio = Embedding(config, config.embedding)
        self.lstm = nn.LSTM(config.embedding + config.hidden, config.hidden, config.layers, batch_first=True)
        self.output = nn.Linear(config.hidden, 6)

    def forward(self, raster: Tensor, audio: Tensor) -> Tensor:
        """Poses (B, T + 1, 6), one more than frames heard: pose i has heard frames 0 to i - 1.

        raster: (B, P, P) of 0 and 255, the first pose's. audio: float (B, T, 4, 41), unnormalised. Consumers take pose
        t for frame t and leave the last one: a lag of one frame, which the published weights have learnt. Pose 0 is
        the first pose as the network sees it, not the first pose itself.
        """
        state = self.begin(raster)
        heard, state = self.advance(state, self.embed(audio))
        return self.output(torch.cat([heard, state.output[:, None]], dim=1))

    def begin(self, raster: Tensor) -> PoseState:
        """The state before frame 0 of rasters (B, P, P) of 0 and 255."""
        # 0 and 255 as they are, not 0 and 1: the first batch norm's statistics in the checkpoints expect it
        output = self.em_pose(raster[:, None].to(self.output.weight.dtype))
        cells = output.new_zeros(self.config.layers, len(output), self.config.hidden)
        return PoseState(output, cells, cells)

    def embed(self, audio: Tensor) -> Tensor:
        """Embeddings (B, T, E) of frames' sound float (B, T, 4, 41), each frame by itself."""
        if audio.dim() != 4 or tuple(audio.shape[2:]) != (AUDIO_ROWS, AUDIO_COLUMNS):
            raise AvctError(f"audio must be (B, T, {AUDIO_ROWS}, {AUDIO_COLUMNS}), got {tuple(audio.shape)}")
        if not audio.shape[1]:
            return audio.new_zeros(len(audio), 0, self.config.embedding)
        return self.em_audio(audio.flatten(0, 1)[:, None]).unflatten(0, audio.shape[:2])

    def advance(self, state: PoseState, heard: Tensor) -> tuple[Tensor, PoseState]:
        """Outputs (B, T, H) of T frames and the state after them; heard (B, T, E) are the frames' embeddings.

        The output of a frame is the state's before the frame is heard: `self.output` makes its pose of it.
        """
        outputs = []
        for sound in heard.unbind(1):
            outputs.append(state.output)  # before it is heard: the lag of one frame that published weights have learnt
            fed = torch.cat([sound, state.output], dim=1)[:, None]
            said, (h, c) = self.lstm(fed, (state.h, state.c))
            state = PoseState(said[:, 0], h, c)
        before = torch.stack(outputs, dim=1) if outputs else state.output[:, None][:, :0]
        return before, state


def normalise(poses: Tensor) -> Tensor:
    """Poses (..., 6) in rad and mm as the network's numbers: -1 to 1 within LOWEST to HIGHEST."""
    low, high = poses.new_tensor(LOWEST), poses.new_tensor(HIGHEST)
    return (poses - low) / (high - low) * 2 - 1


def denormalise(numbers: Tensor) -> Tensor:
    """Poses (..., 6) in rad and mm of the network's numbers; not bounded to the range."""
    low, high = numbers.new_tensor(LOWEST), numbers.new_tensor(HIGHEST)
    return (numbers + 1) / 2 * (high - low) + low


@torch.inference_mode()
def begin(network: Audio2Pose, first: NDArray[np.floating]) -> PoseState:
    """The state before frame 0 after a first pose (6,) in rad and mm, the portrait's. AvctError if it cannot be."""
    from avct.posebox import draw

    raster = torch.from_numpy(draw(first, size=network.config.pose_size))
    return network.begin(raster[None].to(network.output.weight.device))


@torch.inference_mode()
def step(network: Audio2Pose, state: PoseState, audio: NDArray[np.floating]) -> tuple[NDArray[np.float32], PoseState]:
    """Poses float32 (n, 6) in rad and mm of the next n frames, whose sound is audio (n, 4, 41), and the next state.

    Pieces of any length give what the whole gives, and no frame waits for a later one's sound.
    """
    rows = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32)).to(network.output.weight.device)
    outputs, state = network.advance(state, network.embed(rows[None]))
    return denormalise(network.output(outputs))[0].cpu().numpy(), state


@torch.inference_mode()
def step_all(
    network: Audio2Pose, states: Sequence[PoseState], audio: NDArray[np.floating]
) -> tuple[NDArray[np.float32], list[PoseState]]:
    """As `step` for the next frame of each of several talkers: poses (B, 6) and their next states, of their states and
    the frames' sound (B, 4, 41)."""
    rows = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32)).to(network.output.weight.device)
    outputs, cells, memories = zip(*states, strict=True)
    state = PoseState(torch.cat(outputs), torch.cat(cells, 1), torch.cat(memories, 1))
    before, state = network.advance(state, network.embed(rows[:, None]))
    poses = denormalise(network.output(before))[:, 0].cpu().numpy()
    # copies: a view would keep the states of all
    parts = zip(state.output.split(1), state.h.split(1, 1), state.c.split(1, 1), strict=True)
    return poses, [PoseState(*(part.clone() for part in own)) for own in parts]


def head_poses(network: Audio2Pose, first: NDArray[np.floating], audio: NDArray[np.floating]) -> NDArray[np.float32]:
    """Poses float32 (T, 6) in rad and mm of a clip: first (6,) is the portrait's pose, audio (T, 4, 41) its sound."""
    state = begin(network, first)
    poses = []
    for start in range(0, len(audio), _ROWS):
        some, state = step(network, state, audio[start : start + _ROWS])
        poses.append(some)
    return np.concatenate(poses) if poses else np.zeros((0, 6), np.float32)
