"""Grey pictures as the libraries behind published numbers make them: Rec. 601 luma in integers, to the last bit."""

from __future__ import annotations

import numpy as np

# Weights of R, G, B in units of 2**-bits; half a unit is added before the shift, so that grey is rounded.
_PILLOW = ((19595, 38470, 7471), 16)
_OPENCV = ((9798, 19235, 3735), 15)


def grey_pillow(frames: np.ndarray) -> np.ndarray:
    """uint8 (..., H, W) of uint8 (..., H, W, 3) RGB, equal to Pillow's convert("L")."""
    return _weigh(frames, *_PILLOW)


def grey_opencv(frames: np.ndarray) -> np.ndarray:
    """uint8 (..., H, W) of uint8 (..., H, W, 3) RGB, equal to cv2.cvtColor(COLOR_RGB2GRAY) of OpenCV 4 and 5."""
    return _weigh(frames, *_OPENCV)


def _weigh(frames: np.ndarray, weights: tuple[int, int, int], bits: int) -> np.ndarray:
    total = np.full(frames.shape[:-1], 1 << (bits - 1), np.uint32)
    for channel, weight in enumerate(weights):
        total += frames[..., channel].astype(np.uint32) * np.uint32(weight)
    return (total >> np.uint32(bits)).astype(np.uint8)
