"""Portraits made ready for the generator: find the face, cut a square around it, never distort.

The square follows the framing of the training data: eyes to chin in the middle, the face's width 45 % of the side.
Where the square leaves the picture, the picture's border is continued, so nothing is squashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.errors import MediaError, MissingError

SIDE = 256
_WIDTH = 116 / 256  # width of the face (landmarks 0 to 16) in sides of the crop, as in the embedded corpus
_CENTRE = (0.5, 143 / 256)  # where the point between nose and mouth lies
_FITS = (0.34, 0.62)  # a square picture with a face of such a width is a face crop already


@dataclass(frozen=True)
class FacePicture:
    """A square portrait uint8 (S, S, 3) and what was done to get it. landmarks: float64 (68, 2) in it, or None."""

    image: np.ndarray
    landmarks: np.ndarray | None
    cropped: bool
    note: str | None = None


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


def crop(image: np.ndarray, landmarks: np.ndarray, *, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """The face's square uint8 (side, side, 3) and the landmarks in it."""
    import cv2

    p = np.asarray(landmarks, np.float64)
    width = np.linalg.norm(p[16] - p[0])
    centre = (p[27] + p[8] + p[30] + p[51]) / 4
    scale = _WIDTH * side / width
    offset = np.array(_CENTRE) * side - scale * centre
    # halved until the last step shrinks by less than two: bilinear sampling alone would alias
    source, factor = image, 1.0
    while scale / factor < 0.5:
        source = cv2.resize(
            source, (max(1, source.shape[1] // 2), max(1, source.shape[0] // 2)), interpolation=cv2.INTER_AREA
        )
        factor *= 0.5
    grow = np.array([image.shape[1] / source.shape[1], image.shape[0] / source.shape[0]])
    matrix = np.array([[scale * grow[0], 0, offset[0]], [0, scale * grow[1], offset[1]]])
    # pixel centres: output x reads from (x - offset) / scale, and halving moved centres by half a pixel
    matrix[:, 2] += np.diag(matrix[:, :2]) * 0.5 - 0.5 * np.diag(matrix[:, :2]) / grow
    cut = cv2.warpAffine(source, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cut, p * scale + offset


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
        resized = _resize(image, side)
        return FacePicture(resized, (found + 0.5) * (side / width) - 0.5, False)
    cut, moved = crop(image, found, side=side)
    return FacePicture(cut, moved, True)
