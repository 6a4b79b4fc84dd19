"""Opening media files: every check that turns a user's mistake into one clear line, before a frame is decoded.

FFmpeg's own log stays silent (PyAV's default); its error codes come out as MediaError with the file's name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from numbers import Rational
from os import PathLike

import av
import av.container

from bench.errors import MediaError
from bench.io.extent import declared_size
from bench.io.files import check_file, reason

# Demuxers that may open a user's file. Left out on purpose: playlists and lists (hls, dash, concat, sdp) that make
# FFmpeg open other files or addresses, text renderers (tty) that turn a text file into a video, and readers of images.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpeg,mpegts,mpegvideo,ogg,wav,w64,flac,mp3,aac,aiff,au,caf,"
    "asf,ivf,h264,hevc,m4v,mxf,nut,amr,ac3,eac3"
)

# A tag that is not UTF-8 must not make a video unreadable. PyAV 18 has to be told; later versions need no argument.
_TAGS = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


@contextmanager
def open_media(path: str | PathLike[str]) -> Iterator[av.container.InputContainer]:
    """An open container, closed on leaving. Raises MissingError or MediaError in one line.

    A file that is shorter than its own container declares is refused here, so that truncation is an error for every
    reader, whether or not the missing part would have been needed.
    """
    checked = check_file(path)
    declared, size = declared_size(checked), checked.stat().st_size
    if declared is not None and declared > size:
        raise MediaError(f"{checked}: truncated: the container declares {declared} bytes, the file has {size}")
    try:
        # "file:" keeps a name such as "a:b.mp4" from being read as a protocol.
        container = av.open(
            f"file:{os.fspath(checked)}", options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"}, **_TAGS
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{checked}: not a video or audio file that can be read ({reason(error)})") from None
    with container:
        yield container


def video_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first video stream that is not an attached picture (cover art) or thumbnail, or None."""
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    for stream in container.streams.video:
        if not stream.disposition & still:
            return stream
    return None


def require_video(container: av.container.InputContainer, path: str | PathLike[str]) -> av.VideoStream:
    """The stream that `video_stream` gives. Raises MediaError where there is none or no decoder for it."""
    stream = video_stream(container)
    if stream is None:
        raise MediaError(f"{path}: expected a video stream, the file has none (it has: {contents(container)})")
    if stream.codec_context is None:
        raise MediaError(f"{path}: no decoder for its video stream")
    return stream


def contents(container: av.container.InputContainer) -> str:
    """The kinds of streams in a file, in words."""
    return ", ".join(sorted({stream.type for stream in container.streams})) or "no stream"


def exact(value: Rational | None) -> Fraction | None:
    """A rational of PyAV's (Fraction up to version 18, AVRational from 19 on) as a Fraction; None for 0 and unset."""
    if value is None or not value.numerator or not value.denominator:
        return None
    return Fraction(value.numerator, value.denominator)
