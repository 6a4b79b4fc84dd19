"""Landmark distance between a video and its truth: points x centring x normaliser x landmark backend, each in the id.

The mean Euclidean distance between corresponding landmarks, over points, then over frames. Frames without a face in
either are left out of both; under four fifths of the frames there is no value (legacy variants have one as long as a
frame is left). Pixels are those of a 256x256 frame (x times 256/width, y times 256/height) where the unit says so, else
the video's own. The mathematics is pure: `distances` takes any arrays.

Does not measure: identity, picture quality, sync finer than a frame. A detector's own noise is about half a pixel, and
a soft or wrong mouth may move its points less than it disturbs a viewer.
Source: Chen, Li, Maddox, Duan, Xu, "Lip movements generation at a glance", ECCV 2018 (mouth, mean-centred).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from metrics.alignment import similarity
from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, seen, too_few
from metrics.landmarks import BACKENDS, LEGACY_BACKENDS
from metrics.landmarks.scheme68 import MOUTH, OUTER_EYES
from metrics.registry import Variant

SIDE = 256
_EYES = (slice(36, 42), slice(42, 48))
Centring = Literal["none", "mean", "similarity"]
Normaliser = Literal["none", "outer eye corners", "eye centres"]


@dataclass(frozen=True)
class Rule:
    """One way to compare landmarks. mouth: the 20 points of the mouth in place of all 68.

    centring: "mean" takes each frame's mean of the compared points off both; "similarity" first lays the video's 68
    points on the truth's by the best rotation, scale and shift. total: sum over points in place of the mean.
    """

    mouth: bool
    centring: Centring = "none"
    normaliser: Normaliser = "none"
    total: bool = False


def distances(
    ours: np.ndarray, theirs: np.ndarray, rule: Rule, *, scale: tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """float64 (T,) of landmarks float64 (T, 68, 2) of video and truth; NaN frames stay NaN.

    scale: factors of x and y before distances are taken, after any alignment. Units follow the rule and the scale.
    """
    unit = _unit(theirs * scale, rule.normaliser)
    if rule.centring == "similarity":
        ours = align(ours, theirs)
    ours, theirs = ours * scale, theirs * scale
    if rule.mouth:
        ours, theirs = (points[:, MOUTH.start : MOUTH.stop] for points in (ours, theirs))
    if rule.centring == "mean":
        ours, theirs = (points - points.mean(1, keepdims=True) for points in (ours, theirs))
    gaps = np.linalg.norm(ours - theirs, axis=-1)
    return (gaps.sum(1) if rule.total else gaps.mean(1)) / unit


def align(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Landmarks (T, N, 2) moved by each frame's least-squares similarity onto the truth's; no mirroring.

    Frames with NaN give NaN.
    """
    out = np.full(ours.shape, np.nan)
    for t in np.flatnonzero(~np.isnan(ours + theirs).any((1, 2))):
        turn, scale, _ = similarity(ours[t], theirs[t])
        out[t] = scale * (ours[t] - ours[t].mean(0)) @ turn.T + theirs[t].mean(0)
    return out


def measure(clip: Clip, backend: str, rule: Rule, *, native: bool, floor: bool) -> Result:
    """The mean over frames in which both have a face. native: pixels as they are. floor: whether too few count."""
    ours, theirs = clip.landmarks[backend], clip.truth_landmarks[backend]
    height, width = clip.frames.shape[1:3]
    curve = distances(ours, theirs, rule, scale=(1.0, 1.0) if native else (SIDE / width, SIDE / height))
    # a face of no width has no unit: such a frame has no distance
    valid = seen(ours, theirs) & np.isfinite(curve)
    curve = np.where(valid, curve, np.nan)
    coverage = float(valid.mean())
    lacking = too_few(valid) if floor or not valid.any() else None
    if lacking is not None:
        return Result(None, coverage, per_frame=curve, reason=lacking)
    return Result(float(curve[valid].mean()), coverage, per_frame=curve)


def _unit(truth: np.ndarray, normaliser: Normaliser) -> np.ndarray | float:
    if normaliser == "none":
        return 1.0
    if normaliser == "outer eye corners":
        left, right = (truth[:, corner] for corner in OUTER_EYES)
    else:
        left, right = (truth[:, eye].mean(1) for eye in _EYES)
    gap = np.linalg.norm(left - right, axis=-1)
    return np.where(gap > 0, gap, np.nan)


_AT_256, _NATIVE = "px at 256", "px"


@dataclass(frozen=True)
class _Card:
    name: str
    title: str
    formula: str
    rule: Rule
    equals: str
    source: str = "Chen et al. 2018, ECCV, arXiv 1803.10404"
    unit: str = _AT_256
    blind_to: str = ""
    legacy: bool = False
    promises: tuple[str, ...] = ()


