"""Structural similarity between a video and its truth: the right convention, and those that published numbers used.

One 256x256 pair scores 0.74 to 0.9999 depending on window, colour and range; hence a variant for each. The first is the
one to report: Wang's window on each RGB channel of uint8, range 255, without any resize.

Does not measure: lip sync or identity; blur of small parts such as the mouth; it falls with a shift of one pixel.
Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE TIP 13(4), 2004.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.greyscale import grey_pillow
from metrics.registry import Variant
from metrics.similarity import Similarity, Window, gaussian_window, uniform_window

_GAUSS, _UNIFORM = gaussian_window(), uniform_window()


def measure(
    clip: Clip, window: Window, *, grey: bool = False, data_range: float = 255.0, offset: float = 0.0
) -> Result:
    """Mean over frames of each frame's mean SSIM; no value where the frames are smaller than the window.

    grey: on Pillow's grey in place of each channel. data_range, offset: see `Similarity`, in units of uint8.
    """
    assert clip.truth is not None
    height, width = clip.frames.shape[1:3]
    if min(height, width) < window.side:
        reason = f"frames of {width}x{height} are smaller than the window of {window.side}x{window.side}"
        return Result(None, 0.0, reason=reason)
    similarity = Similarity(height, width, window, data_range=data_range, offset=offset)
    values = np.empty(len(clip.frames))
    for t, (frame, truth) in enumerate(zip(clip.frames, clip.truth, strict=True)):
        pair = (grey_pillow(frame), grey_pillow(truth)) if grey else (frame, truth)
        values[t] = similarity.compare(*pair)
    return Result(float(values.mean()), 1.0, per_frame=values)


_SOURCE = "Wang, Bovik, Sheikh, Simoncelli 2004, IEEE TIP 13(4), equations 13 and 14"
_BLIND = "lip sync; identity; blur of parts as small as the mouth; reacts to a shift of one pixel as to a real fault"
_GAUSS_TEXT = "11x11 Gaussian window, sigma 1.5, variances over n, K1 0.01, K2 0.03, windows wholly inside the frame"
_UNIFORM_TEXT = "7x7 uniform window, variances over n - 1, K1 0.01, K2 0.03, windows wholly inside the frame"


def _variant(
    name: str,
    window: Window,
    *,
    title: str,
    formula: str,
    equals: str,
    grey: bool = False,
    data_range: float = 255.0,
    offset: float = 0.0,
    legacy: bool = False,
    blind_to: str = _BLIND,
) -> Variant:
    text = _GAUSS_TEXT if window is _GAUSS else _UNIFORM_TEXT
    return Variant(
        id=f"ssim/{name}@1", title=title, formula=f"mean over frames of SSIM {formula}; {text}", unit="1",
        direction="higher", target=None, bounds=(-1.0, 1.0), needs=("truth",), weights=(), source=_SOURCE,
        equals=equals, blind_to=blind_to, legacy=legacy,
        measure=partial(measure, window=window, grey=grey, data_range=data_range, offset=offset),
    )  # fmt: skip


VARIANTS = (
    _variant(
        "gauss11-rgb",
        _GAUSS,
        title="SSIM, Wang's window, RGB",
        formula="of each RGB channel, averaged; uint8, range 255",
        equals="skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, "
        "data_range=255, channel_axis=-1)",
    ),
    _variant(
        "gauss11-grey",
        _GAUSS,
        grey=True,
        title="SSIM, Wang's window, grey",
        formula='of grey (Rec. 601, rounded to uint8 as Pillow\'s "L"), range 255',
        equals="the authors' ssim_index.m without its downsampling; skimage on Pillow's grey, settings as gauss11-rgb",
        blind_to=f"{_BLIND}; colour",
    ),
    _variant(
        "uniform7-rgb",
        _UNIFORM,
        title="SSIM, scikit-image's default, RGB",
        formula="of each RGB channel, averaged; uint8, range 255",
        equals="skimage.metrics.structural_similarity(channel_axis=-1) on uint8; lelechen63/ATVGnet on 256x256 frames",
    ),
    _variant(
        "uniform7-grey",
        _UNIFORM,
        grey=True,
        title="SSIM, scikit-image's default, grey",
        formula='of grey (Rec. 601, rounded to uint8 as Pillow\'s "L"), range 255',
        equals="skimage.metrics.structural_similarity on uint8 of Pillow's grey",
        blind_to=f"{_BLIND}; colour",
    ),
    _variant(
        "legacy-float-range2",
        _UNIFORM,
        data_range=510.0,
        legacy=True,
        title="SSIM of [0, 1] images with the range 2",
        formula="of each RGB channel scaled to [0, 1], range 2",
        equals="older versions of skimage on float images without data_range: the range was guessed from the type as 2",
        blind_to=f"{_BLIND}; constants four times too large raise every value",
    ),
    _variant(
        "legacy-float-range255",
        _UNIFORM,
        data_range=255.0 * 255.0,
        legacy=True,
        title="SSIM of [0, 1] images with the range 255",
        formula="of each RGB channel scaled to [0, 1], range 255",
        equals="skimage on float images in [0, 1] with data_range=255",
        blind_to="nearly everything: the constants outweigh the picture, and all values are close to 1",
    ),
    _variant(
        "legacy-signed-range1",
        _UNIFORM,
        data_range=127.5,
        offset=-127.5,
        legacy=True,
        title="SSIM of [-1, 1] images with the range 1",
        formula="of each RGB channel scaled to [-1, 1], range 1",
        equals="skimage on float images in [-1, 1] with data_range=1",
        blind_to=f"{_BLIND}; mid-grey is black to it, and means of opposite sign give negative values",
    ),
)
