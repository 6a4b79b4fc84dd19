"""What today's code makes of the golden inputs in this folder, and how far that may be from what is recorded.

The files were made by this repository's own code, from seeds (`record.py`), after that code had passed the golden
files that the official modules gave (`tests/avct/test_golden_shared.py`, which needs a folder beside the repository).
Cases a to j are theirs, with networks of 128 pixels and few channels whose random weights are in weights.npz.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avct import audio, inference, phonemes, plain, posebox
from avct.audio2pose import denormalise, head_poses
from avct.config import (
    Audio2kpConfig,
    Audio2PoseConfig,
    AvctConfig,
    DetectorConfig,
    GeneratorConfig,
    MotionConfig,
    TransformerConfig,
)
from avct.generator import deform
from avct.geometry import Keypoints
from avct.model import FaithfulModel
from avct.transfer import transfer

HERE = Path(__file__).parent
KEYPOINTS, SIDE = 4, 128
DETECTOR = DetectorConfig(keypoints=KEYPOINTS, expansion=4, max_features=16, blocks=3)
CONFIG = AvctConfig(
    image_size=SIDE,
    detector=DETECTOR,
    generator=GeneratorConfig(
        keypoints=KEYPOINTS,
        expansion=4,
        max_features=12,
        bottleneck_blocks=1,
        motion=MotionConfig(expansion=4, max_features=16, blocks=3),
    ),
    audio2kp=Audio2kpConfig(
        keypoints=KEYPOINTS,
        embedding=16,
        half_window=2,
        positions=6,
        pose_size=SIDE,
        map_channels=DETECTOR.map_channels,
        map_size=32,
        audio_channels=5,
        features=(4, 6, 8, 16),
        transformer=TransformerConfig(width=16, heads=2, encoder_layers=2, decoder_layers=2, feedforward=32),
    ),
    audio2pose=Audio2PoseConfig(widths=(4, 6), blocks=(1, 2), embedding=6, hidden=8, layers=2, pose_size=SIDE),
)
STEP = 3
"""Frames of case j that are kept are this far apart; of whole pictures every second row and column is kept."""
TOLERANCE = {
    "a": {"value": 2e-5, "jacobian": 2e-5, "feature_map": 1e-4, "logits": 1e-4},
    "b": {"sparse_deformed": 2e-4, "mask": 5e-5, "deformation": 5e-5, "occlusion": 5e-5},
    "c": {"prediction": 1e-3, "deformed": 1e-3, "deformation": 1e-4, "occlusion": 1e-4},
    "d": {"encoder_tokens": 1e-3, "decoder_tokens": 1e-3, "memory": 1e-3, "value": 1e-4, "jacobian": 1e-4},
    "e": {"numbers": 1e-4, "poses": 1e-2, "clip": 1e-2},
    "f": {f"{case}/{part}": t for case in ("voice", "noise", "stereo") for part, t in (("mel", 1e-4), ("pitch", 1e-6))},
    "g": {"ids": 0.0},
    "h": {"points": 1e-3, "bits": 0.0},
    "i": {"value": 1e-4, "jacobian": 1e-4},
    "j": {"poses": 1e-2, "value": 1e-4, "jacobian": 1e-4, "prediction": 2e-3, "frames": 0.0},
}
"""Largest distances by case and result, those of the official goldens; frames of j follow `same_pixels`."""
Arrays = dict[str, np.ndarray]


def read(name: str) -> Arrays:
    """The arrays of a golden file."""
    with np.load(HERE / f"{name}.npz") as held:
        return {key: held[key] for key in held.files}


def differing(case: str) -> set[str]:
    """Results of a case in which today's code is further from the recorded ones than the tolerance."""
    held = read(case)
    got = play(case, {k.removeprefix("in/"): v for k, v in held.items() if k.startswith("in/")})
    assert {f"out/{key}" for key in got} == {k for k in held if k.startswith("out/")}
    return {key for key, value in got.items() if not _near(case, key, value, held[f"out/{key}"])}


def _near(case: str, key: str, got: np.ndarray, wanted: np.ndarray) -> bool:
    if got.shape != wanted.shape:
        return False
    off = np.abs(got.astype(np.float64) - wanted)
    if (case, key) == ("j", "frames"):  # one level for rounding, more where a value lies on an edge
        return bool(off.max() <= 3 and (off <= 1).mean() >= 0.999)
    return bool(off.max() <= TOLERANCE[case][key])


@torch.no_grad()
def play(case: str, given: Arrays) -> Arrays:
    """What today's code makes of a case's inputs."""
    made = _PLAYS[case](given)
    return {k: v.numpy() if isinstance(v, Tensor) else np.asarray(v) for k, v in made.items()}


@cache
def model() -> FaithfulModel:
    """The small networks with the recorded weights, in eval mode."""
    network = FaithfulModel(CONFIG)
    network.load_state_dict({k: torch.from_numpy(v).to(_dtype(v)) for k, v in read("weights").items()})
    return network.eval()


def _dtype(values: np.ndarray) -> torch.dtype:
    return torch.float32 if values.dtype == np.float16 else torch.from_numpy(values).dtype


