"""Sound as 16 kHz mono float32, from any audio or video file, aligned with the picture."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from fractions import Fraction
from os import PathLike

import av
import av.container
import numpy as np
import soxr

from bench.errors import MediaError
from bench.io.files import reason, replacing, storing
from bench.io.probe import probe
from bench.io.source import contents, exact, open_media, video_stream
from bench.io.stream import declared_duration, first_shot
from bench.records import RATE

# Full scale of FFmpeg's integer sample formats. 24-bit sources arrive left-aligned in 32 bits.
_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63}
# Timestamps may be rounded (Matroska: 1 ms) and packets may overlap by a frame; only a gap that a viewer would hear as
# one is filled. 50 ms is just over one output frame, the least shift of lips and sound that the metrics can see.
_GAP = Fraction(1, 20)
# A hole longer than this is a broken timestamp, not silence.
_LONGEST_GAP = 3600


def read_audio(path: str | PathLike[str], *, rate: int = RATE) -> np.ndarray:
    """The first audio stream as float32 (N,), mono, -1..1 for integer sources, resampled to `rate` Hz.

    Channels are averaged in float, all with equal weight; integers are divided by their full scale (2^15 for 16 bits);
    resampling is soxr's "HQ", in a stream, so memory is that of the result. Nothing is normalised or clipped.
    Time: from a video file, sample 0 is the instant of the first video frame: sound that begins later is preceded by
    zeros, sound that begins earlier loses its head. From an audio file, sample 0 is the first sample. A hole of more
    than 50 ms in the stream's timestamps is filled with zeros, so that what follows stays in step.
    Raises MissingError, or MediaError: directory, empty, truncated, no audio stream, no samples, damaged.
    """
    if rate < 1:
        raise ValueError(f"expected a positive sample rate, got {rate}")
    begin = _picture_start(path)
    with open_media(path) as container:
        if not container.streams.audio:
            raise MediaError(f"{path}: expected an audio stream, the file has none (it has: {contents(container)})")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise MediaError(f"{path}: no decoder for its audio stream")
        decoded_blocks = _mono(container, stream, path)
        head = next(decoded_blocks)
        blocks = _in_time(itertools.chain([head], decoded_blocks), begin, path)
        samples = np.concatenate(list(_resampled(blocks, head[0], rate)))
    if not len(samples):
        raise MediaError(f"{path}: expected sound, the audio stream has no samples in the time of the video")
    return samples


def read_sound(path: str | PathLike[str]) -> np.ndarray | None:
    """The sound of a video as `read_audio` gives it, None where it has no audio stream."""
    return read_audio(path) if probe(path).has_audio else None


def write_wav(path: str | PathLike[str], samples: np.ndarray, *, rate: int = RATE, bits: int = 16) -> None:
    """Write a mono WAV file; the same samples give the same bytes. Raises MediaError (samples) or StorageError (disk).

    samples: float32 (N,). bits: 16 is PCM, which every method's reader takes: times 2^15, rounded, clipped to the
    16-bit range, so exact for samples that came from a 16-bit file. 32 is IEEE float, exact for every float32.
    """
    check_samples(samples)
    if bits == 16:
        data = np.clip(np.rint(samples.astype(np.float64) * 2**15), -(2**15), 2**15 - 1).astype("<i2").tobytes()
    elif bits == 32:
        data = samples.astype("<f4").tobytes()
    else:
        raise ValueError(f"expected 16 or 32 bits, got {bits}")
    # Written by hand: libsndfile stamps float files with the time of day (PEAK chunk).
    width, kind = bits // 8, 1 if bits == 16 else 3
    chunks = b"fmt " + struct.pack("<IHHIIHH", 16, kind, 1, rate, rate * width, width, bits)
    chunks += b"fact" + struct.pack("<II", 4, len(samples)) if bits == 32 else b""
    chunks += b"data" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    with replacing(path) as temporary, storing(path):
        temporary.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def check_samples(samples: np.ndarray) -> None:
    """Raise MediaError unless samples are float32 (N,), N at least 1, and finite."""
    if not isinstance(samples, np.ndarray) or samples.dtype != np.float32 or samples.ndim != 1 or not samples.size:
        got = f"{samples.dtype} {samples.shape}" if isinstance(samples, np.ndarray) else type(samples).__name__
        raise MediaError(f"expected samples as float32 (N,) with N at least 1, got {got}")
    if not np.isfinite(samples).all():
        raise MediaError("expected finite samples, got NaN or infinity")


def _picture_start(path: str | PathLike[str]) -> Fraction | None:
    """The time of the first video frame in seconds, or None for a file without video."""
    with open_media(path) as container:
        stream = video_stream(container)
        if stream is None or stream.codec_context is None:
            return None
        return first_shot(container, stream, path).start


def _mono(
    container: av.container.InputContainer, stream: av.AudioStream, path: str | PathLike[str]
) -> Iterator[tuple[int, Fraction | None, np.ndarray]]:
    """Sample rate, time in seconds (or None) and float32 (N,) of each decoded block. Raises MediaError on damage."""
    # A WAV that was written into a pipe declares no length, and its last packet always looks broken off; where a WAV
    # does declare one, it was compared on opening.
    piped = container.format.name == "wav"
    rate, count = 0, 0
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt and not piped:
                raise MediaError(f"{path}: sound is damaged or truncated after sample {count}")
            for frame in packet.decode():
                rate = rate or frame.sample_rate
                if frame.sample_rate != rate:
                    raise MediaError(f"{path}: sample rate changes from {rate} to {frame.sample_rate} Hz")
                count += frame.samples
                tick = exact(frame.time_base)
                yield rate, None if frame.pts is None or tick is None else frame.pts * tick, _average(frame, path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path}: sound cannot be decoded after sample {count} ({reason(error)})") from None
    if not count:
        raise MediaError(f"{path}: expected sound, the audio stream has no samples")
    # These say in their header how many samples there are; others were compared in bytes, or only estimate.
    if container.format.name in ("flac", "aiff", "au") and (duration := declared_duration(stream)):
        declared = round(duration * rate)
        if count < declared:
            raise MediaError(f"{path}: truncated: the header declares {declared} samples, the file has {count}")


def _average(frame: av.AudioFrame, path: str | PathLike[str]) -> np.ndarray:
    """float32 (N,): the mean of the channels in -1..1."""
    kind = frame.format.packed.name
    values = frame.to_ndarray()
    channels = len(frame.layout.channels)
    # Packed formats interleave the channels in one row.
    values = values.reshape(channels, -1) if frame.format.is_planar else values.reshape(-1, channels).T
    if kind in ("flt", "dbl"):
        mono = values.mean(axis=0, dtype=np.float64)
    elif kind in _FULL_SCALE:
        mono = values.mean(axis=0, dtype=np.float64) / _FULL_SCALE[kind] - (1.0 if kind == "u8" else 0.0)
    else:
        raise MediaError(f"{path}: sample format {frame.format.name} is not supported")
    return mono.astype(np.float32)


def _resampled(blocks: Iterator[np.ndarray], source: int, rate: int) -> Iterator[np.ndarray]:
    """The blocks at `rate` Hz; unchanged where that is the source's rate."""
    if source == rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(source, rate, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _in_time(
    blocks: Iterator[tuple[int, Fraction | None, np.ndarray]], begin: Fraction | None, path: str | PathLike[str]
) -> Iterator[np.ndarray]:
    """The blocks' samples from the instant `begin` on (None: from the first block), holes filled with zeros."""
    start, place, least = begin, 0, Fraction(0)
    for rate, time, values in blocks:
        start = time if start is None else start
        # Where this block belongs, in samples after `start`; without a timestamp it follows the last one.
        due = place if time is None or start is None else round((time - start) * rate)
        if least == 0:  # the first block: sound that begins before the picture starts at a negative place
            place = min(due, 0)
        hole = due - place if due - place > least else 0
        least = _GAP * rate
        if hole > _LONGEST_GAP * rate:
            raise MediaError(f"{path}: expected continuous sound, got a hole of {hole // rate} s in its timestamps")
        for piece in (*_zeros(hole, rate), values):
            yield piece[min(max(-place, 0), len(piece)) :]
            place += len(piece)


def _zeros(count: int, size: int) -> Iterator[np.ndarray]:
    for start in range(0, count, size):
        yield np.zeros(min(size, count - start), np.float32)
