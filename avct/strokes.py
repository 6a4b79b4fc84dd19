"""Lines two pixels thick, pixel for pixel as OpenCV 4 draws them without smoothing.

A stroke is a rectangle one pixel to either side of the line, in fixed point with 16 fractional bits; it is the union of
the rectangle's four sides (each one pixel thick, one pixel per column or per row, whichever are more), of its inside
row by row, and of a five-pixel cross on each end of the line. Rounding is part of the shape: every `HALF` and every
whole division below decides about pixels.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

BITS = 16
ONE = 1 << BITS
HALF = ONE >> 1
CROSS = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
"""A filled circle of radius 1 on the pixel grid."""

Image = NDArray[np.uint8]
Point = tuple[int, int]


def stroke(image: Image, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
    """Nothing; sets to 255 in image uint8 (H, W) the stroke between two pixels (x, y), which may lie outside."""
    (x, y), (dx, dy) = (int(v) for v in first), (int(b) - int(a) for a, b in zip(first, last, strict=True))
    left, top = x + min(dx, 0) - _REACH, y + min(dy, 0) - _REACH
    height, width = image.shape
    if left >= 0 and top >= 0 and left + _extent(dx) <= width and top + _extent(dy) <= height:
        # whole pixels from one place to another change nothing in fixed point: a stroke inside is drawn once
        image[top : top + _extent(dy), left : left + _extent(dx)] |= _pattern(dx, dy)
    else:
        _draw(image, first, last)


_REACH = 3
"""Pixels that a stroke reaches beyond the line's box, and one more that stays black."""


def _extent(run: int) -> int:
    return abs(run) + 1 + 2 * _REACH


@lru_cache(maxsize=1024)
def _pattern(dx: int, dy: int) -> Image:
    """The stroke of a line by (dx, dy), alone in a picture that is as large as it must be."""
    image = np.zeros((_extent(dy), _extent(dx)), np.uint8)
    first = np.array([_REACH - min(dx, 0), _REACH - min(dy, 0)])
    _draw(image, first, first + (dx, dy))
    return image


def _draw(image: Image, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
    """The stroke by arithmetic, cut to the image."""
    dx, dy = (int(b) - int(a) for a, b in zip(first, last, strict=True))
    if dx or dy:
        (x0, y0), (x1, y1) = ((int(x) * ONE, int(y) * ONE) for x, y in (first, last))
        # One pixel to the side of the line. Halves are rounded to even, here as there.
        pixel = ONE / sqrt(dx * dx + dy * dy)
        across_x, across_y = round(dy * pixel), round(-dx * pixel)
        _fill(
            image,
            [
                (x0 + across_x, y0 + across_y),
                (x0 - across_x, y0 - across_y),
                (x1 - across_x, y1 - across_y),
                (x1 + across_x, y1 + across_y),
            ],
        )
    ends = np.concatenate([np.asarray(first) + CROSS, np.asarray(last) + CROSS])
    _put(image, ends[:, 0], ends[:, 1])


def _fill(image: Image, corners: list[Point]) -> None:
    """Sides and inside of a convex quadrilateral in fixed point."""
    for k in range(4):
        _side(image, corners[k - 1], corners[k])
    height, width = image.shape
    rows = [(y + HALF) >> BITS for _, y in corners]
    # The last row stays as the sides leave it.
    top, stop = min(rows), min(max(rows), height)
    if stop <= max(top, 0):
        return
    start = min(range(4), key=lambda k: corners[k][1])
    ways = [_boundary(corners, rows, order, stop=stop) for order in (_round(start, 1), _round(start, -1))]
    left, right = (np.sort(np.stack(ways), axis=0)[:, max(0, -top) :] + HALF) >> BITS
    columns = np.arange(width)
    image[max(0, top) : stop][(columns >= left[:, None]) & (columns <= right[:, None])] = 255


def _round(start: int, step: int) -> list[int]:
    """The quadrilateral's corners from `start` on, one way round, without coming back."""
    return [(start + step * k) % 4 for k in range(4)]


def _boundary(corners: list[Point], rows: list[int], order: list[int], *, stop: int) -> NDArray[np.int64]:
    """x in fixed point for each row from the first corner's on to `stop` (not included), along corners in order."""
    spans, row = [], rows[order[0]]
    for here, after in pairwise(order):
        height = rows[after] - row
        # Level or upward sides bound nothing: past the lowest corner this way has ended.
        if height <= 0 or row >= stop:
            continue
        # x starts at the corner itself although the row's centre may lie beside it. Halves of a slope go up, but the
        # division is towards zero, which Python's own is not.
        numerator = 2 * (corners[after][0] - corners[here][0]) + height
        slope = abs(numerator) // (2 * height) * (1 if numerator >= 0 else -1)
        spans.append(corners[here][0] + slope * np.arange(min(height, stop - row)))
        row = rows[after]
    return np.concatenate(spans)


def _side(image: Image, first: Point, last: Point) -> None:
    """A one-pixel line between two points in fixed point, cut to the image."""
    cut = _cut(first, last, right=(image.shape[1] << BITS) - 1, bottom=(image.shape[0] << BITS) - 1)
    if cut is None:
        return
    (x0, y0), (x1, y1) = cut
    steep = abs(x1 - x0) <= abs(y1 - y0)
    # u runs along the longer axis in rising order, one pixel a step; v follows in fixed point.
    (u0, v0), (u1, v1) = ((y0, x0), (y1, x1)) if steep else ((x0, y0), (x1, y1))
    if u1 < u0:
        (u0, v0), (u1, v1) = (u1, v1), (u0, v0)
    # The far end is rounded by itself, as the steps may stop short of it.
    far = np.array([(u1 + HALF) >> BITS]), np.array([(v1 + HALF) >> BITS])
    # `| 1` keeps a point from dividing by zero; towards zero, unlike Python's own whole division.
    length, rise = (u1 - u0) | 1, v1 - v0
    slope = abs(rise) * ONE // length * (1 if rise >= 0 else -1)
    steps = np.arange(((u1 - u0) >> BITS) + 1)
    along, beside = ((u0 + HALF) >> BITS) + steps, (v0 + HALF + slope * steps) >> BITS
    for run, cross in (far, (along, beside)):
        _put(image, cross, run) if steep else _put(image, run, cross)


def _cut(first: Point, last: Point, *, right: int, bottom: int) -> tuple[Point, Point] | None:
    """The part of a line inside 0..right x 0..bottom, None where there is none."""
    # Top and bottom before the sides, first end before last: each cut starts from the rounded result of the one before.
    for axis, limit in ((1, bottom), (0, right)):
        ends = [first, last]
        if max(first[axis], last[axis]) < 0 or min(first[axis], last[axis]) > limit:
            return None
        for k, end in enumerate(ends):
            ends[k] = _move(end, *ends, axis=axis, limit=limit)
        first, last = ends
    return first, last


def _move(end: Point, first: Point, last: Point, *, axis: int, limit: int) -> Point:
    """end, moved along the line from first to last until its coordinate on `axis` lies in 0..limit."""
    if 0 <= end[axis] <= limit:
        return end
    edge = 0 if end[axis] < 0 else limit
    rise, run = last[1 - axis] - first[1 - axis], last[axis] - first[axis]
    # int() cuts towards zero.
    other = end[1 - axis] + int((edge - end[axis]) * rise / run)
    return (edge, other) if axis == 0 else (other, edge)


def _put(image: Image, x: NDArray[np.int64], y: NDArray[np.int64]) -> None:
    inside = (x >= 0) & (x < image.shape[1]) & (y >= 0) & (y < image.shape[0])
    image[y[inside], x[inside]] = 255
