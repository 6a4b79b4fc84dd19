"""A bundle as it came, archive or folder: what is in it, whether it is safe to read, and its files one by one.

Nothing is taken on trust: names are judged before anything is written, sizes while it is read. Only what the list of a
bundle names is ever read, in small pieces, and never more of it than was announced.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from bench.errors import ConfigError, MissingError
from bench.report.bundle.checks import Flaw, count
from bench.report.bundle.names import INDEX, refuse_names
from bench.report.bundle.packing import find_surplus
from bench.store.files import storing

MOST_FILES = 200_000
MOST_BYTES = 32 << 30
"""Of all files together, unpacked: 2,000 clips by six methods at a megabyte a copy are a third of it."""
MOST_RATIO = 250
"""Unpacked bytes for a packed one, of files above `_SMALL`: tables and page data pack to a twentieth at best."""
_SMALL = 1 << 20
_CHUNK = 1 << 20
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError,
    OverflowError, RuntimeError, ValueError,
)  # fmt: skip
"""What the standard library raises on archives that are damaged, encrypted or made to harm."""


class Source(Protocol):
    """Where a bundle's files come from. sizes: of every file in it, unpacked, by name."""

    path: Path
    sizes: Mapping[str, int]

    def refusal(self) -> str | None:
        """Why nothing in it should be read, None where it may."""
        ...

    def surplus(self) -> str | None:
        """What is in it beside its files, None where nothing is."""
        ...

    def open(self, name: str) -> BinaryIO: ...

    def sha256(self) -> str | None:
        """Of the archive's bytes; None for a folder."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_source(path: Path) -> Source:
    """The bundle at a path, an archive or a folder.

    Raises MissingError where there is nothing, ConfigError where it is no bundle.
    """
    if not path.exists():
        raise MissingError(f"{path}: no such file; expected a bundle, as `report RUN --bundle FILE` writes it")
    source: Source = Unpacked(path) if path.is_dir() else Packed(path)
    if INDEX not in source.sizes:
        source.__exit__(None, None, None)
        raise ConfigError(f"{path}: not a bundle: it has no {INDEX}, as `report RUN --bundle FILE` writes it")
    return source


class Packed:
    """A bundle in an archive that stays open until it is left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
        try:
            self._archive = zipfile.ZipFile(self._file)
            self._members = self._archive.infolist()
        except _DAMAGE as error:
            self._file.close()
            raise ConfigError(f"{path}: not a bundle: it cannot be read as a ZIP archive ({error})") from None
        self.sizes: Mapping[str, int] = {member.filename: member.file_size for member in self._members}

    def refusal(self) -> str | None:
        members = self._members
        named = refuse_names(member.filename for member in members)
        if named is not None or len(members) > MOST_FILES:
            return named or f"{len(members):,} files, expected at most {MOST_FILES:,}"
        for member in members:
            if member.orig_filename != member.filename:
                return f"the name {member.orig_filename!r} reads in two ways"
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG) or member.is_dir():
                return f"{member.filename!r} is a link, a folder or a device; expected files alone"
            if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return f"{member.filename!r} is encrypted or packed in a way that no bundle uses"
            if member.file_size > max(_SMALL, MOST_RATIO * member.compress_size):
                return f"{member.filename!r} would grow to {member.file_size:,} bytes from {member.compress_size:,}"
        return _refuse_total(self.sizes) or self._overlap()

    def _overlap(self) -> str | None:
        end = 0
        for member in sorted(self._members, key=lambda member: member.header_offset):
            if member.header_offset < end:
                return f"{member.filename!r} shares its bytes with another file"
            end = member.header_offset + 30 + member.compress_size
        return None

    def surplus(self) -> str | None:
        try:
            return find_surplus(self._file, self._members, os.fstat(self._file.fileno()).st_size)
        except _DAMAGE as error:
            return f"headers that cannot be read ({error})"

    def open(self, name: str) -> BinaryIO:
        return self._archive.open(name)  # type: ignore[return-value]

    def sha256(self) -> str | None:
        digest = hashlib.sha256()
        self._file.seek(0)
        while block := self._file.read(_CHUNK):
            digest.update(block)
        return digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()
        self._file.close()


class Unpacked:
    """A bundle that somebody unpacked into a folder. Links are never followed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._odd: list[str] = []
        self.sizes: Mapping[str, int] = self._scan(path)

    def _scan(self, top: Path) -> dict[str, int]:
        sizes: dict[str, int] = {}
        waiting = [("", top)]
        while waiting and len(sizes) <= MOST_FILES:
            prefix, folder = waiting.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                raise ConfigError(f"{folder}: cannot be read ({error.strerror})") from None
            for entry in entries:
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{name}/", folder / entry.name))
                elif entry.is_file(follow_symlinks=False):
                    sizes[name] = entry.stat(follow_symlinks=False).st_size
                else:
                    self._odd.append(name)
        return sizes

    def refusal(self) -> str | None:
        if self._odd:
            return f"{min(self._odd)!r} is a link or a device; expected files alone"
        if len(self.sizes) > MOST_FILES:
            return f"more than {MOST_FILES:,} files"
        return refuse_names(self.sizes) or _refuse_total(self.sizes)

    def surplus(self) -> str | None:
        return None

    def open(self, name: str) -> BinaryIO:
        return os.fdopen(os.open(self.path / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")

    def sha256(self) -> str | None:
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def _refuse_total(sizes: Mapping[str, int]) -> str | None:
    total = sum(sizes.values())
    return f"{total:,} bytes unpacked, expected at most {MOST_BYTES:,}" if total > MOST_BYTES else None


def read_small(source: Source, name: str, *, most: int) -> bytes:
    """A file's content. Raises Flaw where it cannot be read or is longer than `most` bytes."""
    try:
        with source.open(name) as file:
            content = file.read(most + 1)
    except _DAMAGE as error:
        raise Flaw(f"{name} cannot be read ({error})") from None
    if len(content) > most:
        raise Flaw(f"{name} has more than {most:,} bytes")
    return content


def copy_out(
    source: Source, name: str, target: Path, *, most: int, advance: Callable[[int], None] | None = None
) -> tuple[int, str]:
    """Bytes and sha256 (hex) of a file that was copied to `target`. advance: called with bytes as they come.

    Raises Flaw where it cannot be read or has more than `most` bytes; what was copied is then removed.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with storing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                for block in _blocks(source, name):
                    size += len(block)
                    if size > most:
                        raise Flaw(f"{name} is longer than the {count(most, 'byte')} that {INDEX} says")
                    digest.update(block)
                    out.write(block)
                    if advance is not None:
                        advance(len(block))
    except Flaw:
        target.unlink(missing_ok=True)
        raise
    return size, digest.hexdigest()


def _blocks(source: Source, name: str) -> Iterator[bytes]:
    """The file's content in pieces; damage is a Flaw, so that it is never taken for trouble of our own disk."""
    try:
        with source.open(name) as file:
            while block := file.read(_CHUNK):
                yield block
    except _DAMAGE as error:
        raise Flaw(f"{name} cannot be read ({error})") from None
