"""Landmark velocity difference: how much the landmarks' movement from frame to frame differs from the truth's.

A velocity is a landmark's displacement from one frame to the next, so a frame takes part with the one before it, where
both have a face in video and truth; under four fifths of frames with a face there is no value. Pixels are those of a
256x256 frame (x times 256/width, y times 256/height), per frame: at another frame rate it is another number.

Does not measure: where the landmarks are (a mouth held wrong but moved right scores 0), picture quality. A detector's
noise enters whole and is most of the value where a method is good: in a scene of the corpus whose lips open a tenth too
far, dlib68 gives 0.72 pixels where the exact landmarks give 0.07.
Source: Zhou et al. 2020, "MakeItTalk", arXiv 2004.12992, section 6 (D-VL, which is over the lips' width).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, seen, too_few
from metrics.landmarks import BACKENDS
from metrics.lmd import SIDE, Rule, distances
from metrics.registry import Variant


def velocity_gaps(ours: np.ndarray, theirs: np.ndarray, rule: Rule, *, scale: tuple[float, float]) -> np.ndarray:
    """float64 (T,) of landmarks float64 (T, 68, 2): frame t's step from t - 1; NaN in frame 0 and where one lacks."""
    return np.concatenate([[np.nan], distances(np.diff(ours, axis=0), np.diff(theirs, axis=0), rule, scale=scale)])


def measure(clip: Clip, backend: str, rule: Rule) -> Result:
    """The mean over frames whose step is known in both."""
    ours, theirs = clip.landmarks[backend], clip.truth_landmarks[backend]
    height, width = clip.frames.shape[1:3]
    curve = velocity_gaps(ours, theirs, rule, scale=(SIDE / width, SIDE / height))
    faces, steps = seen(ours, theirs), ~np.isnan(curve)
    lacking = too_few(faces) or (None if steps.any() else "no two frames in a row with a face, expected at least 2")
    value = None if lacking else float(curve[steps].mean())
    return Result(value, float(faces.mean()), per_frame=curve, reason=lacking)


@dataclass(frozen=True)
class _Card:
    name: str
    title: str
    points: str
    rule: Rule
    blind_to: str
    promises: tuple[str, ...]


_CARDS = (
    _Card(
        "mouth20-px",
        "Landmark velocity difference of the mouth",
        "the mouth's 20 points",
        Rule(mouth=True),
        "whether the lips or the head moves them: a head that moves otherwise counts",
        ("jitter", "freeze", "drop", "mouth-smaller", "mouth-larger", "wrong-speech"),
    ),
    _Card(
        "mouth20-centred-px",
        "Landmark velocity difference of the mouth, centred",
        "the mouth's 20 points, each set less its own mean",
        Rule(mouth=True, centring="mean"),
        "shifts of mouth and head as a whole",
        ("freeze", "drop", "mouth-smaller", "wrong-speech"),
    ),
    _Card(
        "face68-px",
        "Landmark velocity difference of the face",
        "all 68 points",
        Rule(mouth=False),
        "what moves: mostly the head, since the mouth is 20 points of 68",
        ("jitter", "freeze", "drop", "pose-noise"),
    ),
)


def variants_of(backend: str, weights: Sequence[str]) -> tuple[Variant, ...]:
    """Every velocity difference by one backend: a user's own backend gets them from a file of two lines."""
    return tuple(_variant(card, backend, tuple(weights)) for card in _CARDS)


def _variant(card: _Card, backend: str, weights: tuple[str, ...]) -> Variant:
    return Variant(
        id=f"lvd/{card.name}-{backend}@1", title=f"{card.title} ({backend})",
        formula=f"mean over pairs of successive frames and {card.points} of |(p' - p) - (q' - q)|, p and p' the "
        f"video's, q and q' the truth's, pixels of a 256x256 frame; landmarks by {backend}; a face in at least "
        f"{MIN_COVERAGE:.0%} of frames",
        unit="px at 256 per frame", direction="lower", target=None, bounds=(0.0, None),
        needs=("truth", f"landmarks:{backend}", f"truth_landmarks:{backend}"), weights=weights,
        source="Zhou et al. 2020, arXiv 2004.12992 (MakeItTalk, D-VL), on the distance of Chen et al. 2018, ECCV",
        equals="no published code: MakeItTalk's D-VL divides by the width of the truth's lips, which is not done here",
        blind_to=f"{card.blind_to}; where the landmarks are; frame rate; picture quality; identity", legacy=False,
        measure=partial(measure, backend=backend, rule=card.rule), promises=card.promises,
    )  # fmt: skip


VARIANTS = tuple(variant for name, weights in BACKENDS.items() for variant in variants_of(name, weights))
