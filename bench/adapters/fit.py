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


_SHAPE = 0.02
"""How far width over height may be off: 4:2:0 rounds an odd side by a pixel; more would stretch the face."""


def cut_panel(frames: np.ndarray, index: int, of: int) -> np.ndarray:
    """One of `of` pictures side by side: uint8 (T, H, W / of, 3). Raises GenerationError where W does not divide."""
    width = frames.shape[2]
    if width % of:
        raise GenerationError(f"made a video {width} pixels wide where {of} pictures of one width were expected")
    step = width // of
    return frames[:, :, index * step : (index + 1) * step]


def fit_size(frames: np.ndarray, shape: tuple[int, ...], *, allowed: bool) -> np.ndarray:
    """The frames at the portrait's size.

    Raises GenerationError where they differ and resizing is not allowed, or where it would change their shape.
    """
    if frames.shape[1:] == shape:
        return frames
    got, wanted = (f"{size[1]}x{size[0]}" for size in (frames.shape[1:], shape))
    if not allowed:
        raise GenerationError(f"made {got} where {wanted} was asked for (the method file may set resize_output)")
    if abs(frames.shape[2] * shape[0] / (frames.shape[1] * shape[1]) - 1) > _SHAPE:
        raise GenerationError(f"made {got} where {wanted} was asked for: another shape, which would stretch the face")
    return np.stack([resize(frame, shape[0], shape[1]) for frame in frames])


def fit_length(frames: np.ndarray, expected: int, *, tolerance: int, starts_at: int = 0) -> Iterator[np.ndarray]:
    """Exactly `expected` frames: within the tolerance, those too many are cut and the last one fills up.

    starts_at: the frame that the first one shows; it stands for those before as well, which do not count as made.
    Raises GenerationError at once (not at the first frame) where the length is further off.
    """
    count = len(frames)
    if abs(starts_at + count - expected) > tolerance:
        more = " or more" if starts_at + count > expected else ""
        late = f" from frame {starts_at} on" if starts_at else ""
        raise GenerationError(f"made {count}{more} frames{late}, expected {expected - starts_at} within {tolerance}")
    return (frames[min(max(index - starts_at, 0), count - 1)] for index in range(expected))
