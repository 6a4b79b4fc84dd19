"""Pictures for tests of what looks for faces: NASA's public-domain portrait of Eileen Collins, and what spoils it."""

from __future__ import annotations

import numpy as np

FACE = (slice(30, 250), slice(120, 340))
"""Rows and columns of her head in scikit-image's picture; the face is some 90 pixels wide."""


def portrait() -> np.ndarray:
    """Her head and shoulders, uint8 (220, 220, 3) RGB."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[FACE])


def resized(image: np.ndarray, x: float, y: float) -> np.ndarray:
    """The picture stretched by factors of its width and height: narrow, it stands for a profile."""
    import cv2

    return cv2.resize(image, None, fx=x, fy=y, interpolation=cv2.INTER_AREA if min(x, y) < 1 else cv2.INTER_CUBIC)


def darkened(image: np.ndarray, share: float) -> np.ndarray:
    """The picture in a share of its light, in whole numbers as a camera gives it."""
    return (image * share).astype(np.uint8)


def beside(image: np.ndarray, factor: float) -> np.ndarray:
    """Two of the face on grey, the right one larger by a factor."""
    large = resized(image, factor, factor)
    height, width = image.shape[:2]
    both = np.full((large.shape[0], width + large.shape[1] + 10, 3), 128, np.uint8)
    both[:height, :width], both[:, width + 10 :] = image, large
    return both
