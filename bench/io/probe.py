"""What a video file is: size, rate, colour, rotation, sound, and whether it says that it is synthetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path

from bench.io.colour import colour_range, colour_space
from bench.io.orientation import orientation
from bench.io.provenance import is_synthetic, run_of
from bench.io.source import exact, open_media, require_video
from bench.io.stream import declared_duration, first_shot, frame_period, tags


@dataclass(frozen=True)
class VideoInfo:
    """A video file's properties; None where the file does not say.

    width, height: pixels as shown, after rotation. fps: average rate. frames: declared count. duration: seconds of
    the video stream, or of the file. start: time of the first frame in seconds. rotation: degrees counter-clockwise
    that decoding applies (0, 90, 180, 270), after `mirrored`. colour_range: "tv" or "pc", as applied. colour_space:
    as declared; "unspecified" is read as BT.601. sample_aspect: shape of a pixel, width to height; decoding leaves
    pixels as stored. metadata: the file's tags, keys in lower case.
    """

    path: Path
    width: int
    height: int
    fps: Fraction | None
    frames: int | None
    duration: float | None
    start: Fraction
    codec: str
    pixel_format: str
    rotation: int
    mirrored: bool
    colour_range: str
    colour_space: str
    sample_aspect: Fraction
    has_audio: bool
    sample_rate: int | None
    synthetic: bool
    run_id: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


def probe(path: str | PathLike[str]) -> VideoInfo:
    """A video file's properties, read from its header and its first frame, which is decoded.

    Raises MissingError (no such file) or MediaError: directory, empty, truncated, not a video, no video stream, no
    frame that can be decoded.
    """
    with open_media(path) as container:
        stream = require_video(container, path)
        first = first_shot(container, stream, path)
        frame = first.item
        turn = orientation(frame, path)
        width, height = (frame.height, frame.width) if turn.swaps_sides else (frame.width, frame.height)
        duration = declared_duration(stream)
        if duration is None and container.duration is not None:
            duration = Fraction(container.duration, 1_000_000)  # the container counts in microseconds
        period = frame_period(stream)
        audio = container.streams.audio
        words = tags(container)
        return VideoInfo(
            path=Path(path),
            width=width,
            height=height,
            fps=1 / period if period else None,
            frames=stream.frames or None,
            duration=None if duration is None else float(duration),
            start=first.start,
            codec=stream.codec_context.name,
            pixel_format=frame.format.name,
            rotation=turn.rotation,
            mirrored=turn.mirrored,
            colour_range=colour_range(frame),
            colour_space=colour_space(frame),
            sample_aspect=exact(stream.sample_aspect_ratio) or Fraction(1),
            has_audio=bool(audio),
            sample_rate=audio[0].sample_rate if audio and audio[0].codec_context is not None else None,
            synthetic=is_synthetic(words),
            run_id=run_of(words),
            metadata=words,
        )
