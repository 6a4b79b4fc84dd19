"""Head pose from 68 landmarks, in OpenFace's terms and without OpenFace.

A pose is Rx, Ry, Rz (rotation vector in radians about x to the right, y down and z away, zero for a head that faces the
picture plane) and Tx, Ty, Tz (the nasion in millimetres before a pinhole camera with a focal length of 233.333 pixels
for a picture 256 pixels wide, its axis through the middle). `avct.posebox` draws such poses, and the embedded corpus
states its own in the same terms.

The fit is generalised least squares of the mean head (`avct.headmodel`) on the landmarks, by Gauss-Newton in all frames
at once: `cv2.solvePnP` takes neither weights nor correlated errors, and equal weights let a speaking jaw nod the head.
Perspective in the fit is that of a portrait lens, since faces are filmed from a metre and more whatever a crop's size;
at 233.333 pixels a head moved aside would seem turned by a degree for every four pixels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from avct.errors import AvctError
from avct.headmodel import DETECTOR, WIDTH, head_points, head_ways
from avct.posebox import FOCAL, SIZE

LENS = 4.5
"""Focal length of the fit in picture widths: a face that fills half the picture is 1.3 m away."""
CUTOFF = 3.5
"""Hz at which a track's swing is halved: speech nods below 3 Hz (97 % of 2 Hz are left), detectors jitter above."""
_STEPS = 15
_FAR = 3.0  # standard deviations from which a landmark begins to lose its say
_STRANGE = 5.0  # median deviation of landmarks that are no face's
_STEEPEST = np.deg2rad(80)  # beyond a profile the fit has turned the head inside out
_TOGETHER = 1000  # frames in one system of equations: about 60 MB


