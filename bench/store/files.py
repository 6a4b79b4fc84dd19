"""Small files that are replaced whole, and folders that are made; failures are one line about storage."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from bench.errors import StorageError


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn the system's errors inside the block into a StorageError that names the path."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from None


def make_folder(path: Path) -> Path:
    """The folder, made with its parents where it is missing. Raises StorageError: no permission, taken by a file."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StorageError(f"{path}: expected a folder to write to, a file is in the way") from None
    except OSError as error:
        raise StorageError(f"{path}: the folder cannot be made ({error.strerror or error})") from None
    return path


@contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Iterator[BinaryIO]:
    """A file to write to that is there whole when the block ends or, after a crash or a full disk, as it was before.

    lasting: False does not wait for the disk, a hundred times faster: for files by the thousand that can be made again
    after a power cut.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with storing(path):
            with open(temporary, "wb") as file:
                yield file
                file.flush()
                if lasting:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
            if lasting:
                sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Write a file so that it is there whole or as it was before; see `replacing`."""
    with replacing(path, lasting=lasting) as file:
        file.write(content)


def sync_folder(path: Path) -> None:
    """Bring a folder's list of names to the disk, so that a new name survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def json_bytes(content: Any) -> bytes:
    """Indented UTF-8 JSON with a final newline; NaN and infinity are refused with a ValueError."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
