"""Files on disk: readable before they are opened, whole or not there at all after they are written."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from bench.errors import MediaError, MissingError, StorageError


def check_file(path: str | PathLike[str], *, empty: bool = False) -> Path:
    """The path, once it is known to be a readable file. Raises MissingError or MediaError; `empty` allows 0 bytes."""
    checked = Path(path)
    try:
        size = checked.stat().st_size
        if checked.is_dir():
            raise MediaError(f"{checked}: expected a file, got a directory")
        if not checked.is_file():
            raise MediaError(f"{checked}: expected a regular file, got a device, pipe or socket")
        if size == 0 and not empty:
            raise MediaError(f"{checked}: expected a media file, got an empty one (0 bytes)")
        with open(checked, "rb"):
            pass
    except (FileNotFoundError, NotADirectoryError):
        raise MissingError(f"{checked}: no such file") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{checked}: cannot be read ({reason(error)})") from None
    return checked


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends without an error.

    The file is on the disk (fsync) before it gets its name. On any error, an interrupt included, it is removed and
    what stood at `path` stays. Raises StorageError: the folder is missing, not writable or full, or path is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise StorageError(f"{target}: expected a file to write, it is a directory")
    if not target.parent.is_dir():
        raise StorageError(f"{target}: its folder does not exist")
    # The hidden name keeps a half-written file out of any glob for videos or images.
    temporary = target.parent / f".{uuid.uuid4().hex}.part"
    try:
        yield temporary
        with storing(target):
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def storing(path: str | PathLike[str]) -> Iterator[None]:
    """Turn the system's errors inside the block into a StorageError that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({reason(error)})") from None


def reason(error: BaseException) -> str:
    """What went wrong in a few words, without error numbers and file names."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
