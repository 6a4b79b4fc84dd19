"""Structural similarity between a video and its truth: the right convention, and those that published numbers used.

One 256x256 pair scores 0.74 to 0.9999 depending on window, colour and range; hence a variant for each. The first is the
one to report: Wang's window on each RGB channel of uint8, range 255, without any resize.

Does not measure: lip sync or identity; blur of small parts such as the mouth; it falls with a shift of one pixel.
Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE TIP 13(4), 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.greyscale import grey_opencv, grey_pillow
from metrics.mouthbox import BACKENDS, box_text, clip_boxes, lacking_boxes
from metrics.registry import Variant
from metrics.similarity import Similarity, Window, gaussian_window, uniform_window

_GAUSS, _UNIFORM = gaussian_window(), uniform_window()
_CUBE = uniform_window(3, depth=3)
_SMALL = 224
"""Side to which evaluations resize that feed the same frames to networks."""
Prepare = Callable[[np.ndarray], np.ndarray]


def measure(
    clip: Clip, window: Window, *, prepare: Prepare | None = None, data_range: float = 255.0, offset: float = 0.0
) -> Result:
    """Mean over frames of each frame's mean SSIM; no value where the frames are smaller than the window.

    prepare: what is done to a frame first, uint8 (H, W, 3) to (h, w) or (h, w, C). data_range, offset: see
    `Similarity`, in units of uint8.
    """
    assert clip.truth is not None
    height, width = clip.frames.shape[1:3]
    if min(height, width) < window.side:
        reason = f"frames of {width}x{height} are smaller than the window of {window.side}x{window.side}"
        return Result(None, 0.0, reason=reason)
    similarity: Similarity | None = None
    values = np.empty(len(clip.frames))
    for t, (frame, truth) in enumerate(zip(clip.frames, clip.truth, strict=True)):
        a, b = (frame, truth) if prepare is None else (prepare(frame), prepare(truth))
        if similarity is None:
            similarity = Similarity(a.shape[0], a.shape[1], window, data_range=data_range, offset=offset)
        values[t] = similarity.compare(a, b)
    return Result(float(values.mean()), 1.0, per_frame=values)


def measure_mouthbox(clip: Clip, backend: str) -> Result:
    """Mean over frames of the SSIM of RGB within the square around the truth's mouth, windows wholly inside it."""
    assert clip.truth is not None
    boxes = [box if box is None or _holds(box) else None for box in clip_boxes(clip, backend)]
    made: dict[tuple[int, int], Similarity] = {}
    values = np.full(len(clip.frames), np.nan)
    for t, (box, frame, truth) in enumerate(zip(boxes, clip.frames, clip.truth, strict=True)):
        if box is not None:
            a, b = frame[box], truth[box]
            size = (a.shape[0], a.shape[1])
            if size not in made:
                made[size] = Similarity(*size, _GAUSS)
            values[t] = made[size].compare(a, b)
    lacking, coverage = lacking_boxes(boxes, backend), float((~np.isnan(values)).mean())
    value = None if lacking else float(values[~np.isnan(values)].mean())
    return Result(value, coverage, per_frame=values, reason=lacking)


def _holds(box: tuple[slice, slice]) -> bool:
    return min(side.stop - side.start for side in box) >= _GAUSS.side


