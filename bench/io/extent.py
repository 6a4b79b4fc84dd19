"""How many bytes a media file says it has, read from its container's own structure, to find truncated files.

FFmpeg reads a file that ends early without complaint and gives fewer frames. The containers that the field uses
declare their extent, so the comparison is exact where the container is one of: MP4/MOV (ISO 14496-12 boxes),
Matroska/WebM (RFC 9559 Segment), AVI and WAV (RIFF), Ogg (RFC 3533 pages), MP3 with a Xing/Info header, and MPEG
transport streams as far as their last packet (ISO 13818-1). Raw streams and FLV declare nothing that could be compared.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

# Box types that may stand first in an MP4/MOV file.
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}
# Streaming writers that cannot seek back put 0 or a value near 2^31 or 2^32 where the size belongs: unknown.
_UNKNOWN_FROM = 0x7FFF0000


def declared_size(path: Path) -> int | None:
    """The bytes that the file's container declares, or None where it declares none or is of another kind."""
    with open(path, "rb") as file:
        head = file.read(12)
        size = os.fstat(file.fileno()).st_size
        if head[4:8] in _FIRST_BOXES:
            return _boxes(file, size)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _segment(file)
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            return _wave(file, size)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _avi(file, size)
        if head[:4] == b"OggS":
            return _ogg(file, size)
        if head[:1] == b"G" and _byte(file, 188) == b"G" and _byte(file, 376) == b"G":
            return -(-size // 188) * 188  # a transport stream is whole packets of 188 bytes, each beginning with 0x47
        if head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"):
            return _mp3(file)
    return None


def _byte(file: BinaryIO, position: int) -> bytes:
    file.seek(position)
    return file.read(1)


def _boxes(file: BinaryIO, size: int) -> int | None:
    """The end of the last top-level box; trailing bytes that are no box (padding) are not counted."""
    end = 0
    while end + 8 <= size:
        file.seek(end)
        head = file.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:])[0]
        elif length == 0 and kind != bytes(4):
            return size  # the last box runs to the end of the file, whatever that is
        if length < 8 or not all(32 <= byte < 127 or byte == 0xA9 for byte in kind):
            break
        end += length
    return end


def _segment(file: BinaryIO) -> int | None:
    """The end of the Segment element; None where its size is the reserved "unknown"."""
    position = 0
    for _ in range(8):  # EBML header, perhaps Void or CRC-32, Segment
        file.seek(position)
        head = file.read(16)
        number = _vint(head, keep_marker=True)
        if number is None:
            return None
        identity, used = number
        number = _vint(head[used:], keep_marker=False)
        if number is None:
            return None
        length, more = number
        unknown = length == (1 << (7 * more)) - 1
        position += used + more
        if identity == 0x18538067:
            return None if unknown else position + length
        if unknown:
            return None
        position += length
    return None


def _vint(data: bytes, *, keep_marker: bool) -> tuple[int, int] | None:
    """An EBML variable-length integer (RFC 8794, section 4) and the bytes it takes."""
    if not data or data[0] == 0:
        return None
    width = 9 - data[0].bit_length()
    if len(data) < width:
        return None
    value = int.from_bytes(data[:width], "big")
    return (value if keep_marker else value & ((1 << (7 * width)) - 1)), width


def _wave(file: BinaryIO, size: int) -> int | None:
    """The end of the data chunk. The outer RIFF size is not trusted: careless writers get it wrong by a header."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind == b"data":
            return None if length == 0 or length >= _UNKNOWN_FROM else position + 8 + length
        position += 8 + length + (length & 1)
    return position


def _avi(file: BinaryIO, size: int) -> int | None:
    """The end of the last RIFF chunk (OpenDML files hold several)."""
    position = end = 0
    while position + 12 <= size:
        file.seek(position)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind != b"RIFF" or length == 0 or length >= _UNKNOWN_FROM:
            break
        end = position + 8 + length
        position = end + (length & 1)
    return end or None


def _ogg(file: BinaryIO, size: int) -> int | None:
    """The end of the last page that begins in the file; a page takes at most 65,307 bytes."""
    start = max(0, size - 65_307)
    file.seek(start)
    tail = file.read()
    found = tail.rfind(b"OggS")
    if found < 0:
        return None
    header = tail[found : found + 27 + 255]
    if len(header) < 27:
        return start + found + 27
    segments = header[26]
    return start + found + 27 + segments + sum(header[27 : 27 + segments])


def _mp3(file: BinaryIO) -> int | None:
    """The end of the stream by its Xing/Info header (flag 2: byte count, counted from that header's own frame)."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + ((head[6] << 21) | (head[7] << 14) | (head[8] << 7) | head[9])
    file.seek(start)
    frame = file.read(256)
    found = max(frame.find(b"Xing"), frame.find(b"Info"))
    if found < 0 or len(frame) < found + 16:
        return None
    flags = int.from_bytes(frame[found + 4 : found + 8], "big")
    if not flags & 2:
        return None
    offset = found + 8 + (4 if flags & 1 else 0)
    return start + int.from_bytes(frame[offset : offset + 4], "big")