_LIPS = ("mouth-smaller", "mouth-larger", "wrong-speech", "freeze", "drop")
_ATVGNET = "Chen et al. 2019, arXiv 1905.03820, and its published code"
_CARDS = (
    _Card(
        "mouth20-centred-px",
        "Landmark distance of the mouth, centred",
        "mean over frames and the mouth's 20 points of |p - q|, each set less its own mean, pixels of a 256x256 frame",
        Rule(mouth=True, centring="mean"),
        "the formula of Chen et al. 2018, which states no detector and no resolution",
        blind_to="where the mouth sits in the face; head pose, save that a turn changes the mouth's outline",
        promises=_LIPS,
    ),
    _Card(
        "face68-centred-px",
        "Landmark distance of the face, centred",
        "mean over frames and all 68 points of |p - q|, each set less its own mean, pixels of a 256x256 frame",
        Rule(mouth=False, centring="mean"),
        "the formula of Chen et al. 2018 on all points (\"F-LMD\" in later papers)",
        blind_to="shifts of the whole head; the mouth is 20 points of 68, so its errors are diluted",
        promises=(*_LIPS, "pose-noise"),
    ),
    _Card(
        "face68-iod",
        "Landmark distance of the face over the outer eye corners' distance",
        "mean over frames and all 68 points of |p - q| / |q36 - q45|, q the truth's, not centred, native pixels",
        Rule(mouth=False, normaliser="outer eye corners"),
        "the normalised mean error of 300-W (Sagonas et al. 2013) between two videos",
        source="Sagonas, Tzimiropoulos, Zafeiriou, Pantic 2013, ICCV workshops, 300-W",
        unit="1",
        blind_to="what moves: a head shifted as a whole counts as much as a wrong mouth",
        promises=(*_LIPS, "pose-noise", "jitter"),
    ),
    _Card(
        "mouth20-procrustes-px",
        "Landmark distance of the mouth after aligning the faces",
        "each frame's 68 points laid on the truth's by the least-squares similarity; then mean over frames and the "
        "mouth's 20 points of |p - q|, pixels of a 256x256 frame",
        Rule(mouth=True, centring="similarity"),
        "no published code: defined here",
        source="Umeyama 1991, IEEE PAMI 13(4)",
        blind_to="head shift, roll and size, all taken out; a mouth too large hides partly in the fitted scale",
        promises=_LIPS,
    ),
    _Card(
        "legacy-atvgnet-sum",
        "Landmark distance summed over the mouth's points, as in ATVGnet's evaluation",
        "mean over frames of the sum over the mouth's 20 points of |p - q|, each set less its own mean, native pixels; "
        "frames without a face are left out however many",
        Rule(mouth=True, centring="mean", total=True),
        "compare_landmarks of lelechen63/ATVGnet evaluation_matrix.py, whose detector runs on grey enlarged twice and "
        "keeps the last face found",
        source=_ATVGNET,
        unit=_NATIVE,
        blind_to="frames without a face; it grows with the resolution, and is 20 times the mean",
        legacy=True,
    ),
    _Card(
        "legacy-ernerf-native",
        "Landmark distance of the mouth in native pixels",
        "mean over frames and the mouth's 20 points of |p - q|, each set less its own mean, native pixels",
        Rule(mouth=True, centring="mean"),
        "LMDMeter of Fictionarry/ER-NeRF and its copies, whose detector enlarges twice and keeps the first face found",
        source="Li et al. 2023, ICCV, arXiv 2307.09323, and its published code",
        unit=_NATIVE,
        blind_to="frames without a face; it grows with the resolution",
        legacy=True,
    ),
    _Card(
        "legacy-mouth20-raw-native",
        "Distance of mouth landmarks, not centred, native pixels",
        "mean over frames and the mouth's 20 points of |p - q|, native pixels",
        Rule(mouth=True),
        "code that leaves the centring out; no one repository",
        unit=_NATIVE,
        blind_to="what moves: head pose counts as lip error; it grows with the resolution",
        legacy=True,
    ),
    _Card(
        "legacy-face68-raw-native",
        "Distance of face landmarks, not centred, native pixels",
        "mean over frames and all 68 points of |p - q|, native pixels",
        Rule(mouth=False),
        "code that leaves centring and normaliser out; no one repository",
        unit=_NATIVE,
        blind_to="what moves: head pose counts as error; it grows with the resolution",
        legacy=True,
    ),
    _Card(
        "legacy-face68-eyecentres",
        "Landmark distance of the face over the eye centres' distance",
        "mean over frames and all 68 points of |p - q| / |mean(q36..q41) - mean(q42..q47)|, q the truth's, not "
        "centred, native pixels",
        Rule(mouth=False, normaliser="eye centres"),
        "the inter-pupil normalised mean error of face alignment papers before 300-W's outer corners",
        source="Sagonas, Tzimiropoulos, Zafeiriou, Pantic 2013, ICCV workshops, 300-W",
        unit="1",
        blind_to="what moves: a head shifted as a whole counts as much as a wrong mouth",
        legacy=True,
    ),
)  # fmt: skip


def variants_of(backend: str, weights: Sequence[str], *, legacy: bool = True) -> tuple[Variant, ...]:
    """Every landmark distance by one backend: a user's own backend gets them from a file of two lines."""
    return tuple(_variant(card, backend, tuple(weights)) for card in _CARDS if legacy or not card.legacy)


def _variant(card: _Card, backend: str, weights: tuple[str, ...]) -> Variant:
    rule = "" if card.legacy else f"; a face in at least {MIN_COVERAGE:.0%} of frames"
    return Variant(
        id=f"lmd/{card.name}-{backend}@1", title=f"{card.title} ({backend})",
        formula=f"{card.formula}; landmarks by {backend}{rule}", unit=card.unit, direction="lower", target=None,
        bounds=(0.0, None), needs=("truth", f"landmarks:{backend}", f"truth_landmarks:{backend}"), weights=weights,
        source=card.source, equals=card.equals, blind_to=f"{card.blind_to}; picture quality; identity",
        legacy=card.legacy,
        measure=partial(measure, backend=backend, rule=card.rule, native=card.unit != _AT_256, floor=not card.legacy),
        promises=card.promises,
    )  # fmt: skip


VARIANTS = tuple(
    variant
    for name, weights in BACKENDS.items()
    for variant in variants_of(name, weights, legacy=name in LEGACY_BACKENDS)
)
