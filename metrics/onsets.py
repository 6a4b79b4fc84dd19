"""When sounds begin: times of onsets in a recording at 16 kHz, by librosa with every parameter stated.

Strength: mean over 80 mel bands (0 to 8 kHz) of the rise, from one hop to the next, of the power spectrogram in dB
(Hann window of 32 ms every 10 ms), nothing of it where it falls. Onset: a hop whose strength, scaled to 0..1 over the
clip, is the largest within 30 ms before, exceeds the mean of 100 ms on either side by 0.07, and comes at least 30 ms
after the one before. None in the first 30 ms, where windows reach before the recording.
Source: spectral flux, Böck, Krebs, Schedl 2012, ISMIR (peak rule); McFee et al. 2015 (librosa).
"""

from __future__ import annotations

import numpy as np

from metrics.clip import Clip

RATE = 16_000
HOP, WINDOW, BANDS = 160, 512, 80
SILENT = 1e-3
"""Largest sample under which a recording is silent (-60 dB of full scale): strengths are scaled by their own largest,
so an onset would be found in dither as well."""


def onset_times(samples: np.ndarray) -> np.ndarray:
    """Seconds float64 (M,), rising, of onsets in float32 (N,) at 16 kHz; none in silence or in less than a window."""
    if len(samples) < WINDOW or np.abs(samples).max(initial=0.0) < SILENT:
        return np.empty(0)
    import librosa

    power = librosa.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=WINDOW, hop_length=HOP, win_length=WINDOW, window="hann", center=True,
        pad_mode="constant", power=2.0, n_mels=BANDS, fmin=0.0, fmax=RATE / 2, htk=False, norm="slaney",
    )  # fmt: skip
    level = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=80.0)
    rise = np.maximum(np.diff(level, axis=1, prepend=level[:, :1]), 0).mean(0)
    # windows that reach before the recording hear emptiness: that sound begins with the file is no onset
    rise[: WINDOW // 2 // HOP + 2] = 0
    hops = librosa.onset.onset_detect(
        onset_envelope=rise, sr=RATE, hop_length=HOP, backtrack=False, units="frames", normalize=True,
        # in hops; spans after a hop count the hop itself
        pre_max=3, post_max=1, pre_avg=10, post_avg=11, delta=0.07, wait=3,
    )  # fmt: skip
    return np.asarray(hops, np.float64) * HOP / RATE


def onsets_of(clip: Clip) -> np.ndarray:
    """`onset_times` of the clip's sound, found once a clip."""
    assert clip.samples is not None
    samples = clip.samples
    return clip.once("onsets", lambda: onset_times(samples))
