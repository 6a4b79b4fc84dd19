"""Opens a dataset by name: `protocols/datasets/<name>.toml` says which loader module, and with which options.

A loader is a module with `open_dataset(options) -> Dataset`: `bench/datasets/<loader>.py`, or
`bench/datasets/<loader>/corpus.py`, or `DIR/datasets/<loader>.py` for a DIR on AVCT_BENCH_PATH.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import ConfigError, MissingError
from bench.io.digest import sha256_file
from bench.records import Dataset
from protocols.catalogue import PATH_VARIABLE, load_dataset
from protocols.dataset import DatasetSpec
from protocols.errors import ProtocolError
from protocols.validation import nearest

_VARIABLE = re.compile(r"^\$([A-Z_][A-Z0-9_]*)")


def describe(name: str) -> DatasetSpec:
    """The dataset file of that stem or path. Raises ConfigError: unknown or wrong, with a suggestion."""
    try:
        return load_dataset(name)
    except ProtocolError as error:
        raise ConfigError(str(error)) from None


def open_dataset(name: str) -> Dataset:
    """The dataset of that name, its stated file hashes checked.

    Options that begin with "./" are paths from the dataset file's folder; "~" and "$NAME" at the beginning are
    replaced. Raises ConfigError (file, loader or options wrong) or MissingError (data, or a variable, not there).
    """
    spec = describe(name)
    options = {key: _placed(value, spec) for key, value in spec.options.items()}
    _check_hashes(spec, options)
    loader = _loader(spec)
    try:
        return loader.open_dataset(options)
    except TypeError as error:
        # A loader takes its options as named arguments; the interpreter's words name the one that does not fit.
        raise ConfigError(f"dataset {spec.name}: options do not fit loader {spec.loader!r} ({error})") from None


def _loader(spec: DatasetSpec) -> ModuleType:
    for name in (f"bench.datasets.{spec.loader}.corpus", f"bench.datasets.{spec.loader}"):
        if _exists(name):
            module = importlib.import_module(name)
            if hasattr(module, "open_dataset"):
                return module
    folders = [Path(entry) / "datasets" for entry in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if entry]
    for folder in folders:
        if (folder / f"{spec.loader}.py").is_file():
            return _import_file(folder / f"{spec.loader}.py")
    here = [path.stem for path in Path(__file__).parent.iterdir() if not path.name.startswith(("_", "catalogue", "."))]
    known = sorted({*here, *(path.stem for folder in folders for path in folder.glob("*.py"))})
    raise ConfigError(f"dataset {spec.name}: unknown loader {spec.loader!r}.{nearest(spec.loader, known)}")


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the parent is a module, not a package, or is not there
        return False


def _import_file(path: Path) -> ModuleType:
    name = f"avct_bench_path_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise ConfigError(f"{path}: cannot be imported as a dataset loader")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    if not hasattr(module, "open_dataset"):
        raise ConfigError(f"{path}: expected a function open_dataset(options)")
    return module


def _placed(value: Any, spec: DatasetSpec) -> Any:
    if not isinstance(value, str):
        return value
    found = _VARIABLE.match(value)
    if found:
        if found.group(1) not in os.environ:
            raise MissingError(f"dataset {spec.name}: set the environment variable {found.group(1)} (in {value!r})")
        value = os.environ[found.group(1)] + value[found.end() :]
    if value.startswith("./"):
        return str(Path(spec.here, value[2:]))
    return os.path.expanduser(value) if value.startswith("~") else value


def _check_hashes(spec: DatasetSpec, options: Mapping[str, Any]) -> None:
    base = Path(options.get("path", spec.here))
    for name, expected in spec.hashes.items():
        got = sha256_file(base / name)
        if got != expected:
            raise ConfigError(f"dataset {spec.name}: {base / name}: expected sha256 {expected}, got {got}")
