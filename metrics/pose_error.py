"""How far the video's head is turned from the truth's: mean absolute difference of pitch, yaw and roll, degrees, lower.

Pose is `metrics.head_pose`'s, fitted to both videos alike, so what a face's own shape adds to an angle is in both and
drops out where the person is the same. Series pitch, yaw, roll are the video's, truth_pitch … the truth's.

Does not measure: where in the picture the head is and how large; mouth, picture, identity.
Source: defined here.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE, too_few
from metrics.head_pose import AXES, angles_of, wrapped
from metrics.landmarks import BACKENDS
from metrics.registry import Variant


def measure(clip: Clip, backend: str) -> Result:
    """The mean over frames in which both have a face."""
    ours, theirs = angles_of(clip, backend), angles_of(clip, backend, truth=True)
    curve = np.abs(wrapped(ours - theirs)).mean(1)
    valid = ~np.isnan(curve)
    sides = (("", ours), ("truth_", theirs))
    series = {f"{side}{axis}": angles[:, k] for side, angles in sides for k, axis in enumerate(AXES)}
    lacking = too_few(valid)
    value = float(curve[valid].mean()) if lacking is None else None
    return Result(value, float(valid.mean()), per_frame=curve, reason=lacking, series=series)


def _variant(backend: str, weights: tuple[str, ...]) -> Variant:
    return Variant(
        id=f"pose_error/{backend}@1",
        title=f"Head pose error ({backend})",
        formula="mean over frames of (|d pitch| + |d yaw| + |d roll|) / 3, d = video - truth in -180..180; angles of "
        "R = Rx(pitch) Ry(yaw) Rz(roll), x right, y down, z away, of a rigid head of 19 points (jaw ends, nose, eye "
        f"corners) laid on each frame's landmarks by least squares under scaled orthography; landmarks by {backend}; "
        f"frames where both have a face, at least {MIN_COVERAGE:.0%} of all",
        unit="degrees",
        direction="lower",
        target=None,
        bounds=(0.0, 180.0),
        needs=("truth", f"landmarks:{backend}", f"truth_landmarks:{backend}"),
        weights=weights,
        source="defined here; sign convention of OpenFace 2.0, Baltrusaitis et al. 2018",
        equals="no published code: defined here",
        blind_to="where the head is in the picture and how large; mouth; picture quality; identity, save that another "
        "face's shape adds a constant of some degrees; under about 1 degree it is the detector's noise",
        legacy=False,
        measure=partial(measure, backend=backend),
        promises=("pose-noise", "drop", "freeze"),
    )


VARIANTS = tuple(_variant(name, tuple(weights)) for name, weights in BACKENDS.items())
