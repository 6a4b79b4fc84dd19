"""Trains a sync expert on talking clips, reads it out, and turns it into a loss on generated frames.

A batch is a few sequences. Every window of a sequence is compared with the sound of its own moment, of other moments of
the same clip (hard: same voice, same face) and of other clips. Windows one frame off count as neither, since lips may
run a little ahead of their sound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avct import facepoints
from avct.errors import AvctError
from avct.shards import ShardClip, Shards
from avct.syncnet import CEPSTRA, FRAMES, Embedded, SyncNet, mouth_crops
from avct.training.loop import Log, Loop, Schedule

LOSSES = ("multiway", "bce", "contrastive")
REACH = 15
"""Offsets in frames that a read-out tries either way, as SyncNet's does."""


@dataclass(frozen=True)
class SyncRecipe:
    """sequences of `frames` frames a step. loss: how pairs are taught. near: offsets that count as neither.

    "multiway": which of all sounds of the batch belongs to these lips, and the other way round, by softmax over cosines
    divided by `temperature` (Chung et al. 2019, "Perfect match"). "bce": cosines as probabilities (Wav2Lip, Prajwal et
    al. 2020; wants a rectified network). "contrastive": squared distance of pairs, and of others what they lack of
    `margin` (SyncNet, Chung and Zisserman 2016). noise, blur: strongest disturbance of pictures.
    """

    steps: int = 1_000
    sequences: int = 12
    frames: int = 20
    rate: float = 1.5e-3
    loss: str = "multiway"
    temperature: float = 0.1
    margin: float = 1.2
    near: int = 1
    noise: float = 0.03
    blur: float = 0.4
    accumulate: int = 1
    precision: str = "float32"
    seed: int = 5

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise AvctError(f"SyncRecipe: loss must be one of {', '.join(LOSSES)}, got {self.loss!r}")
        if self.frames < FRAMES + 2 * self.near + 1 or self.sequences < 1:
            raise AvctError(
                f"SyncRecipe: frames must be {FRAMES + 2 * self.near + 1} or more for others to be far enough, and "
                f"sequences 1 or more, got {self.frames} and {self.sequences}"
            )


