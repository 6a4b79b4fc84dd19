"""Stage two, second half: the transformer learns from the pictures that the frozen renderer makes of its keypoints.

Keypoint losses count every point alike and every error by its size; what a viewer sees is a mouth. Here the frames are
painted, compared with the truth around the mouth, read by the frozen detector where it knows lips (are they as far
apart as the truth's?) and, where a sync expert is given, judged against the sound. Keypoint losses go on beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from avct import facepoints
from avct.composite import CompositeSource, mouth_window
from avct.errors import AvctError
from avct.generator import EncodedSource
from avct.geometry import Keypoints
from avct.inference import face_width
from avct.model import FaithfulModel, LandmarkModel, Model
from avct.phonemes import SIL
from avct.shards import Shards
from avct.training.loop import Log, Loop, Schedule
from avct.training.perceptual import weighted_l1
from avct.training.scenes import Scene, SceneSampler, near_mouth

Sync = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From frames (S, L, 3, H, W), audio rows (S, L, 4, 41) and true keypoints (S, L, K, 2) to a loss."""


@dataclass(frozen=True)
class FinetuneRecipe:
    """sequences of `length` consecutive frames are painted in a step. picture: weight of the mouth's pixels; opening:
    of the distance of the lips that a landmark detector sees; level: of its mean over the batch, so that mouths are
    neither too open nor too closed on the whole; sync: of the expert; points, jacobian, velocity: of the keypoints' own
    losses. kept: share of the weights from before in those that a training ends with: halfway between the two lies
    better than either on faces that none has seen (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    speakers: whom to learn from (empty: everybody)."""

    steps: int = 600
    sequences: int = 3
    length: int = 6
    accumulate: int = 1
    rate: float = 1e-4
    warmup: int = 50
    decay_from: float = 0.3
    picture: float = 20.0
    opening: float = 0.5
    level: float = 1.0
    sync: float = 0.3
    points: float = 1.0
    jacobian: float = 1.0
    velocity: float = 0.7
    ema: float = 0.98
    kept: float = 0.0
    precision: str = "bfloat16"
    seed: int = 3
    speakers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.kept < 1:
            raise AvctError(f"FinetuneRecipe: kept must be at least 0 and below 1, got {self.kept}")


def train_finetune(
    model: Model,
    shards: Shards,
    recipe: FinetuneRecipe,
    *,
    log: Log,
    state: Path | None = None,
    sync: Sync | None = None,
) -> Loop:
    """Trains the model's transformer in place, everything else frozen, and returns the finished loop."""
    vectors = isinstance(model, LandmarkModel)
    learner = model.speech if vectors else model.ph2kp
    sampler = SceneSampler(
        shards, half=learner.config.half_window, sequences=recipe.sequences, length=recipe.length,
        raster=0 if vectors else learner.config.pose_size, speakers=recipe.speakers,
    )  # fmt: skip
    spread = torch.from_numpy(sampler.spread).to(learner.kp.bias.device)
    frozen = [p for p in model.parameters() if p.requires_grad and not any(p is q for q in learner.parameters())]
    model.eval()
    for p in frozen:
        p.requires_grad_(False)

    def terms(scene: Scene) -> dict[str, Tensor]:
        paint = _paint_landmark if vectors else _paint_faithful
        found, made = paint(model, scene, recipe, spread)
        target, kp = scene.target.flatten(0, 1), scene.kp.flatten(0, 1)
        found["picture"] = recipe.picture * weighted_l1(made, target, near_mouth(kp, target.shape[-1]))
        if sync is not None and recipe.sync:
            found["sync"] = recipe.sync * sync(made.unflatten(0, scene.target.shape[:2]), scene.raw, scene.kp)
        return {**found, "total": torch.stack(list(found.values())).sum()}

    # calm: dropout makes mouths smaller, so a learner that must get their size right would open them too far without it
    optimiser = torch.optim.AdamW(learner.parameters(), recipe.rate, weight_decay=1e-3)
    schedule = Schedule(recipe.steps, recipe.rate, warmup=recipe.warmup, decay_from=recipe.decay_from, clip=1.0)
    loop = Loop(
        learner, optimiser, schedule, recipe.seed, log, state, every=25, save_every=100, ema=recipe.ema,
        precision=recipe.precision, accumulate=recipe.accumulate, calm=True,
    )  # fmt: skip
    try:
        loop.run(sampler.draw, terms)
    finally:
        for p in frozen:
            p.requires_grad_(True)
    return loop


def _windows(x: Tensor, window: int) -> Tensor:
    """All windows (S L, W, D) of padded tokens (S, P, D)."""
    return x.unfold(1, window, 1).permute(0, 1, 3, 2).flatten(0, 1)


