"""Where things live that are not the user's: the cache and the folders of extra definitions. A leaf module."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

CACHE_VARIABLE = "AVCT_BENCH_CACHE"


def cache_folder() -> Path:
    """The cache: $AVCT_BENCH_CACHE, or the platform's own place for user caches. Not created here."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("avct-bench", appauthor=False)


@lru_cache(maxsize=32)
def source_digest(*paths: Path) -> str:
    """SHA-256 over Python sources, files or every one below a folder: the code version of whatever they make."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.name}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
