"""Landmark backends by name: each is one module `metrics/landmarks/<name>.py` with a function `load()`.

Users' own lie in `DIR/metrics/landmarks/<name>.py` for each DIR of the environment variable AVCT_BENCH_PATH. All give
the 68 points of `scheme68`. "exact" is no backend: it names the landmarks that a synthetic corpus knows.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from metrics.errors import MetricError, MissingWeights
from metrics.extension import folders, import_file, python_files, read_source, say

BACKENDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"puppet68": ("puppet68",), "dlib68": ("dlib68", "dlib_mmod")}
)
"""The backends that our metrics use, and the weights each rests on."""

_HERE = Path(__file__).resolve().parent
_MARK = re.compile(r"^def load\(", re.MULTILINE)


class LandmarkBackend(Protocol):
    """Finds 68 landmarks. name: as in metric ids. weights: names in weights.toml that its answers rest on."""

    name: str
    weights: tuple[str, ...]

    def detect(self, frames: np.ndarray) -> np.ndarray:
        """float64 (T, 68, 2) pixels (x, y) of uint8 (T, H, W, 3) RGB frames; NaN where no face was found."""
        ...


def backends() -> dict[str, Path]:
    """Name -> file of every backend, sorted; those of AVCT_BENCH_PATH included. Nothing is imported."""
    found: dict[str, Path] = {}
    for path in (path for folder in (_HERE, *folders("metrics/landmarks")) for path in python_files(folder)):
        if _MARK.search(read_source(path)):
            if path.stem in found:
                raise MetricError(f"landmark backend {path.stem!r} is defined twice: {found[path.stem]} and {path}")
            found[path.stem] = path
    return dict(sorted(found.items()))


def backend(name: str) -> LandmarkBackend:
    """The backend of that name, loaded. Raises MetricError with near names for an unknown one, MissingWeights where
    its package or weights are not here.
    """
    known = backends()
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5) or list(known)
        raise MetricError(f"unknown landmark backend {name!r}. Did you mean {' or '.join(near)}?")
    return _load(known[name])


@lru_cache(maxsize=8)
def _load(path: Path) -> LandmarkBackend:
    try:
        return import_file(path).load()
    except MetricError:
        raise
    except ImportError as error:
        raise MissingWeights(f"landmark backend {path.stem!r} ({path}) needs what is not here: {say(error)}") from error
    except Exception as error:
        raise MetricError(f"landmark backend {path.stem!r} ({path}) cannot be loaded: {say(error)}") from error