def pose_from_landmarks(landmarks: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """The head's pose float32 (6,) from landmarks (68, 2) in pixels of a size x size picture.

    Raises AvctError for landmarks of another shape, not finite, or not of a face.
    """
    points = _checked(np.asarray(landmarks)[None] if np.ndim(landmarks) == 2 else landmarks, size, frames=1)
    found = _fit(points, size)[0]
    if np.isnan(found).any():
        raise AvctError("head pose: expected 68 landmarks of a face, all finite; these fit no head")
    return found.astype(np.float32)


def poses_from_landmarks(landmarks: NDArray[np.floating], size: int, *, rate: float = 25.0) -> NDArray[np.float32]:
    """The head's poses float32 (T, 6) from landmarks (T, 68, 2) in pixels of size x size frames at `rate` a second.

    Each frame is fitted alone; frames without landmarks (NaN) or with a pose far from their neighbours' are bridged in
    a straight line, and at the ends the nearest pose is held. Then a Butterworth low-pass of third order runs forwards
    and backwards over the track (`CUTOFF`), which shifts nothing in time.
    Raises AvctError for another shape and where no frame has a face.
    """
    points = _checked(landmarks, size, frames=None)
    found = np.concatenate([_fit(points[i : i + _TOGETHER], size) for i in range(0, len(points), _TOGETHER)])
    found[_astray(found)] = np.nan
    known = ~np.isnan(found[:, 0])
    if not known.any():
        raise AvctError(f"head pose: expected landmarks of a face, none of {len(points)} frames has any")
    times = np.arange(len(found))
    whole = np.stack([np.interp(times, times[known], column[known]) for column in found.T], 1)
    return _smooth(whole, rate).astype(np.float32)


def as_openface(poses: NDArray[np.floating]) -> NDArray[np.float32]:
    """The same poses float32 (..., 6) with the translation of OpenFace's origin, for weights trained with its poses.

    OpenFace states where the middle of its 68 points is, which lies 41 mm below the nasion and 14 mm behind it here.
    On the six of nine real portraits that look ahead, cut as the official helper cuts, the mean is R (.03, .01, -.02),
    T (-0.1, 24.7, 269.8); a frontal portrait by OpenFace is known with R (.017, .025, .026), T (-1.2, 26.8, 246.8).
    """
    from scipy.spatial.transform import Rotation

    given = np.asarray(poses, np.float64)
    flat = given.reshape(-1, 6)
    middle = Rotation.from_rotvec(flat[:, :3]).apply(head_points().mean(0))
    return np.concatenate([flat[:, :3], flat[:, 3:] + middle], 1).reshape(given.shape).astype(np.float32)


def _checked(landmarks: NDArray[np.floating], size: int, *, frames: int | None) -> NDArray[np.float64]:
    points = np.asarray(landmarks, np.float64)
    if points.ndim != 3 or points.shape[1:] != (68, 2) or not len(points) or frames not in (None, len(points)):
        wanted = "(68, 2)" if frames == 1 else "(T, 68, 2)"
        raise AvctError(f"head pose: expected landmarks {wanted}, got {np.shape(landmarks)}")
    if size < 1:
        raise AvctError(f"head pose: expected a picture size of at least 1 pixel, got {size}")
    return points


@lru_cache(maxsize=1)
def _model() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean head (68, 3) and the ways to differ from it (K, 68, 3), in mm."""
    return head_points(), head_ways()


def _fit(landmarks: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Poses float64 (T, 6), rows NaN where landmarks are not finite or fit no head."""
    from scipy.spatial.transform import Rotation

    head, ways = _model()
    out = np.full((len(landmarks), 6), np.nan)
    usable = np.isfinite(landmarks).all((1, 2))
    points = landmarks[usable] - size / 2
    if not len(points):
        return out
    focal, prior = LENS * size, np.diag(np.r_[np.zeros(6), np.ones(len(ways))])
    turn, place = Rotation.identity(len(points)), _start(points, head, focal)
    explained, off = np.zeros((len(points), 136)), np.zeros((len(points), 68))
    for _ in range(_STEPS):
        matrix = turn.as_matrix()
        turned = np.einsum("tij,nj->tni", matrix, head)
        seen, move = _project(turned + place[:, None], focal)
        # pixels become mm at the head's distance, in units of the detector's error
        unit = (place[:, 2] / focal / DETECTOR)[:, None, None]
        short = ((points - seen) * unit).reshape(len(points), 136, 1)
        differ = np.einsum("tnpi,tij,knj->tnpk", move, matrix, ways, optimize=True)
        slopes = np.concatenate([move @ _lever(turned), move, differ], -1) * unit[..., None]
        slopes = slopes.reshape(len(points), 136, -1)
        off = np.linalg.norm((short[..., 0] - explained).reshape(-1, 68, 2), axis=2)
        # a landmark far from where a head has it loses its say, at first relative to how far all are off
        limit = _FAR * np.maximum(1, np.median(off, axis=1, keepdims=True))
        say = np.repeat(1 / (1 + (off / limit) ** 2), 2, axis=1)[..., None]
        weighed = np.swapaxes(slopes * say, 1, 2)
        step = np.linalg.solve(weighed @ slopes + prior, weighed @ short)
        explained = (slopes[..., 6:] @ step[:, 6:])[..., 0]
        # half a radian at most: a first step from far away may overshoot
        turn = Rotation.from_rotvec(np.clip(step[:, :3, 0], -0.5, 0.5)) * turn
        place = place + step[:, 3:6, 0]
        place[:, 2] = np.maximum(place[:, 2], WIDTH)
    vector = turn.as_rotvec()
    # the same picture at OpenFace's focal length: as far aside, nearer by the ratio of the two
    found = np.concatenate([vector, place[:, :2], place[:, 2:] / LENS * (FOCAL / SIZE)], 1)
    found[(np.median(off, axis=1) > _STRANGE) | (np.abs(vector).max(1) > _STEEPEST)] = np.nan
    out[usable] = found
    return out


def _start(points: NDArray[np.float64], head: NDArray[np.float64], focal: float) -> NDArray[np.float64]:
    """Places (T, 3) in mm of heads that face the camera: by medians, which a few bad landmarks do not move."""
    middle = np.median(points, axis=1)
    reach = np.median(np.linalg.norm(points - middle[:, None], axis=2), axis=1)
    flat = head[:, :2] - np.median(head[:, :2], axis=0)
    away = focal * np.median(np.linalg.norm(flat, axis=1)) / np.maximum(reach, 1e-3)
    aside = middle * (away / focal)[:, None] - np.median(head[:, :2], axis=0)
    return np.concatenate([aside, away[:, None]], 1)


def _project(at: NDArray[np.float64], focal: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (T, 68, 2) from the middle of points (T, 68, 3), and their slopes (T, 68, 2, 3) over a small move."""
    near = 1 / at[..., 2]
    seen = at[..., :2] * (focal * near)[..., None]
    move = np.zeros((*seen.shape, 3))
    move[..., 0, 0] = move[..., 1, 1] = focal * near
    move[..., 2] = -seen * near[..., None]
    return seen, move


def _lever(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """How points (..., 3) move over a small turn, (..., 3, 3): by the cross product of the turn with the point."""
    x, y, z = np.moveaxis(points, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, z, -y, -z, zero, x, y, -x, zero], -1).reshape(*points.shape, 3)


def _astray(poses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Frames bool (T,) whose pose is far from the median of the known ones within five frames: a detector's slip."""
    out = np.zeros(len(poses), bool)
    known = np.flatnonzero(~np.isnan(poses[:, 0]))
    for frame in known:
        near = poses[known[np.abs(known - frame) <= 5]]
        middle = np.median(near, axis=0)
        usual = 1.4826 * np.median(np.abs(near - middle), axis=0)
        floor = np.array([0.07, 0.07, 0.07, 5.0, 5.0, 10.0])  # 4 degrees, 5 and 10 mm: faster than heads move
        out[frame] = (np.abs(poses[frame] - middle) > np.maximum(5 * usual, floor)).any()
    return out


def _smooth(poses: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """The low-passed track (T, 6); a track of up to three frames is returned as it is."""
    from scipy.signal import butter, sosfiltfilt

    if len(poses) <= 3 or rate <= 2 * CUTOFF:
        return poses
    low = butter(3, CUTOFF, fs=rate, output="sos")
    return sosfiltfilt(low, poses, axis=0, padtype="odd", padlen=min(len(poses) - 1, 12))
