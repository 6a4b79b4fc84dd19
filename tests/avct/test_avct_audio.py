"""Audio features: columns, lengths, silence, short clips, chunks, trackers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from avct import audio
from avct.errors import AvctError


def voice(seconds: float, hertz: float = 160.0) -> np.ndarray:
    """A buzzing voice, on and off every 0.4 s, with a little noise: float32 (N,)."""
    time = np.arange(int(seconds * audio.RATE)) / audio.RATE
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 9))
    rng = np.random.default_rng(0)
    return (0.2 * tone * (time % 0.8 < 0.4) + 0.003 * rng.standard_normal(len(time))).astype(np.float32)


@pytest.mark.parametrize("samples", [400, 401, 640, 721, 1600, 1601, 16000])
def test_length_follows_the_shorter_rule(samples: int) -> None:
    rows = audio.features(voice(1.0)[:samples])
    assert rows.shape == (min(1 + -(-(samples - 400) // 160), samples // 160 + 1), 41) and rows.dtype == np.float64


@pytest.mark.parametrize("f0", ["harvest", pytest.param("pyin", marks=pytest.mark.slow)])
def test_pitch_and_flag_of_a_known_voice(f0: str) -> None:
    rows = audio.features(voice(2.0, 160.0), f0=f0)
    flags = rows[:, 40]
    assert set(np.unique(flags)) == {0.0, 1.0}
    middle = np.arange(len(rows)) % 80
    assert flags[(middle > 10) & (middle < 30)].mean() > 0.95
    assert np.median(np.abs(rows[flags == 1, 39] / 160 - 1)) < 0.02
    # Bridged between voiced stretches: never zero, never beyond its neighbours.
    assert rows[:, 39].min() > 60


def test_spectral_columns_are_python_speech_features() -> None:
    from python_speech_features import logfbank, mfcc

    samples = voice(0.5).astype(np.float64)
    samples -= samples.mean()
    samples /= np.abs(samples).max()
    rows = audio.features(samples)
    np.testing.assert_allclose(rows[:, :13], mfcc(samples, 16_000)[: len(rows)], atol=1e-9)
    np.testing.assert_allclose(rows[:, 13:39], logfbank(samples, 16_000)[: len(rows)], atol=1e-9)


def test_scale_and_offset_of_the_samples_do_not_matter() -> None:
    samples = voice(0.5).astype(np.float64)
    np.testing.assert_allclose(audio.features(samples), audio.features(0.01 * samples + 0.3), atol=1e-6)


@pytest.mark.parametrize("f0", ["harvest", "pyin"])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_digital_silence_is_defined(f0: str, level: float) -> None:
    rows = audio.features(np.full(1600, level, np.float32), f0=f0)
    assert rows.shape == (9, 41) and np.isfinite(rows).all()
    assert not rows[:, 39:].any()
    # The logarithm of the smallest float64 step, python_speech_features' stand-in for zero energy.
    np.testing.assert_allclose(rows[:, 13:39], np.log(np.finfo(float).eps))


@pytest.mark.parametrize(
    ("samples", "line"),
    [
        (np.zeros(399, np.float32), "at least 400 samples"),
        (np.zeros(0, np.float32), "at least 400 samples"),
        (np.zeros((800, 2), np.float32), r"must be float \(N,\) mono"),
        (np.zeros(800, np.complex64), "must be float"),
        (np.where(np.arange(800) == 700, np.nan, 0.0), "sample 700 is not"),
    ],
)
def test_unusable_samples_are_refused(samples: np.ndarray, line: str) -> None:
    with pytest.raises(AvctError, match=line):
        audio.features(samples)


def test_unknown_tracker_is_refused() -> None:
    with pytest.raises(AvctError, match="f0 must be one of harvest, pyin, dio, got 'swipe'"):
        audio.features(voice(0.1), f0="swipe")


def test_a_missing_tracker_is_never_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(AvctError, match=r"f0='harvest' needs the package pyworld .*ask for 'pyin'"):
        audio.features(voice(0.1))


def test_chunks_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = voice(2.5)
    whole = audio.features(samples)
    seen = []
    monkeypatch.setattr(audio, "CHUNK", 80)
    monkeypatch.setattr(audio, "MARGIN", 30)
    harvest = audio._harvest
    monkeypatch.setattr(audio, "_harvest", lambda signal: (seen.append(len(signal)), harvest(signal))[1])
    pieces = audio.features(samples)
    assert len(seen) == 4 and max(seen) <= (80 + 2 * 30) * audio.HOP
    assert pieces.shape == whole.shape
    # Emphasis reaches one sample back, over the chunk's edge.
    np.testing.assert_allclose(pieces[:, :39], whole[:, :39], atol=1e-9)
    assert (pieces[:, 40] == whole[:, 40]).mean() > 0.98
    assert np.median(np.abs(pieces[:, 39] - whole[:, 39])) < 0.5


def test_frame_rows_are_four_consecutive_rows() -> None:
    rows = np.arange(18 * 41, dtype=np.float64).reshape(18, 41)
    frames = audio.frame_rows(rows, 4)
    assert frames.shape == (4, 4, 41) and frames.dtype == np.float32
    np.testing.assert_array_equal(frames[3, 1], rows[13])
    assert audio.frame_rows(rows, 0).shape == (0, 4, 41)


@pytest.mark.parametrize(("shape", "frames"), [((18, 41), 5), ((18, 41), -1), ((18, 40), 1), ((41,), 1)])
def test_frame_rows_refuse_what_is_not_there(shape: tuple[int, ...], frames: int) -> None:
    with pytest.raises(AvctError):
        audio.frame_rows(np.zeros(shape), frames)


@pytest.mark.parametrize("frames", [1, 2, 25])
def test_lengthen_gives_just_enough(frames: int) -> None:
    samples = voice(frames / 25)
    longer = audio.lengthen(samples, frames)
    assert longer.dtype == samples.dtype and len(longer) > len(samples)
    assert len(audio.features(longer)) >= 4 * frames > len(audio.features(longer[:-1]))
    np.testing.assert_array_equal(longer[: len(samples)], samples)
    assert len(audio.lengthen(longer, frames)) == len(longer)


def test_official_channel() -> None:
    stereo = np.stack([np.linspace(-1, 1, 9), np.ones(9)], axis=1)
    np.testing.assert_array_equal(audio.official_channel(stereo), np.ones(9))
    np.testing.assert_array_equal(audio.official_channel(stereo + 2), stereo[:, 0] + 2)
    with pytest.raises(AvctError):
        audio.official_channel(np.zeros(9))
