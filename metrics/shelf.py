"""What metrics look through, by name: landmark backends, face detectors, feature extractors; each is one module.

Ours lie in `metrics/<kind>/<name>.py`, users' in `DIR/metrics/<kind>/<name>.py` for each DIR of the variable
AVCT_BENCH_PATH. A module is on the shelf when it has a function `load()`; nothing is imported before it is asked for.
"""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from metrics.errors import MetricError, MissingWeights
from metrics.extension import folders, import_file, python_files, read_source, say

_HERE = Path(__file__).resolve().parent
_MARK = re.compile(r"^def load\(", re.MULTILINE)
T = TypeVar("T")


class Shelf(Generic[T]):
    """Everything of one kind. folder: below `metrics/`. noun: what messages call it."""

    def __init__(self, folder: str, noun: str) -> None:
        self.folder, self.noun = folder, noun

    def files(self) -> dict[str, Path]:
        """Name -> file, sorted; those of AVCT_BENCH_PATH included. MetricError where a name is taken twice."""
        found: dict[str, Path] = {}
        places = (_HERE / self.folder, *folders(f"metrics/{self.folder}"))
        for path in (path for place in places for path in python_files(place)):
            if _MARK.search(read_source(path)):
                if path.stem in found:
                    raise MetricError(f"{self.noun} {path.stem!r} is defined twice: {found[path.stem]} and {path}")
                found[path.stem] = path
        return dict(sorted(found.items()))

    def load(self, name: str) -> T:
        """What that module's `load()` gives, once a process. Raises MetricError with near names for an unknown one,
        MissingWeights where its package or weights are not here.
        """
        known = self.files()
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5) or list(known)
            raise MetricError(f"unknown {self.noun} {name!r}. Did you mean {' or '.join(near)}?")
        return _load(known[name], self.noun)


@lru_cache(maxsize=32)
def _load(path: Path, noun: str) -> Any:
    try:
        return import_file(path).load()
    except MetricError:
        raise
    except ImportError as error:
        raise MissingWeights(f"{noun} {path.stem!r} ({path}) needs what is not here: {say(error)}") from error
    except Exception as error:
        raise MetricError(f"{noun} {path.stem!r} ({path}) cannot be loaded: {say(error)}") from error
