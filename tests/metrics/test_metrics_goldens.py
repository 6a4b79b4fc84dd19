"""Every variant: its golden value, what it gives for the truth itself, its bounds, and input that has no value."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from contract import sound

from metrics.clip import Clip
from metrics.errors import MetricError
from metrics.registry import Variant, evaluate, get, variants
from metrics.weights import entry

VALUES = json.loads((Path(__file__).parents[1] / "golden" / "metrics" / "values.json").read_text())
MOVING = json.loads((Path(__file__).parents[1] / "golden" / "metrics" / "motion.json").read_text())
WIDE = json.loads((Path(__file__).parents[1] / "golden" / "metrics" / "wide.json").read_text())
EVERY = pytest.mark.parametrize("id", sorted(VALUES))
LEAST = {"lip_opening_r": 25, "lip_opening_slope": 25, "lip_opening_std": 25, "lvd": 2}
"""Frames that a family needs for a value; those that listen need 25, others 1."""
LEAVES_OUT_THE_TRUTH = ("psnr/legacy-without-identical@1",)
"""Variants that leave frames equal to their truth out, whatever a face does."""
NEIGHBOURS = ("lvd",)
"""Families that look at frames in their order."""


def is_paired(id: str) -> bool:
    """Whether the variant compares with a truth; others look at the video alone."""
    return any("truth" in need for need in get(id).needs)


def is_heard(id: str) -> bool:
    """Whether the variant listens: by a network, and to windows of frames in their order."""
    return "samples" in get(id).needs


def is_recorded(variant: Variant) -> bool:
    """Whether a clip has a value by weights that are here always; others have goldens in tests of their own."""
    return variant.corpus is None and all(entry(name).bundled_in for name in variant.weights)


def same(clip: Clip) -> Clip:
    """The truth in the place of the video, landmarks and features too."""
    return dataclasses.replace(clip, frames=clip.truth, landmarks=clip.truth_landmarks, features=clip.truth_features)


def first(clip: Clip, frames: int) -> Clip:
    """The first frames alone, and as large a part of the features, whatever their stride."""
    cut = {k: {n: p[:frames] for n, p in getattr(clip, k).items()} for k in ("landmarks", "truth_landmarks")}
    for kind in ("features", "truth_features"):
        lines = getattr(clip, kind).items()
        cut[kind] = {name: held[: math.ceil(len(held) * frames / len(clip.frames))] for name, held in lines}
    return dataclasses.replace(clip, frames=clip.frames[:frames], truth=clip.truth[:frames], **cut)


def test_every_variant_has_a_golden_value() -> None:
    # with clips of their own: test_metrics_motion.py, test_metrics_wide.py
    moving = {id.partition("/")[0] for id in (*MOVING, *WIDE)}
    wanted = {id for id, variant in variants().items() if is_recorded(variant) and variant.family not in moving}
    assert set(VALUES) == wanted, "run tests/golden/metrics/record.py; a variant that is gone loses its entry"
    assert all(expected["value"] is not None for expected in VALUES.values())


@EVERY
def test_no_value_moves_without_a_new_version(id: str, golden_clip: Clip) -> None:
    result = evaluate(id, golden_clip)
    sound(result, len(golden_clip.frames), get(id).bounds)
    # networks run in float32, whose last digits differ between processors
    near = {"rel": 1e-4, "abs": 1e-5} if is_heard(id) else {"rel": 1e-9, "abs": 1e-12}
    assert result.value == pytest.approx(VALUES[id]["value"], **near)
    assert result.coverage == VALUES[id]["coverage"]


@EVERY
def test_the_truth_itself_is_best(id: str, golden_clip: Clip) -> None:
    variant, ideal = get(id), evaluate(id, same(golden_clip)).value
    if id in LEAVES_OUT_THE_TRUTH:
        assert ideal is None
        return
    assert ideal is not None
    if not is_paired(id):
        return
    if variant.direction == "lower":
        assert ideal == pytest.approx(0, abs=1e-9) and VALUES[id]["value"] > ideal
    elif variant.direction == "higher":
        best = 100.0 if variant.bounds[1] is None else variant.bounds[1]
        assert ideal == pytest.approx(best, abs=1e-12) and VALUES[id]["value"] < ideal
    elif variant.target is not None:
        assert ideal == pytest.approx(variant.target, abs=1e-9) and VALUES[id]["value"] != ideal


@EVERY
def test_a_frames_order_does_not_matter(id: str, golden_clip: Clip) -> None:
    """Both videos shuffled alike give the same, but for families that listen or look at neighbours. Features stay."""
    if is_heard(id) or get(id).family in NEIGHBOURS:
        return
    order = np.random.default_rng(1).permutation(len(golden_clip.frames))
    moved = {k: {n: p[order] for n, p in getattr(golden_clip, k).items()} for k in ("landmarks", "truth_landmarks")}
    clip = dataclasses.replace(golden_clip, frames=golden_clip.frames[order], truth=golden_clip.truth[order], **moved)
    assert evaluate(id, clip).value == pytest.approx(VALUES[id]["value"], rel=1e-9)


@EVERY
@pytest.mark.parametrize("frames", [1, 2])
def test_short_clips(id: str, frames: int, golden_clip: Clip) -> None:
    result = evaluate(id, first(golden_clip, frames))
    sound(result, frames, get(id).bounds)
    least = 25 if is_heard(id) else LEAST.get(get(id).family, 1)
    assert (result.value is None) == (frames < least)
    if frames < least:
        assert f"expected at least {least}" in result.reason


@EVERY
def test_no_face_anywhere(id: str, golden_clip: Clip) -> None:
    nowhere = {
        k: {n: np.full_like(p, np.nan) for n, p in getattr(golden_clip, k).items()}
        for k in ("landmarks", "truth_landmarks", "features", "truth_features")
    }
    result = evaluate(id, dataclasses.replace(golden_clip, **nowhere))
    sound(result, len(golden_clip.frames), get(id).bounds)
    marked = any(":" in need for need in get(id).needs)
    assert (result.value is None) == marked
    if id not in LEAVES_OUT_THE_TRUTH:
        assert result.coverage == (0.0 if marked else 1.0)


@EVERY
@pytest.mark.parametrize("level", [0, 255])
def test_pictures_of_one_colour_and_faces_of_one_point(id: str, level: int, golden_clip: Clip) -> None:
    frames, truth = np.full_like(golden_clip.frames, level), np.full_like(golden_clip.frames, 255 - level)
    still = {
        k: {n: np.full_like(p, 20.0) for n, p in getattr(golden_clip, k).items()}
        for k in ("landmarks", "truth_landmarks")
    }
    result = evaluate(id, dataclasses.replace(golden_clip, frames=frames, truth=truth, **still))
    sound(result, len(frames), get(id).bounds)


@EVERY
def test_noise_keeps_bounds(id: str, golden_clip: Clip) -> None:
    rng = np.random.default_rng(5)
    noise = {"frames": rng.integers(0, 256, golden_clip.frames.shape).astype(np.uint8)}
    points: dict[str, Mapping[str, np.ndarray]] = {
        k: {n: rng.uniform(0, 40, p.shape) for n, p in getattr(golden_clip, k).items()}
        for k in ("landmarks", "truth_landmarks")
    }
    clip = dataclasses.replace(golden_clip, truth=noise["frames"][::-1].copy(), **noise, **points)
    sound(evaluate(id, clip), len(clip.frames), get(id).bounds)


@EVERY
def test_inputs_are_left_alone(id: str, golden_clip: Clip) -> None:
    def bytes_of(clip: Clip) -> list[bytes]:
        marks = [*clip.landmarks.values(), *clip.truth_landmarks.values()]
        marks += [*clip.features.values(), *clip.truth_features.values()]
        return [array.tobytes() for array in (clip.frames, clip.truth, *marks)]

    before = bytes_of(golden_clip)
    first_answer, second = evaluate(id, golden_clip), evaluate(id, golden_clip)
    assert bytes_of(golden_clip) == before and first_answer.value == second.value


@EVERY
def test_what_is_lacking_is_said(id: str) -> None:
    bare = Clip(frames=np.zeros((2, 16, 16, 3), np.uint8))
    with pytest.raises(MetricError, match=r"needs (truth|landmarks by)") as caught:
        evaluate(id, bare)
    assert id in str(caught.value) and "\n" not in str(caught.value)
