"""Multi-scale structural similarity between a video and its truth: SSIM's factors at five resolutions.

Both pictures are halved four times by means of 2x2 pixels. Contrast and structure enter at all five scales, luminance
at the coarsest alone; each scale's mean is raised to its weight, and the five are multiplied (equation 7). As in the
authors' code, a side of odd length keeps its last line: it is averaged with itself. A mean below 0, which has no such
power, counts as 0.

Does not measure: lip sync or identity; colour shifts that keep structure; small parts such as the mouth.
Source: Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment", Asilomar 2003.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.greyscale import grey_pillow
from metrics.registry import Variant
from metrics.similarity import Similarity, gaussian_window

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, finest first: what the paper's observers were fitted with. As printed, they sum to 1.0001."""
_GAUSS = gaussian_window()
LEAST = (_GAUSS.side - 1) * 2 ** (len(WEIGHTS) - 1) + 1
"""Smallest side in pixels of which the coarsest scale still holds a window: 161."""
_LEAST_DROPPED = _GAUSS.side * 2 ** (len(WEIGHTS) - 1)
"""The same where odd lines are dropped: 176."""


def halve(planes: np.ndarray, *, keep: bool = True) -> np.ndarray:
    """float64 means of 2x2 pixels of (C, H, W). keep: an odd side's last line is averaged with itself, not dropped."""
    if not keep:
        planes = planes[:, : planes.shape[1] // 2 * 2, : planes.shape[2] // 2 * 2]
    rows = np.add(planes[:, ::2], _partners(planes, 1), dtype=np.float64)
    return (rows[..., ::2] + _partners(rows, 2)) / 4


def _partners(planes: np.ndarray, axis: int) -> np.ndarray:
    """Every second line, the last one again where there is none."""
    odd = planes[:, 1::2] if axis == 1 else planes[..., 1::2]
    if planes.shape[axis] % 2 == 0:
        return odd
    return np.concatenate([odd, planes[:, -1:] if axis == 1 else planes[..., -1:]], axis)


def factors(a: np.ndarray, b: np.ndarray, ladder: list[Similarity], *, keep: bool = True) -> np.ndarray:
    """float64 (scales, C): contrast and structure at each scale, SSIM at the last, of pictures (C, H, W).

    ladder: a `Similarity` for each scale's size; with keep False the last is for a picture with mirrored edges.
    """
    out = np.empty((len(WEIGHTS), len(a)))
    for scale, similarity in enumerate(ladder):
        last = scale == len(WEIGHTS) - 1
        if last and not keep:
            reach = _GAUSS.side // 2
            a, b = (np.pad(p, ((0, 0), (reach, reach), (reach, reach)), mode="reflect") for p in (a, b))
        parts = similarity.parts(a.transpose(1, 2, 0), b.transpose(1, 2, 0))
        out[scale] = [whole if last else second for whole, second in parts]
        if not last:
            a, b = halve(a, keep=keep), halve(b, keep=keep)
    return out


def _sizes(height: int, width: int, *, keep: bool) -> list[tuple[int, int]]:
    sizes = [(height, width)]
    for _ in WEIGHTS[1:]:
        sizes.append(tuple((side + keep) // 2 for side in sizes[-1]))  # type: ignore[arg-type]
    if not keep:
        sizes[-1] = (sizes[-1][0] + _GAUSS.side - 1, sizes[-1][1] + _GAUSS.side - 1)
    return sizes


def measure(clip: Clip, *, grey: bool = False, pooled: bool = False) -> Result:
    """Mean over frames of each frame's MS-SSIM; no value where the coarsest scale holds no window.

    pooled: torchmetrics' way: means over all channels are multiplied, odd lines dropped, edges mirrored at the last
    scale.
    """
    assert clip.truth is not None
    height, width = clip.frames.shape[1:3]
    least = _LEAST_DROPPED if pooled else LEAST
    if min(height, width) < least:
        reason = f"frames of {width}x{height}: {len(WEIGHTS)} scales of an 11x11 window need sides of {least} pixels"
        return Result(None, 0.0, reason=reason)
    ladder = [Similarity(*size, _GAUSS) for size in _sizes(height, width, keep=not pooled)]
    values = np.empty(len(clip.frames))
    for t, (frame, truth) in enumerate(zip(clip.frames, clip.truth, strict=True)):
        a, b = (grey_pillow(p)[None] if grey else np.moveaxis(p, 2, 0) for p in (frame, truth))
        found = factors(a, b, ladder, keep=not pooled)
        if pooled:
            found = found.mean(1, keepdims=True)
        values[t] = np.prod(np.maximum(found, 0) ** np.array(WEIGHTS)[:, None], axis=0).mean()
    return Result(float(values.mean()), 1.0, per_frame=values)


_SOURCE = "Wang, Simoncelli, Bovik 2003, Asilomar Conference, equation 7"
_BLIND = "lip sync; identity; shifts of luminance that are even over the frame; parts as small as the mouth"
_TEXT = (
    f"prod over scales of mean(cs)^w, the last of mean(SSIM)^w, w = {', '.join(map(str, WEIGHTS))}; means of 2x2 "
    "pixels between scales; SSIM with an 11x11 Gaussian window, sigma 1.5, variances over n, K1 0.01, K2 0.03"
)
_KEPT = "an odd side's last line averaged with itself, windows wholly inside the frame"
_FAULTS = ("blur", "noise", "jpeg", "h264", "jitter")


def _variant(
    name: str,
    *,
    title: str,
    formula: str,
    equals: str,
    grey: bool = False,
    pooled: bool = False,
    blind_to: str = _BLIND,
) -> Variant:
    return Variant(
        id=f"ms_ssim/{name}@1", title=title, formula=f"mean over frames of {_TEXT}, {formula}", unit="1",
        direction="higher", target=None, bounds=(0.0, 1.0), needs=("truth",), weights=(), source=_SOURCE, equals=equals,
        blind_to=blind_to, legacy=pooled, measure=partial(measure, grey=grey, pooled=pooled),
        promises=() if pooled else _FAULTS,
    )  # fmt: skip


VARIANTS = (
    _variant(
        "gauss11-rgb",
        title="MS-SSIM, RGB",
        formula=f"{_KEPT}; of each RGB channel, averaged; uint8, range 255",
        equals="skimage.metrics.structural_similarity's maps at each scale, multiplied as the paper says",
    ),
    _variant(
        "gauss11-grey",
        grey=True,
        title="MS-SSIM, grey",
        formula=f'{_KEPT}; of grey (Rec. 601, rounded to uint8 as Pillow\'s "L"), range 255',
        equals="the authors' msssim.m with its defaults, method 'product'",
        blind_to=f"{_BLIND}; colour",
    ),
    _variant(
        "legacy-torchmetrics",
        pooled=True,
        title="MS-SSIM as torchmetrics has it",
        formula="an odd side's last line dropped, windows wholly inside the frame but at the last scale, where the "
        "edges are mirrored; means over RGB channels before the product; uint8, range 255",
        equals="torchmetrics.functional.image.multiscale_structural_similarity_index_measure(data_range=255.0)",
        blind_to=f"{_BLIND}; a channel that fails alone is averaged with the others first",
    ),
)
