"""Ways to resize: hand-made values, what each leaves alone, and that they differ where they should."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.resize import bicubic_clean, bilinear, bilinear_tf1

EVERY = pytest.mark.parametrize("resize", [bilinear, bilinear_tf1, bicubic_clean])


def ramp(values: list[int]) -> np.ndarray:
    """uint8 (1, n, n, 3) that changes along the width alone."""
    row = np.array(values, np.uint8)
    return np.broadcast_to(row[None, None, :, None], (1, len(row), len(row), 3)).copy()


@EVERY
def test_shape_and_range(resize) -> None:  # type: ignore[no-untyped-def]
    noise = np.random.default_rng(0).integers(0, 256, (2, 13, 29, 3)).astype(np.uint8)
    for frames in (noise, noise[:, ::-1, ::2]):  # also a view that torch could not take
        out = resize(frames, 20)
        assert out.shape == (2, 3, 20, 20) and str(out.dtype) == "torch.float32"
        assert float(out.min()) >= 0 and float(out.max()) <= 255


@EVERY
def test_the_own_size_and_one_colour_stay(resize) -> None:  # type: ignore[no-untyped-def]
    noise = np.random.default_rng(0).integers(0, 256, (2, 17, 17, 3)).astype(np.uint8)
    assert resize(noise, 17).numpy() == pytest.approx(noise.transpose(0, 3, 1, 2), abs=1e-4)
    assert resize(np.full((1, 9, 30, 3), 77, np.uint8), 12).numpy() == pytest.approx(77, abs=1e-4)


@EVERY
def test_frames_are_resized_alone(resize) -> None:  # type: ignore[no-untyped-def]
    noise = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3)).astype(np.uint8)
    assert (resize(noise, 31)[3:4] == resize(noise[3:4], 31)).all()


def test_where_pixels_are() -> None:
    """Four pixels made two: centres at halves take the mean of each pair, TensorFlow 1 every second pixel."""
    frames = ramp([0, 100, 200, 40])
    assert bilinear(frames, 2)[0, 0, 0].tolist() == [50, 120]
    assert bilinear_tf1(frames, 2)[0, 0, 0].tolist() == [0, 200]
    # enlarged: TensorFlow 1 starts on the first pixel and repeats the last, the other is symmetric
    assert bilinear_tf1(ramp([0, 100]), 4)[0, 0, 0].tolist() == [0, 50, 100, 100]
    assert bilinear(ramp([0, 100]), 4)[0, 0, 0].tolist() == [0, 25, 75, 100]


def test_only_the_clean_one_sees_every_pixel_when_it_shrinks() -> None:
    frames = np.zeros((1, 64, 64, 3), np.uint8)
    frames[:, ::8, :] = 255  # one line in eight: a mean of 31.9
    assert bicubic_clean(frames, 8).mean() == pytest.approx(31.9, abs=1.0)
    assert bilinear(frames, 8).mean() == 0
    assert bilinear_tf1(frames, 8).mean() == 255


def test_the_clean_one_does_not_round_and_does_not_overshoot() -> None:
    out = bicubic_clean(ramp([0, 0, 0, 255, 255, 255]), 9)
    assert out.min() == 0 and out.max() == 255
    assert (out != out.round()).any()
