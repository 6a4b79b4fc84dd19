"""Peak signal-to-noise ratio between a video and its truth, frame by frame, in decibels.

PSNR = 10 log10(range^2 / MSE) over uint8 RGB, range 255; MSE over pixels and channels of a frame. Identical frames
have no finite PSNR. Here a frame counts at most CAP decibels, so that the truth scored against itself has a value, the
highest, and orders above all else. Leaving such frames out instead would give the truth no value and would lower the
mean of a method for every frame that it gets exactly right. How many frames met the cap is in series "capped".

Does not measure: whether differences can be seen; the mouth, which is a few per cent of a frame (see `mouthbox`).
Source: Huynh-Thu and Ghanbari, "Scope of validity of PSNR in image/video quality assessment", Electronics Letters 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from metrics.clip import Clip, Result
from metrics.greyscale import grey_opencv, grey_pillow
from metrics.mouthbox import BACKENDS, box_text, clip_boxes, lacking_boxes
from metrics.registry import Variant

PEAK = 255.0
CAP = 100.0
"""Decibels at which a frame's value is cut: an MSE of 6.5e-6, under two values off by one in a frame of 256x256."""
_ROW = 256
"""Squares summed at once in float32, exactly: 256 times 255^2 is below 2**24."""
_PIQ_EPSILON = 1e-8
"""What piq adds to the mean squared error of [0, 1] images: identical frames then have 80 dB."""


def mean_squared_error(a: np.ndarray, b: np.ndarray) -> float:
    """Mean squared difference of two uint8 arrays of one shape, exact: every partial sum is an integer that fits."""
    difference = np.subtract(a, b, dtype=np.float32).ravel()
    whole = difference.size - difference.size % _ROW
    rows, rest = difference[:whole].reshape(-1, _ROW), difference[whole:]
    # einsum and not a dot product: OpenBLAS would wake its threads for each frame, which costs more than the sums
    total = np.einsum("ij,ij->i", rows, rows).sum(dtype=np.float64) + float(np.einsum("i,i->", rest, rest))
    return float(total) / difference.size


def decibels(error: float | np.ndarray, peak: float | np.ndarray = PEAK) -> np.ndarray:
    """PSNR float64 of a mean squared error and a range; infinite where the error is 0. Shape of the inputs."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(np.square(peak, dtype=np.float64) / np.asarray(error, np.float64))


def _errors(clip: Clip) -> np.ndarray:
    """Mean squared error float64 (T,) of each frame, made once for all variants: not to be written to."""

    def compare() -> np.ndarray:
        assert clip.truth is not None
        return np.array([mean_squared_error(a, b) for a, b in zip(clip.frames, clip.truth, strict=True)])

    return clip.once(("psnr", "mean squared error of RGB"), compare)


def _mean(values: np.ndarray, *, nothing: str = "") -> Result:
    """The mean over frames that have a value (not NaN), each cut at CAP."""
    valid = ~np.isnan(values)
    coverage = float(valid.mean())
    if not valid.any():
        return Result(None, coverage, per_frame=values, reason=nothing)
    capped = np.where(valid, values >= CAP, np.nan)
    cut = np.minimum(values, CAP)
    return Result(float(cut[valid].mean()), coverage, per_frame=cut, series={"capped": capped})


def measure_mean(clip: Clip) -> Result:
    """Mean over frames of each frame's PSNR in dB."""
    return _mean(decibels(_errors(clip)))


def measure_pooled(clip: Clip) -> Result:
    """PSNR in dB of the mean squared error over all frames together; per frame as in the mean of frames."""
    errors = _errors(clip)
    value = min(float(decibels(errors.mean())), CAP)
    return Result(value, 1.0, per_frame=np.minimum(decibels(errors), CAP))


def measure_mouthbox(clip: Clip, backend: str) -> Result:
    """Mean over frames of the PSNR in dB within the square around the truth's mouth."""
    assert clip.truth is not None
    boxes = clip_boxes(clip, backend)
    values = np.full(len(clip.frames), np.nan)
    for t, (box, frame, truth) in enumerate(zip(boxes, clip.frames, clip.truth, strict=True)):
        if box is not None:
            values[t] = decibels(mean_squared_error(frame[box], truth[box]))
    lacking = lacking_boxes(boxes, backend)
    if lacking is not None:
        return Result(None, float((~np.isnan(values)).mean()), per_frame=np.minimum(values, CAP), reason=lacking)
    return _mean(values)


