"""The code that decides a video or a number, as hashes for their keys: what it rests on, and nothing else of ours.

A user's own file on AVCT_BENCH_PATH may import anything of ours: its content and the whole room of metrics count.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import StorageError
from bench.io.digest import sha256_file, sha256_json
from bench.places import ROOT, source_sha256
from bench.runner.weights import given_landmarks, looker_files, lookers
from bench.store.closure import closure_sha256
from protocols.method import BuiltinMethod, CommandMethod

if TYPE_CHECKING:
    from metrics.registry import Variant

_PLAIN = ("ground-truth", "still")
_MAKING = ("bench.adapters", "bench.io", "avct")
"""Packages whose code makes frames; what else an adapter imports enters keys by what it says: inputs, specification."""
_MEASURING = ("metrics",)


def method_source(spec: BuiltinMethod | CommandMethod) -> str:
    """The sha256 (hex) of the code that makes a method's frames: its adapter and all that this one imports."""
    adapter = "command" if isinstance(spec, CommandMethod) else "builtin" if spec.builtin in _PLAIN else "avct"
    return closure_sha256((f"bench.adapters.{adapter}",), _MAKING)


def metric_source(variant: Variant) -> str:
    """The sha256 (hex) of the code that decides a variant's numbers: its module's, and that of all who look for it."""
    from metrics.registry import home

    looking = [looker_source(kind, name) for kind, name in lookers(variant)]
    return sha256_json([_file_source(home(variant.id)), *looking])


def looker_source(kind: str, name: str) -> str:
    """The sha256 (hex) of the code of what looks at frames, and of the landmark backend that it is given."""
    given = given_landmarks(kind, name)
    own = _file_source(looker_files(kind).get(name))
    return own if given is None else sha256_json([own, looker_source("landmarks", given)])


def _file_source(path: Path | None) -> str:
    """Of a module of ours, what it rests on; of a user's file, or one that nobody knows, the whole room as well."""
    room = ROOT / "metrics"
    if path is None:
        return source_sha256("metrics")
    if path.is_relative_to(room):
        return closure_sha256((".".join(path.relative_to(ROOT).with_suffix("").parts),), _MEASURING)
    try:
        state = path.stat()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None
    return sha256_json([source_sha256("metrics"), _users_file(path, state.st_mtime_ns, state.st_size)])


@cache
def _users_file(path: Path, changed_ns: int, size: int) -> str:
    """Read again when it was changed: the registry imports it again as well."""
    return sha256_file(path)
