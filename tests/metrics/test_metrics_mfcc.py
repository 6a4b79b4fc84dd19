"""Cepstra against golden vectors of python_speech_features, in one piece and in many."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from metrics import mfcc as module
from metrics.mfcc import mfcc, to_int16


def test_every_golden_case(read_golden: Callable) -> None:
    expected, arrays = read_golden("mfcc")
    for name, shape in expected["shapes"].items():
        found = mfcc(arrays[f"{name}__x"])
        assert list(found.shape) == shape and found.dtype == np.float64
        assert found == pytest.approx(arrays[f"{name}__mfcc"], abs=1e-6), name


@pytest.mark.parametrize("samples", [1, 399, 400, 401, 560, 561, 9_999])
def test_pieces_give_what_the_whole_gives(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = np.random.default_rng(samples).integers(-9000, 9000, samples).astype(np.int16)
    whole = mfcc(signal)
    assert len(whole) == 1 + max(0, int(np.ceil((samples - 400) / 160)))
    monkeypatch.setattr(module, "_CHUNK", 7)
    assert mfcc(signal) == pytest.approx(whole, abs=1e-9)


def test_nothing_gives_nothing() -> None:
    assert mfcc(np.empty(0, np.int16)).shape == (0, 13)


def test_memory_does_not_grow_with_the_length() -> None:
    signal = np.random.default_rng(1).integers(-99, 99, 100 * 16_000).astype(np.int16)
    mfcc(signal[:400])
    tracemalloc.start()
    mfcc(signal)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # in one piece 180 MB and more


def test_sixteen_bits_and_back() -> None:
    values = np.arange(-32768, 32768).astype(np.int16)
    assert (to_int16((values / 32768).astype(np.float32)) == values).all()
    assert to_int16(np.array([1.0, -1.5, 1.7], np.float32)).tolist() == [32767, -32768, 32767]
