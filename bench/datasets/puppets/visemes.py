"""Lip controls over time from timed phones: dominance blending with hard bilabial closure.

The blending follows Cohen and Massaro, "Modeling coarticulation in synthetic visual speech" (1993): every phone
pulls the articulators towards its target with a strength that decays exponentially away from it. Bilabials are the
exception that viewers notice, so their closure is imposed after blending.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.datasets.puppets.styles import Style
from bench.records import FPS, RATE, Phone

CONTROLS = ("jaw", "width", "raise", "tuck", "press", "teeth", "tongue")
"""jaw: 0 closed to 1 wide open; width: -1 rounded to 1 spread; raise: upper lip; tuck: lower lip under the teeth;
press: lips pressed; teeth: 0 apart to 1 together; tongue: 0 low to 1 at the upper teeth."""

TARGETS: dict[str, tuple[float, ...]] = {
    "rest": (0.01, 0.00, 0.00, 0.0, 0.15, 0.3, 0.0),
    "bilabial": (0.00, -0.05, 0.00, 0.0, 1.00, 0.0, 0.0),
    "labiodental": (0.11, 0.12, 0.45, 1.0, 0.00, 0.9, 0.0),
    "dental": (0.26, 0.12, 0.15, 0.0, 0.00, 0.6, 1.0),
    "alveolar": (0.23, 0.22, 0.15, 0.0, 0.00, 0.7, 0.6),
    "sibilant": (0.12, 0.45, 0.22, 0.0, 0.00, 1.0, 0.1),
    "postalveolar": (0.17, -0.60, 0.35, 0.0, 0.00, 1.0, 0.1),
    "velar": (0.31, 0.10, 0.10, 0.0, 0.00, 0.4, 0.0),
    "lateral": (0.36, 0.12, 0.15, 0.0, 0.00, 0.5, 0.9),
    "rhotic": (0.20, -0.55, 0.15, 0.0, 0.00, 0.4, 0.2),
    "glide-w": (0.12, -1.00, 0.05, 0.0, 0.00, 0.0, 0.0),
    "glide-y": (0.17, 0.50, 0.15, 0.0, 0.00, 0.7, 0.2),
    "glottal": (0.34, 0.05, 0.10, 0.0, 0.00, 0.3, 0.0),
    "AA": (0.95, 0.00, 0.25, 0.0, 0.00, 0.2, 0.0),
    "AE": (0.80, 0.42, 0.35, 0.0, 0.00, 0.4, 0.1),
    "AH": (0.54, 0.05, 0.15, 0.0, 0.00, 0.3, 0.0),
    "AO": (0.74, -0.60, 0.20, 0.0, 0.00, 0.1, 0.0),
    "EH": (0.56, 0.36, 0.25, 0.0, 0.00, 0.5, 0.1),
    "ER": (0.33, -0.42, 0.20, 0.0, 0.00, 0.4, 0.1),
    "IH": (0.34, 0.40, 0.20, 0.0, 0.00, 0.6, 0.2),
    "IY": (0.23, 0.82, 0.30, 0.0, 0.00, 0.8, 0.3),
    "UH": (0.31, -0.60, 0.10, 0.0, 0.00, 0.2, 0.0),
    "UW": (0.20, -0.95, 0.10, 0.0, 0.00, 0.1, 0.0),
    "OW": (0.50, -0.82, 0.15, 0.0, 0.00, 0.1, 0.0),
}
_CLASS = {
    **dict.fromkeys(("M", "B", "P"), "bilabial"),
    **dict.fromkeys(("F", "V"), "labiodental"),
    **dict.fromkeys(("TH", "DH"), "dental"),
    **dict.fromkeys(("T", "D", "N"), "alveolar"),
    **dict.fromkeys(("S", "Z"), "sibilant"),
    **dict.fromkeys(("SH", "ZH", "CH", "JH"), "postalveolar"),
    **dict.fromkeys(("K", "G", "NG"), "velar"),
    **dict.fromkeys(("SIL", "NSN"), "rest"),
    "L": "lateral", "R": "rhotic", "W": "glide-w", "Y": "glide-y", "HH": "glottal",
}  # fmt: skip
_DIPHTHONGS = {"AY": ("AA", "IH"), "AW": ("AA", "UW"), "EY": ("EH", "IY"), "OY": ("AO", "IH"), "OW": ("OW", "UW")}
# (strength, time constant in seconds): how hard a class pulls and how far its pull reaches
_PULL = {
    "bilabial": (4.0, 0.045), "labiodental": (3.0, 0.050), "glide-w": (1.8, 0.080), "postalveolar": (1.6, 0.070),
    "UW": (1.5, 0.080), "OW": (1.3, 0.080), "rest": (0.6, 0.100), "glottal": (0.25, 0.050), "velar": (0.5, 0.060),
    "alveolar": (0.6, 0.050), "lateral": (0.8, 0.060),
}  # fmt: skip
_DEFAULT_PULL = (1.0, 0.075)
_GRID = 200  # Hz of the internal time axis, fine enough for a 20 ms closure
_CLOSURE_FADE = 0.040  # seconds in which a bilabial closure comes and goes


def _segments(phones: Sequence[Phone]) -> list[tuple[str, float, float]]:
    """Viseme classes with times; a diphthong becomes its two vowels, the first a little longer."""
    out: list[tuple[str, float, float]] = []
    for p in phones:
        if p.symbol in _DIPHTHONGS:
            middle = p.start + 0.55 * (p.end - p.start)
            first, second = _DIPHTHONGS[p.symbol]
            out += [(first, p.start, middle), (second, middle, p.end)]
        else:
            out.append((_CLASS.get(p.symbol, p.symbol), p.start, p.end))
    return out


def _level(samples: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Voice level at `times` relative to the speech's own median, in units of 10 dB, clipped to -1..1."""
    width = RATE // 20
    power = np.convolve(samples.astype(np.float64) ** 2, np.hanning(width) / (width / 2), "same") + 1e-9
    level = 10 * np.log10(power)
    at = level[np.clip((times * RATE).astype(int), 0, len(samples) - 1)]
    voiced = level > level.max() - 25
    return np.clip((at - np.median(level[voiced])) / 10, -1, 1)


