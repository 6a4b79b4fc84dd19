"""Where things live that are not the user's, and which code lies there. A leaf module."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

CACHE_VARIABLE = "AVCT_BENCH_CACHE"
ROOT = Path(__file__).resolve().parents[1]
_KINDS = (".py", ".toml", ".json")


def cache_folder() -> Path:
    """The cache: $AVCT_BENCH_CACHE, or the platform's own place for user caches. Not created here."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("avct-bench", appauthor=False)


@cache
def source_sha256(*places: str) -> str:
    """The sha256 (hex) over the code and data files below folders of the repository, such as "bench/io".

    Relative names and contents enter; compiled files, hidden files and the place of the repository do not. Answered
    once a process: code that is edited under a running process is not what that process runs.
    """
    digest = hashlib.sha256()
    for path in _files(ROOT / place for place in places):
        name = path.relative_to(ROOT).as_posix().encode()
        content = path.read_bytes()
        digest.update(len(name).to_bytes(4, "big") + name + len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _files(places: Iterable[Path]) -> list[Path]:
    found: set[Path] = set()
    for place in places:
        found.update([place] if place.is_file() else place.rglob("*"))
    return sorted(
        path
        for path in found
        if path.suffix in _KINDS
        and path.is_file()
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(ROOT).parts)
    )
