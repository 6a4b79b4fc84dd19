"""The part that all video files have in common: frames one by one, sound beside them, whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.container
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from bench.errors import MediaError, StorageError
from bench.io.audio import check_samples
from bench.io.digest import ArrayDigest
from bench.io.extent import declared_size
from bench.io.files import reason, replacing, storing
from bench.io.provenance import synthetic_tags
from bench.records import RATE

_FLAGS = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.FULL_CHR_H_INP)


@dataclass(frozen=True)
class Written:
    """A finished file. sha256: of the pixels (T, H, W, 3), as `bench.io.digest.sha256_array` gives it for them."""

    path: Path
    frames: int
    sha256: str


@dataclass(frozen=True)
class Recipe:
    """Container, codecs and their options."""

    container: str
    container_options: Mapping[str, str]
    video: str
    pixel_format: str
    video_options: Mapping[str, str]
    audio: str
    audio_format: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Writer:
    """A context manager that encodes frames as they come; the file gets its name when the block ends without error."""

    def __init__(
        self,
        path: str | PathLike[str],
        recipe: Recipe,
        *,
        fps: int | Fraction,
        samples: np.ndarray | None,
        run_id: str | None,
        synthetic: bool,
    ) -> None:
        if samples is not None:
            check_samples(samples)
        if fps <= 0:
            raise ValueError(f"expected a positive frame rate, got {fps}")
        self._path, self._recipe, self._fps = Path(path), recipe, Fraction(fps)
        self._tags = {**recipe.tags, **(synthetic_tags(run_id) if synthetic else {})}
        self._samples, self._heard = samples, 0
        self._digest, self._shape, self._count = ArrayDigest(), (0, 0, 3), 0
        self._reformatter = VideoReformatter()
        self._container: av.container.OutputContainer | None = None
        self._written: Written | None = None

    @property
    def written(self) -> Written:
        """What was written. Raises RuntimeError before the block has ended."""
        if self._written is None:
            raise RuntimeError("the file is not finished")
        return self._written

    def __enter__(self) -> Self:
        self._place: AbstractContextManager[Path] = replacing(self._path)
        self._temporary = self._place.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
            else:
                self._abandon()
        except BaseException as late:
            self._abandon()
            self._place.__exit__(type(late), late, late.__traceback__)
            raise
        self._place.__exit__(kind, error, trace)
        if error is None:
            self._written = Written(self._path, self._count, self._digest.hexdigest())

    def add(self, frame: np.ndarray) -> None:
        """Encode the next frame: uint8 (H, W, 3) RGB, of the first one's size. Raises MediaError or StorageError."""
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            got = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
            raise MediaError(f"{self._path}: expected frame {self._count} as uint8 (H, W, 3), got {got}")
        if min(frame.shape[:2]) < 2:  # FFV1's four slices and 4:2:0 colour both need two pixels a side
            raise MediaError(f"{self._path}: expected frame {self._count} of at least 2x2 pixels, got {frame.shape}")
        if self._container is None:
            self._open(frame.shape)
        elif frame.shape != self._shape:
            raise MediaError(f"{self._path}: expected frame {self._count} as {self._shape}, got {frame.shape}")
        self._digest.add(frame)
        picture = self._picture(frame)
        picture.pts, picture.time_base = self._count, 1 / self._fps
        self._count += 1
        with _encoding(self._path):
            self._container.mux(self._video.encode(picture))
            # Sound goes in beside the pictures: the container would otherwise hold back one for the other.
            self._sound(until=int(self._count / self._fps * RATE))

    def _open(self, shape: tuple[int, ...]) -> None:
        self._shape, recipe = shape, self._recipe
        with _encoding(self._path):
            self._container = av.open(
                f"file:{self._temporary}", "w", format=recipe.container, options=dict(recipe.container_options)
            )
            self._container.metadata.update(self._tags)
            video = self._container.add_stream(recipe.video, rate=self._fps, options=dict(recipe.video_options))
            assert isinstance(video, av.VideoStream)
            video.height, video.width = (shape[0], shape[1]) if recipe.pixel_format == "bgr0" else _even(shape)
            video.pix_fmt = recipe.pixel_format
            video.thread_count = 1
            context = video.codec_context
            context.time_base = 1 / self._fps
            if recipe.pixel_format != "bgr0":
                context.color_range, context.colorspace = ColorRange.MPEG, 1  # 1: BT.709 (ITU-T H.273)
                context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
            self._video = video
            if self._samples is not None:
                audio = self._container.add_stream(recipe.audio, rate=RATE, layout="mono")
                assert isinstance(audio, av.AudioStream)
                audio.codec_context.format = recipe.audio_format
                # Without this the AAC encoder writes FFmpeg's version into the sound.
                audio.codec_context.flags |= av.codec.context.Flags.bitexact
                self._audio = audio

    def _picture(self, frame: np.ndarray) -> av.VideoFrame:
        if self._recipe.pixel_format == "bgr0":
            source = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            return self._reformatter.reformat(source, format="bgr0", threads=1)
        height, width = _even(frame.shape)
        if (height, width) != frame.shape[:2]:
            frame = np.pad(frame, ((0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0)), mode="edge")
        return self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"),
            format=self._recipe.pixel_format,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_FLAGS,
            threads=1,
        )

    def _sound(self, *, until: int) -> None:
        """Encode the samples up to number `until`, in blocks of one second at most."""
        if self._samples is None:
            return
        until = min(until, len(self._samples))
        while self._heard < until:
            block = np.ascontiguousarray(self._samples[self._heard : min(until, self._heard + RATE)])
            sound = av.AudioFrame.from_ndarray(block[None], format=self._recipe.audio_format, layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, self._heard, Fraction(1, RATE)
            self._container.mux(self._audio.encode(sound))
            self._heard += len(block)

    def _finish(self) -> None:
        if self._container is None:
            raise MediaError(f"{self._path}: expected at least one frame to write, got none")
        self._digest.close(np.dtype(np.uint8), (self._count, *self._shape))
        with _encoding(self._path):
            self._sound(until=len(self._samples) if self._samples is not None else 0)
            self._container.mux(self._video.encode(None))
            if self._samples is not None:
                self._container.mux(self._audio.encode(None))
            self._container.close()
        # FFmpeg does not report an error of the very last write; the container's own extent shows it.
        declared, size = declared_size(self._temporary), self._temporary.stat().st_size
        if declared is not None and declared > size:
            raise StorageError(f"{self._path}: cannot be written (only {size} of {declared} bytes arrived)")

    def _abandon(self) -> None:
        if self._container is not None:
            # The file is removed anyway, and the first error is the one to show.
            with contextlib.suppress(OSError, av.error.FFmpegError):
                self._container.close()
            self._container = None


@contextlib.contextmanager
def _encoding(path: Path) -> Iterator[None]:
    """Turn errors inside the block into one line: StorageError for the system's, MediaError for the encoder's own."""
    try:
        with storing(path):
            yield
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"{path}: cannot be encoded ({reason(error)})") from None


def _even(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
