"""Whether the head moves in time with the sound: beat alignment of Li et al. 2021 and Siyao et al. 2022, 0 to 1.

Motion beat: local minimum of the head's angular speed, where one movement ends and the next begins. Each of its beats
scores exp(-d^2 / (2 sigma^2)), d = time to the nearest onset of the sound (`metrics.onsets`), sigma = 3 frames at 60
frames/s as in both papers = 0.05 s = 1.25 frames at 25. Plain variant: mean over motion beats (Li et al.). "onsets":
mean over onsets of the same with the nearest motion beat (Siyao et al.). A frame's time is its middle.

Measured: speech has some six onsets a second, so that a head which has nothing to do with the words scores 0.6 in the
first and 0.2 in the second (0.3 by dlib68, whose noise adds beats); the corpus's own heads score no more, nor do five
real films (0.48 to 0.74 against 0.39 to 0.67 of random beats). Compare with the same head under other speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from metrics.clip import Clip, Result
from metrics.coverage import MIN_COVERAGE
from metrics.head_motion import MIN_FRAMES, continuous, lacking
from metrics.head_pose import angles_of
from metrics.landmarks import BACKENDS
from metrics.onsets import RATE, SILENT, onsets_of
from metrics.registry import Variant
from metrics.stretches import stretches

SIGMA = 3 / 60
"""Seconds."""
SMOOTH = 5 / 60
"""Seconds: sigma of the Gaussian under which angles are smoothed before they are differenced: five frames at the 60
frames/s of dance. A detector's noise would put a beat in every third frame."""
PROMINENCE = 1.0
"""Degrees/s by which a minimum lies under the maxima beside it: a head at rest has no beats by rounding."""
Over = Literal["motion", "onsets"]


@dataclass(frozen=True)
class Motion:
    """speed: float64 (T,) degrees/s, NaN where it or a neighbour's angles are unknown. beats: int64 (N,) frames."""

    speed: np.ndarray
    beats: np.ndarray


def motion(angles: np.ndarray, fps: float) -> Motion:
    """The angular speed and its beats, of angles float64 (T, 3) in degrees, NaN in frames without a face.

    speed[t] = |a[t + 1] - a[t - 1]| fps / 2 of smoothed angles, |.| over the three; never across an unknown frame.
    """
    from scipy.signal import find_peaks

    known = ~np.isnan(angles).any(1)
    smooth = _smooth(continuous(angles), known, SMOOTH * fps)
    speed = np.full(len(angles), np.nan)
    if len(angles) > 2:
        speed[1:-1] = np.linalg.norm(smooth[2:] - smooth[:-2], axis=1) * fps / 2
        speed[~known] = np.nan
    beats = [
        first + int(frame)
        for first, last in stretches(~np.isnan(speed))
        for frame in find_peaks(-speed[first:last], prominence=PROMINENCE)[0]
    ]
    return Motion(speed, np.array(beats, np.int64))


