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
def source_digest(*folders: Path) -> str:
    """SHA-256 over the Python sources below `folders`: the code version of whatever they make."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
