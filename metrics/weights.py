"""The weight files that metrics rest on: what weights.toml says of them, where they are, and whether they are intact.

Looked for, in this order: the folder that the environment variable AVCT_BENCH_WEIGHTS names; the package or wheel
that brings the file (`bundled_in`); `weights` in the user's cache (AVCT_BENCH_CACHE, or the platform's own place).
Nothing is ever downloaded here.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from metrics.errors import MetricError, MissingWeights

FOLDER_VARIABLE = "AVCT_BENCH_WEIGHTS"
CACHE_VARIABLE = "AVCT_BENCH_CACHE"
_TABLE = Path(__file__).with_name("weights.toml")


@dataclass(frozen=True)
class Weight:
    """One weight file. sha256: hex. bundled_in: "package/folder" or "".

    needed_by: variants, or "landmarks:<backend>". remedy: what a user does who lacks it.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    origin: str
    url: str
    needed_by: tuple[str, ...]
    bundled_in: str
    remedy: str


@cache
def entries() -> tuple[Weight, ...]:
    """Every weight that weights.toml names, in its order."""
    held = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["weights"]
    return tuple(Weight(**{**entry, "needed_by": tuple(entry["needed_by"])}) for entry in held)


def entry(name: str) -> Weight:
    """What weights.toml says of that weight. Raises MetricError with near names."""
    known = {weight.name: weight for weight in entries()}
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5) or list(known)
        raise MetricError(f"unknown weights {name!r}. Did you mean {' or '.join(near)}?")
    return known[name]


def find(name: str) -> Path | None:
    """The file of that weight, or None where it is not here. Its content is not looked at."""
    weight = entry(name)
    return next((path for folder in _folders(weight) if (path := folder / weight.file).is_file()), None)


def locate(name: str) -> Path:
    """The file of that weight. Raises MissingWeights, which says what to do, where it is not here."""
    path = find(name)
    if path is None:
        weight = entry(name)
        raise MissingWeights(
            f"weights {name} ({weight.file}, {weight.bytes / 1e6:.1f} MB) are not here: {weight.remedy}, "
            f"or set {FOLDER_VARIABLE} to a folder that holds the file"
        )
    return path


def locate_intact(name: str) -> Path:
    """The file of that weight, its content compared with weights.toml: a number must not rest on another file.

    Raises MissingWeights where it is not here, MetricError where its sha256 is another.
    """
    path = locate(name)
    if verify(name) != "intact":
        raise MetricError(f"{path}: expected the sha256 that weights.toml states for {name}: fetch the file again")
    return path


def verify(name: str) -> str:
    """ "intact", "damaged" (another sha256 than weights.toml states) or "missing"."""
    weight, path = entry(name), find(name)
    if path is None:
        return "missing"
    with path.open("rb") as file:
        return "intact" if hashlib.file_digest(file, "sha256").hexdigest() == weight.sha256 else "damaged"


def _folders(weight: Weight) -> list[Path]:
    given = os.environ.get(FOLDER_VARIABLE)
    folders = [Path(given).expanduser()] if given else []
    package, _, rest = weight.bundled_in.partition("/")
    # find_spec of a top-level name imports nothing: face_recognition_models fails to import with a new setuptools
    spec = importlib.util.find_spec(package) if package else None
    folders += [Path(place) / rest for place in (spec.submodule_search_locations or ())] if spec else []
    return [*folders, _cache() / "weights"]


def _cache() -> Path:
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("avct-bench", appauthor=False)