def _keypoints(given: Arrays, name: str) -> Keypoints:
    return Keypoints(torch.from_numpy(given[f"{name}_value"]), torch.from_numpy(given[f"{name}_jacobian"]))


def _pictures(given: Arrays) -> Tensor:
    return torch.from_numpy(given["image"]).permute(0, 3, 1, 2).float() / 255


def _detect(given: Arrays) -> dict[str, Any]:
    found = model().kp_detector(_pictures(given))
    return {**found.keypoints._asdict(), "feature_map": found.feature_map, "logits": found.logits}


def _move(given: Arrays) -> dict[str, Any]:
    network = model().generator.dense_motion_network
    return network(_pictures(given), _keypoints(given, "source"), _keypoints(given, "driving"))._asdict()


def _paint(given: Arrays) -> dict[str, Any]:
    source = _pictures(given)
    painted = model().generator(source, _keypoints(given, "source"), _keypoints(given, "driving"))
    whole = {"prediction": painted.prediction, "deformed": deform(source, painted.motion)}
    kept = {k: v[..., ::2, ::2] for k, v in whole.items()}
    return {**kept, "deformation": painted.motion.deformation, "occlusion": painted.motion.occlusion}


def _speak(given: Arrays) -> dict[str, Any]:
    """Windows of a clip, its ends included, through the whole correlation network."""
    network, frames = model().ph2kp, len(given["ids"])
    around = phonemes.windows(frames, network.config.half_window)
    ph = torch.from_numpy(around.phonemes(given["ids"]))
    pose = torch.from_numpy(posebox.draw_all(given["poses"], size=SIDE)[around.index])
    sound, face = torch.from_numpy(around.audio(given["rows"])), torch.from_numpy(given["feature_map"])
    found = network(ph, pose, sound, face.expand(frames, -1, -1, -1))
    said = network.encoder_tokens(ph[0], pose[0])
    heard = network.decoder_tokens(sound[0], face)
    decoded = network.transformer(said[:, None], heard[:, None], positions=network.pos_enc(len(said)))
    return {"encoder_tokens": said, "decoder_tokens": heard, "memory": decoded.memory, **found._asdict()}


def _turn(given: Arrays) -> dict[str, Any]:
    network, first = model().audio2pose, given["first"]
    numbers = network(torch.from_numpy(posebox.draw(first, size=SIDE))[None], torch.from_numpy(given["rows"])[None])
    return {"numbers": numbers, "poses": denormalise(numbers), "clip": head_poses(network, first, given["rows"])}


def _listen(given: Arrays) -> dict[str, Any]:
    made = {}
    for case, wave in given.items():
        samples = wave.astype(np.float64)
        rows = audio.features(audio.official_channel(samples) if samples.ndim == 2 else samples)
        made |= {f"{case}/mel": rows[:, :39], f"{case}/pitch": rows[:, 39:]}
    return made


def _spell(given: Arrays) -> dict[str, Any]:
    texts = json.loads(given["json"].item())
    ids = [phonemes.ids_at_25fps(phonemes.parse(words, origin=name)) for name, words in texts.items()]
    return {"ids": np.array([number for some in ids for number in (*some, -1)])}


def _draw(given: Arrays) -> dict[str, Any]:
    points = np.stack([posebox.project(pose) for pose in given["poses"]])
    return {"points": points, "bits": np.packbits(posebox.draw_all(given["poses"]) > 0, axis=-1)}


def _transfer(given: Arrays) -> dict[str, Any]:
    return transfer(*(_keypoints(given, name) for name in ("source", "driving", "initial")))._asdict()


def _clip(given: Arrays) -> dict[str, Any]:
    """The official script's clip: keypoints and predictions by the plain loop, frames by the engine."""
    rows = audio.features(given["wave"].astype(np.float64))
    ids = phonemes.ids_at_25fps(phonemes.parse(json.loads(given["json"].item())))
    frames = min(len(rows) // 4, len(ids))
    sound = audio.frame_rows(rows, frames)
    poses = head_poses(model().audio2pose, given["first"], sound)
    score = inference.Score(given["image"][0], np.array(ids[:frames]), sound, poses, given["first"])
    led, source = zip(*plain.driving(model(), score), strict=True)
    value, jacobian = torch.cat([k.value for k in led]), torch.cat([k.jacobian for k in led])
    some = Keypoints(value[::STEP], jacobian[::STEP])
    painted = model().generator(_pictures(given).expand(len(some.value), -1, -1, -1), source[0], some).prediction
    played = np.concatenate(list(inference.perform(model(), score)))
    kept = {"prediction": painted[..., ::2, ::2], "frames": played[::STEP, ::2, ::2]}
    return {"poses": poses, "value": value, "jacobian": jacobian, **kept}


_PLAYS: dict[str, Callable[[Arrays], dict[str, Any]]] = {
    "a": _detect, "b": _move, "c": _paint, "d": _speak, "e": _turn,
    "f": _listen, "g": _spell, "h": _draw, "i": _transfer, "j": _clip,
}  # fmt: skip