def alignment(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """exp(-d^2 / (2 SIGMA^2)) float64 (N,) of times (N,) in s, d to the nearest of others (M,), M > 0 and rising."""
    at = np.searchsorted(others, times)
    after, before = others[np.minimum(at, len(others) - 1)], others[np.maximum(at - 1, 0)]
    nearest = np.minimum(np.abs(times - after), np.abs(times - before))
    return np.exp(-np.square(nearest) / (2 * SIGMA**2))


def measure(clip: Clip, backend: str, *, over: Over) -> Result:
    """Mean alignment over motion beats or over onsets, of those within the time that picture and sound both last."""
    assert clip.samples is not None
    angles, samples = angles_of(clip, backend), clip.samples
    valid = ~np.isnan(angles).any(1)
    found = clip.once(("head_beat", backend), lambda: motion(angles, clip.fps))
    curve = np.full(len(angles), np.nan)
    beats = onsets = np.empty(0)
    reason = lacking(valid) or _silence(samples)
    if reason is None:
        end = min(len(angles) / clip.fps, len(samples) / RATE)
        beats, onsets = (found.beats + 0.5) / clip.fps, onsets_of(clip)
        beats, onsets = beats[beats <= end], onsets[onsets <= end]
        for what, times in (("the head's motion", beats), ("the sound", onsets)):
            if reason is None and not len(times):
                reason = f"{what} has no beat while picture and sound both last"
    value = None
    if reason is None:
        scores = alignment(beats, onsets)
        curve[found.beats[: len(beats)]] = scores
        value = float((scores if over == "motion" else alignment(onsets, beats)).mean())
    per_frame = curve if over == "motion" else None
    return Result(value, float(valid.mean()), per_frame=per_frame, reason=reason, series={"speed": found.speed})


def _smooth(curves: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian means float64 (T, 3) over known frames within three sigma; NaN where the frame itself is not known."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-np.square(np.arange(-reach, reach + 1) / sigma) / 2)
    weight = _spread(known.astype(np.float64), kernel)
    out = np.full(curves.shape, np.nan)
    if known.any():
        for k, curve in enumerate(curves.T):
            total = _spread(np.where(known, curve, 0.0), kernel)
            out[known, k] = total[known] / weight[known]
    return out


def _spread(curve: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.convolve(np.pad(curve, len(kernel) // 2), kernel, "valid")


def _silence(samples: np.ndarray) -> str | None:
    loudest = float(np.abs(samples).max(initial=0.0))
    return f"silent audio: loudest sample {loudest:.2g}, under {SILENT:g}" if loudest < SILENT else None


_SCORE = (
    f"exp(-d^2 / (2 s^2)), s = {SIGMA:g} s (1.25 frames at 25 frames/s), d = time to the nearest {{other}}; motion "
    f"beat = local minimum, of {PROMINENCE:g} degree/s prominence, of the angular speed |a[t+1] - a[t-1]| fps / 2, a = "
    "pitch, yaw, roll of a rigid head of 19 points under scaled orthography (see pose_error), smoothed by a Gaussian "
    f"of {SMOOTH:.4f} s; onsets by librosa: mean rise of 80 mel bands in dB, Hann window 32 ms, hop 10 ms, largest "
    "within 30 ms before, 0.07 of the range over the mean of 100 ms either side, 30 ms apart; frame at (t + 0.5) / fps"
)
_BLIND = (
    "whether the movement fits the words: on speech with some six onsets a second a head that has nothing to do with "
    "it scores about {chance}, so compare with the same head under other speech; size of movement; picture quality"
)


def _variants(backend: str, weights: tuple[str, ...]) -> tuple[Variant, ...]:
    return tuple(
        Variant(
            id=f"head_beat/{prefix}{backend}@1",
            title=f"Beat alignment of head and sound, over {over} ({backend})",
            formula=f"mean over {each} of {_SCORE.format(other=other)}; landmarks by {backend}; a face in at least "
            f"{MIN_COVERAGE:.0%} of frames and in {MIN_FRAMES} or more; beats and onsets while picture and sound last",
            unit="1",
            direction="higher",
            target=None,
            bounds=(0.0, 1.0),
            needs=(f"landmarks:{backend}", "samples"),
            weights=weights,
            source=source,
            equals="the paper's equation with the head's pose for a body's joints and onsets for music beats; no "
            "published numbers",
            blind_to=f"{blind}; {_BLIND.format(chance=chance)}",
            legacy=False,
            measure=partial(measure, backend=backend, over=over),
        )
        for prefix, over, each, other, source, blind, chance in _SIDES
    )


_SIDES: tuple[tuple[str, Over, str, str, str, str, str], ...] = (
    (
        "", "motion", "motion beats", "onset", "Li, Yang, Ross, Kanazawa 2021, ICCV (AIST++)",
        "onsets at which the head does nothing", "0.6",
    ),
    (
        "onsets-", "onsets", "onsets", "motion beat", "Siyao et al. 2022, CVPR (Bailando)",
        "motion beats without an onset, so that a trembling head gains", "0.2 (0.3 by dlib68, whose noise adds beats)",
    ),
)  # fmt: skip
VARIANTS = tuple(variant for name, held in BACKENDS.items() for variant in _variants(name, tuple(held)))
