"""Convolutions by fewer multiplications: an exact rewriting for kernels of a few places that step by one.

m results of a kernel of r places need m + r - 1 multiplications in place of m r, where pictures and kernel are first
brought to the values of polynomials at m + r - 1 points and the products back again (Toom 1963; Cook 1966; Winograd,
"Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR
2016). In two dimensions both are done at once. The changes of basis are small matrix products, the products of channels
large ones. Kernels are brought over once, in float64. Rounding is about ten times a plain convolution's: a few 1e-5 of
the results' size, measured, for the tiles that are used here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5, 2 / 3, -2 / 3)
"""Where polynomials are taken, in this order, and at infinity: small, and in pairs of p, -p, 1/p."""


class ShortConvolution:
    """A convolution that steps by one, its kernels brought over, for pictures that lie channels last."""

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        padding: tuple[int, int],
        tile: tuple[int, int],
        *,
        together: int = 32,
    ) -> None:
        """weight: float (K, C, height, width). tile: results that are made together along height and width; 1 where
        the kernel has one place only. together: pictures at once: one where a picture's values fill a processor's
        cache, many where the kernels do.
        """
        import torch

        self._size, self._padding, self._tile, self._together = tuple(weight.shape[2:]), padding, tile, together
        (down, kernel_down, back_down), (across, kernel_across, back_across) = (
            bases(m, r) for m, r in zip(tile, self._size, strict=True)
        )
        brought = np.einsum("ai,bj,kcij->abck", kernel_down, kernel_across, weight.double().numpy())
        self._kernels = torch.from_numpy(brought.reshape(-1, *brought.shape[2:])).float()
        self._there = torch.from_numpy(np.kron(down, across)).float()
        self._back = torch.from_numpy(np.kron(back_down, back_across)).float()
        self._bias = bias.float()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(N, K, h, w), channels last, of float32 (N, C, H, W)."""
        import torch

        (kh, kw), (ph, pw) = self._size, self._padding
        rows, columns = x.shape[2] + 2 * ph - kh + 1, x.shape[3] + 2 * pw - kw + 1
        out = torch.empty((len(x), rows, columns, len(self._bias)))
        for start in range(0, len(x), self._together):
            some = slice(start, start + self._together)
            torch.add(self._convolve(x[some], rows, columns), self._bias, out=out[some])
        return out.permute(0, 3, 1, 2)

    def _convolve(self, x: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
        """(N, rows, columns, K), without what is added to each channel."""
        import torch
        from torch.nn import functional as F

        count, channels, height, width = x.shape
        (kh, kw), (mh, mw), (ph, pw) = self._size, self._tile, self._padding
        down, across = -(-rows // mh), -(-columns // mw)
        tall, wide = down * mh + kh - 1, across * mw + kw - 1
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, pw, wide - width - pw, ph, tall - height - ph))
        line, picture = wide * channels, tall * wide * channels
        # (places of a tile, all tiles, channels): neighbouring tiles share places
        tiles = padded.as_strided(
            (mh + kh - 1, mw + kw - 1, count, down, across, channels),
            (line, channels, picture, mh * line, mw * channels, 1),
        ).reshape(len(self._there), -1)
        values = torch.mm(self._there, tiles).view(len(self._there), -1, channels)
        products = torch.bmm(values, self._kernels)
        results = torch.mm(self._back, products.view(len(self._there), -1))
        kept = results.view(mh, mw, count, down, across, -1).permute(2, 3, 0, 4, 1, 5)
        return kept.reshape(count, down * mh, across * mw, -1)[:, :rows, :columns]


@lru_cache(maxsize=16)
def bases(results: int, places: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """float64 matrices T (a, a), K (a, places), B (results, a), a = results + places - 1: y = B ((K k) * (T x)) for the
    results y of a kernel k on a values x, y[i] = sum over j of k[j] x[i + j].
    """
    size = results + places - 1
    if places == 1:
        return np.eye(size), np.ones((size, 1)), np.eye(size)
    points = np.array(POINTS[: size - 1])
    there, kernel, back = np.zeros((size, size)), np.zeros((size, places)), np.zeros((results, size))
    for k, point in enumerate(points):
        others = np.delete(points, k)
        there[k, :-1] = np.poly(others)[::-1]
        kernel[k] = point ** np.arange(places) / np.prod(point - others)
        back[:, k] = point ** np.arange(results)
    there[-1], kernel[-1, -1], back[-1, -1] = np.poly(points)[::-1], 1.0, 1.0
    # rows of equal weight on both sides of the product: float32 loses least
    even = np.sqrt(np.linalg.norm(there, axis=1) / np.linalg.norm(kernel, axis=1))[:, None]
    return there / even, kernel * even, back
