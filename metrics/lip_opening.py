"""How a video's lips open against the truth's, frame by frame: correlation, slope, bias, and how much they move at all.

Opening = distance of the inner lips' middles (landmarks 62 and 66) in per cent of the face's height, which is the
median over frames of |p8 - p27| (chin to nasion) of the truth's landmarks, so that both curves have one unit. Four
families, since one number hides what another shows: a still mouth has no correlation and slope 0; lips moving right
but half as far have r 1 and slope 0.5; a mouth never shut has a bias. Series "opening" and "truth" are the curves.

Does not measure: shapes other than opening (rounding, spreading), picture quality, sync finer than a frame. Noise of
the landmarks lowers r; noise of the truth's lowers the slope too.
Source: defined here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, seen, too_few
from metrics.landmarks import BACKENDS
from metrics.landmarks.scheme68 import LOWER_LIP_INNER, MENTON, NASION, UPPER_LIP_INNER
from metrics.registry import Variant

STILL = 0.1
"""Standard deviation in % of face height under which a mouth is still: a tenth of a pixel in a face 100 pixels high,
finer than landmarks are; speech moves the corpus's lips by 2 to 3 %. A correlation with so little
would be one with their rounding."""
MIN_FRAMES = 25
"""Frames that all but the bias need: one second, some three syllables. Neighbouring frames are nearly alike, so fewer
say nothing of movement."""


@dataclass(frozen=True)
class Curves:
    """ours, theirs: float64 (T,) opening in % of face height, NaN where `valid`, bool (T,), is not."""

    ours: np.ndarray
    theirs: np.ndarray
    valid: np.ndarray


def opening(landmarks: np.ndarray) -> np.ndarray:
    """Distance of the inner lips' middles, float64 (T,), in the units of float64 (T, 68, 2)."""
    return np.linalg.norm(landmarks[:, LOWER_LIP_INNER] - landmarks[:, UPPER_LIP_INNER], axis=-1)


def face_height(landmarks: np.ndarray) -> float:
    """Median over frames of the distance from chin to nasion of float64 (T, 68, 2); NaN where no frame has a face."""
    heights = np.linalg.norm(landmarks[:, MENTON] - landmarks[:, NASION], axis=-1)
    heights = heights[~np.isnan(heights)]
    return float(np.median(heights)) if heights.size else float("nan")


def curves(ours: np.ndarray, theirs: np.ndarray) -> Curves:
    """Both openings in % of the height of `theirs`, in frames where both have a face. A face of no height has none."""
    height = face_height(theirs)
    valid = seen(ours, theirs) & (height > 0)
    scale = 100 / height if height > 0 else np.nan
    first, second = (np.where(valid, opening(points) * scale, np.nan) for points in (ours, theirs))
    return Curves(first, second, valid)


