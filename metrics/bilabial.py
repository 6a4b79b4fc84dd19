"""Share of the sounds P, B and M at which the lips close, as they must.

Lips are closed for a phone where their opening (`metrics.lip_opening`: landmarks 62 and 66 in per cent of the median
distance from chin to nasion) falls under 1.5 % in a frame that the phone touches or in one frame on either side:
frames floor(start fps) - 1 to ceil(end fps). A sound whose frames all lack a face, or lie outside the video, does not
count. Plain: the video's own face height. "truth-height": the truth's, as in the series of lip_opening_r: the rule by
which `bench/training/bars.py` reports the shipped checkpoint.

1.5 % is one to two pixels of a face 100 pixels high. Exact landmarks of closed painted lips are at 0.5 %; puppet68 is
as good (15 of 15 closures in six clips); dlib68 gives whole pixels, so that one pixel decides, and may take dark lips
for an open mouth (it sees 11 of those 15): with it only faces 150 pixels high and more compare.
Source: defined here.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, seen, too_few
from metrics.landmarks import BACKENDS
from metrics.lip_opening import face_height, opening
from metrics.registry import Variant

BILABIALS = ("B", "M", "P")
SHUT = 1.5
"""Opening in per cent of the face's height under which lips count as closed."""
AROUND = 1
"""Frames on either side of a phone: an aligner's borders are no better."""


def windows(phones: tuple[tuple[str, float, float], ...], fps: float) -> list[slice]:
    """The frames of every P, B and M, from `AROUND` before to `AROUND` after; a stress digit of a symbol is ignored."""
    return [
        slice(max(int(start * fps) - AROUND, 0), max(int(np.ceil(end * fps)) + AROUND, 0))
        for symbol, start, end in phones
        if symbol.rstrip("012") in BILABIALS
    ]


def measure(clip: Clip, backend: str, *, height_of: str) -> Result:
    """Closed ones over all that are in sight. height_of: "video" or "truth"."""
    points = clip.landmarks[backend]
    height = face_height(clip.truth_landmarks[backend] if height_of == "truth" else points)
    valid = seen(points) & (height > 0)
    if height_of == "truth":
        # as lip_opening_r has it: frames that both have
        valid &= seen(clip.truth_landmarks[backend])
    curve = np.where(valid, opening(points) * (100 / height if height > 0 else np.nan), np.nan)
    marks, asked, closed, seen_any = np.full(len(points), np.nan), 0, 0, 0
    for window in windows(clip.phones or (), clip.fps):
        asked += 1
        part = curve[window]
        if not np.isfinite(part).any():
            continue
        shut = float(np.nanmin(part) < SHUT)
        seen_any, closed = seen_any + 1, closed + int(shut)
        marks[window] = np.fmax(marks[window], shut)
    lacking = too_few(valid)
    if lacking is None and not asked:
        lacking = "no P, B or M among the clip's phones"
    elif lacking is None and not seen_any:
        lacking = f"no frame with a face at any of {asked} P, B and M"
    value = closed / seen_any if lacking is None else None
    return Result(value, float(valid.mean()), reason=lacking, series={"opening": curve, "closed": marks})


def _variants(backend: str, weights: tuple[str, ...]) -> tuple[Variant, ...]:
    ours, truth = f"landmarks:{backend}", ("truth", f"truth_landmarks:{backend}")
    return tuple(
        Variant(
            id=f"bilabial_closure/{prefix}{backend}@1",
            title=f"Bilabials at which the lips close{title} ({backend})",
            formula=f"share of phones P, B, M with min of opening under {SHUT:g} % in frames floor(start fps) - "
            f"{AROUND} to ceil(end fps) - 1 + {AROUND}; opening = |p66 - p62| in % of the median over frames of "
            f"|p8 - p27| of the {height_of}; phones without a frame with a face do not count; landmarks by {backend}; "
            f"a face in at least {MIN_COVERAGE:.0%} of frames",
            unit="1",
            direction="higher",
            target=None,
            bounds=(0.0, 1.0),
            needs=("phones", ours, *more),
            weights=weights,
            source="defined here",
            equals=equals,
            blind_to="everything but P, B and M: a mouth that never opens scores 1; closures at other times; lips "
            "pressed or only met; by dlib68 one whole pixel decides, so faces under 150 pixels from chin to nasion "
            "are not told apart; phones that are wrongly timed",
            legacy=False,
            measure=partial(measure, backend=backend, height_of=height_of),
        )
        for prefix, title, height_of, more, equals in (
            ("", "", "video", (), "no published code: defined here"),
            ("truth-height-", ", by the truth's face", "truth", truth,
             "bench/training/bars.py: what the shipped checkpoint is held to"),
        )
    )  # fmt: skip


VARIANTS = tuple(variant for name, held in BACKENDS.items() for variant in _variants(name, tuple(held)))
