"""Relative motion transfer: the training speaker's motion, applied to somebody else's keypoints."""

from __future__ import annotations

from avct.geometry import Keypoints, invert


def transfer(source: Keypoints, driving: Keypoints, initial: Keypoints) -> Keypoints:
    """The portrait's keypoints moved as the speaker's moved since the initial frame, batch of driving.

    value = driving - initial + source; jacobian = J_driving J_initial^-1 J_source (SPEC section 8). source and initial
    may have batch 1. The initial frame itself gives back the portrait's keypoints, so the portrait's mouth ought to be
    as open as the speaker's is there. No scaling: FOMM's convex-hull factor is switched off in AVCT.
    """
    value = driving.value - initial.value + source.value
    jacobian = driving.jacobian
    # None is the identity, and stays None where all three are: values alone then carry the motion.
    if initial.jacobian is not None:
        inverse = invert(initial.jacobian)
        jacobian = inverse if jacobian is None else jacobian @ inverse
    if source.jacobian is not None:
        jacobian = source.jacobian if jacobian is None else jacobian @ source.jacobian
    if jacobian is not None:
        jacobian = jacobian.expand(value.shape[0], -1, -1, -1)
    return Keypoints(value, jacobian)
