"""What hearing many talkers costs less, it costs without another result: spectra, DIO's context, strokes, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from avct import listening, strokes
from avct.audio import RATE, features, frame_rows, lengthen, spectral_rows
from avct.listening import FRAME, Listener, Recording
from avct.vector_tokens import Voice

FRAMES = 30
VOICE = Voice(np.zeros(12), np.zeros(26), 100.0)


def speech(seed: int = 0) -> np.ndarray:
    """Syllables of a voice that rises and falls, with breath between them."""
    rng, t = np.random.default_rng(seed), np.arange(FRAMES * FRAME) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 10 * seed + 30 * np.sin(2 * np.pi * 1.3 * t)) / RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 12)) * (np.sin(2 * np.pi * 2.3 * t) > -0.4)
    return 0.2 * buzz + 0.004 * rng.normal(size=len(t))


def rows_of(samples: np.ndarray) -> np.ndarray:
    listener = Listener(pitch="dio", known=Recording(samples.mean(), np.abs(samples - samples.mean()).max(), VOICE))
    listener.hear(samples)
    return np.stack([frame.rows for frame in (*listener.frames(), *listener.finish())])


@pytest.mark.parametrize("count", [400, 401, 1680, 5000])
def test_spectra_are_the_librarys_to_the_bit(count: int) -> None:
    from python_speech_features import logfbank, mfcc

    rng = np.random.default_rng(count)
    for signal in (rng.normal(size=count), np.zeros(count), np.append(np.zeros(count // 2), rng.normal(size=count))):
        bent = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
        wanted = np.hstack([mfcc(bent, RATE, preemph=0), logfbank(bent, RATE, preemph=0)])
        np.testing.assert_array_equal(spectral_rows(signal), wanted)


def test_dio_needs_no_more_context_than_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = speech()
    whole = frame_rows(features(lengthen(samples, FRAMES), f0="dio"), FRAMES)
    given = rows_of(samples)
    monkeypatch.setitem(listening.BEFORE, "dio", 60)
    np.testing.assert_array_equal(rows_of(samples), given)
    assert (given[..., 40] == whole[..., 40]).mean() > 0.98 and 0.3 < whole[..., 40].mean() < 0.95
    monkeypatch.setitem(listening.BEFORE, "dio", 2)
    assert not np.array_equal(rows_of(samples), given), "this sound would not tell"


def test_threads_hear_what_one_hears() -> None:
    spoken = [speech(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for mine, theirs in zip(map(rows_of, spoken), pool.map(rows_of, spoken), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_stroke_that_is_remembered_is_the_stroke_that_is_drawn() -> None:
    rng, inside = np.random.default_rng(0), 0
    for k in range(300):
        size = ((30, 50), (64, 64))[k % 2]
        first = rng.integers(-2, min(size) + 2, 2)
        last = first + (rng.integers(-5, 6, 2) if k % 3 else rng.integers(-30, 31, 2))
        drawn, kept = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        before = strokes._pattern.cache_info()
        strokes.stroke(kept, first, last)
        after = strokes._pattern.cache_info()
        inside += after.hits + after.misses > before.hits + before.misses
        strokes._draw(drawn, first, last)
        np.testing.assert_array_equal(kept, drawn)
    assert 100 < inside < 290, "some lie inside, some do not"
    # at the very edge, and a stroke may be drawn over another
    image = np.zeros((20, 20), np.uint8)
    strokes.stroke(image, np.array([3, 3]), np.array([16, 3]))
    strokes.stroke(image, np.array([3, 3]), np.array([3, 16]))
    assert image[3, 16] == image[16, 3] == 255 and image[10, 10] == 0
