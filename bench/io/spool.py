"""Videos of any length in bounded memory: short ones as arrays, long ones in a file that is read by frames."""

from __future__ import annotations

import os
import uuid
import weakref
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import overload

import numpy as np

from bench.io.decode import frames as decode
from bench.io.digest import ArrayDigest
from bench.io.files import storing

IN_MEMORY = 1 << 27
"""Bytes of pixels up to which a video is an array: 27 seconds of 256x256 at 25 frames a second."""


class FrameFile:
    """uint8 (T, H, W, 3) RGB frames in a file of ours: `frames[i]`, `frames[a:b]`, `len` and iteration read from it.

    The file goes when the last view of it goes.
    """

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.shape, self._path = shape, path
        self._size = int(np.prod(shape[1:]))
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, _close, self._descriptor, path)
        self._base: FrameFile = self

    def __len__(self) -> int:
        return self.shape[0]

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> np.ndarray: ...
    def __getitem__(self, index: int | slice) -> np.ndarray:
        """A frame, or frames that follow one another, as an array of their own."""
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                return np.stack([self[k] for k in range(start, stop, step)])
            return self._read(start, max(stop - start, 0))
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(f"expected a frame of 0 to {len(self) - 1}, got {index}")
        return self._read(at, 1)[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[k] for k in range(len(self)))

    def first(self, count: int) -> FrameFile:
        """The first frames alone, from the same file."""
        view = object.__new__(FrameFile)
        view.shape, view._path, view._size = (count, *self.shape[1:]), self._path, self._size
        view._descriptor, view._base = self._descriptor, self._base
        return view

    def _read(self, start: int, count: int) -> np.ndarray:
        data = np.empty((count, *self.shape[1:]), np.uint8)
        into, at = memoryview(data).cast("B") if data.size else memoryview(b""), start * self._size
        while into:
            got = os.preadv(self._descriptor, [into], at)
            if got <= 0:
                raise OSError(f"{self._path}: breaks off before frame {start + count}")
            into, at = into[got:], at + got
        return data


Video = np.ndarray | FrameFile


def spool(path: str | PathLike[str], folder: Path, *, memory: int = IN_MEMORY) -> tuple[Video, str]:
    """A video's frames at 25 a second and the hash of their pixels; memory is that of `memory` bytes and a few frames.

    folder: where the file of a longer one is put. The hash is `sha256_array`'s of the whole array.
    Raises what `bench.io.decode.frames` raises, and StorageError.
    """
    kept: list[np.ndarray] = []
    pixels, count, shape = ArrayDigest(), 0, (0, 0, 3)
    place = folder / f".{uuid.uuid4().hex}.frames"
    file = None
    try:
        for frame in decode(path):
            pixels.add(frame)
            count, shape = count + 1, frame.shape
            if file is None:
                kept.append(frame)
                if count * frame.nbytes > memory:
                    with storing(place):
                        file = open(place, "wb", buffering=0)  # noqa: SIM115 (closed below, whatever happens)
            if file is not None:
                with storing(place):
                    for held in kept or [frame]:
                        file.write(np.ascontiguousarray(held).data)
                kept = []
        pixels.close(np.dtype(np.uint8), (count, *shape))
        if file is None:
            return _stacked(kept), pixels.hexdigest()
        file.close()
        return FrameFile(place, (count, *shape)), pixels.hexdigest()
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    finally:
        if file is not None:
            file.close()


def first(video: Video, count: int) -> tuple[Video, str]:
    """The first frames of a video and the hash of their pixels."""
    cut = video.first(count) if isinstance(video, FrameFile) else video[:count]
    pixels = ArrayDigest()
    for frame in cut:
        pixels.add(frame)
    pixels.close(np.dtype(np.uint8), cut.shape)
    return cut, pixels.hexdigest()


def _stacked(kept: list[np.ndarray]) -> np.ndarray:
    """The frames as one array; each is let go as it is copied, so that they are not held twice."""
    clip = np.empty((len(kept), *kept[0].shape), np.uint8)
    for k in range(len(kept)):
        clip[k], kept[k] = kept[k], kept[k][:0]
    return clip


def _close(descriptor: int, path: Path) -> None:
    os.close(descriptor)
    path.unlink(missing_ok=True)
