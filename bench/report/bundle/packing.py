"""The archive itself: a ZIP whose bytes follow from its files, and the check that a ZIP has no others.

Fixed dates, a fixed order, no comments, nothing between files or behind them. What is compressed already is stored.
A verifier lays the same headers out again and compares, so that no byte of an archive escapes the checks: a ZIP reader
skips what it does not look for, and two readers may see two archives in one file. Compressed bytes are those of the
zlib at hand; another zlib may pack the same files into other bytes.
"""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from bench.report.bundle.names import INDEX
from bench.store.files import replacing

_PACKED = (".mp4", ".png", ".jpg", ".parquet", ".pdf")
_DATE = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_NO_ROOM = 0xFFFFFFFF
"""In a field of 32 bits: the number is in the extra field."""


def in_order(names: Iterable[str]) -> list[str]:
    """Names in the archive's order: bundle.json first, so that a reader has it at once, then by name."""
    return sorted(names, key=lambda name: (name != INDEX, name))


def pack(folder: Path, names: Iterable[str], path: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Write an archive of files below a folder, whole or not at all. progress: bytes done, of how many.

    The same files give the same bytes. No file is in memory as a whole. Raises StorageError.
    """
    ordered = in_order(names)
    sizes = {name: (folder / name).stat().st_size for name in ordered}
    done, total = 0, sum(sizes.values())
    with replacing(path) as target, zipfile.ZipFile(target, "w") as archive:
        for name in ordered:
            with (folder / name).open("rb") as source, archive.open(_stamp(name, sizes[name]), "w") as member:
                shutil.copyfileobj(source, member, _CHUNK)
            done += sizes[name]
            if progress is not None:
                progress(done, total)


def _stamp(name: str, size: int) -> zipfile.ZipInfo:
    """A member's header before its content is known."""
    info = zipfile.ZipInfo(name, _DATE)
    info.file_size = size
    info.compress_type = zipfile.ZIP_STORED if name.endswith(_PACKED) else zipfile.ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    info.create_system = 3
    return info


def find_surplus(file: BinaryIO, members: Sequence[zipfile.ZipInfo], size: int) -> str | None:
    """What in an archive of `size` bytes is not as `pack` writes it, None where every byte is in its place.

    members: as zipfile read them. Compressed content is not looked at; its own checksums cover it.
    """
    if [member.filename for member in members] != in_order(member.filename for member in members):
        return "files in another order"
    place, central = 0, b""
    for member in members:
        if member.header_offset != place:
            return f"bytes that belong to no file before {member.filename!r}"
        info = _stamp(member.filename, member.file_size)
        info.CRC, info.compress_size, info.header_offset = member.CRC, member.compress_size, place
        header = info.FileHeader(zip64=member.file_size * 1.05 > zipfile.ZIP64_LIMIT)
        file.seek(place)
        if file.read(len(header)) != header:
            return f"another header of {member.filename!r}: dates, attributes or remarks that no bundle has"
        place += len(header) + member.compress_size
        central += _central(info)
    expected = central + _end(len(members), len(central), place)
    file.seek(place)
    if place + len(expected) != size or file.read(len(expected)) != expected:
        return "another list of files at its end than a bundle's, or bytes behind it"
    return None


def _central(info: zipfile.ZipInfo) -> bytes:
    """A member's entry in the list at the archive's end (APPNOTE 6.3, section 4.3.12)."""
    limit, wide, version = zipfile.ZIP64_LIMIT, [], zipfile.DEFAULT_VERSION
    size, packed, offset = info.file_size, info.compress_size, info.header_offset
    if size > limit or packed > limit:
        wide, size, packed = [size, packed], _NO_ROOM, _NO_ROOM
    if offset > limit:
        wide, offset = [*wide, offset], _NO_ROOM
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    version = max(zipfile.ZIP64_VERSION if wide else version, info.extract_version)
    name = info.filename.encode()
    flags = 0 if name.isascii() else 0x800
    year, month, day = _DATE[:3]
    fields = (
        *(b"PK\1\2", version, info.create_system, version, 0, flags, info.compress_type, 0),
        *((year - 1980) << 9 | month << 5 | day, info.CRC, packed, size, len(name), len(extra), 0, 0, 0),
        *(info.external_attr, offset),
    )
    return struct.pack("<4s4B4HL2L5H2L", *fields) + name + extra


def _end(count: int, length: int, offset: int) -> bytes:
    """What follows the list: how many files, how long the list is and where it begins."""
    wide = b""
    if count > 0xFFFF or max(length, offset) > zipfile.ZIP64_LIMIT:
        version = zipfile.ZIP64_VERSION
        wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, version, version, 0, 0, count, count, length, offset)
        wide += struct.pack("<4sLQL", b"PK\6\7", 0, offset + length, 1)
        count, length, offset = min(count, 0xFFFF), min(length, _NO_ROOM), min(offset, _NO_ROOM)
    return wide + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, offset, 0)
