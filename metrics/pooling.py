"""What one clip brings to a number that all clips have together."""

from __future__ import annotations

import numpy as np

from metrics.clip import Clip, Result

NO_LINE = "no frame has features"


def brought(clip: Clip, extractor: str, *, lacking: str = NO_LINE) -> Result:
    """No value, and the share of the video's lines of features that are there; `lacking` as the reason where the video
    or its truth has none, so that the clip brings nothing.
    """
    ours, theirs = (~np.isnan(held[extractor]).any(1) for held in (clip.features, clip.truth_features))
    coverage = float(ours.mean()) if len(ours) else 0.0
    if not ours.any():
        return Result(None, coverage, reason=lacking)
    if not theirs.any():
        return Result(None, coverage, reason=f"{lacking} in the truth")
    return Result(None, coverage)
