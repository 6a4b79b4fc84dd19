"""The committed goldens hold today's code, and a change of any quirk that published weights rely on is seen."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from avct import audio, engine, generator, geometry, keypoints, motion, phonemes, plain
from avct.audio2kp import Audio2kpTransformer
from avct.audio2pose import Audio2Pose
from avct.engine import FaithfulEngine
from avct.phonemes import FPS, UNITS, Windows
from avct.transformer import Decoded, Transformer

FOLDER = Path(__file__).parents[1] / "golden" / "avct"
SILENCE = -15.9
"""About what silence has in most columns of its features."""
Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def goldens() -> ModuleType:
    pytest.importorskip("pyworld", reason="audio features need pyworld")
    spec = importlib.util.spec_from_file_location("golden_avct_play", FOLDER / "play.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", "abcdefghij")
def test_nothing_moves(goldens: ModuleType, case: str) -> None:
    assert goldens.differing(case) == set()


def test_the_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.npz")) < 1_500_000


def wrap(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Puts change(original, *arguments, **options) in the place of a function or method."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *given, **options: change(original, *given, **options))


def warp_by_corners(patch: Patch) -> None:
    def warp(image: Tensor, coordinates: Tensor) -> Tensor:
        return F.grid_sample(image, coordinates, mode="bilinear", padding_mode="zeros", align_corners=True)

    for module in (motion, generator):
        patch.setattr(module, "warp", warp)


def grid_by_centres(patch: Patch) -> None:
    def grid(height: int, width: int, *, like: Tensor) -> Tensor:
        return geometry.grid(height, width, like=like) * torch.tensor([(width - 1) / width, (height - 1) / height])

    patch.setattr(motion, "grid", grid)


def resize_by_corners(patch: Patch) -> None:
    def fit(x: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=True)

    patch.setattr(generator, "_fit", fit)


def keypoints_on_the_whole_grid(patch: Patch) -> None:
    def grid(height: int, width: int, *, like: Tensor) -> Tensor:
        return geometry.grid(height + 6, width + 6, like=like)[3:-3, 3:-3]

    patch.setattr(keypoints, "grid", grid)


def poses_without_lag(patch: Patch) -> None:
    def advance(original: Callable, network: Audio2Pose, state: Any, heard: Tensor) -> Any:
        outputs, after = original(network, state, heard)
        return torch.cat([outputs[:, 1:], after.output[:, None]], dim=1), after

    wrap(patch, Audio2Pose, "advance", advance)


def silence_outside_the_clip(patch: Patch) -> None:
    def fill(rows: Any) -> Any:
        empty = (rows == 0).all(-1, keepdims=True)
        return (torch if isinstance(rows, Tensor) else np).where(empty, rows + SILENCE, rows)

    def hear(original: Callable, network: Any, rows: Any, other: Any) -> Tensor:
        return original(network, fill(rows), other)

    wrap(patch, Audio2kpTransformer, "decoder_tokens", hear)
    wrap(patch, FaithfulEngine, "hear", hear)


def phonemes_held_outside_the_clip(patch: Patch) -> None:
    def held(around: Windows, ids: Any) -> np.ndarray:
        return np.asarray(ids)[around.index]

    def window(original: Callable, score: Any, rows: np.ndarray, frame: int, half: int) -> Any:
        _, sound, poses = original(score, rows, frame, half)
        places = np.arange(frame - half, frame + half + 1).clip(0, len(score.phonemes) - 1)
        return score.phonemes[places], sound, poses

    patch.setattr(Windows, "phonemes", held)
    wrap(patch, plain, "_window", window)


def whole_frame_count(patch: Patch) -> None:
    def ids(original: Callable, words: Any) -> list[int]:
        found, end = original(words), words[-1].phones[-1].end
        return found + found[-1:] * (end * FPS // UNITS - len(found))

    wrap(patch, phonemes, "ids_at_25fps", ids)


def rasters_of_zero_and_one(patch: Patch) -> None:
    wrap(patch, Audio2kpTransformer, "encoder_tokens", lambda said, net, ph, pose: said(net, ph, pose / 255))
    wrap(patch, Audio2Pose, "begin", lambda begin, net, raster: begin(net, raster / 255))


def rows_reversed(patch: Patch) -> None:
    wrap(patch, audio, "frame_rows", lambda rows, *given: rows(*given)[:, ::-1].copy())


def sound_reversed(patch: Patch) -> None:
    def decode(original: Callable, network: Any, said: Tensor, heard: Tensor) -> Any:
        return original(network, said, heard.flip(1))

    wrap(patch, Audio2kpTransformer, "decode", decode)
    wrap(patch, FaithfulEngine, "decode", decode)


def centre_one_late(patch: Patch) -> None:
    def forward(original: Callable, *given: Any, **options: Any) -> Decoded:
        decoded = original(*given, **options)
        return decoded._replace(stack=decoded.stack.roll(-1, dims=1))

    wrap(patch, Transformer, "forward", forward)
    wrap(patch, engine, "centre_output", lambda centre, *given, at, **options: centre(*given, at=at + 1, **options))


LED = {"j/value", "j/jacobian", "j/prediction", "j/frames"}


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (warp_by_corners, {"b/sparse_deformed", "b/mask", "c/prediction", "c/deformed", "j/prediction", "j/frames"}),
        (grid_by_centres, {"b/sparse_deformed", "b/deformation", "c/prediction", "j/prediction", "j/frames"}),
        (resize_by_corners, {"c/deformed"}),
        (keypoints_on_the_whole_grid, {"a/value", "j/value", "j/prediction", "j/frames"}),
        (poses_without_lag, {"e/numbers", "e/poses", "e/clip", "j/poses", *LED}),
        (silence_outside_the_clip, {"d/value", "d/decoder_tokens", *LED}),
        (phonemes_held_outside_the_clip, {"d/value", "j/value"}),
        (whole_frame_count, {"g/ids"}),
        (rasters_of_zero_and_one, {"d/encoder_tokens", "d/value", "e/numbers", *LED}),
        (rows_reversed, {"j/poses", *LED}),
        (sound_reversed, {"d/value", *LED}),
        (centre_one_late, {"d/value", "d/jacobian", *LED}),
    ],
)
def test_a_changed_quirk_is_seen(
    goldens: ModuleType, monkeypatch: Patch, change: Callable[[Patch], None], seen: set[str]
) -> None:
    change(monkeypatch)
    differ = {f"{case}/{key}" for case in {name[0] for name in seen} for key in goldens.differing(case)}
    assert seen <= differ
