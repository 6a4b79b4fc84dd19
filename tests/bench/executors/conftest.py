"""The toy benchmark of the runner's tests, whose fixtures lie in a folder beside this one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_found = importlib.util.spec_from_file_location("toy_place", Path(__file__).parents[1] / "runner" / "conftest.py")
assert _found is not None and _found.loader is not None
_toy = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_toy)
place = _toy.place
