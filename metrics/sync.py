"""Whether lips move with their sound: offset, distance and confidence, by the corpus's own sync judge.

As SyncNet is read (Chung and Zisserman 2016): vectors of lips and of sound, 0.2 s each; their mean distance for every
offset of -15 to 15 frames; the least of these (distance), where it lies (offset), and by how much it is below the
median (confidence). The judge is `metrics.sync_judge`, not SyncNet: its numbers compare with one another, never with
published LSE-D, LSE-C or AVConf.

Does not measure: how well lips are drawn, how far they open beyond what sync needs; anything on photographs, which the
judge never saw.
Source: defined here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, seen, too_few
from metrics.registry import Variant
from metrics.sync_judge import FRAMES, JAW_ENDS, WEIGHTS, load
from metrics.sync_reading import REACH, diagonals, spread_over_frames

MIN_FRAMES = 25
"""Frames that a clip needs: one second leaves six windows at the largest offset."""
BACKEND = "puppet68"


@dataclass(frozen=True)
class Reading:
    """distances: float64 (31,) mean distance of lips to the sound -15 to 15 frames later, NaN where no window has one.
    own: float64 (T,) distance at the best offset of the window around each frame, NaN where there is none."""

    distances: np.ndarray
    own: np.ndarray

    @property
    def offset(self) -> int:
        """Frames by which the sound comes after the lips; negative: before."""
        return int(np.nanargmin(self.distances)) - REACH

    @property
    def distance(self) -> float:
        """The least mean distance."""
        return float(np.nanmin(self.distances))

    @property
    def confidence(self) -> float:
        """The median of the mean distances less the least."""
        return float(np.nanmedian(self.distances)) - self.distance


def read(seen_vectors: np.ndarray, heard: np.ndarray, valid: np.ndarray) -> Reading:
    """The reading of unit vectors of lips and of sound, float64 (N, D) each, N = T - 4 windows.

    valid: bool (T,) frames with a face; windows with another do not enter.
    """
    frames = len(valid)
    usable = np.lib.stride_tricks.sliding_window_view(valid, FRAMES).all(1)
    lines = diagonals(np.where(usable[:, None], seen_vectors, np.nan), heard, _gap)
    distances = np.array([np.nan if np.isnan(line).all() else np.nanmean(line) for line in lines])
    if np.isnan(distances).all():
        return Reading(distances, np.full(frames, np.nan))
    best = int(np.nanargmin(distances))
    first = max(0, REACH - best) + FRAMES // 2
    return Reading(distances, spread_over_frames(lines[best], frames, first=first))


def measure(clip: Clip, family: str) -> Result:
    """Offset, distance or confidence of the clip's lips and its own sound."""
    points = clip.landmarks[BACKEND]
    valid, frames = seen(points), len(clip.frames)
    lacking = too_few(valid)
    if lacking is None and frames < MIN_FRAMES:
        lacking = f"{frames} frames, expected at least {MIN_FRAMES}"
    if lacking is None and _flat(points[valid]):
        lacking = "a face of no width has no mouth to look at"
    if lacking is not None:
        return Result(None, float(valid.mean()), reason=lacking)
    found = clip.once(
        ("puppet-sync", BACKEND),
        lambda: read(*load().vectors(clip.frames, _filled(points, valid), clip.samples), valid),
    )
    if np.isnan(found.distances).all():
        return Result(None, float(valid.mean()), reason=f"no {FRAMES} frames on end with a face")
    value = {"sync_offset": found.offset, "sync_distance": found.distance, "sync_confidence": found.confidence}[family]
    curve = found.own if family == "sync_distance" else None
    # entry k is the offset k - 15 in the sign of sync_offset
    told = [None if np.isnan(distance) else float(distance) for distance in found.distances]
    notes = {"offsets": [-REACH, REACH], "distance_by_offset": told}
    return Result(float(value), float(valid.mean()), per_frame=curve, series={"distance": found.own}, notes=notes)


def _gap(seen_vectors: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Distances float64 (N,) of unit vectors (N, D) each, of which |a - b|^2 = 2 - 2 cos."""
    return np.sqrt(np.clip(2 - 2 * np.einsum("nd,nd->n", seen_vectors, heard), 0, None))


def _flat(points: np.ndarray) -> bool:
    """Whether faces are narrower than four pixels, in which there is no mouth to see."""
    return not float(np.median(np.linalg.norm(points[:, JAW_ENDS[1]] - points[:, JAW_ENDS[0]], axis=1))) >= 4


def _filled(points: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Landmarks without gaps: a frame without a face takes those of the nearest frame with one."""
    known = np.flatnonzero(valid)
    at = np.arange(len(points))
    after = np.searchsorted(known, at).clip(0, len(known) - 1)
    before = (after - 1).clip(0)
    nearest = np.where(np.abs(at - known[before]) <= np.abs(known[after] - at), before, after)
    return points[known[nearest]]


_HOW = (
    "unit vectors of 5 frames of the mouth and of the cepstra of 0.2 s by the judge puppet-sync, distance = |a - b|, "
    f"mean over windows for every offset of -{REACH} to {REACH} frames; landmarks by {BACKEND}; at least {MIN_FRAMES} "
    f"frames and a face in {MIN_COVERAGE:.0%} of them"
)
_BLIND = "how well lips are drawn; photographs, which the judge never saw; anything SyncNet would say"


def _variant(
    family: str,
    title: str,
    formula: str,
    unit: str,
    direction: str,
    target: float | None,
    bounds: tuple[float, float],
    blind_to: str,
    promises: tuple[str, ...],
) -> Variant:
    return Variant(
        id=f"{family}/puppet-sync-{BACKEND}@1",
        title=f"{title} (puppet-sync)",
        formula=formula,
        unit=unit,
        direction=direction,
        target=target,
        bounds=bounds,
        needs=(f"landmarks:{BACKEND}", "samples"),
        weights=(WEIGHTS, BACKEND),
        source="Chung and Zisserman 2016 (read-out); judge and numbers defined here",
        equals="no published code: defined here",
        blind_to=blind_to,
        legacy=False,
        measure=partial(measure, family=family),
        promises=promises,
    )


VARIANTS = (
    _variant(
        "sync_offset",
        "Offset of the sound from the lips",
        f"offset of the least mean distance, positive where the sound comes later than its lips; {_HOW}",
        "frames", "target", 0.0, (-REACH, REACH),
        f"how sure the answer is: a still mouth has an offset too (see sync_confidence); {_BLIND}",
        ("audio-delay",),
    ),
    _variant(
        "sync_confidence",
        "Confidence that lips and sound belong together",
        f"median of the mean distances less the least; {_HOW}",
        "1", "higher", None, (0.0, 2.0),
        f"lag: a clip that is late by ten frames is as sure (see sync_offset); {_BLIND}",
        ("wrong-speech",),
    ),
    _variant(
        "sync_distance",
        "Distance of lips and sound at the best offset",
        f"least mean distance; {_HOW}",
        "1", "lower", None, (0.0, 2.0),
        f"lag, as the best offset counts; {_BLIND}",
        ("wrong-speech",),
    ),
)  # fmt: skip
