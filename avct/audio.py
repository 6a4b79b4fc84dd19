"""What AVCT hears: 41 numbers every 10 ms, unnormalised, four such rows to a video frame at 25 fps.

Columns: 0 to 12 cepstra (c0 replaced by the log energy), 13 to 38 log filter-bank energies, 39 fundamental frequency in
Hz interpolated through unvoiced stretches, 40 voiced flag. Cepstra and filter bank are python_speech_features with its
defaults (25 ms rectangular windows, pre-emphasis 0.97, 26 filters, 0 to 8 kHz), the frequency is WORLD's Harvest
(Morise 2017): the published weights accept no others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from avct.config import AUDIO_COLUMNS, AUDIO_ROWS
from avct.errors import AvctError

RATE = 16_000
"""Sample rate in Hz that everything here expects."""
HOP = 160
"""Samples from one row to the next: 10 ms."""
WINDOW = 400
"""Samples of the shortest usable clip: one 25 ms window."""
LOWEST, HIGHEST = 71.0, 800.0
"""Bounds of the fundamental frequency in Hz: Harvest's own defaults."""
FFT = 512
"""Samples of the transform that spectra come from: the window and zeros."""
CHUNK = 6_000
"""Rows worked on at once: 60 s. Harvest needs 0.45 GB for them, but 3.9 GB for five minutes at once."""
MARGIN = 200
"""Rows of context on both sides of a chunk, dropped from its result: 2 s, longer than a breath group's voiced run."""
PYIN_WINDOW = 512
"""Samples of pYIN's window: 2.3 periods of the lowest voice. Longer ones merge voiced and unvoiced stretches."""

Tracker = Literal["harvest", "pyin", "dio"]
Samples = NDArray[np.float32] | NDArray[np.float64]
Track = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def features(samples: Samples, *, f0: Tracker = "harvest") -> NDArray[np.float64]:
    """Audio features float64 (t, 41), t = min(1 + ceil((N - 400) / 160), N // 160 + 1).

    samples: float (N,) mono at 16 kHz, any scale (mean and peak are normalised here), N >= 400. Digital silence is
    allowed: floor values of the logarithms, frequency and flag zero. f0 "pyin" (librosa) is for models trained with it:
    its frequencies agree with Harvest's within 1 % (median), its voiced flags on 63 to 88 % of the rows only. "dio" is
    WORLD's quick tracker (7 ms for a second of sound, Harvest 200): within 0.3 % (median), flags on 78 to 88 %.
    Up to 60 s the result is the official one; longer clips are worked on in chunks of 60 s with 2 s of context, which
    keeps memory near 0.6 GB (measured on 122 s of speech: no flag changes, 1 % of rows move by over 1 Hz). Harvest
    takes about 15 s of one core per minute of audio.
    Raises AvctError for a wrong shape, NaN, a clip below 25 ms, or a tracker that is unknown or not installed.
    """
    track = tracker(f0)
    signal = _checked(samples)
    signal = signal - signal.mean()
    peak = np.abs(signal).max()
    if peak > 0:
        signal = signal / peak
    spectral = spectral_rows(signal)
    pitch = _in_chunks(track, signal)
    voiced = pitch > 0
    # The flag is taken before the gaps are bridged; the ends are held, never extrapolated.
    if voiced.any():
        places = np.arange(len(pitch))
        pitch = np.interp(places, places[voiced], pitch[voiced])
    rows = min(len(spectral), len(pitch))
    return np.column_stack([spectral[:rows], pitch[:rows], voiced[:rows]])


def frame_rows(features: NDArray[np.floating], frames: int) -> NDArray[np.float32]:
    """Each frame's rows float32 (frames, 4, 41): frame t hears rows 4t to 4t + 3 of features (t, 41).

    Raises AvctError where features do not last for so many frames; `lengthen` the samples first to use the last ones.
    """
    if features.ndim != 2 or features.shape[1] != AUDIO_COLUMNS:
        raise AvctError(f"features must be (t, {AUDIO_COLUMNS}), got {features.shape}")
    have = len(features) // AUDIO_ROWS
    if not 0 <= frames <= have:
        raise AvctError(f"{len(features)} rows of audio features last for {have} frames at 25 fps, asked for {frames}")
    return features[: AUDIO_ROWS * frames].reshape(frames, AUDIO_ROWS, AUDIO_COLUMNS).astype(np.float32)


def lengthen(samples: Samples, frames: int) -> Samples:
    """samples float (N,) with just enough silence at the end for features to last for `frames` frames.

    Windows overhang their 10 ms, so N = 640 T samples carry only T - 1 whole frames. Of samples' dtype; unchanged where
    they last long enough.
    """
    # The least N with 1 + ceil((N - 400) / 160) >= 4 T.
    need = HOP * (AUDIO_ROWS * frames - 2) + WINDOW + 1
    short = max(0, need - len(samples)) if frames > 0 else 0
    return np.append(samples, np.zeros(short, samples.dtype))


