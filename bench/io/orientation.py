"""How a stored picture has to be turned to stand upright: the container's display matrix, applied exactly.

A display matrix (ISO 14496-12, tkhd) maps stored coordinates to shown ones. The eight right-angled cases, turned
and mirrored, are moves of whole pixels; any other angle would need interpolation and is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike

import av
import numpy as np
from av.sidedata.sidedata import Type

from bench.errors import MediaError


@dataclass(frozen=True)
class Orientation:
    """Turn counter-clockwise by `rotation` degrees (0, 90, 180, 270), after mirroring left to right if `mirrored`."""

    rotation: int = 0
    mirrored: bool = False

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.rotation in (90, 270)


def orientation(frame: av.VideoFrame, path: str | PathLike[str]) -> Orientation:
    """The orientation that a decoded frame carries. Raises MediaError for an angle that is not a right one."""
    if Type.DISPLAYMATRIX not in frame.side_data:
        return Orientation()
    # a, b, u, c, d, v, x, y, w: shown x is a*x + c*y, shown y is b*x + d*y, with y downwards.
    matrix = np.frombuffer(bytes(frame.side_data[Type.DISPLAYMATRIX]), dtype="<i4")
    a, b, c, d = (int(np.sign(matrix[i])) if abs(int(matrix[i])) > 655 else 0 for i in (0, 1, 3, 4))
    right = (b == 0 and c == 0 and a and d) or (a == 0 and d == 0 and b and c)
    if not right:
        angle = round(math.degrees(math.atan2(-int(matrix[1]), int(matrix[0])))) % 360
        raise MediaError(f"{path}: expected a rotation by 0, 90, 180 or 270 degrees, got {angle}")
    mirrored = a * d - b * c < 0
    # Mirroring first negates what the stored x axis maps to; what is left is a pure turn.
    if mirrored:
        a, b = -a, -b
    rotation = {(1, 0): 0, (0, -1): 90, (-1, 0): 180, (0, 1): 270}[(a, b)]
    return Orientation(rotation, mirrored)


def upright(image: np.ndarray, turn: Orientation) -> np.ndarray:
    """The picture as it is meant to be seen. image: uint8 (H, W, 3); a C-contiguous array comes back."""
    if turn.mirrored:
        image = image[:, ::-1]
    return np.ascontiguousarray(np.rot90(image, turn.rotation // 90))