def frame_count(seconds: float) -> int:
    """Number of whole 25 fps frames in `seconds` (a rounding error of 1 us is forgiven)."""
    return int(seconds * FPS + 1e-6 * FPS)


def controls(phones: Sequence[Phone], samples: np.ndarray, style: Style) -> np.ndarray:
    """Lip controls at 25 fps: float64 (T, 7) in the order of `CONTROLS`, T = whole frames in the recording.

    phones: contiguous, in seconds. samples: float32 (N,) at 16 kHz, whose level opens the jaw a little.
    """
    seconds = len(samples) / RATE
    t = (np.arange(int(np.ceil(seconds * _GRID))) + 0.5) / _GRID
    said = t + style.lead
    weights = np.full(len(t), 1e-4)
    total = weights[:, None] * np.array(TARGETS["rest"])
    segments = _segments(phones)
    for name, start, end in segments:
        strength, reach = _PULL.get(name, _DEFAULT_PULL)
        outside = np.clip(np.abs(said - (start + end) / 2) - 0.3 * (end - start), 0, None)
        pull = strength * np.exp(-outside / (reach * style.reach))
        weights += pull
        total += pull[:, None] * np.array(TARGETS[name])
    c = total / weights[:, None]
    c[:, 0] *= 1 + style.loudness * _level(samples, t)
    c[:, 0] *= style.jaw
    c[:, 1] *= np.where(c[:, 1] < 0, style.rounding, style.spreading)
    c[:, 2] *= style.upper_lip
    for name, start, end in segments:
        if name == "bilabial":
            s, e = start + 0.2 * (end - start), start + 0.85 * (end - start)
            # at least one 25 fps frame must show the closure, however short the phone is
            lack = max(0.0, 1 / FPS - (e - s)) / 2
            outside = np.maximum(np.maximum(s - lack - said, said - e - lack), 0)
            shut = np.clip(1 - outside / _CLOSURE_FADE, 0, 1)[:, None]
            c = c * (1 - shut) + shut * np.array(TARGETS["bilabial"])
    kernel = np.hanning(9)
    kernel /= kernel.sum()
    c = np.stack([np.convolve(np.pad(col, 4, "edge"), kernel, "valid") for col in c.T], 1)
    centres = (np.arange(frame_count(seconds)) + 0.5) / FPS
    return c[np.clip((centres * _GRID).astype(int), 0, len(t) - 1)]