def measure_grey(clip: Clip) -> Result:
    """Mean over frames of the PSNR in dB of grey frames."""
    assert clip.truth is not None
    pairs = ((grey_pillow(a), grey_pillow(b)) for a, b in zip(clip.frames, clip.truth, strict=True))
    return _mean(decibels(np.array([mean_squared_error(a, b) for a, b in pairs])))


def measure_reference_range(clip: Clip) -> Result:
    """Mean over frames of the PSNR in dB with the truth frame's own range, max - min, in place of 255."""
    assert clip.truth is not None
    ranges = np.array([int(truth.max()) - int(truth.min()) for truth in clip.truth], np.float64)
    values = np.where(ranges > 0, decibels(_errors(clip), np.maximum(ranges, 1.0)), np.nan)
    return _mean(values, nothing="every frame of the truth is of one value, so its range is 0")


def measure_piq(clip: Clip) -> Result:
    """Mean over frames of piq's PSNR in dB: a constant is added to the error, so that identical frames have 80."""
    values = decibels(_errors(clip) / PEAK**2 + _PIQ_EPSILON, 1.0)
    return Result(float(values.mean()), 1.0, per_frame=values)


def measure_differing(clip: Clip) -> Result:
    """Mean over frames of the PSNR in dB, frames equal to their truth left out."""
    values = decibels(_errors(clip))
    values = np.where(np.isinf(values), np.nan, values)
    valid = ~np.isnan(values)
    if not valid.any():
        return Result(None, 0.0, per_frame=values, reason="every frame equals its truth, and such frames are left out")
    return Result(float(values[valid].mean()), float(valid.mean()), per_frame=values)


def measure_atvgnet(clip: Clip) -> Result:
    """Mean over frames of ATVGnet's PSNR in dB: grey, differences squared in uint8, so that both wrap at 256."""
    assert clip.truth is not None
    values = np.empty(len(clip.frames))
    for t, (frame, truth) in enumerate(zip(clip.frames, clip.truth, strict=True)):
        difference = grey_opencv(frame) - grey_opencv(truth)  # uint8: wraps
        error = float((difference * difference).mean(dtype=np.float64))  # uint8: wraps again
        values[t] = decibels(error) if error else 100.0  # what the code states for an error of 0
    return Result(float(values.mean()), 1.0, per_frame=values)


_SOURCE = "Huynh-Thu and Ghanbari 2008, Electronics Letters 44(13)"
_BLIND = (
    "what a viewer notices: a shift of one pixel costs more than a wrong mouth, which is a few per cent of the frame; "
    "lip sync; identity"
)
_FAULTS = ("blur", "noise", "jpeg", "h264", "colour", "jitter")
_CAPPED = f"each frame cut at {CAP:g} dB, which identical frames reach"


def _variant(
    name: str,
    measure: Callable[[Clip], Result],
    *,
    title: str,
    formula: str,
    equals: str,
    blind_to: str = _BLIND,
    needs: tuple[str, ...] = ("truth",),
    legacy: bool = False,
    source: str = _SOURCE,
    bounds: tuple[float | None, float | None] = (0.0, CAP),
    weights: tuple[str, ...] = (),
    promises: tuple[str, ...] = (),
) -> Variant:
    return Variant(
        id=f"psnr/{name}@1", title=title, formula=formula, unit="dB", direction="higher", target=None, bounds=bounds,
        needs=needs, weights=weights, source=source, equals=equals, blind_to=blind_to, legacy=legacy, measure=measure,
        promises=promises,
    )  # fmt: skip


