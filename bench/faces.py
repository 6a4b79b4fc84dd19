"""Portraits made ready for the generator: find the face, cut a square around it (never squashed), read its pose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import MediaError, MissingError
from bench.framing import SIDE, cut, frame, move

_FITS = (0.34, 0.62)  # a square picture with a face of such a width, in widths of the picture, is a face crop already


@dataclass(frozen=True)
class FacePicture:
    """A square portrait uint8 (S, S, 3) and what was done to get it. landmarks: float64 (68, 2) in it, or None.

    outside: share of the square that lay outside the picture, where its border was continued.
    """

    image: np.ndarray
    landmarks: np.ndarray | None
    cropped: bool
    note: str | None = None
    outside: float = 0.0


def detect(image: np.ndarray) -> np.ndarray | None:
    """68 landmarks float64 (68, 2) of the largest face in uint8 (H, W, 3), None where there is none.

    Raises MissingError where the detector (extra `faces`) is not installed.
    """
    from metrics.errors import MissingWeights
    from metrics.landmarks import backend

    try:
        found = backend("dlib68").detect(np.ascontiguousarray(image[None]))[0]
    except MissingWeights as error:
        raise MissingError(str(error)) from None
    return None if np.isnan(found).any() else found


def head_pose(landmarks: np.ndarray, size: int) -> np.ndarray | None:
    """The head's pose float32 (6,) in a size x size picture from landmarks (68, 2); None where they fit no head."""
    from avct.errors import AvctError
    from avct.headpose import pose_from_landmarks

    try:
        return pose_from_landmarks(landmarks, size)
    except AvctError:
        return None


def head_poses(landmarks: np.ndarray, size: int) -> np.ndarray | None:
    """The head's poses float32 (T, 6) in size x size frames at 25 a second from landmarks (T, 68, 2), smoothed.

    Frames without a face (NaN) are bridged; None where no frame has one.
    """
    from avct.errors import AvctError
    from avct.headpose import poses_from_landmarks

    try:
        return poses_from_landmarks(landmarks, size)
    except AvctError:
        return None


def crop(
    image: np.ndarray, landmarks: np.ndarray, *, side: int = SIDE, style: str = "corpus"
) -> tuple[np.ndarray, np.ndarray]:
    """The face's square uint8 (side, side, 3) by one of `bench.framing.STYLES`, and the landmarks float64 in it."""
    box = frame(np.asarray(landmarks)[None], style)
    return cut(image, box, side), move(landmarks, box, side)


def _resize(image: np.ndarray, side: int) -> np.ndarray:
    import cv2

    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_CUBIC)


def prepare(image: np.ndarray, path: Path, *, side: int = SIDE) -> FacePicture:
    """The portrait ready for the generator. A square face crop is resized only; anything else is cropped to its face.

    Raises MediaError where no face is found, MissingError where one must be found and no detector is installed.
    """
    height, width = image.shape[:2]
    if min(height, width) < 64:
        raise MediaError(f"{path}: expected a portrait of at least 64x64 pixels, got {width}x{height}")
    square = height == width
    try:
        found = detect(image)
    except MissingError as error:
        if not square:
            raise MissingError(
                f"{path}: {width}x{height} is not square, so the face must be found, and {error}"
            ) from None
        resized = _resize(image, side)
        return FacePicture(
            resized, None, False, f"no face detector here ({error}); {path.name} is taken as a face crop"
        )
    if found is None:
        raise MediaError(f"{path}: no face was found in {width}x{height} pixels; expected a frontal face, eyes visible")
    share = np.linalg.norm(found[16] - found[0]) / width
    if square and _FITS[0] <= share <= _FITS[1]:
        return FacePicture(_resize(image, side), (found + 0.5) * (side / width) - 0.5, False)
    box = frame(found[None], "corpus")
    outside = box.outside(height, width)
    return FacePicture(cut(image, box, side), move(found, box, side), True, outside=outside)
