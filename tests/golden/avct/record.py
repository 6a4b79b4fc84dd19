"""Records the goldens of this folder: `python tests/golden/avct/record.py`. It makes what lacks and changes nothing.

A value that moved is a fault of the code or a new network, never a reason for a new golden.
"""

from __future__ import annotations

import json

import numpy as np
import play
import torch
from play import CONFIG, HERE, KEYPOINTS, SIDE, Arrays
from torch import nn

from avct import posebox
from avct.model import FaithfulModel

SEED = 2112
FIRST = np.array([0.12, -0.2, 0.05, -6.0, 12.0, 260.0], np.float32)


def draw_weights() -> Arrays:
    """The networks' state dict, float16 where float: random, with running statistics of real inputs, then shaken."""
    rng = np.random.default_rng(SEED)
    model = FaithfulModel(CONFIG)
    with torch.no_grad():
        for name, held in model.named_parameters():
            scale = held[0].numel() ** -0.5 if held.dim() > 1 else 0.2
            centre = float(name.endswith("weight")) if held.dim() == 1 else 0.0
            held.copy_(torch.from_numpy(centre + scale * rng.standard_normal(held.shape)))
        for head in (model.kp_detector.jacobian, model.ph2kp.jacobian):
            head.weight.mul_(0.3)
            head.bias.add_(torch.eye(2).flatten().repeat(KEYPOINTS))
        # keypoints that stay in the picture, and logits that leave the softmax undecided between places
        model.ph2kp.kp.weight.mul_(0.4)
        for network in (model.kp_detector, model.generator, model.ph2kp, model.audio2pose):
            network.eval()
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.train()
                    module.momentum = 1.0
        _run(model)
        for name, held in model.named_buffers():
            if name.endswith("running_mean"):
                held.add_(torch.from_numpy(0.1 * held.std().item() * rng.standard_normal(held.shape)))
            elif name.endswith("running_var"):
                held.mul_(torch.from_numpy(rng.uniform(0.8, 1.25, held.shape)))
    return {
        k: v.numpy().astype(np.float16)
        if v.is_floating_point() and "down" not in k and "pos_enc" not in k
        else v.numpy()
        for k, v in model.state_dict().items()
    }


def _run(model: FaithfulModel) -> None:
    """Everything once, so that every batch norm sees a batch."""
    picture = torch.from_numpy(paint_image(3)).permute(0, 3, 1, 2).float() / 255
    found = model.kp_detector(picture)
    shifted = found.keypoints._replace(value=found.keypoints.value + 0.1)
    model.generator(picture, found.keypoints, shifted)
    rasters, rows = torch.from_numpy(posebox.draw_all(turn_head(12), size=SIDE)), torch.from_numpy(hear_rows(12))
    model.ph2kp.encoder_tokens(torch.arange(12), rasters)
    model.ph2kp.decoder_tokens(rows, found.feature_map[:1])
    model.audio2pose(rasters, rows[None].expand(12, -1, -1, -1))


def paint_image(count: int) -> np.ndarray:
    """Pictures uint8 (count, SIDE, SIDE, 3) of waves."""
    rng = np.random.default_rng(SEED + 1)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    made = np.zeros((count, SIDE, SIDE, 3))
    for _ in range(6):
        f, g, phase = rng.uniform(-4, 4, (count, 1, 1, 3)), rng.uniform(-4, 4, (count, 1, 1, 3)), rng.uniform(0, 6, 3)
        made += np.sin(2 * np.pi * (f * x[..., None] + g * y[..., None]) + phase)
    return np.rint(127 + 30 * made).clip(0, 255).astype(np.uint8)


def turn_head(count: int) -> np.ndarray:
    """Poses float32 (count, 6) of a head that looks about."""
    rng = np.random.default_rng(SEED + 2)
    spread = np.array([0.25, 0.4, 0.2, 25, 25, 30])
    return (np.array([0, 0, 0, 0, 0, 260]) + spread * rng.uniform(-1, 1, (count, 6))).astype(np.float32)


