"""Corpus metrics by their interface: cards, what a clip brings, and a value of groups of clips that may be left out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from metrics.clip import Clip
from metrics.registry import Variant, evaluate, find, get

IDS = (
    "fid/inception2015-pytorchfid@1", "fid/inception2015-clean@1", "fid/inception2015-tf@1",
    "kid/inception2015-pytorchfid@1", "kid/inception2015-clean@1", "kid/dlib128@1",
    "ffd/dlib128@1", "fvd/i3d-logits400-16f@1",
)  # fmt: skip
WIDTHS = {"inception_pytorchfid": 2048, "inception_clean": 2048, "inception_tf": 2048, "dlib128": 128, "i3d": 400}
EVERY = pytest.mark.parametrize("id", IDS)


def lines(count: int, dimensions: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """float32 (count, dimensions) that differ little within a clip and more between clips."""
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 1, dimensions) + rng.normal(shift, 0.3, (count, dimensions))).astype(np.float32)


def clip_of(variant: Variant, ours: np.ndarray, theirs: np.ndarray) -> Clip:
    frames = np.zeros((20, 4, 4, 3), np.uint8)
    name = variant.corpus.features
    return Clip(frames, truth=frames, features={name: ours}, truth_features={name: theirs})


def test_what_there_is() -> None:
    found = [v.id for family in ("fid", "kid", "ffd", "fvd") for v in find(family)]
    assert sorted(found) == sorted(IDS)


@EVERY
def test_card(id: str) -> None:
    variant = get(id)
    corpus = variant.corpus
    assert variant.scope == "corpus" and variant.direction == "lower" and variant.weights and not variant.legacy
    assert variant.needs == (f"features:{corpus.features}", f"truth_features:{corpus.features}")
    assert corpus.features in WIDTHS and corpus.least_frames >= 100 and corpus.least_clips >= 5
    assert f"{corpus.least_frames} " in variant.formula and f"{corpus.least_clips} clips" in variant.formula
    assert "lip sync" in variant.blind_to
    # nothing is promised that cannot be checked without weights that are not here
    assert variant.promises == (("identity",) if corpus.features == "dlib128" else ())
    assert variant.bounds == ((None, None) if variant.family == "kid" else (0.0, None))


def test_full_rank_is_possible_where_little_is_asked_for() -> None:
    assert get("ffd/dlib128@1").corpus.least_frames > WIDTHS["dlib128"]


@EVERY
def test_what_a_clip_brings(id: str) -> None:
    variant = get(id)
    whole = lines(20, WIDTHS[variant.corpus.features], 1)
    torn = whole.copy()
    torn[:5] = np.nan
    lost = np.full_like(whole, np.nan)
    result = evaluate(id, clip_of(variant, whole, torn))
    assert (result.value, result.coverage, result.reason) == (None, 1.0, None)
    assert evaluate(id, clip_of(variant, torn, whole)).coverage == 0.75
    result = evaluate(id, clip_of(variant, lost, whole))
    assert result.value is None and result.coverage == 0 and result.reason and "truth" not in result.reason
    result = evaluate(id, clip_of(variant, whole, lost))
    assert result.value is None and result.coverage == 1 and result.reason.endswith("in the truth")
    result = evaluate(id, clip_of(variant, whole[:0], whole[:0]))  # a clip too short for one window
    assert result.value is None and result.coverage == 0 and result.reason
    if variant.family == "fvd":
        assert result.reason == "under 16 frames make no window"


@EVERY
def test_a_value_of_groups(id: str) -> None:
    corpus = get(id).corpus
    width = WIDTHS[corpus.features]
    ours = [[lines(12, width, 10 * g + k, shift=0.1) for k in range(3)] for g in range(6)]
    theirs = [[lines(12, width, 10 * g + k) for k in range(3)] for g in range(6)]
    parts = [[corpus.summarise(blocks) for blocks in side] for side in (ours, theirs)]

    def value(groups: list[int]) -> float:
        found = corpus.distance(*(corpus.merge([side[g] for g in groups]) for side in parts))
        assert isinstance(found, float)
        return found

    everything = list(range(6))
    assert value(everything) == value(everything)
    assert np.isfinite(value(everything[1:])) and value(everything[1:]) != value(everything)
    at_once = [corpus.summarise([block for group in side for block in group]) for side in (ours, theirs)]
    assert corpus.distance(*at_once) == pytest.approx(value(everything), rel=1e-9)
    # a set is nearer to itself, and twice the change is farther
    same = corpus.distance(corpus.merge(parts[1]), corpus.merge(parts[1]))
    far = [corpus.summarise([block + np.float32(0.1) for block in blocks]) for blocks in ours]
    farther = corpus.distance(corpus.merge(far), corpus.merge(parts[1]))
    assert same < value(everything) < farther
    assert same == pytest.approx(0, abs=1e-6) or (get(id).family == "kid" and same < 0)


@EVERY
def test_order_of_clips_matters_to_rounding_alone(id: str) -> None:
    corpus = get(id).corpus
    width = WIDTHS[corpus.features]
    parts = [corpus.summarise([lines(30, width, s)]) for s in range(8)]
    other = corpus.merge([corpus.summarise([lines(30, width, s, shift=0.2)]) for s in range(8)])
    value = corpus.distance(corpus.merge(parts), other)
    assert corpus.distance(corpus.merge(parts[::-1]), other) == pytest.approx(value, rel=1e-9)


def test_listing_imports_no_network() -> None:
    code = (
        "import sys; from metrics.registry import variants; from metrics.features import extractors; variants();"
        "extractors(); print([m for m in ('torch', 'torchvision', 'pytorch_fid', 'scipy', 'PIL') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "[]"