class SequenceSampler:
    """Seeded batches of sequences of talking clips, one identity as likely as another."""

    def __init__(self, shards: Shards, recipe: SyncRecipe) -> None:
        groups: dict[str, list[ShardClip]] = {}
        for clip in shards:
            if clip.frames is None or clip.audio is None:
                continue
            if clip.landmarks is None:
                raise AvctError(f"{shards.folder}: clip {clip.name!r} has no landmarks, which place the mouth's crop")
            if min(len(clip.frames), len(clip.audio), len(clip.landmarks)) >= recipe.frames:
                groups.setdefault(clip.identity, []).append(clip)
        if not groups:
            raise AvctError(f"{shards.folder}: no clip of {recipe.frames} frames or more with pictures and sound")
        self.groups, self.names, self.recipe = groups, sorted(groups), recipe
        cepstra = np.concatenate(
            [c.audio[..., :CEPSTRA].reshape(-1, CEPSTRA) for found in groups.values() for c in found]
        )
        self.spread = torch.from_numpy(cepstra.std(0).astype(np.float32))

    def draw(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """frames uint8 (S, L, H, H, 3), kp (S, L, 17, 2), rows (S, L, 4, 13), and what disturbs them."""
        r = self.recipe
        frames, kp, rows = [], [], []
        for name in rng.choice(self.names, r.sequences, replace=len(self.names) < r.sequences):
            clip = self.groups[name][int(rng.integers(len(self.groups[name])))]
            first = int(rng.integers(min(len(clip.frames), len(clip.audio), len(clip.landmarks)) - r.frames + 1))
            part = slice(first, first + r.frames)
            frames.append(np.array(clip.frames[part]))
            kp.append(facepoints.from_landmarks(clip.landmarks[part], clip.size))
            rows.append(clip.audio[part, :, :CEPSTRA])
        one, each = (r.sequences, 1), (r.sequences, r.frames)
        disturb = np.empty((*each, 5))
        disturb[..., :2] = rng.normal(0, 0.03, (*one, 2)) + rng.normal(0, 0.006, (*each, 2))
        disturb[..., 2] = rng.normal(0, 0.06, one)
        disturb[..., 3] = rng.normal(0, 0.05, one)
        disturb[..., 4] = np.where(rng.random(one) < 0.5, -1.0, 1.0)
        light = 1 + rng.normal(0, 0.12, (*one, 3, 1, 1)) + rng.normal(0, 0.12, (*one, 1, 1, 1))
        light = light + rng.normal(0, 0.01, (*each, 1, 1, 1))  # pictures that are generated flicker
        # loudness and the colour of microphone and room: offsets that last
        tone = self.spread.numpy() * rng.normal(0, 0.15, (*one, 1, CEPSTRA))
        hiss = self.spread.numpy() * rng.normal(0, 0.05, (*each, 4, CEPSTRA))
        return {
            "frames": torch.from_numpy(np.stack(frames)),
            "kp": torch.from_numpy(np.stack(kp)),
            "rows": torch.from_numpy((np.stack(rows) + tone + hiss).astype(np.float32)),
            "disturb": torch.from_numpy(disturb).float(),
            "light": torch.from_numpy(light).float(),
            "soft": torch.from_numpy(np.where(rng.random(r.sequences) < 0.5, rng.uniform(r.blur, 1, r.sequences), 1.0)),
            "noise": torch.from_numpy(rng.uniform(0, r.noise, (r.sequences, 1, 1, 1, 1))).float(),
        }


def disturbed_crops(batch: dict[str, Tensor], expert: SyncNet) -> Tensor:
    """Crops of a batch as training sees them: moved, mirrored, recoloured, blurred as a renderer blurs, and noisy."""
    frames = batch["frames"].permute(0, 1, 4, 2, 3).float() / 255
    crops = mouth_crops(frames, batch["kp"], expert.config, disturb=batch["disturb"]) * batch["light"]
    side = crops.shape[-1]
    soft = []
    for crop, share in zip(crops, batch["soft"].tolist(), strict=True):
        if share < 1:
            small = F.interpolate(crop, size=(round(side * share),) * 2, mode="bilinear", antialias=True)
            crop = F.interpolate(small, size=(side, side), mode="bilinear")
        soft.append(crop)
    crops = torch.stack(soft)
    return (crops + batch["noise"] * torch.randn_like(crops)).clamp(0, 1)


def train_sync(expert: SyncNet, shards: Shards, recipe: SyncRecipe, *, log: Log, state: Path | None = None) -> Loop:
    """Trains `expert` in place and returns the finished loop. Logged beside the loss: `hit`, the share of windows
    whose own sound is the nearest of their clip's."""
    sampler = SequenceSampler(shards, recipe)

    def terms(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        found = expert(disturbed_crops(batch, expert), batch["rows"])
        return pair_terms(found, recipe)

    decayed = [p for p in expert.parameters() if p.dim() > 1]
    plain = [p for p in expert.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, recipe.rate)
    schedule = Schedule(recipe.steps, recipe.rate, warmup=100, decay_from=0.3, clip=1.0)
    loop = Loop(
        expert,
        optimiser,
        schedule,
        recipe.seed,
        log,
        state,
        every=50,
        save_every=200,
        accumulate=recipe.accumulate,
        precision=recipe.precision,
    )
    loop.run(sampler.draw, terms)
    return loop


def pair_terms(found: Embedded, recipe: SyncRecipe) -> dict[str, Tensor]:
    """The loss of all pairs of a batch's windows, as `total`, and the share `hit`."""
    sequences, windows = found.face.shape[:2]
    cosine = found.face.flatten(0, 1) @ found.audio.flatten(0, 1).T
    number = torch.arange(sequences * windows, device=cosine.device)
    clip, time = number // windows, number % windows
    same = clip[:, None] == clip
    own = number[:, None] == number
    near = same & ~own & ((time[:, None] - time).abs() <= recipe.near)
    if recipe.loss == "multiway":
        scores = (cosine / recipe.temperature).masked_fill(near, -torch.inf)
        total = (F.cross_entropy(scores, number) + F.cross_entropy(scores.T, number)) / 2
    else:
        pairs, others = cosine[own], cosine[~own & ~near]
        # half of what separates others comes from their own clip: most of a batch is another clip, which is easy
        hard = cosine[same & ~own & ~near]
        if recipe.loss == "bce":
            good, bad = pairs.clamp(min=1e-4).log(), [(1 - x).clamp(min=1e-4).log() for x in (others, hard)]
            total = -good.mean() - (bad[0].mean() + bad[1].mean()) / 2
        else:
            lacking = [(recipe.margin - _distance(x)).clamp(min=0) ** 2 for x in (others, hard)]
            total = (2 - 2 * pairs).mean() + (lacking[0].mean() + lacking[1].mean()) / 2
    inside = torch.einsum("snd,smd->snm", found.face, found.audio).detach()
    hit = (inside.argmax(-1) - torch.arange(windows, device=inside.device)).abs() <= recipe.near
    return {"hit": hit.float().mean(), "pair": cosine[own].detach().mean(), "total": total}


def _distance(cosine: Tensor) -> Tensor:
    return (2 - 2 * cosine).clamp(min=1e-6).sqrt()


def sync_loss(expert: SyncNet, frames: Tensor, rows: Tensor, keypoints: Tensor) -> Tensor:
    """How far generated lips are from their sound: the mean over windows of 1 - cosine, 0 (together) to 2.

    frames: float (S, L, 3, H, H) in [0, 1], consecutive, L of 5 or more; the gradient reaches them. rows: (S, L, 4, 41)
    or (S, L, 4, 13), unnormalised as shards carry them. keypoints: (S, L, 17, 2) of the wanted faces (the truth's, so
    that the crop is where it should be), in the landmark convention whatever keypoints the generator itself uses.
    The expert must be frozen: in evaluation mode, its weights without gradient (`freeze`).
    """
    return 1 - (expert.see(mouth_crops(frames, keypoints, expert.config)) * expert.hear(rows)).sum(-1).mean()


def freeze(expert: SyncNet) -> SyncNet:
    """The same expert in evaluation mode, its weights without gradient."""
    return expert.eval().requires_grad_(False)


@torch.inference_mode()
def embed(expert: SyncNet, clip: ShardClip, *, rows: np.ndarray | None = None) -> Embedded:
    """Vectors (N, D) of a clip's windows. rows: other sound (T, 4, 13 or 41) in the place of the clip's own."""
    if clip.frames is None or clip.landmarks is None or (rows is None and clip.audio is None):
        raise AvctError(f"clip {clip.name!r}: a sync read-out needs frames, landmarks and sound")
    rows = clip.audio if rows is None else rows
    length = min(len(clip.frames), len(rows))
    device = next(expert.parameters()).device
    frames = torch.from_numpy(np.array(clip.frames[:length])).to(device).permute(0, 3, 1, 2)[None].float() / 255
    kp = torch.from_numpy(facepoints.from_landmarks(clip.landmarks[:length], clip.size)).to(device)[None]
    sound = torch.from_numpy(np.array(rows[:length], np.float32)).to(device)[None]
    expert.eval()
    found = expert(mouth_crops(frames, kp, expert.config), sound)
    return Embedded(found.face[0], found.audio[0])


def offset_distances(found: Embedded, *, reach: int = REACH) -> np.ndarray:
    """Mean distance float64 (2 reach + 1,) of lips to the sound k = -reach … reach frames later.

    Each mean is over the windows that have such a sound. Raises AvctError for a clip that is too short for all offsets.
    """
    windows = len(found.face)
    if windows <= reach:
        raise AvctError(
            f"sync: offsets of {reach} frames need {reach + FRAMES} frames or more, got {windows + FRAMES - 1}"
        )
    cosine = (found.face @ found.audio.T).double().cpu()
    return np.array([float(_distance(torch.diagonal(cosine, k)).mean()) for k in range(-reach, reach + 1)])


def read_offset(distances: np.ndarray) -> tuple[int, float]:
    """The offset in frames at which the distance is least, and the confidence: the median less the least."""
    return int(np.argmin(distances)) - len(distances) // 2, float(np.median(distances) - distances.min())


def read_out(expert: SyncNet, clips: Iterable[ShardClip]) -> dict[str, float]:
    """How an expert does on clips: the share of offsets within one frame, and confidences of right and wrong sound.

    shifted: the sound comes five frames late; wrong: another clip's sound; silence: no sound at all (`silent_rows`).
    """
    clips = list(clips)
    rights, shifts, confidence = [], [], {k: [] for k in ("synced", "shifted", "wrong", "silence")}
    for k, clip in enumerate(clips):
        own, length = clip.audio, len(clip.audio)
        other = clips[(k + 1) % len(clips)].audio
        sounds = {
            "synced": own,
            "shifted": np.roll(own, 5, axis=0),
            "wrong": np.resize(other, own.shape),
            "silence": silent_rows(own, length),
        }
        for name, rows in sounds.items():
            offset, sure = read_offset(offset_distances(embed(expert, clip, rows=rows)))
            confidence[name].append(sure)
            if name == "synced":
                rights.append(abs(offset) <= 1)
            if name == "shifted":
                shifts.append(abs(offset - 5) <= 1)
    means = {f"confidence_{k}": float(np.mean(v)) for k, v in confidence.items()}
    return {
        "clips": len(clips),
        "within_1": float(np.mean(rights)),
        "shifted_within_1": float(np.mean(shifts)),
        **means,
    }


def silent_rows(rows: np.ndarray, frames: int) -> np.ndarray:
    """Rows (frames, 4, C) of silence: the quietest of a clip's own rows again and again."""
    flat = rows.reshape(-1, rows.shape[-1])
    return np.broadcast_to(flat[flat[:, 0].argmin()], (frames, *rows.shape[1:]))
