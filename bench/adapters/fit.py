"""One way to bring a picture to another size, and what becomes of a video that is not quite what was asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from bench.adapters.base import GenerationError


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The picture at another size: uint8 (height, width, 3). The picture itself where it already has that size.

    image: uint8 (H, W, 3) RGB. Pillow's bicubic filter, whose support grows with the reduction, so that shrinking
    does not alias (Parmar et al. 2022, "On Aliased Resizing").
    """
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def scale_points(points: np.ndarray, *, before: tuple[int, int], after: tuple[int, int]) -> np.ndarray:
    """Pixel coordinates (..., 2), x and y, after resizing from `before` to `after` (height, width); the dtype is kept.

    Whole numbers are pixel centres: x' + 1/2 = (x + 1/2) * after / before.
    """
    if before == after:
        return points
    ratio = np.array([after[1] / before[1], after[0] / before[0]])
    return ((points.astype(np.float64) + 0.5) * ratio - 0.5).astype(points.dtype)


def fit_size(frames: np.ndarray, shape: tuple[int, ...], *, allowed: bool) -> np.ndarray:
    """The frames at the portrait's size. Raises GenerationError where they differ and resizing is not allowed."""
    if frames.shape[1:] == shape:
        return frames
    got, wanted = (f"{size[1]}x{size[0]}" for size in (frames.shape[1:], shape))
    if not allowed:
        raise GenerationError(f"made {got} where {wanted} was asked for (the method file may set resize_output)")
    return np.stack([resize(frame, shape[0], shape[1]) for frame in frames])


def fit_length(frames: np.ndarray, expected: int, *, tolerance: int) -> Iterator[np.ndarray]:
    """Exactly `expected` frames: within the tolerance, those too many are cut and the last one fills up.

    Raises GenerationError at once (not at the first frame) where the length is further off.
    """
    count = len(frames)
    if abs(count - expected) > tolerance:
        more = " or more" if count > expected else ""
        raise GenerationError(f"made {count}{more} frames, expected {expected} within {tolerance}")
    return (frames[min(index, count - 1)] for index in range(expected))
