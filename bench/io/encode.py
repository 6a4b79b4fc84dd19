"""Frames into video files: lossless between generator and metrics, H.264 for the viewer's page.

Measured with 256x256 clips of real faces on one core, hashing and checksums included: FFV1 about 350 frames a second
in and 290 out at 35 to 50 kB a frame; H.264 (veryfast) about 470 in and 1,200 out at 1.5 kB. H.264 copies are for
looking at and are never scored: CRF 23 alone costs 3 dB. The codecs' own threads are off, because a run's workers share
the cores and because the bytes then depend on the frames only; whole files are encoded on one thread beside the one
that makes the frames, so that a generator need not wait for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from os import PathLike
from queue import Queue
from threading import Thread

import numpy as np

from bench.io.provenance import LOSSLESS
from bench.io.writer import Recipe, Writer, Written
from bench.records import FPS

_AHEAD = 4
"""Frames that may wait for the encoder: enough to even out batches, 25 MB at 1080p."""


class LosslessWriter(Writer):
    """A context manager that takes frames one by one: `with LosslessWriter(path) as writer: writer.add(frame)`.

    FFV1 version 3 on bgr0 in Matroska: pixels come back exactly. Every frame stands alone (no inter-frame coding) in
    four slices with checksums, which `bench.io.decode` verifies; Golomb-Rice coding, 1.5 times as fast as
    range coding for 7 % more bytes. Sound is kept as 32-bit float PCM, exact as well.
    After the block, `writer.written` says what was written.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        fps: int | Fraction = FPS,
        samples: np.ndarray | None = None,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        synthetic: bool = True,
    ) -> None:
        recipe = Recipe(
            container="matroska",
            # bitexact: no random segment number, no library version, so equal input gives equal bytes.
            container_options={"fflags": "+bitexact"},
            video="ffv1",
            pixel_format="bgr0",
            video_options={
                "level": "3", "g": "1", "slices": "4", "slicecrc": "1", "coder": "rice", "context": "0"
            },
            audio="pcm_f32le",
            audio_format="flt",
            tags={**(tags or {}), **LOSSLESS},
        )  # fmt: skip
        super().__init__(path, recipe, fps=fps, samples=samples, run_id=run_id, synthetic=synthetic)


class BrowserWriter(Writer):
    """As `LosslessWriter`, an MP4 that every browser plays: see `write_browser`."""

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        fps: int | Fraction = FPS,
        samples: np.ndarray | None = None,
        crf: int = 20,
        key_every: int | None = None,
        run_id: str | None = None,
        synthetic: bool = True,
    ) -> None:
        if not 0 <= crf <= 51:
            raise ValueError(f"expected crf from 0 to 51, got {crf}")
        recipe = Recipe(
            container="mp4",
            container_options={"movflags": "+faststart", "fflags": "+bitexact"},
            video="libx264",
            pixel_format="yuv420p",
            # A key frame a second, so that players can jump. Where it is to be fast, no frame waits for a later one
            # either: such a file starts with frames that are not shown, which not all players skip alike.
            video_options={
                "preset": "veryfast", "crf": str(crf), "g": str(key_every or max(1, round(fps))),
                **({"bf": "0"} if key_every else {}),
            },
            audio="aac",
            audio_format="fltp",
        )  # fmt: skip
        super().__init__(path, recipe, fps=fps, samples=samples, run_id=run_id, synthetic=synthetic)


def write_lossless(
    path: str | PathLike[str],
    frames: Iterable[np.ndarray],
    *,
    fps: int | Fraction = FPS,
    samples: np.ndarray | None = None,
    run_id: str | None = None,
    tags: Mapping[str, str] | None = None,
    synthetic: bool = True,
) -> Written:
    """What was written: the path, the number of frames, and the sha256 of the pixels; see `LosslessWriter`.

    frames: uint8 (H, W, 3) RGB each, all of one size, taken one at a time (memory does not grow with the clip) and
    encoded while the next ones are made.
    samples: float32 (N,) mono at 16 kHz, starting with the first frame. tags: further metadata. synthetic: False for
    a copy of a real recording; all else is marked as synthetic, with `run_id`.
    The file appears whole or not at all. Raises MediaError (frames, samples), StorageError (disk, folder).
    """
    with LosslessWriter(path, fps=fps, samples=samples, run_id=run_id, tags=tags, synthetic=synthetic) as writer:
        _encode(writer, frames)
    return writer.written


def write_browser(
    path: str | PathLike[str],
    frames: Iterable[np.ndarray],
    *,
    fps: int | Fraction = FPS,
    samples: np.ndarray | None = None,
    crf: int = 20,
    key_every: int | None = None,
    run_id: str | None = None,
    synthetic: bool = True,
) -> Written:
    """What was written: an MP4 that every browser plays, H.264 yuv420p and AAC, index first; never to be scored.

    Arguments and errors as in `write_lossless`; sha256 is that of the frames given, not of the lossy picture. Colours
    are converted to BT.709, limited range, and labelled so: browsers guess where a file says nothing. An odd width or
    height is padded by repeating the last column or row, since 4:2:0 needs even sides. crf: 0 (best) to 51. key_every:
    frames from one key frame to the next, for a viewer that steps and jumps; a second's by default.
    """
    with BrowserWriter(
        path, fps=fps, samples=samples, crf=crf, key_every=key_every, run_id=run_id, synthetic=synthetic
    ) as writer:
        _encode(writer, frames)
    return writer.written


def _encode(writer: Writer, frames: Iterable[np.ndarray]) -> None:
    """Nothing; gives the frames to the writer on a thread of its own, at most `_AHEAD` of them waiting.

    Raises what the frames' source or the writer raises; the writer's error stops the source.
    """
    line: Queue[tuple[np.ndarray] | None] = Queue(_AHEAD)
    trouble: list[BaseException] = []

    def work() -> None:
        while (waiting := line.get()) is not None:
            if not trouble:  # after an error the line is only emptied, or its other end would wait for ever
                try:
                    writer.add(*waiting)
                except BaseException as error:
                    trouble.append(error)

    thread = Thread(target=work, name="encoder", daemon=True)
    thread.start()
    try:
        for frame in frames:
            # a copy: whoever makes the frames may use the memory again
            line.put((frame.copy() if isinstance(frame, np.ndarray) else frame,))
            if trouble:
                break
    finally:
        line.put(None)
        thread.join()
    if trouble:
        raise trouble[0]
