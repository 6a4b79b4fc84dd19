"""Video files as arrays: every frame in order, at 25 frames a second, upright, full-range RGB."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from bench.errors import MediaError
from bench.io.cadence import show
from bench.io.colour import to_rgb
from bench.io.files import check_file
from bench.io.orientation import Orientation, orientation, upright
from bench.io.source import exact, open_media, require_video
from bench.io.stream import decoded
from bench.records import FPS


def frames(path: str | PathLike[str], *, fps: int | Fraction | None = FPS) -> Iterator[np.ndarray]:
    """The frames of a video, one uint8 (H, W, 3) RGB array after another; memory is that of a few frames.

    fps: output frame k shows the source frame that is on screen at (k + 1/2)/fps seconds after the first frame's
    timestamp, the earlier one where a change falls exactly there (`bench.io.cadence` has the rule and its reasons).
    So 25 to 25 is the identity, 50 to 25 keeps frames 0, 2, 4, ..., 24 to 25 repeats one frame in 24, 30 to 25
    leaves out one in six. None: the stored frames, whatever their timestamps.
    Colour: the stream's matrix and range are honoured, BT.601 and limited range where it says nothing
    (`bench.io.colour`); alpha is dropped. Rotation and mirroring by the display matrix are applied. Interlaced
    pictures come as stored, both fields woven. Of several video streams the first is read; cover art is not video.
    Raises MissingError, or MediaError for a file that cannot be used or that breaks off before its declared end;
    the latter shows where the loss is met, which may be after frames have been given.
    """
    checked = check_file(path)
    if fps is not None and fps <= 0:
        raise ValueError(f"expected a positive frame rate or None, got {fps}")
    return _frames(checked, None if fps is None else Fraction(fps))


def read_video(path: str | PathLike[str], *, fps: int | Fraction | None = FPS, limit: int | None = None) -> np.ndarray:
    """A video as one array: uint8 (T, H, W, 3) RGB, by the same rules as `frames`.

    limit: at most so many frames; what follows is then neither decoded nor checked.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"expected a limit of at least one frame, got {limit}")
    stream = frames(path, fps=fps)
    first = next(stream)
    # Grown by doubling in place of a list that is stacked at the end, which would hold every frame twice.
    clip = np.empty((min(limit or 64, 64), *first.shape), dtype=np.uint8)
    count = 0
    for image in itertools.chain([first], itertools.islice(stream, None if limit is None else limit - 1)):
        if count == len(clip):
            clip.resize((2 * count, *first.shape), refcheck=False)
        clip[count] = image
        count += 1
    clip.resize((count, *first.shape), refcheck=False)
    return clip


def _frames(path: Path, fps: Fraction | None) -> Iterator[np.ndarray]:
    with open_media(path) as container:
        stream = require_video(container, path)
        shots = decoded(container, stream, path)
        if fps is None:
            pictures: Iterator[av.VideoFrame] = (shot.item for shot in shots)
        else:
            pictures = show(shots, fps=fps, tick=exact(stream.time_base) or Fraction(0))
        reformatter = VideoReformatter()
        turn: Orientation | None = None
        shape: tuple[int, ...] | None = None
        for picture in pictures:
            turn = turn or orientation(picture, path)
            # A repeated frame is converted again: what a caller does to one array must not show in the next.
            image = upright(to_rgb(picture, reformatter, path), turn)
            if shape is not None and image.shape != shape:
                raise MediaError(f"{path}: frame size changes from {_size(shape)} to {_size(image.shape)}")
            shape = image.shape
            yield image


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
