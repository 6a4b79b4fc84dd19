"""Whether FFV1 packets are whole, by their own checksums.

FFmpeg's decoder notices a wrong slice checksum, writes a log line and shows other pixels; neither the frame nor an
error code says so. Lossless files pass between generator and metrics, so damage there must stop the run.
Source: RFC 9043, section 4.9 (slice footer): a 24-bit size, an error byte and a CRC over the whole slice.
"""

from __future__ import annotations

import zlib

_FOOTER = 8
# The RFC's CRC-32 (0x04C11DB7) takes the high bit first and zlib's the low bit first: same sum on mirrored bytes.
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def slices_whole(packet: bytes) -> bool:
    """Whether all slices of one FFV1 packet (version 3, checksums on) are where their sizes say, with right CRCs."""
    end = len(packet)
    while end >= _FOOTER:
        size = int.from_bytes(packet[end - _FOOTER : end - _FOOTER + 3], "big")
        start = end - _FOOTER - size
        if size == 0 or start < 0:  # zeros alone have a right checksum, but no slice is empty
            return False
        # zlib inverts its register before and after: 0xFFFFFFFF in means 0 at the start, and out means 0 at the end.
        if zlib.crc32(packet[start:end].translate(_MIRROR), 0xFFFFFFFF) != 0xFFFFFFFF:
            return False
        end = start
    return end == 0
