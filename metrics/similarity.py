"""Structural similarity of two pictures, fast: windowed means by products with narrow banded matrices.

SSIM = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)), C = (K range)^2, averaged over places where
the whole window lies in the picture (Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", IEEE TIP 2004,
equations 13 and 14). Only the sum of both variances enters, so four maps are averaged, not five: x, y, x^2 + y^2, xy.
A window that is a product of two rows is applied along columns, then along rows; each pass is a matrix product on
strips of 16 lines, which a processor's multiply units do several times faster than shifted sums (about four times,
measured at 256x256). For the uniform window all sums are of integers and exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from metrics.errors import MetricError

K1, K2 = 0.01, 0.03
_STRIP = 16
"""Lines that one product gives: 8 to 32 do as well within a tenth, measured at 256x256 with OpenBLAS."""


@dataclass(frozen=True)
class Window:
    """A symmetric window that is a product of two rows. row: its weights; sum: of all weights.

    unbiased: divide variances by n - 1 and not by n, as scikit-image does by default. depth: channels that one window
    spans; 1 compares each channel by itself.
    """

    row: tuple[float, ...]
    sum: float
    unbiased: bool
    depth: int = 1

    @property
    def side(self) -> int:
        """Pixels along one side."""
        return len(self.row)


def gaussian_window() -> Window:
    """Wang's window: 11x11, sigma 1.5, weights summing to 1, variances divided by n."""
    row = np.exp(-np.square(np.arange(-5, 6) / 1.5) / 2)
    return Window(tuple(float(w) for w in row / row.sum()), 1.0, False)


def uniform_window(side: int = 7, *, depth: int = 1) -> Window:
    """Equal weights, variances divided by n - 1: scikit-image's default at 7. The weights are 1, so sums are exact."""
    return Window((1.0,) * side, float(side * side * depth), True, depth)


class Similarity:
    """Compares pictures of one size, again and again, in memory taken once: fresh pages cost more than the sums do."""

    def __init__(
        self, height: int, width: int, window: Window, *, data_range: float = 255.0, offset: float = 0.0
    ) -> None:
        """data_range: the range that the constants stand for. offset: added to every value first."""
        reach = window.side - 1
        rows, columns = height - reach, width - reach
        if min(rows, columns) < 1:
            raise MetricError(
                f"ssim: expected pictures of at least {window.side}x{window.side} pixels, got {width}x{height}"
            )
        self._window, self._offset = window, offset
        self._constants = (K1 * data_range) ** 2, (K2 * data_range) ** 2
        self._maps = np.empty((4, height, width))
        self._tall = np.empty((4, rows, width))
        self._means = np.empty((4, rows, columns))
        self._spare = np.empty((rows, columns))

    def compare(self, a: np.ndarray, b: np.ndarray) -> float:
        """Mean SSIM over channels and places of two pictures (H, W) or (H, W, C). Identical pictures give exactly 1."""
        return float(np.mean([similarity for similarity, _ in self.parts(a, b)]))

    def parts(self, a: np.ndarray, b: np.ndarray) -> list[tuple[float, float]]:
        """Means over places of SSIM and of its second factor (contrast and structure), for each channel."""
        if a.ndim == 2:
            a, b = a[..., None], b[..., None]
        depth = self._window.depth
        return [self._volume(a[..., c : c + depth], b[..., c : c + depth]) for c in range(a.shape[2] - depth + 1)]

    def _volume(self, a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        self._fill(self._maps, a[..., 0], b[..., 0])
        for layer in range(1, a.shape[2]):  # sums over a window that spans layers are sums over layers first
            more = np.empty_like(self._maps)
            self._fill(more, a[..., layer], b[..., layer])
            self._maps += more
        self._average()
        mx, my, squares, product = self._means
        n, (c1, c2) = self._window.side**2 * self._window.depth, self._constants
        unbiased = n / (n - 1) if self._window.unbiased else 1.0
        top = np.multiply(mx, my, out=self._spare)
        mx *= mx
        my *= my
        mx += my  # mx^2 + my^2
        squares -= mx
        product -= top
        squares *= unbiased
        product *= 2 * unbiased
        top *= 2
        top += c1
        product += c2
        mx += c1
        squares += c2
        top /= mx  # luminance
        product /= squares  # contrast and structure
        second = float(product.mean())
        product *= top
        return float(product.mean()), second

    def _fill(self, maps: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
        """Write x, y, x^2 + y^2 and xy."""
        x, y, squares, product = maps
        np.copyto(x, a)
        np.copyto(y, b)
        if self._offset:
            x += self._offset
            y += self._offset
        np.multiply(x, x, out=squares)
        np.multiply(y, y, out=product)
        squares += product
        np.multiply(x, y, out=product)

    def _average(self) -> None:
        """Windowed means of the four maps."""
        maps, tall, out, reach = self._maps, self._tall, self._means, self._window.side - 1
        band, turned = _bands(self._window.row)
        for start in range(0, tall.shape[1], _STRIP):
            n = min(_STRIP, tall.shape[1] - start)
            np.matmul(band[:n, : n + reach], maps[:, start : start + n + reach], out=tall[:, start : start + n])
        for start in range(0, out.shape[2], _STRIP):
            n = min(_STRIP, out.shape[2] - start)
            np.matmul(tall[:, :, start : start + n + reach], turned[: n + reach, :n], out=out[:, :, start : start + n])
        if self._window.sum != 1.0:
            out /= self._window.sum


@lru_cache(maxsize=4)
def _bands(row: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The matrix (strip, strip + k - 1) whose product with lines gives their windowed sums, and its transpose."""
    band = np.zeros((_STRIP, _STRIP + len(row) - 1))
    for line in range(_STRIP):
        band[line, line : line + len(row)] = row
    return band, np.ascontiguousarray(band.T)