def correlation(ours: np.ndarray, theirs: np.ndarray) -> float | str:
    """Pearson's r of float64 (N,), or why there is none."""
    for name, curve in (("", ours), (" of the truth", theirs)):
        if curve.std() < STILL:
            return _constant(name, curve)
    a, b = ours - ours.mean(), theirs - theirs.mean()
    return float(np.clip((a @ b) / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def slope(ours: np.ndarray, theirs: np.ndarray) -> float | str:
    """cov(ours, theirs) / var(theirs) of float64 (N,), or why there is none; 0 for a mouth that does not move."""
    if theirs.std() < STILL:
        return _constant(" of the truth", theirs)
    b = theirs - theirs.mean()
    return float(((ours - ours.mean()) @ b) / (b @ b))


def _constant(name: str, curve: np.ndarray) -> str:
    return f"constant lip opening{name}: standard deviation {curve.std():.3g} % of face height, under {STILL:g}"


def bias(ours: np.ndarray, theirs: np.ndarray) -> float:
    """mean(ours - theirs) of float64 (N,)."""
    return float((ours - theirs).mean())


_FORMULAE: dict[str, Callable[[np.ndarray, np.ndarray], float | str]] = {
    "lip_opening_r": correlation,
    "lip_opening_slope": slope,
    "lip_opening_bias": bias,
}


def measure_pair(clip: Clip, backend: str, family: str) -> Result:
    """r, slope or bias of the video's lip opening against the truth's."""
    own, true = clip.landmarks[backend], clip.truth_landmarks[backend]
    found = clip.once(("lip_opening", backend), lambda: curves(own, true))
    ours, theirs = found.ours[found.valid], found.theirs[found.valid]
    alone = family == "lip_opening_bias"  # a mean: the only one with a share in each frame, and no least number
    lacking = _lacking(found.valid, 1 if alone else MIN_FRAMES)
    difference = found.ours - found.theirs if alone else None
    series = {"opening": found.ours, "truth": found.theirs}
    return _answer(_FORMULAE[family](ours, theirs) if lacking is None else lacking, found.valid, difference, series)


def measure_std(clip: Clip, backend: str) -> Result:
    """Standard deviation of the video's lip opening in % of its own face height."""
    own = clip.landmarks[backend]
    found = curves(own, own)
    lacking = _lacking(found.valid, MIN_FRAMES)
    answer = float(found.ours[found.valid].std()) if lacking is None else lacking
    return _answer(answer, found.valid, None, {"opening": found.ours})


def _lacking(valid: np.ndarray, least: int) -> str | None:
    count = np.count_nonzero(valid)
    return too_few(valid) or (f"{count} frames with a face, expected at least {least}" if count < least else None)


def _answer(answer: float | str, valid: np.ndarray, curve: np.ndarray | None, series: dict[str, np.ndarray]) -> Result:
    value, reason = (None, answer) if isinstance(answer, str) else (answer, None)
    return Result(value, float(valid.mean()), per_frame=curve, reason=reason, series=series)


_HEIGHT = "opening = |p66 - p62| in % of the median over frames of |p8 - p27| of the truth"
_SEEN = f"frames where both have a face, at least {MIN_COVERAGE:.0%} of all"
_SHAPES = "rounding and spreading; teeth and tongue; picture quality"


@dataclass(frozen=True)
class _Card:
    family: str
    title: str
    formula: str
    unit: str
    direction: str
    target: float | None
    bounds: tuple[float | None, float | None]
    blind_to: str
    promises: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()
    """Promised too where landmarks are finer than dlib's: to it a mouth a fifth open is as shut as one shut."""


_CARDS = (
    _Card(
        "lip_opening_r",
        "Correlation of lip opening with the truth",
        f"Pearson's r over frames of the video's opening and the truth's; {_HEIGHT}; {_SEEN} and {MIN_FRAMES} or more; "
        f"no value where either deviates by under {STILL:g} %",
        "1", "higher", None, (-1.0, 1.0),
        f"how far the lips open: half as far scores 1 (see lip_opening_slope); a constant offset; {_SHAPES}",
        ("wrong-speech", "drop", "freeze"),
    ),
    _Card(
        "lip_opening_slope",
        "Slope of lip opening on the truth's",
        f"cov(video, truth) / var(truth); {_HEIGHT}; {_SEEN} and {MIN_FRAMES} or more; 0 for a still mouth; "
        f"no value where the truth deviates by under {STILL:g} %",
        "1", "target", 1.0, (None, None),
        f"movement that has nothing to do with the truth's, which adds none; a constant offset; {_SHAPES}",
        ("mouth-smaller", "mouth-larger", "wrong-speech", "freeze"),
    ),
    _Card(
        "lip_opening_bias",
        "Mean difference of lip opening from the truth",
        f"mean over frames of the video's opening less the truth's; {_HEIGHT}; {_SEEN}",
        "% of face height", "target", 0.0, (None, None),
        f"timing and range: a still mouth held at the truth's mean scores 0; {_SHAPES}",
        ("mouth-larger",), ("mouth-smaller",),
    ),
    _Card(
        "lip_opening_std",
        "Spread of lip opening",
        "standard deviation over frames (division by n) of |p66 - p62| in % of the median over frames of |p8 - p27|, "
        f"both of the video; a face in at least {MIN_COVERAGE:.0%} of frames and in {MIN_FRAMES} or more",
        "% of face height", "target", None, (0.0, None),
        f"whether the movement is right: it only says how much there is, noise of the landmarks included; {_SHAPES}",
    ),
)  # fmt: skip


def variants_of(backend: str, weights: Sequence[str]) -> tuple[Variant, ...]:
    """The four families by one backend: a user's own backend gets them from a file of two lines."""
    return tuple(_variant(card, backend, tuple(weights)) for card in _CARDS)


def _variant(card: _Card, backend: str, weights: tuple[str, ...]) -> Variant:
    alone = card.family == "lip_opening_std"
    paired = ("truth", f"landmarks:{backend}", f"truth_landmarks:{backend}")
    call = (
        partial(measure_std, backend=backend) if alone else partial(measure_pair, backend=backend, family=card.family)
    )
    return Variant(
        id=f"{card.family}/{backend}@1",
        title=f"{card.title} ({backend})",
        formula=f"{card.formula}; landmarks by {backend}",
        unit=card.unit,
        direction=card.direction,
        target=card.target,
        bounds=card.bounds,
        needs=(f"landmarks:{backend}",) if alone else paired,
        weights=weights,
        source="defined here",
        equals="no published code: defined here",
        blind_to=card.blind_to,
        legacy=False,
        measure=call,
        promises=card.promises + (() if "dlib68" in weights else card.fine),
    )


VARIANTS = tuple(variant for name, weights in BACKENDS.items() for variant in variants_of(name, weights))