def reflect(frame: np.ndarray) -> np.ndarray:
    """The frame with five pixels mirrored around it, the edge not repeated."""
    reach = _GAUSS.side // 2
    return np.pad(frame, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")


def surround(frame: np.ndarray) -> np.ndarray:
    """The frame with five black pixels around it."""
    reach = _GAUSS.side // 2
    return np.pad(frame, ((reach, reach), (reach, reach), (0, 0)))


def shrink(frame: np.ndarray) -> np.ndarray:
    """float64 means of blocks of f x f pixels, f = round(smaller side / 256), at least 1; what is left over is cut."""
    height, width = frame.shape[:2]
    factor = max(1, round(min(height, width) / 256))
    if factor == 1:
        return frame
    rows, columns = height // factor, width // factor
    blocks = frame[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor, -1)
    return blocks.mean((1, 3), dtype=np.float64)


def resize_grey(frame: np.ndarray) -> np.ndarray:
    """OpenCV's grey at 224x224, by its default: two taps a side, without antialiasing."""
    import cv2

    return cv2.resize(grey_opencv(frame), (_SMALL, _SMALL), interpolation=cv2.INTER_LINEAR)


_SOURCE = "Wang, Bovik, Sheikh, Simoncelli 2004, IEEE TIP 13(4), equations 13 and 14"
_BLIND = "lip sync; identity; blur of parts as small as the mouth; reacts to a shift of one pixel as to a real fault"
_GAUSS_TEXT = "11x11 Gaussian window, sigma 1.5, variances over n, K1 0.01, K2 0.03"
_UNIFORM_TEXT = "7x7 uniform window, variances over n - 1, K1 0.01, K2 0.03"
_INSIDE = "windows wholly inside the frame"
_RGB = "of each RGB channel, averaged; uint8, range 255"
_GREY = 'of grey (Rec. 601, rounded to uint8 as Pillow\'s "L"), range 255'
_FAULTS = ("blur", "noise", "jpeg", "h264", "jitter")


def _variant(
    name: str,
    window: Window,
    *,
    title: str,
    formula: str,
    equals: str,
    text: str = "",
    prepare: Prepare | None = None,
    data_range: float = 255.0,
    offset: float = 0.0,
    legacy: bool = False,
    blind_to: str = _BLIND,
    source: str = _SOURCE,
    promises: tuple[str, ...] = (),
) -> Variant:
    text = text or f"{_GAUSS_TEXT if window is _GAUSS else _UNIFORM_TEXT}, {_INSIDE}"
    return Variant(
        id=f"ssim/{name}@1", title=title, formula=f"mean over frames of SSIM {formula}; {text}", unit="1",
        direction="higher", target=None, bounds=(-1.0, 1.0), needs=("truth",), weights=(), source=source,
        equals=equals, blind_to=blind_to, legacy=legacy, promises=promises,
        measure=partial(measure, window=window, prepare=prepare, data_range=data_range, offset=offset),
    )  # fmt: skip


VARIANTS = (
    _variant(
        "gauss11-rgb",
        _GAUSS,
        title="SSIM, Wang's window, RGB",
        formula=_RGB,
        equals="skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, "
        "data_range=255, channel_axis=-1)",
        promises=_FAULTS,
    ),
    _variant(
        "gauss11-grey",
        _GAUSS,
        prepare=grey_pillow,
        title="SSIM, Wang's window, grey",
        formula=_GREY,
        equals="the authors' ssim_index.m without its downsampling; skimage on Pillow's grey, settings as gauss11-rgb",
        blind_to=f"{_BLIND}; colour",
        promises=_FAULTS,
    ),
    _variant(
        "gauss11-rgb-shrunk256",
        _GAUSS,
        prepare=shrink,
        title="SSIM, Wang's window, RGB, larger frames shrunk to about 256",
        formula=f"{_RGB}; frames first averaged over blocks of f x f, f = max(1, round(smaller side / 256))",
        equals="piq.ssim with its default downsample=True, which follows the usage that the authors suggest",
        blind_to=f"{_BLIND}; above 384 pixels, faults finer than a block",
        promises=_FAULTS,
    ),
    _variant(
        "uniform7-rgb",
        _UNIFORM,
        title="SSIM, scikit-image's default, RGB",
        formula=_RGB,
        equals="skimage.metrics.structural_similarity(channel_axis=-1) on uint8; lelechen63/ATVGnet on 256x256 frames",
        promises=_FAULTS,
    ),
    _variant(
        "uniform7-grey",
        _UNIFORM,
        prepare=grey_pillow,
        title="SSIM, scikit-image's default, grey",
        formula=_GREY,
        equals="skimage.metrics.structural_similarity on uint8 of Pillow's grey",
        blind_to=f"{_BLIND}; colour",
        promises=_FAULTS,
    ),
    *(
        Variant(
            id=f"ssim/mouthbox-gauss11-rgb-{name}@1",
            title=f"SSIM in the mouth's box ({backend} landmarks)",
            formula=f"mean over frames of SSIM {_RGB}; {_GAUSS_TEXT}, windows wholly inside {box_text(backend)}",
            unit="1",
            direction="higher",
            target=None,
            bounds=(-1.0, 1.0),
            needs=("truth", f"truth_landmarks:{backend}"),
            weights=weights,
            source=f"{_SOURCE}; the box is defined here",
            equals="no published code: defined here; skimage with the settings of gauss11-rgb on the box",
            blind_to="all but the mouth; lip sync; a right mouth that is displaced costs as much as a wrong one",
            legacy=False,
            measure=partial(measure_mouthbox, backend=backend),
            promises=(*_FAULTS, "mouth-smaller", "mouth-larger"),
        )
        for name, backend, weights in BACKENDS
    ),
    _variant(
        "legacy-mirrored-edges",
        _GAUSS,
        prepare=reflect,
        legacy=True,
        title="SSIM, Wang's window, RGB, mirrored edges counted",
        formula=_RGB,
        text=f"{_GAUSS_TEXT}, windows at every pixel, the frame mirrored around its edges",
        equals="torchmetrics.functional.structural_similarity_index_measure(data_range=255), mean over a batch",
        blind_to=f"{_BLIND}; edges count twice in part",
    ),
    _variant(
        "legacy-black-edges",
        _GAUSS,
        prepare=surround,
        legacy=True,
        title="SSIM, Wang's window, RGB, black edges counted",
        formula=_RGB,
        text=f"{_GAUSS_TEXT}, windows at every pixel, black around the frame",
        equals="ssim of Po-Hsun-Su/pytorch-ssim and its many copies on images in [0, 1]",
        blind_to=f"{_BLIND}; the black that both pictures share raises it near the edges",
    ),
    _variant(
        "legacy-colour-volume",
        _CUBE,
        legacy=True,
        title="SSIM of the colours as a third dimension",
        formula="of RGB as a volume, uint8, range 255",
        text="3x3x3 uniform window over rows, columns and channels, variances over n - 1, K1 0.01, K2 0.03, windows "
        "wholly inside",
        equals="skimage.metrics.structural_similarity(win_size=3) on RGB without channel_axis",
        blind_to=f"{_BLIND}; which channel differs",
    ),
    _variant(
        "legacy-grey224",
        _UNIFORM,
        prepare=resize_grey,
        legacy=True,
        title="SSIM, scikit-image's default, grey at 224x224",
        formula="of OpenCV's grey, resized by OpenCV's bilinear default to 224x224, range 255",
        equals="skimage.metrics.structural_similarity of cv2.resize(grey, (224, 224)); no one repository",
        blind_to=f"{_BLIND}; colour; detail that the resize drops, which raises every value",
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
