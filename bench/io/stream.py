"""A video stream's frames in the order they are shown, each with its exact time, and no loss passed over in silence.

FFmpeg conceals: it fills damaged areas, drops what it cannot decode and stops where a file stops. Every such sign
that can be seen is an error here: a damaged packet or frame, fewer frames than packets, an end before the declared
one, time that runs backwards, and in our own lossless files also a missing frame or a wrong checksum.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Generator, Iterator
from fractions import Fraction
from os import PathLike

import av
import av.container

from bench.errors import MediaError
from bench.io.cadence import Shot
from bench.io.ffv1 import slices_whole
from bench.io.files import reason
from bench.io.provenance import LOSSLESS
from bench.io.source import exact

# Codecs whose every packet holds one picture that is shown. VP8, VP9 and AV1 have packets that show nothing.
_PICTURE_PER_PACKET = {"h264", "hevc", "ffv1", "mjpeg", "prores"}
_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def decoded(
    container: av.container.InputContainer, stream: av.VideoStream, path: str | PathLike[str]
) -> Generator[Shot[av.VideoFrame], None, None]:
    """Every frame of the stream with its start in seconds (exact), to the end. Raises MediaError as said above.

    A stream without times of display (raw H.264; AVI with B-frames, whose stamps count packets) is taken to be
    constant at its declared rate.
    """
    # Frame threads speed up large pictures; more than four only cost memory, since a run's workers share the cores.
    stream.thread_type = "AUTO"
    stream.thread_count = min(4, os.cpu_count() or 1)
    ours = LOSSLESS.items() <= tags(container).items()
    period, tick = frame_period(stream), exact(stream.time_base) or Fraction(0)
    timed = not (container.format.name == "avi" and stream.codec_context.has_b_frames)
    previous: Shot[av.VideoFrame] | None = None
    for index, frame in enumerate(_pictures(container, stream, path, checksums=ours)):
        if period is not None and (not timed or (index == 0 and frame.pts is None)):
            timed = False
            shot = Shot(frame, index * period, period)
        elif frame.pts is not None:
            shot = Shot(frame, frame.pts * tick, frame.duration * tick if frame.duration else period)
        else:
            raise MediaError(f"{path}: frame {index} has no timestamp")
        if previous is not None:
            step = shot.start - previous.start
            if step < 0:
                raise MediaError(f"{path}: frame {index} is stamped {float(-step):.3f} s before the frame it follows")
            if ours and period is not None and abs(step - period) > tick:
                raise MediaError(f"{path}: frames are missing before frame {index} ({float(step):.3f} s gap)")
        elif ours and shot.start != 0:
            raise MediaError(f"{path}: frames are missing at the beginning ({float(shot.start):.3f} s gap)")
        previous = shot
        yield shot
    if previous is None:
        raise MediaError(f"{path}: expected video frames, the stream has none that can be decoded")
    _check_end(stream, previous, path, slack=Fraction(1, 2) if ours else Fraction(3, 2))


def first_shot(
    container: av.container.InputContainer, stream: av.VideoStream, path: str | PathLike[str]
) -> Shot[av.VideoFrame]:
    """The first frame that is shown, with its time. Raises MediaError where there is none."""
    with contextlib.closing(decoded(container, stream, path)) as shots:
        return next(shots)


def tags(container: av.container.InputContainer) -> dict[str, str]:
    """The file's metadata with lower-case keys (Matroska stores them in upper case)."""
    return {key.lower(): value for key, value in container.metadata.items()}


def frame_period(stream: av.VideoStream) -> Fraction | None:
    """Seconds between frames by the declared (average) rate, or None."""
    rate = exact(stream.average_rate) or exact(stream.guessed_rate)
    return 1 / rate if rate else None


def declared_duration(stream: av.stream.Stream) -> Fraction | None:
    """The stream's own declared length in seconds, or None. Matroska keeps it in a tag, as the end of the stream."""
    tick = exact(stream.time_base)
    if stream.duration is not None and tick:
        return stream.duration * tick
    for key, value in stream.metadata.items():
        if key.upper().split("-")[0] == "DURATION" and (found := _DURATION.match(value)):
            hours, minutes, seconds = found.groups()
            return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)
    return None


def _pictures(
    container: av.container.InputContainer, stream: av.VideoStream, path: str | PathLike[str], *, checksums: bool
) -> Iterator[av.VideoFrame]:
    """The decoder's frames. Raises where it reports damage, or gave fewer frames than packets went in."""
    shown, first, interlaced = 0, None, False
    stamps: list[int | None] = []
    for packet in _packets(container, stream, path):
        if packet.is_corrupt:
            raise MediaError(f"{path}: damaged or truncated near frame {shown}")
        if packet.size and not packet.is_discard:
            # Another writer's FFV1 may have no checksums; its first packet shows it.
            if not stamps and stream.codec_context.name == "ffv1":
                checksums = checksums or slices_whole(bytes(packet))
            stamps.append(packet.pts)
            if checksums and not slices_whole(bytes(packet)):
                raise MediaError(f"{path}: damaged near frame {shown} (a checksum does not match)")
        try:
            frames = packet.decode()
        except av.error.EOFError:
            break
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise MediaError(f"{path}: cannot be decoded near frame {shown} ({reason(error)})") from None
        for frame in frames:
            if frame.is_corrupt:
                raise MediaError(f"{path}: frame {shown} is damaged")
            first = frame.pts if shown == 0 else first
            interlaced = interlaced or frame.interlaced_frame
            shown += 1
            yield frame
    # Two packets may hold the two fields of one interlaced picture. Pictures before the first one shown depend on
    # frames that a cut has removed; no player shows them, and nothing shifts since time starts after them.
    if stream.codec_context.name in _PICTURE_PER_PACKET and not interlaced and first is not None:
        due = sum(stamp is None or stamp >= first for stamp in stamps)
        if None not in stamps and shown < due:
            raise MediaError(f"{path}: expected {due} frames, got {shown}: the file is damaged")


def _packets(
    container: av.container.InputContainer, stream: av.VideoStream, path: str | PathLike[str]
) -> Iterator[av.Packet]:
    try:
        yield from container.demux(stream)
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(f"{path}: damaged or truncated ({reason(error)})") from None


def _check_end(
    stream: av.VideoStream, last: Shot[av.VideoFrame], path: str | PathLike[str], *, slack: Fraction
) -> None:
    """Raise where the last frame ends earlier than a Matroska stream's DURATION tag, by more than `slack` frames.

    Only there: other containers either state their extent in bytes, which was checked on opening, or only estimate.
    """
    if stream.duration is not None or last.duration is None:
        return
    declared, end = declared_duration(stream), last.start + last.duration
    if declared is not None and end < declared - slack * last.duration:
        raise MediaError(f"{path}: expected video until {float(declared):.3f} s, it ends at {float(end):.3f} s")
