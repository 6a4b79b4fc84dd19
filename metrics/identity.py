"""Whether the face is still the same person's: each frame's embedding against that of the truth's frame.

Frame and truth's frame, not frame and reference image: a clip holds no reference image, so these are not the published
CSIM, which compares with it and therefore counts the truth's own changes of pose and expression too. Lines without a
face in either are left out of both; under four fifths of them there is no value.

In a scene of the corpus dlib's distance is 0.15 to 0.58 on the way to another person, 0.15 for a mouth that stays shut
and 0.04 for frames shaken by a quarter of a pixel, since its landmarks are whole pixels.

Does not measure: whether the person is the right one where the truth is not (a truth of somebody else), lip sync,
pose, sharpness as such; embeddings also answer to blur, light and a face that is cut badly.
Source: Deng et al. 2019, ArcFace; D. King 2017, dlib; Zakharov et al. 2019 (CSIM), arXiv 1905.08233.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE
from metrics.errors import MetricError
from metrics.features.dlib128 import STRIDE
from metrics.landmarks import BACKENDS
from metrics.registry import Variant

Gap = Callable[[np.ndarray, np.ndarray], np.ndarray]


def euclidean(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """|a - b| float64 (N,) of lines (N, D)."""
    return np.linalg.norm(np.subtract(ours, theirs, dtype=np.float64), axis=1)


def cosine(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """a . b / (|a| |b|) float64 (N,) of lines (N, D); NaN where either has no length."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.clip((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1)), -1.0, 1.0)


def measure(clip: Clip, extractor: str, gap: Gap, *, stride: int) -> Result:
    """The mean over every `stride`-th frame in which both have a face."""
    ours, theirs = clip.features[extractor], clip.truth_features[extractor]
    lines = -(-len(clip.frames) // stride)
    if len(ours) != lines or len(theirs) != lines:
        raise MetricError(f"{extractor}: expected {lines} lines of features, got {len(ours)} and {len(theirs)}")
    values = gap(ours, theirs)
    valid = np.isfinite(values)
    curve = np.full(len(clip.frames), np.nan)
    curve[::stride] = np.where(valid, values, np.nan)
    coverage = float(valid.mean())
    if coverage < MIN_COVERAGE:
        asked = f"{lines} frames" + (f" (every {stride}th)" if stride > 1 else "")
        reason = f"a face was found in {np.count_nonzero(valid)} of {asked}, under {MIN_COVERAGE:.0%}"
        return Result(None, coverage, per_frame=curve, reason=reason)
    return Result(float(values[valid].mean()), coverage, per_frame=curve)


@dataclass(frozen=True)
class _Card:
    id: str
    title: str
    formula: str
    direction: str
    bounds: tuple[float | None, float | None]
    extractor: str
    weights: str
    source: str
    equals: str
    blind_to: str
    gap: Gap
    stride: int = 1


_LANDMARKS = "dlib68"
_BLIND = "lip sync; who the truth is; a face so changed that none is found, which lowers the coverage only"
_CARDS = (
    _Card(
        "identity_distance/dlib128@1",
        "Distance of identities by dlib's face recognition (not CSIM)",
        f"mean over frames 0, {STRIDE}, {2 * STRIDE}, … of |a - b|, a and b the 128 numbers of dlib's ResNet-29 of the "
        "frame's and the truth's face, 150x150, upright by 68 landmarks of dlib68; a face in at least "
        f"{MIN_COVERAGE:.0%} of them",
        "lower",
        (0.0, None),
        "dlib128",
        "dlib_resnet",
        "D. King 2017, dlib_face_recognition_resnet_model_v1, by which under 0.6 is one person",
        "the distance that dlib's own face recognition thresholds, taken between two videos",
        f"{_BLIND}; {STRIDE - 1} frames of {STRIDE}; small changes of a person: frames of one film are 0.2 to 0.35 "
        "apart on average, two persons' 0.86 (six films)",
        euclidean,
        STRIDE,
    ),
    _Card(
        "csim/arcface-r50@1",
        "Cosine of ArcFace identities, frame and truth",
        "mean over frames of a.b / (|a| |b|), a and b the 512 numbers of IResNet-50 (ArcFace) of the frame's and the "
        "truth's face, 112x112 by a similarity on five points from the 68 landmarks of dlib68, RGB less 127.5 over "
        f"127.5, not mirrored; a face in at least {MIN_COVERAGE:.0%} of frames",
        "higher",
        (-1.0, 1.0),
        "arcface",
        "arcface_r50",
        "Deng et al. 2019, CVPR, arXiv 1801.07698; Zakharov et al. 2019, arXiv 1905.08233 (CSIM)",
        "CSIM as papers compute it, but against the truth's frame in place of the reference image, and for the weights "
        "given: training set and depth differ between papers",
        _BLIND,
        cosine,
    ),
)


def _variant(card: _Card) -> Variant:
    needs = ("truth", f"features:{card.extractor}", f"truth_features:{card.extractor}")
    return Variant(
        id=card.id, title=card.title, formula=card.formula, unit="1", direction=card.direction, target=None,
        bounds=card.bounds, needs=needs, weights=(card.weights, *BACKENDS[_LANDMARKS]), source=card.source,
        equals=card.equals, blind_to=card.blind_to, legacy=False,
        measure=partial(measure, extractor=card.extractor, gap=card.gap, stride=card.stride), promises=("identity",),
    )  # fmt: skip


VARIANTS = tuple(_variant(card) for card in _CARDS)