def speak_wave(seconds: float, *, voiced: bool = True) -> np.ndarray:
    """A wave int16 (N,): a buzz of moving pitch with pauses and breath, or breath alone."""
    rng = np.random.default_rng(SEED + 3)
    t = np.arange(round(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(5 * t)) / 16_000
    buzz = sum(np.sin(k * phase) / k for k in range(1, 20)) * (np.sin(9 * t) > -0.6)
    return np.rint(1e4 * (0.5 * buzz * voiced + 0.05 * rng.standard_normal(len(t)))).astype(np.int16)


def hear_rows(frames: int) -> np.ndarray:
    """Audio rows float32 (frames, 4, 41) of a wave."""
    from avct.audio import features, frame_rows, lengthen

    wave = speak_wave(frames / 25)
    return frame_rows(features(lengthen(wave.astype(np.float64), frames)), frames)


def say_words(ends: tuple[int, ...]) -> list[dict[str, object]]:
    """Official JSON of one word after another, each of one phone, ending at these times in 10 ms."""
    names = ("SIL", "HH", "AH", "L", "OW", "W", "ER", "D", "M", "B")
    begins = (0, *ends[:-1])
    return [
        {"word": f"w{i}", "phones": [{"ph": names[i % len(names)], "bg": b, "ed": e}]}
        for i, (b, e) in enumerate(zip(begins, ends, strict=True))
    ]


def keypoints(count: int, seed: int, name: str) -> Arrays:
    """Keypoints inside the picture with Jacobians near the identity, as inputs of that name."""
    rng = np.random.default_rng(SEED + seed)
    linear = np.eye(2) + 0.4 * rng.uniform(-1, 1, (count, KEYPOINTS, 2, 2))
    value = rng.uniform(-0.7, 0.7, (count, KEYPOINTS, 2))
    return {f"{name}_value": value.astype(np.float32), f"{name}_jacobian": linear.astype(np.float32)}


def inputs(case: str) -> Arrays:
    """A case's inputs."""
    moved = {"image": paint_image(1), **keypoints(1, 10, "source"), **keypoints(2, 11, "driving")}
    if case == "d":
        face = play.play("a", {"image": paint_image(1)})["feature_map"]
        ids = np.array([14, 2, 22, 25, 31, 38])
        return {"ids": ids, "poses": turn_head(6), "rows": hear_rows(6), "feature_map": face}
    if case == "f":
        stereo = np.stack([speak_wave(0.2), speak_wave(0.2, voiced=False)], 1)
        return {"voice": speak_wave(0.5), "noise": speak_wave(0.2, voiced=False), "stereo": stereo}
    if case == "g":
        # 116 and 232 are where a product in floating point falls short of a whole number of frames
        ends = {"plain": (7, 12, 20, 33), "whole": (10, 30, 116), "empty phone": (4, 4, 9, 232), "one": (15,)}
        return {"json": np.array(json.dumps({name: say_words(some) for name, some in ends.items()}))}
    if case == "h":
        # heads partly outside the picture too, where coordinates are negative
        return {"poses": np.concatenate([turn_head(8), turn_head(4) + np.float32([0, 0, 0, -120, -110, 0])])}
    if case == "i":
        return {**keypoints(1, 12, "source"), **keypoints(3, 13, "driving"), **keypoints(1, 14, "initial")}
    if case == "j":
        # the phones end a frame before the sound
        text = json.dumps(say_words((9, 17, 30, 43)))
        return {"image": paint_image(1), "wave": speak_wave(0.46), "json": np.array(text), "first": FIRST}
    return {"a": {"image": paint_image(2)}, "b": moved, "c": moved, "e": {"first": FIRST, "rows": hear_rows(6)}}[case]


def main() -> None:
    """Writes what lacks."""
    if not (HERE / "weights.npz").exists():
        np.savez_compressed(HERE / "weights.npz", **draw_weights())
    for case in play.TOLERANCE:
        path = HERE / f"{case}.npz"
        if path.exists():
            continue
        given = inputs(case)
        made = play.play(case, given)
        held = {f"in/{k}": v for k, v in given.items()} | {f"out/{k}": v for k, v in made.items()}
        np.savez_compressed(path, **held)
        print(path.name, {k: (v.shape, f"{v.min():.3g} to {v.max():.3g}") for k, v in made.items()})


if __name__ == "__main__":
    main()
