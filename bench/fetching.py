"""Weight files brought into the user's cache: fetched with resume, or copied; checked before they take their name.

The only module that uses the network, and only when a user asks (`weights fetch`). A file grows as NAME.part, which
an interruption or a broken connection leaves for the next attempt; its sha256 decides whether it becomes NAME.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bench.errors import BusyError, ConfigError, MissingError
from bench.io.digest import sha256_file
from bench.io.files import check_file, reason, replacing, storing

if TYPE_CHECKING:
    from metrics.weights import Weight

TIMEOUT = 30.0
"""Seconds without a byte after which a server counts as gone."""
_BLOCK = 1 << 18
Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and those there will be (None: the server does not say)."""


def fetch(name: str, *, url: str | None = None, progress: Progress | None = None) -> Path:
    """The file of that weight in the user's cache, got from `url` (a mirror) or from where weights.toml says.

    Raises MissingError where it cannot be had or is not the published file, ConfigError for an address of another
    kind, BusyError where another process fetches it.
    """
    from metrics.weights import entry, expected

    weight = entry(name)
    source = url or weight.url
    if not source:
        raise MissingError(f"{weight.title} have no direct link: {weight.way}")
    target = _folder() / weight.file
    part = target.with_name(f"{target.name}.part")
    with _alone(part):
        resumed = part.is_file() and part.stat().st_size > 0
        download(source, part, size=weight.bytes, progress=progress)
        got = sha256_file(part)
        if resumed and expected(name) not in ("", got):  # what lay here was of another file: once more, from its start
            part.unlink()
            download(source, part, size=weight.bytes, progress=progress)
            got = sha256_file(part)
        if expected(name) not in ("", got):
            part.unlink()
            raise MissingError(f"{source}: expected sha256 {expected(name)}, got {got}; the file was not kept")
        with storing(target):
            os.replace(part, target)
        _pin(weight, got)
    return target


def add(name: str, file: Path, *, move: bool = False) -> Path:
    """The file of that weight in the user's cache, copied from a file of the user's; move: that one goes.

    Raises ConfigError where its sha256 is not the published one, or not the pinned one; a weight whose sha256 nobody
    published is pinned to what it has now.
    """
    from metrics.weights import entry, expected, pins_file

    weight, source = entry(name), check_file(file)
    target = _folder() / weight.file
    with replacing(target) as copy:
        with storing(target):
            shutil.copyfile(source, copy)
        got = sha256_file(copy)  # of the copy: what is checked is what is kept
        if expected(name) not in ("", got):
            by = "published" if weight.sha256 else f"pinned: take its line out of {pins_file()} to pin another file"
            raise ConfigError(f"{source}: expected the sha256 of {name}, {expected(name)} ({by}), got {got}")
        alone = not target.exists() or not target.samefile(source)
    _pin(weight, got)
    if move and alone:
        source.unlink()
    return target


def download(url: str, part: Path, *, size: int = 0, progress: Progress | None = None) -> None:
    """Appends to `part` what it lacks of the file at a http, https or file address; starts anew where it must.

    size: the bytes that are expected, 0 where unknown. Raises MissingError, the bytes that came kept in `part`.
    """
    scheme = url.partition(":")[0].lower()
    if scheme not in ("http", "https", "file"):
        raise ConfigError(f"{url}: expected an address that begins with https, http or file")
    begun = part.stat().st_size if part.is_file() else 0
    if size and begun > size:
        begun = 0
    if size and begun == size:
        return
    with _told(url):
        answer = _open(url, begun)
    with answer:
        if begun and answer.status == 416:  # nothing lies behind what is here
            return
        at = begun if answer.status == 206 and _starts_at(answer, begun) else 0
        length = answer.headers.get("Content-Length", "")
        total = at + int(length) if length.isdigit() else None
        if size and total not in (None, size):
            raise MissingError(f"{url}: expected a file of {size} bytes, the server has one of {total}")
        with storing(part), part.open("ab" if at else "wb") as file:
            at = _pour(answer, file, url, at=at, total=total, most=size, progress=progress)
    if total is not None and at != total:
        raise MissingError(f"{url}: ended at byte {at} of {total}, from where the same command goes on")


def _pour(
    answer: Any, file: IO[bytes], url: str, *, at: int, total: int | None, most: int, progress: Progress | None
) -> int:
    while True:
        if progress is not None:
            progress(at, total)
        with _told(f"{url}: ended at byte {at}, from where the same command goes on"):
            block = answer.read(_BLOCK)
        if not block:
            return at
        at += len(block)
        if most and at > most:
            raise MissingError(f"{url}: expected a file of {most} bytes, the server sends more")
        file.write(block)


def _open(url: str, begun: int) -> Any:
    """The answer to a request for what follows byte `begun`: also one that says there is nothing more (416)."""
    import urllib.error
    import urllib.request

    # built by hand: the ready-made opener would follow a redirect to ftp
    opener = urllib.request.OpenerDirector()
    for kind in ("Proxy", "HTTP", "HTTPS", "File", "HTTPRedirect", "HTTPDefaultError", "Unknown"):
        opener.add_handler(getattr(urllib.request, f"{kind}Handler")())
    opener.add_handler(urllib.request.HTTPErrorProcessor())
    headers = {"User-Agent": "avct-bench", "Accept-Encoding": "identity"}
    if begun:
        headers["Range"] = f"bytes={begun}-"
    try:
        return opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and begun:
            return error
        raise


def _starts_at(answer: Any, begun: int) -> bool:
    return answer.headers.get("Content-Range", "").replace(" ", "").startswith(f"bytes{begun}-")


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turns whatever a server and the way to it can do into one line."""
    import http.client
    import urllib.error

    try:
        yield
    except urllib.error.HTTPError as error:
        raise MissingError(f"{where}: the server answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        inner = getattr(error, "reason", None)
        said = reason(inner if isinstance(inner, BaseException) else error)
        raise MissingError(f"{where}: {said}") from None


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(part.with_name(f".{part.name}.lock"), timeout=0):
            yield
    except Timeout:
        raise BusyError(f"another process fetches {part.name.removesuffix('.part')}") from None


def _folder() -> Path:
    from metrics.weights import own_folder

    folder = own_folder()
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pin(weight: Weight, sha256: str) -> None:
    """Remembers the sha256 of a weight that nobody publishes one of."""
    from metrics.weights import pins, pins_file

    if weight.sha256:
        return
    head = "# sha256 of weights that nobody publishes one of, as they were added"
    lines = [f'{key} = "{value}"' for key, value in sorted({**pins(), weight.name: sha256}.items())]
    with replacing(pins_file()) as fresh:
        fresh.write_text("\n".join([head, *lines, ""]))