def spoken(model: LandmarkModel, scene: Scene) -> Tensor:
    """Keypoints (S, L, K, 2) of the portraits speaking, after relative transfer, as inference makes them."""
    net = model.speech
    window, (sequences, padded) = net.config.window, scene.ph.shape
    face = net.face_numbers(scene.kp_portrait, scene.rest)
    said = net.encoder_tokens(scene.ph.flatten(), scene.pose.flatten(0, 1)).unflatten(0, (sequences, padded))
    heard = net.decoder_tokens(scene.audio.flatten(0, 1), face.repeat_interleave(padded, 0))
    heard = heard.unflatten(0, (sequences, padded))
    found = net.decode(_windows(said, window), _windows(heard, window)).value
    found = found.unflatten(0, (sequences, padded - window + 1))
    if not model.config.relative:
        return found
    quiet = net.encoder_tokens(torch.full_like(scene.ph[:, 0], SIL), scene.rest)
    hush = net.decoder_tokens(torch.zeros_like(scene.audio[:, 0]), face)
    rest = net.decode(*(x[:, None].expand(-1, window, -1) for x in (quiet, hush))).value
    scale = face_width(scene.kp_portrait) / face_width(rest)
    return scene.kp_portrait[:, None] + (found - rest[:, None]) * scale[:, None]


def _paint_landmark(
    model: LandmarkModel, scene: Scene, recipe: FinetuneRecipe, spread: Tensor
) -> tuple[dict[str, Tensor], Tensor]:
    """The keypoints' terms, and frames (S L, 3, H, W) painted of the portraits speaking."""
    with torch.no_grad():  # as inference finds them, errors and all
        seen = model.kp_detector(scene.portrait).keypoints.value
    off_portrait = seen - scene.kp_portrait
    scene = scene._replace(kp_portrait=seen)
    found = spoken(model, scene).float()
    # motion is what the network answers for, not where the detector put the portrait's points
    off = (found - scene.kp - off_portrait[:, None]) / spread
    length, size, kp = found.shape[1], scene.target.shape[-1], scene.kp.flatten(0, 1)
    once = model.generator.encode(scene.portrait)
    source = CompositeSource(*(x.repeat_interleave(length, 0) for x in once))
    there = Keypoints(scene.kp_portrait.repeat_interleave(length, 0))
    corners = mouth_window(kp, size, model.generator.config.window)
    made = model.generator.render(source, there, Keypoints(found.flatten(0, 1)), corners).prediction.float()
    # truth is read by the same eyes: what the detector gets wrong in both is nobody's error
    with torch.no_grad():
        wanted = _gap(model.kp_detector(scene.target.flatten(0, 1)).keypoints.value)
    wrong = (_gap(model.kp_detector(made).keypoints.value) - wanted) / spread[facepoints.INNER_LOWER, 1]
    return {
        "points": recipe.points * off.abs().mean(),
        "velocity": recipe.velocity * (off[:, 1:] - off[:, :-1]).abs().mean(),
        "opening": recipe.opening * wrong.abs().mean(),
        "level": recipe.level * wrong.mean().abs(),
    }, made


def _gap(value: Tensor) -> Tensor:
    """How far the inner lips stand apart (B,) in keypoints (B, K, 2)."""
    return value[:, facepoints.INNER_LOWER, 1] - value[:, facepoints.INNER_UPPER, 1]


def _paint_faithful(
    model: FaithfulModel, scene: Scene, recipe: FinetuneRecipe, spread: Tensor
) -> tuple[dict[str, Tensor], Tensor]:
    """The keypoints' terms against what the detector sees in the true frames, and frames (S L, 3, H, W) painted.

    The portrait is the training speaker's own, so that absolute keypoints drive it without transfer.
    """
    net, window = model.ph2kp, model.ph2kp.config.window
    sequences, padded = scene.ph.shape
    length = padded - window + 1
    with torch.no_grad():
        here = model.kp_detector(scene.portrait)
        truth = model.kp_detector(scene.target.flatten(0, 1)).keypoints
    said = net.encoder_tokens(scene.ph.flatten(), scene.pose.flatten(0, 1)).unflatten(0, (sequences, padded))
    heard = net.decoder_tokens(scene.audio.flatten(0, 1), here.feature_map.repeat_interleave(padded, 0))
    found = net.decode(_windows(said, window), _windows(heard.unflatten(0, (sequences, padded)), window))
    value, jacobian = found.value.float() - truth.value, found.jacobian.float() - truth.jacobian
    with torch.no_grad():
        once = model.generator.encode(scene.portrait)
    source = EncodedSource(*(x.repeat_interleave(length, 0) for x in once))
    there = Keypoints(*(x.repeat_interleave(length, 0) for x in here.keypoints))
    made = model.generator.render(source, there, Keypoints(found.value.float(), found.jacobian.float())).prediction
    speed = value.unflatten(0, (sequences, length))
    return {
        "points": 10 * recipe.points * value.abs().mean(),
        "jacobian": recipe.jacobian * jacobian.abs().mean(),
        "velocity": 10 * recipe.velocity * (speed[:, 1:] - speed[:, :-1]).abs().mean(),
    }, made.float()
