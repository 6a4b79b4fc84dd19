"""What tells how far two versions of a frame lie apart in place: patches of the pictures, and a reader of faces.

Measured on 28 frames of a puppet, largest mean distance in a frame, pixels:

    change                                          PSNR     puppet68  patches  dlib68
    the engine in float32 instead of the plain loop >= 96 dB    0.000    0.000    0.58
    painters in bfloat16                            >= 79 dB    0.005    0.000    0.73
    noise of one level in each value                50 dB       0.043    0.017    1.13
    every value three levels brighter               39 dB       0.000    0.000    0.00
    shifted by 0.1 px                               53 dB       0.13     0.11     0.78
    shifted by 0.5 px                               40 dB       0.48     0.60     1.13
    flow candidates in bfloat16                     50 dB       0.08     0.13        -

Patches are the finest and need no face, so they read all frames. puppet68 reads the lips of painted faces. dlib68 reads
nothing here: its points are whole pixels in a box that jumps, it would refuse the plain loop's own equal. Nor does a
network's own keypoint detector where weights are drawn from a seed: it follows a shift by a twentieth and brightness
more than shifts. In a picture with next to no detail (drawn weights, gradients of half a level a pixel) the noise of
patches is 0.02 px under noise of one level.
"""

from __future__ import annotations

import numpy as np

from metrics.errors import MissingWeights

READERS = {"painted": "puppet68"}
"""Landmark backend by what frames show (`Subject.describe`); all others are read by patches alone."""
PATCHES = "patches"
SIDE = 32
"""Pixels of a patch whose place is read: fewer hold too little detail, more hide a mouth."""
_DETAIL = 0.05
"""Mean square of the gradient along its weaker direction, in levels a pixel, from which a patch can be placed: noise of
one level then moves it by 0.08 px."""
_ENOUGH = 4
"""Patches with detail without which a frame has no places."""
CELL = 16
"""Pixels of a square whose brightness is followed over time."""
MOVES = 3.0
"""Standard deviation over time, in levels of 255, from which a square moves: errors allowed at 40 dB, averaged over a
square, are a tenth of it."""


def landmarks(name: str, frames: np.ndarray) -> np.ndarray | str:
    """Landmarks float64 (n, 68, 2) of frames uint8 (n, S, S, 3) by that backend, NaN where it finds no face; or why it
    cannot be asked."""
    from metrics.landmarks import backend

    try:
        return backend(name).detect(frames)
    except MissingWeights as error:
        return str(error)


def shifts(plain: np.ndarray, emitted: np.ndarray) -> np.ndarray:
    """How far each frame's patches lie from where they are in the plain one, pixels, float64 (n, P).

    Of frames uint8 (n, S, S, 3); NaN for a patch without detail, throughout a frame with too few others. Least squares
    of the difference on the gradients (Lucas and Kanade 1981), brightness of each patch left free: exact for small
    shifts, a third too much at one pixel.
    """
    return np.array([_frame_shifts(a, b) for a, b in zip(plain, emitted, strict=True)])


def movement(plain: np.ndarray, emitted: np.ndarray) -> float | str:
    """The least correlation over time, of squares that move in the plain frames, between both versions of frames uint8
    (n, S, S, 3) on end; or why there is none."""
    theirs, ours = _cells(plain), _cells(emitted)
    spread = theirs.std(0)
    moving = spread >= MOVES
    if not moving.any():
        most = f"the most that a square deviates is {spread.max():.2g} levels, expected at least {MOVES:g}"
        return f"the plain loop's frames stand still: {most}"
    a, b = (x[:, moving] - x[:, moving].mean(0) for x in (ours, theirs))
    length = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    r = np.divide((a * b).sum(0), length, out=np.zeros_like(length), where=length > 0)
    return float(r.min())


def _frame_shifts(plain: np.ndarray, emitted: np.ndarray) -> np.ndarray:
    first, second = plain.astype(np.float64), emitted.astype(np.float64)
    down, right = np.gradient((first + second) / 2, axis=(0, 1))
    x, y, change = (_centred(v) for v in (right, down, second - first))
    xx, yy, xy, xc, yc = (np.einsum("pnc,pnc->p", a, b) for a, b in ((x, x), (y, y), (x, y), (x, change), (y, change)))
    weaker = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    good = weaker >= _DETAIL * x.shape[1] * x.shape[2]
    out = np.full(len(x), np.nan)
    if np.count_nonzero(good) >= min(_ENOUGH, len(x)):
        determinant = (xx * yy - xy * xy)[good]
        across = (yy * xc - xy * yc)[good] / determinant
        along = (xx * yc - xy * xc)[good] / determinant
        out[good] = np.hypot(across, along)
    return out


def _centred(values: np.ndarray) -> np.ndarray:
    """Patches (P, pixels, channels) of (H, W, channels), each less its mean; what is over at the edges is left out."""
    rows, columns, channels = values.shape[0] // SIDE, values.shape[1] // SIDE, values.shape[2]
    cut = values[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, channels)
    patches = cut.transpose(0, 2, 1, 3, 4).reshape(rows * columns, SIDE * SIDE, channels)
    return patches - patches.mean(1, keepdims=True)


def _cells(frames: np.ndarray) -> np.ndarray:
    """Mean levels of squares, float64 (n, squares x channels)."""
    n, rows, columns = len(frames), frames.shape[1] // CELL, frames.shape[2] // CELL
    cut = frames[:, : rows * CELL, : columns * CELL].reshape(n, rows, CELL, columns, CELL, 3)
    return cut.mean((2, 4), dtype=np.float64).reshape(n, -1)
