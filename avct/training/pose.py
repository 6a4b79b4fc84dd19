"""Stage three: trains the head-pose network to move heads as the truth's are moved, not where the truth's were.

How a head moves while somebody speaks is free: the same sentence goes with many motions. An error per frame therefore
teaches the mean of them all, a head that is still. Here a roll-out (the network is fed its own output, as at inference)
is held to the truth by what all motions share: how far a head moves within 0.04 to 2.6 s (structure functions, which
fix the spectrum of position and velocity), how sharply it turns, which axes go together, how it goes with the voice,
where it stays, and that no two heads move alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avct import posebox
from avct.audio2pose import HIGHEST, LOWEST, Audio2Pose, normalise
from avct.errors import AvctError
from avct.shards import ShardClip, Shards
from avct.training.loop import Log, Loop, Schedule

AXES = ("pitch", "yaw", "roll", "x", "y", "z")
LAGS = (1, 2, 4, 8, 16, 32, 64)
"""Frames between the two ends of the increments that are compared."""
SPAN = 50
"""Frames over which movement is averaged before its logarithm is taken: two seconds."""
STILL = (5e-4, 5e-4, 5e-4, 0.1, 0.1, 0.5)
"""Movement that counts as none, rad and mm: keeps logarithms finite where the truth's heads never move (distance)."""
NEAR = (0.01, 0.01, 0.01, 1.0, 1.0, 4.0)
"""Errors of place that matter, rad and mm: at least by these are they measured, however little the truth moves."""
HOLD = 4
"""First frames that must be where the truth's are: motion begins at the portrait's pose and without a jump."""


@dataclass(frozen=True)
class PoseRecipe:
    """sequences of `length` frames are rolled out in a step. start: weight of the first frames, and of reading rasters;
    home: of the mean place; moving: of the structure functions; sharp: of acceleration; together: of how axes go
    together; alike: of all heads moving alike; voice: of going with the voice; inside: of leaving the truth's range.
    starts: places in each clip that roll-outs begin at."""

    steps: int = 1_500
    sequences: int = 24
    length: int = 160
    rate: float = 2e-3
    start: float = 3.0
    home: float = 0.5
    moving: float = 1.0
    sharp: float = 1.0
    together: float = 2.0
    alike: float = 0.5
    voice: float = 1.0
    inside: float = 20.0
    starts: int = 30
    accumulate: int = 1
    precision: str = "float32"
    seed: int = 6

    def __post_init__(self) -> None:
        if min(self.sequences, self.starts) < 1 or self.length <= 2 * HOLD:
            raise AvctError(
                f"PoseRecipe: sequences and starts must be 1 or more, length above {2 * HOLD}, got {self.sequences}, "
                f"{self.starts} and {self.length}"
            )