VARIANTS = (
    _variant(
        "mean-of-frames",
        measure_mean,
        title="PSNR, mean of frames",
        formula=f"mean over frames of 10 log10(255^2 / MSE), MSE over RGB pixels of a frame, uint8; {_CAPPED}",
        equals="mean of skimage.metrics.peak_signal_noise_ratio(truth, frame, data_range=255) over frames",
        promises=_FAULTS,
    ),
    _variant(
        "pooled",
        measure_pooled,
        title="PSNR, pooled over frames",
        formula=f"10 log10(255^2 / MSE), MSE over all RGB pixels of all frames, uint8; cut at {CAP:g} dB",
        equals="skimage.metrics.peak_signal_noise_ratio(truth, video, data_range=255) of whole arrays; "
        "torchmetrics' PeakSignalNoiseRatio, which pools a batch",
        blind_to=f"{_BLIND}; a few bad frames decide it",
        promises=_FAULTS,
    ),
    _variant(
        "grey",
        measure_grey,
        title="PSNR of grey frames, mean of frames",
        formula='mean over frames of 10 log10(255^2 / MSE) of grey (Rec. 601, rounded to uint8 as Pillow\'s "L"); '
        f"{_CAPPED}",
        equals="mean of skimage.metrics.peak_signal_noise_ratio on Pillow's grey, data_range=255, over frames",
        blind_to=f"{_BLIND}; colour",
        promises=("noise", "jpeg", "h264"),
    ),
    *(
        _variant(
            f"mouthbox-{name}",
            partial(measure_mouthbox, backend=backend),
            title=f"PSNR in the mouth's box ({backend} landmarks)",
            formula=f"mean over frames of 10 log10(255^2 / MSE) within {box_text(backend)}; {_CAPPED}",
            equals="no published code: defined here",
            blind_to="all but the mouth; a right mouth that is displaced by a head pose costs as much as a wrong one",
            needs=("truth", f"truth_landmarks:{backend}"),
            source=f"{_SOURCE}; the box is defined here",
            weights=weights,
            promises=(*_FAULTS, "mouth-smaller", "mouth-larger"),
        )
        for name, backend, weights in BACKENDS
    ),
    _variant(
        "legacy-reference-range",
        measure_reference_range,
        title="PSNR with the range taken from the reference",
        formula=f"mean over frames of 10 log10(range^2 / MSE), range = max - min of the truth's frame; {_CAPPED}",
        equals="code that passes data_range=truth.max() - truth.min() to skimage; no one repository",
        blind_to=f"{_BLIND}; low contrast of the truth lowers it at equal error",
        legacy=True,
        bounds=(None, CAP),
    ),
    _variant(
        "legacy-piq-eps",
        measure_piq,
        title="PSNR as piq has it: 80 dB for identical frames",
        formula="mean over frames of -10 log10(MSE + 1e-8), MSE over RGB of a frame scaled to [0, 1]",
        equals="piq.psnr(frames, truth, data_range=255) of photosynthesis-team/piq, its mean over a batch of frames",
        blind_to=f"{_BLIND}; differences that matter above 60 dB, which the constant compresses",
        legacy=True,
        source="piq 0.8, Kastryulin et al. 2022, arXiv 2208.14818",
        bounds=(-1e-6, 80.0),
    ),
    _variant(
        "legacy-without-identical",
        measure_differing,
        title="PSNR, frames equal to their truth left out",
        formula="mean over the frames that differ from their truth of 10 log10(255^2 / MSE), RGB, uint8",
        equals="code that drops infinite values before the mean (by numpy.isfinite, say); no one repository",
        blind_to=f"{_BLIND}; frames that a method gets exactly right, which only lower it by being left out",
        legacy=True,
        bounds=(0.0, None),
    ),
    _variant(
        "legacy-atvgnet-grey",
        measure_atvgnet,
        title="PSNR as in ATVGnet's evaluation: grey, wrapping in uint8",
        formula="mean over frames of 20 log10(255 / sqrt(mean(d*d mod 256))), d = difference of OpenCV's grey mod 256; "
        "100 where the mean is 0",
        equals="psnr_f of lelechen63/ATVGnet evaluation_matrix.py on frames of 256x256, which it does not resize",
        blind_to="large errors: a difference of 16 counts as none; values are several dB too high, never under 24",
        legacy=True,
        source="Chen et al. 2019, arXiv 1905.03820, and its published code",
        bounds=(24.1, None),  # the largest square mod 256 is 249
    ),
)
