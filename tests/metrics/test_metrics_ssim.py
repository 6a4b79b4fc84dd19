"""SSIM against scikit-image in every convention, against the definition in plain loops, and its closed forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faces68 import clip_of

from metrics.errors import MetricError
from metrics.registry import evaluate
from metrics.similarity import Similarity, Window, gaussian_window, uniform_window

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics"
WINDOWS = pytest.mark.parametrize("window", [gaussian_window(), uniform_window()], ids=["gauss11", "uniform7"])
COLOUR = {
    "ssim/gauss11-rgb@1": "gauss11",
    "ssim/uniform7-rgb@1": "uniform7",
    "ssim/legacy-float-range2@1": "uniform7-float-range2",
    "ssim/legacy-float-range255@1": "uniform7-float-range255",
    "ssim/legacy-signed-range1@1": "uniform7-signed-range1",
}
TOLERANCE = 1e-7
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(id: str, a: np.ndarray, b: np.ndarray) -> float | None:
    return evaluate(id, clip_of(a, b)).value


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("id", COLOUR)
@pytest.mark.parametrize("name", ["noise", "shift", "grey", "contrast", "least"])
def test_every_convention_as_scikit_image(id: str, name: str) -> None:
    want = json.loads((GOLDEN / "pairs.json").read_text())[name][COLOUR[id]]
    with np.load(GOLDEN / "pairs.npz") as held:
        a, b = held[f"{name}__a"], held[f"{name}__b"]
    assert ssim(id, a, b) == pytest.approx(want, abs=TOLERANCE)
    if name == "grey" and COLOUR[id] in ("gauss11", "uniform7"):
        assert ssim(id.replace("rgb", "grey"), a, b) == pytest.approx(want, abs=TOLERANCE)


def test_pairs_as_scikit_image(read_golden: Callable) -> None:
    expected, arrays = read_golden("image_pairs")
    compared = 0
    for name in (n for n in expected if not n.startswith("_")):
        a, b = arrays[f"{name}__a"], arrays[f"{name}__b"]
        for family, key in (("gauss11", "ssim_gauss1.5_popcov"), ("uniform7", "ssim_uniform7_samplecov")):
            for colour, kind in (("rgb", "uint8"), ("grey", "gray_pilL_uint8" if a.ndim == 3 else "uint8")):
                want = expected[name].get(kind, {}).get(key)
                value = ssim(f"ssim/{family}-{colour}@1", a, b)
                if want is None:
                    assert value is None or kind not in expected[name], name
                    continue
                assert value == pytest.approx(want, abs=TOLERANCE), (name, family, colour)
                compared += 1
    assert compared >= 30


@WINDOWS
def test_the_definition_in_plain_loops(window: Window) -> None:
    a, b = noise(1, 13, 19), noise(2, 13, 19)
    weights, side = np.outer(window.row, window.row) / window.sum, window.side
    places = []
    for top in range(13 - side + 1):
        for left in range(19 - side + 1):
            x, y = (p[top : top + side, left : left + side].astype(float) for p in (a, b))
            mx, my = (weights * x).sum(), (weights * y).sum()
            more = side**2 / (side**2 - 1) if window.unbiased else 1.0
            vx, vy = (more * (weights * (p - m) ** 2).sum() for p, m in ((x, mx), (y, my)))
            both = more * (weights * (x - mx) * (y - my)).sum()
            places.append((2 * mx * my + C1) * (2 * both + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2)))
    assert Similarity(13, 19, window).compare(a, b) == pytest.approx(np.mean(places), abs=1e-12)


def test_windows_are_the_published_ones() -> None:
    gauss, flat = gaussian_window(), uniform_window()
    assert gauss.side == 11 and flat.side == 7 and flat.unbiased and not gauss.unbiased
    assert sum(gauss.row) == pytest.approx(1, abs=1e-15)
    assert gauss.row[5] / gauss.row[4] == pytest.approx(np.exp(1 / (2 * 1.5**2)))


@WINDOWS
@pytest.mark.parametrize("size", [(11, 11), (12, 33), (40, 17), (65, 64)])
def test_identical_pictures_give_exactly_one(window: Window, size: tuple[int, int]) -> None:
    a = noise(3, *size, 3)
    assert Similarity(*size, window).compare(a, a.copy()) == 1.0


@pytest.mark.parametrize("id", [*COLOUR, "ssim/gauss11-grey@1", "ssim/uniform7-grey@1"])
def test_symmetry(id: str) -> None:
    a, b = noise(4, 20, 23, 3), noise(5, 20, 23, 3)
    value = ssim(id, a, b)
    assert value is not None and -1 <= value < 1
    assert ssim(id, b, a) == pytest.approx(value, abs=1e-12)
    assert ssim(id, a[::-1], b[::-1]) == pytest.approx(value, abs=1e-12)
    assert ssim(id, a.swapaxes(0, 1), b.swapaxes(0, 1)) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(("one", "two"), [(0, 255), (100, 101), (30, 200)])
def test_flat_pictures_have_a_closed_form(one: int, two: int) -> None:
    a, b = (np.full((16, 16, 3), level, np.uint8) for level in (one, two))
    want = (2 * one * two + C1) / (one**2 + two**2 + C1)
    for name in ("gauss11-rgb", "gauss11-grey", "uniform7-rgb", "uniform7-grey"):
        assert ssim(f"ssim/{name}@1", a, b) == pytest.approx(want, abs=1e-9)


def test_grey_does_not_see_colour() -> None:
    a = np.zeros((16, 16, 3), np.uint8)
    a[...] = (100, 50, 20)
    b = np.full_like(a, 62)  # 0.299 * 100 + 0.587 * 50 + 0.114 * 20 = 61.5, rounded up
    assert ssim("ssim/gauss11-grey@1", a, b) == 1.0
    assert ssim("ssim/gauss11-rgb@1", a, b) < 0.9


def test_the_mean_of_frames() -> None:
    a, b = noise(6, 3, 16, 16, 3), noise(7, 3, 16, 16, 3)
    b[1] = a[1]
    result = evaluate("ssim/gauss11-rgb@1", clip_of(a, b))
    single = [ssim("ssim/gauss11-rgb@1", x, y) for x, y in zip(a, b, strict=True)]
    assert result.per_frame.tolist() == single and single[1] == 1.0
    assert result.value == pytest.approx(np.mean(single)) and result.coverage == 1.0


def test_pictures_smaller_than_the_window_have_no_value() -> None:
    result = evaluate("ssim/gauss11-rgb@1", clip_of(noise(8, 10, 30, 3), noise(9, 10, 30, 3)))
    assert result.value is None and result.coverage == 0.0
    assert result.reason == "frames of 30x10 are smaller than the window of 11x11"
    assert ssim("ssim/uniform7-rgb@1", noise(8, 7, 7, 3), noise(9, 7, 7, 3)) is not None
    with pytest.raises(MetricError, match="expected pictures of at least 11x11 pixels, got 30x10"):
        Similarity(10, 30, gaussian_window())


def test_one_object_compares_many_pictures() -> None:
    """Memory is taken once; nothing of one pair may reach the next."""
    a, b, c = (noise(seed, 20, 20) for seed in (10, 11, 12))
    shared = Similarity(20, 20, gaussian_window())
    apart = [Similarity(20, 20, gaussian_window()).compare(x, y) for x, y in ((a, b), (b, c), (a, b))]
    assert [shared.compare(x, y) for x, y in ((a, b), (b, c), (a, b))] == apart
