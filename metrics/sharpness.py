"""How sharp the generated mouth is against the truth's: the ratio of gradient energies in the mouth's box.

Blur is the classic fault of generated mouths, and PSNR rewards it. Energy = sum of squared differences of neighbouring
pixels, along rows and columns, of the grey picture. The ratio of the sums over all frames, so that a dull frame does
not blow it up. Target 1: below is blur, above is noise, ringing or painted edges.

Does not measure: whether the detail is right; noise counts as sharpness; it grows with contrast.
Source: Subbarao, Choi, Nikzad, "Focusing techniques", Optical Engineering 32(11), 1993 (energy of the gradient).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.greyscale import grey_pillow
from metrics.mouthbox import BACKENDS, box_text, clip_boxes, lacking_boxes
from metrics.registry import Variant


def gradient_energy(picture: np.ndarray) -> float:
    """Sum of squared differences of neighbours along both axes of uint8 (H, W, 3) RGB, made grey first; exact."""
    grey = grey_pillow(picture).astype(np.int64)
    return float(np.square(np.diff(grey, axis=0)).sum() + np.square(np.diff(grey, axis=1)).sum())


def measure(clip: Clip, backend: str) -> Result:
    """Energy of the video's mouth boxes over that of the truth's; no value where the truth's mouths are flat."""
    assert clip.truth is not None
    boxes = clip_boxes(clip, backend)
    energies = np.full((2, len(clip.frames)), np.nan)
    for t, (box, frame, truth) in enumerate(zip(boxes, clip.frames, clip.truth, strict=True)):
        if box is not None:
            energies[:, t] = gradient_energy(frame[box]), gradient_energy(truth[box])
    ours, theirs = energies
    valid = ~np.isnan(theirs)
    coverage = float(valid.mean())
    ratio = np.full(len(ours), np.nan)
    np.divide(ours, theirs, out=ratio, where=valid & (theirs > 0))
    lacking = lacking_boxes(boxes, backend)
    if lacking is not None:
        return Result(None, coverage, per_frame=ratio, reason=lacking)
    total = float(theirs[valid].sum())
    if total == 0:
        return Result(None, coverage, per_frame=ratio, reason="the truth's mouth is of one colour in every frame")
    return Result(float(ours[valid].sum()) / total, coverage, per_frame=ratio)


VARIANTS = tuple(
    Variant(
        id=f"sharpness/mouthbox-gradient-{name}@1",
        title=f"Sharpness of the mouth against the truth's ({backend} landmarks)",
        formula="sum over frames of E(video) / sum over frames of E(truth), E = sum of squared differences of "
        f"neighbouring pixels of Pillow's grey, within {box_text(backend)}",
        unit="1",
        direction="target",
        target=1.0,
        bounds=(0.0, None),
        needs=("truth", f"truth_landmarks:{backend}"),
        weights=weights,
        source="Subbarao, Choi, Nikzad 1993, Optical Engineering 32(11), energy of the gradient; the box is ours",
        equals="no published code: defined here",
        blind_to="whether the detail is right: noise and ringing count as sharpness, and so does contrast",
        legacy=False,
        measure=partial(measure, backend=backend),
        promises=("blur", "noise"),
    )
    for name, backend, weights in BACKENDS
)
