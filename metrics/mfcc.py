"""Mel-frequency cepstra as SyncNet hears them: python_speech_features' `mfcc` with its defaults, in bounded memory.

25 ms rectangular windows every 10 ms, pre-emphasis 0.97, 512-point power spectrum, 26 mel bands from 0 to 8 kHz, 13
cepstra with lifter 22, the log energy in the first's place. The last window is filled up with zeros.
"""

from __future__ import annotations

import numpy as np

RATE, WINDOW, HOP, CEPSTRA = 16_000, 400, 160, 13
_PREEMPHASIS = 0.97
# psf holds several copies of every window's 400 samples: twenty seconds are some 30 MB, ten minutes would be 1 GB
_CHUNK = 2_000


def mfcc(signal: np.ndarray) -> np.ndarray:
    """Cepstra float64 (n, 13) of a signal (N,) at 16 kHz; n = 1 + ceil((N - 400) / 160), at least one.

    SyncNet is given the values of 16-bit sound, `to_int16`: the cepstra depend on the scale. An empty signal gives
    none.
    """
    from python_speech_features import mfcc as psf_mfcc

    if not len(signal):
        return np.empty((0, CEPSTRA))
    rows = 1 + max(0, -(-(len(signal) - WINDOW) // HOP))
    out = np.empty((rows, CEPSTRA))
    for first in range(0, rows, _CHUNK):
        last = min(rows, first + _CHUNK)
        begin, end = first * HOP, (last - 1) * HOP + WINDOW
        # one sample back: pre-emphasis looks at the sample before, of which the very first has none
        part = signal[max(0, begin - 1) : end].astype(np.float64)
        sharp = part[1:] - _PREEMPHASIS * part[:-1]
        sharp = sharp if begin else np.concatenate([part[:1], sharp])
        out[first:last] = psf_mfcc(sharp, RATE, preemph=0)
    return out


def to_int16(samples: np.ndarray) -> np.ndarray:
    """16-bit sound int16 (N,) of float32 (N,), full scale 1: rounded, and cut where it is louder."""
    return np.clip(np.rint(samples.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)