def official_channel(samples: Samples) -> Samples:
    """The channel (N,) of samples (N, 2) that the official code listens to.

    It is the second one wherever the first has a sample at or below zero, that is, practically always; kept so that
    official stereo clips give official features.
    """
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        raise AvctError(f"stereo samples must be (N, 2) with N > 0, got {samples.shape}")
    return samples[:, 1] if samples[:, 0].min() <= 0 else samples[:, 0]


def _checked(samples: Samples) -> NDArray[np.float64]:
    array: NDArray[Any] = np.asarray(samples)
    if array.ndim != 1 or array.dtype.kind not in "fi":
        raise AvctError(f"samples must be float (N,) mono at 16 kHz, got {array.dtype} {array.shape}")
    if len(array) < WINDOW:
        raise AvctError(f"audio must last for at least {WINDOW} samples (25 ms at 16 kHz), got {len(array)}")
    signal: NDArray[np.float64] = array.astype(np.float64)
    if not np.isfinite(signal).all():
        raise AvctError(f"samples must be finite, sample {int(np.argmin(np.isfinite(signal)))} is not")
    return signal


def spectral_rows(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cepstra and filter-bank energies float64 (t, 39) of a normalised signal (N,)."""
    # Emphasised once for the whole clip, so that chunks need not know the sample before their first.
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    rows = 1 + -(-(len(signal) - WINDOW) // HOP)
    pieces = []
    for start in range(0, rows, CHUNK):
        stop = min(rows, start + CHUNK)
        piece = signal[start * HOP : (stop - 1) * HOP + WINDOW]
        pieces.append(_cepstra_and_bands(piece, stop - start))
    return np.concatenate(pieces)


def _cepstra_and_bands(emphasised: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """`mfcc` beside `logfbank` of python_speech_features without pre-emphasis, to the bit, float64 (rows, 39); one
    spectrum and one set of filters for both."""
    from scipy.fft import dct

    filters, lifter = _filters()
    padded = np.zeros((rows - 1) * HOP + WINDOW)
    padded[: len(emphasised)] = emphasised
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = 1 / FFT * np.square(np.abs(np.fft.rfft(windows, FFT)))
    # logarithms of nothing: the smallest step of float64 stands for it
    energies, bands = (np.log(np.where(x == 0, np.finfo(float).eps, x)) for x in (power.sum(1), power @ filters))
    cepstra = dct(bands, type=2, axis=1, norm="ortho")[:, : len(lifter)] * lifter
    cepstra[:, 0] = energies
    return np.hstack([cepstra, bands])


@cache
def _filters() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The filter bank (257, 26) and the weights of the 13 cepstra."""
    from python_speech_features import get_filterbanks, lifter

    return get_filterbanks(nfilt=26, nfft=FFT, samplerate=RATE).T, lifter(np.ones((1, 13)))[0]


def _in_chunks(track: Track, signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies in Hz, 0 where unvoiced, float64 (N // 160 + 1,)."""
    rows = len(signal) // HOP + 1
    if rows <= CHUNK + 1:
        return track(signal)
    pieces = []
    for start in range(0, rows, CHUNK):
        stop, first = min(rows, start + CHUNK), max(0, start - MARGIN)
        piece = track(signal[first * HOP : (stop + MARGIN) * HOP])
        pieces.append(piece[start - first : stop - first])
    return np.concatenate(pieces)


def tracker(name: str) -> Track:
    """The pitch tracker of that name: from a signal float64 (N,) to Hz, 0 where unvoiced. AvctError without it."""
    trackers = {"harvest": ("pyworld", _harvest), "pyin": ("librosa", _pyin), "dio": ("pyworld", _dio)}
    if name not in trackers:
        raise AvctError(f"f0 must be one of {', '.join(trackers)}, got {name!r}")
    package, track = trackers[name]
    try:
        __import__(package)
    except ImportError as error:
        other = next(key for key, (needed, _) in trackers.items() if needed != package)
        raise AvctError(f"f0={name!r} needs the package {package} ({error}); install it or ask for {other!r}") from None
    return track


def _harvest(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    import pyworld

    return pyworld.harvest(signal, RATE, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=1000 * HOP / RATE)[0]


def _dio(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    import pyworld

    coarse, places = pyworld.dio(signal, RATE, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=1000 * HOP / RATE)
    return pyworld.stonemask(signal, coarse, places, RATE)


def _pyin(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    import librosa

    if not signal.any():
        # pYIN reads a pitch into exact zeros.
        return np.zeros(len(signal) // HOP + 1)
    pitch, voiced, _ = librosa.pyin(
        signal, fmin=LOWEST, fmax=HIGHEST, sr=RATE, frame_length=PYIN_WINDOW, hop_length=HOP
    )
    return np.where(voiced, pitch, 0.0)
