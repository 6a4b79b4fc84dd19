"""CPBD: how sharp a video is, without a truth: the share of its edges that are too narrow to be seen as blurred.

An edge w pixels wide looks blurred with the probability 1 - exp(-(w / w_jnb)^3.6), w_jnb the width just noticed. CPBD
is the share of edges whose probability is at most .63 = 1 - 1/e; that is reached exactly where w = w_jnb, so it is the
share of edges at most w_jnb wide, and the exponent drops out.

The paper leaves open what these choices fix. Grey is Pillow's "L". Edges are Sobel's, upright: |gx| is the row's local
maximum, gx^2 above 4 times its mean over the frame, |gy| at most tan(22.5 degrees) |gx|. An edge's width is that of the
strictly rising or falling run of grey along the row through it (Marziliano et al.). Blocks are 64x64 from the upper
left, rests at the right and the bottom left out; an edge block has edges in more than .2 % of its pixels; w_jnb is 5
where a block's largest less smallest grey is at most 50, else 3.

Does not measure: whether the detail is right; noise has narrow edges and counts as sharp.
Source: Narvekar and Karam, "A no-reference image blur metric based on the cumulative probability of blur detection
(CPBD)", IEEE TIP 20(9), 2011; Marziliano, Dufaux, Winkler, Ebrahimi, "A no-reference perceptual blur metric", ICIP
2002.
"""

from __future__ import annotations

import numpy as np

from metrics.clip import Clip, Result
from metrics.greyscale import grey_pillow
from metrics.registry import Variant

BLOCK = 64
EDGE_SHARE = 0.002
LOW_CONTRAST = 50
JNB_LOW, JNB_HIGH = 5, 3
"""Widths in pixels just noticed as blur at low and at high contrast."""
_STRENGTH = 4.0
_SLANT = np.tan(np.pi / 8)


def sharp_share(grey: np.ndarray) -> float:
    """CPBD of one picture uint8 (H, W), sides of at least BLOCK; NaN where no block has edges enough."""
    rows, columns = (side // BLOCK for side in grey.shape)
    grey = grey[: rows * BLOCK, : columns * BLOCK]
    y, x, rising = upright_edges(grey)
    block = y // BLOCK * columns + x // BLOCK
    tiles = grey.reshape(rows, BLOCK, columns, BLOCK)
    contrast = tiles.max((1, 3)).astype(int) - tiles.min((1, 3))
    just_noticed = np.where(contrast <= LOW_CONTRAST, JNB_LOW, JNB_HIGH).ravel()
    enough = np.bincount(block, minlength=rows * columns) > EDGE_SHARE * BLOCK * BLOCK
    counted = enough[block]
    if not counted.any():
        return float("nan")
    widths = run_widths(grey, y[counted], x[counted], rising[counted])
    return float((widths <= just_noticed[block[counted]]).mean())


def upright_edges(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows, columns, whether grey rises to the right) of the edge pixels of uint8 (H, W); none at the border."""
    g = grey.astype(np.int32)
    step, weighed = g[:, 2:] - g[:, :-2], g[:, :-2] + 2 * g[:, 1:-1] + g[:, 2:]
    gx, gy = step[:-2] + 2 * step[1:-1] + step[2:], weighed[2:] - weighed[:-2]
    size = np.abs(gx)
    # of two neighbours that are alike, the left one is the maximum: an edge counts once
    peak = (size[:, 1:-1] > size[:, :-2]) & (size[:, 1:-1] >= size[:, 2:])
    peak &= np.square(size[:, 1:-1]) > _STRENGTH * np.square(size, dtype=np.float64).mean()
    peak &= np.abs(gy[:, 1:-1]) <= _SLANT * size[:, 1:-1]
    y, x = np.nonzero(peak)
    return y + 1, x + 2, gx[y, x + 1] > 0


def run_widths(grey: np.ndarray, y: np.ndarray, x: np.ndarray, rising: np.ndarray) -> np.ndarray:
    """Pixels (int) from the extremum left of each edge pixel to that at its right, along its row."""
    steps = np.diff(grey.astype(np.int16), axis=1)
    widths = np.empty(len(y), np.int64)
    for goes, chosen in ((steps > 0, rising), (steps < 0, ~rising)):
        # a run ends where the next step does not go on; the row's ends end it too
        ended = np.ones((len(grey), steps.shape[1] + 2), bool)
        np.logical_not(goes, out=ended[:, 1:-1])
        stops = np.flatnonzero(ended)
        # step s of a row lies at s + 1 there: left of pixel p is step p - 1, right of it step p
        at = y[chosen] * ended.shape[1] + x[chosen]
        before = stops[np.searchsorted(stops, at, side="right") - 1]
        after = stops[np.searchsorted(stops, at + 1, side="left")]
        widths[chosen] = after - before - 1
    return widths


def measure(clip: Clip) -> Result:
    """Mean over the frames that have edges; no value where no frame has, or frames are smaller than a block."""
    height, width = clip.frames.shape[1:3]
    if min(height, width) < BLOCK:
        return Result(None, 0.0, reason=f"frames of {width}x{height} are smaller than a block of {BLOCK}x{BLOCK}")
    values = np.array([sharp_share(grey_pillow(frame)) for frame in clip.frames])
    valid = ~np.isnan(values)
    if not valid.any():
        return Result(None, 0.0, per_frame=values, reason="no frame has a block with edges")
    return Result(float(values[valid].mean()), float(valid.mean()), per_frame=values)


VARIANTS = (
    Variant(
        id="cpbd/sobel-grey@1",
        title="CPBD: share of edges not seen as blurred",
        formula="mean over frames of the share of edge pixels, in 64x64 blocks with edges in over .2 % of pixels, "
        "whose probability of blur 1 - exp(-(w / w_jnb)^3.6) is at most 1 - 1/e, the paper's .63; w: pixels of the "
        "strictly rising or falling run of grey (Pillow's) along the row; w_jnb 5 at a block contrast of at most 50, "
        "else 3; edges: Sobel's gx a maximum along the row, gx^2 over 4 times its mean in the frame, gradient within "
        "22.5 degrees of the row",
        unit="1",
        direction="higher",
        target=None,
        bounds=(0.0, 1.0),
        needs=(),
        weights=(),
        source="Narvekar and Karam 2011, IEEE TIP 20(9); widths: Marziliano et al. 2002, ICIP",
        equals="the paper's formula; no code to the digit: the authors' finds edges by Matlab's Canny and Sobel, whose "
        "thresholds the paper does not state",
        blind_to="noise, ringing, blocks and painted edges, which count as sharp; blur along columns alone; what is "
        "shown; a still picture scores as well as a talking one; it depends on resolution and content, so only "
        "videos of the same clips compare",
        legacy=False,
        measure=measure,
        promises=("blur",),
    ),
)
