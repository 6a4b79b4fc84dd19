"""Grey pictures equal to the last bit what the libraries give."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.greyscale import grey_opencv, grey_pillow


@pytest.fixture(scope="module")
def colours() -> np.ndarray:
    """A lattice of all colours, the corners included, and 200,000 at random, as a picture of one row."""
    steps = np.unique(np.r_[np.arange(0, 256, 5), 1, 254]).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    some = np.random.default_rng(0).integers(0, 256, (200_000, 3)).astype(np.uint8)
    return np.concatenate([lattice, some])[None]


def test_pillow(colours: np.ndarray) -> None:
    from PIL import Image

    assert np.array_equal(grey_pillow(colours), np.asarray(Image.fromarray(colours).convert("L")))


def test_opencv(colours: np.ndarray) -> None:
    import cv2

    assert np.array_equal(grey_opencv(colours), cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY))


def test_the_two_differ_and_keep_leading_axes(colours: np.ndarray) -> None:
    assert (grey_pillow(colours) != grey_opencv(colours)).any()
    video = colours[:, :24].reshape(2, 3, 4, 3)
    assert grey_pillow(video).shape == (2, 3, 4) and grey_pillow(video).dtype == np.uint8
    assert np.array_equal(grey_pillow(video)[1], grey_pillow(video[1]))