class RollSampler:
    """Seeded batches of roll-outs: sound, the true poses beside it, and the raster of the first."""

    def __init__(self, shards: Shards, recipe: PoseRecipe, *, raster: int) -> None:
        held = [c for c in shards if c.pose is not None and c.audio is not None]
        self.length = min(recipe.length, max((_frames(c) for c in held), default=0))
        self.clips = [c for c in held if _frames(c) >= self.length]
        if self.length <= 2 * HOLD:
            raise AvctError(f"{shards.folder}: no clip of more than {2 * HOLD} frames with sound and head pose")
        self.recipe, self.raster = recipe, raster
        self._rasters: dict[tuple[int, int], np.ndarray] = {}

    def draw(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """audio (S, L, 4, 41), pose (S, L, 6) in the network's units, raster uint8 (S, P, P) of the first; and more
        rasters to read, shown uint8 (2 S, P, P), with their poses, told (2 S, 6)."""
        audio, pose, raster = [], [], []
        for clip, first in self._places(rng, self.recipe.sequences):
            part = slice(first, first + self.length)
            audio.append(self.clips[clip].audio[part])
            pose.append(self.clips[clip].pose[part])
            raster.append(self._draw(clip, first))
        others = self._places(rng, 2 * self.recipe.sequences)
        return {
            "audio": torch.from_numpy(np.stack(audio)),
            "pose": _numbers(pose),
            "raster": torch.from_numpy(np.stack(raster)),
            "shown": torch.from_numpy(np.stack([self._draw(*place) for place in others])),
            "told": _numbers([self.clips[clip].pose[frame] for clip, frame in others]),
        }

    def _places(self, rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
        """Clips, and in each one of the frames that roll-outs begin at."""
        clips, numbers = rng.integers(len(self.clips), size=count), rng.integers(self.recipe.starts, size=count)
        rooms = [_frames(self.clips[i]) - self.length for i in clips]
        return [
            (int(i), int(k) * room // max(1, self.recipe.starts - 1))
            for i, k, room in zip(clips, numbers, rooms, strict=True)
        ]

    def _draw(self, clip: int, frame: int) -> np.ndarray:
        if (clip, frame) not in self._rasters:
            self._rasters[clip, frame] = posebox.draw(self.clips[clip].pose[frame], size=self.raster)
        return self._rasters[clip, frame]


def _numbers(poses: Sequence[np.ndarray]) -> Tensor:
    return normalise(torch.from_numpy(np.stack(poses).astype(np.float32)))


def _frames(clip: ShardClip) -> int:
    return min(len(clip.pose), len(clip.audio))


def _units(sizes: tuple[float, ...]) -> Tensor:
    """Sizes in rad and mm in the network's units, (6,)."""
    return torch.tensor(sizes) / ((torch.tensor(HIGHEST) - torch.tensor(LOWEST)) / 2)


def loudness(audio: Tensor) -> Tensor:
    """How loud each frame is, (S, L), smoothed over half a second and standardised within the sequence.

    audio: (S, L, 4, 41), whose first column is the logarithm of the energy.
    """
    level = audio[..., 0].clamp(min=-15).mean(-1).exp().sqrt()
    smooth = F.avg_pool1d(F.pad(level[:, None], (6, 6), mode="replicate"), 13, 1)[:, 0]
    return (smooth - smooth.mean(1, keepdim=True)) / (smooth.std(1, keepdim=True) + 1e-3)


@dataclass(frozen=True)
class Motion:
    """What all motions share. moved: mean logarithm of mean square increments (lags, 6), the mean square taken over two
    seconds at a time, so that a head that moves once and then rests is told from one that goes on moving; turned: the
    same of second differences (6,); together: correlations of axes within a sequence (2, 6, 6), their mean and root
    mean square; followed: covariance with the loudness (6,), in units of `spread` (6,), the typical standard deviation
    within a sequence."""

    moved: Tensor
    turned: Tensor
    together: Tensor
    followed: Tensor
    spread: Tensor


def motion(pose: Tensor, loud: Tensor, *, spread: Tensor | None = None) -> Motion:
    """The statistics of poses (S, L, 6) in the network's units. spread: in which covariances are measured (own)."""
    still = _units(STILL).to(pose)

    def log_square(x: Tensor) -> Tensor:
        span = min(SPAN, x.shape[1])
        square = F.avg_pool1d(x.square().transpose(1, 2), span, max(1, span // 4))
        return (square + still[:, None] ** 2).log().mean((0, 2))

    lags = [k for k in LAGS if k < pose.shape[1] // 2]
    moved = torch.stack([log_square(pose[:, k:] - pose[:, :-k]) for k in lags])
    turned = log_square(pose[:, 2:] - 2 * pose[:, 1:-1] + pose[:, :-2])
    if spread is None:
        spread = (pose.var(1).mean(0) + still**2).sqrt()
    centred = pose - pose.mean(1, keepdim=True)
    # an axis that hardly moves goes together with none
    unit = centred / (centred.square().mean(1, keepdim=True) + still**2).sqrt()
    correlation = torch.einsum("sli,slj->sij", unit, unit) / pose.shape[1]
    together = torch.stack([correlation.mean(0), (correlation.square().mean(0) + 1e-6).sqrt()])
    followed = (centred * loud[..., None]).mean((0, 1)) / spread
    return Motion(moved, turned, together, followed, spread)


def alike(pose: Tensor, spread: Tensor) -> Tensor:
    """How much sequences (S, L, 6) share one course: the mean product of two sequences' deviations, in units of
    `spread`; 0 where every head goes its own way."""
    course = (pose - pose.mean(1, keepdim=True)) / spread
    count = len(pose)
    pairs = course.sum(0).square() - course.square().sum(0)
    return F.relu(pairs.mean(0) / max(1, count * (count - 1))).sum()


def train_pose(network: Audio2Pose, shards: Shards, recipe: PoseRecipe, *, log: Log, state: Path | None = None) -> Loop:
    """Trains `network` in place and returns the finished loop."""
    sampler = RollSampler(shards, recipe, raster=network.config.pose_size)
    device = network.output.weight.device
    every = [sampler.draw(np.random.default_rng([recipe.seed, k])) for k in range(max(1, 1000 // recipe.sequences))]
    poses = torch.cat([b["pose"] for b in every])
    truth = motion(poses, loudness(torch.cat([b["audio"] for b in every])))
    truth = Motion(*(getattr(truth, f.name).to(device) for f in fields(Motion)))
    low, high = poses.amin((0, 1)).to(device), poses.amax((0, 1)).to(device)
    coarse = torch.maximum(truth.spread, _units(NEAR).to(device))
    with torch.no_grad():  # start from the average pose and from motions of the truth's size
        network.output.bias.copy_(poses.mean((0, 1)))
        network.output.weight.mul_(truth.spread[:, None] / network.output.weight.std())

    def terms(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        wanted = batch["pose"]
        read = network.output(network.begin(batch["shown"]).output)
        # pose t has heard frames 0 to t - 1; the one after the last frame is nobody's
        made = network(batch["raster"], batch["audio"])[:, : wanted.shape[1]]
        own = motion(made, loudness(batch["audio"]), spread=truth.spread)
        off = (made - wanted) / coarse
        beyond = (F.relu(low - made) + F.relu(made - high)) / coarse
        found = {
            "raster": recipe.start * ((read - batch["told"]) / coarse).abs().mean(),
            "start": recipe.start * off[:, :HOLD].abs().mean(),
            "home": recipe.home * off.mean(1).abs().mean(),
            "moving": recipe.moving * (own.moved - truth.moved).abs().mean(),
            "sharp": recipe.sharp * (own.turned - truth.turned).abs().mean(),
            "together": recipe.together * (own.together - truth.together).abs().mean(),
            "alike": recipe.alike * alike(made, truth.spread),
            "voice": recipe.voice * (own.followed - truth.followed).abs().mean(),
            "inside": recipe.inside * beyond.square().mean(),
        }
        return {**found, "total": torch.stack(list(found.values())).sum()}

    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=1e-3)
    schedule = Schedule(recipe.steps, recipe.rate, warmup=50, decay_from=0.4, clip=0.5)
    loop = Loop(
        network,
        optimiser,
        schedule,
        recipe.seed,
        log,
        state,
        every=25,
        save_every=200,
        accumulate=recipe.accumulate,
        precision=recipe.precision,
    )
    loop.run(sampler.draw, terms)
    return loop


def compare_motion(made: Sequence[np.ndarray], truth: Iterable[np.ndarray]) -> dict[str, dict[str, float]]:
    """By axis, how poses (T, 6) of clips compare with true ones of other clips, in rad and mm.

    std, acceleration: root mean square deviation within a clip, and of second differences, over that of the truth;
    beyond: the farthest that any pose leaves the truth's range, in shares of the range. Axes on which the truth never
    moves (STILL) compare with STILL.
    """
    truth = list(truth)
    low = np.min([t.min(0) for t in truth], 0)
    high = np.max([t.max(0) for t in truth], 0)

    def within(clips: Iterable[np.ndarray]) -> np.ndarray:
        return np.sqrt(np.mean([c.var(0) for c in clips], 0))

    def sharp(clips: Iterable[np.ndarray]) -> np.ndarray:
        return np.sqrt(np.mean([np.square(np.diff(c, n=2, axis=0)).mean(0) for c in clips], 0))

    least = np.array(STILL)
    spread = within(made) / np.maximum(within(truth), least)
    turned = sharp(made) / np.maximum(sharp(truth), least / 10)
    out = np.maximum(np.max([c.max(0) for c in made], 0) - high, low - np.min([c.min(0) for c in made], 0))
    beyond = np.maximum(out, 0) / np.maximum(high - low, least)
    return {
        axis: {"std": float(s), "acceleration": float(a), "beyond": float(b)}
        for axis, s, a, b in zip(AXES, spread, turned, beyond, strict=True)
    }
