"""Opens a dataset by name: `protocols/datasets/<name>.toml` says which loader module, and with which options.

A loader is a module with `open_dataset(options) -> Dataset`, or `open_dataset(options, spec)`:
`bench/datasets/<loader>.py`, or `bench/datasets/<loader>/corpus.py`, or `DIR/datasets/<loader>.py` for a DIR on
AVCT_BENCH_PATH.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import ConfigError, MissingError
from bench.io.digest import sha256_file, sha256_json
from bench.records import Dataset
from metrics.extension import SourceLoader
from protocols.catalogue import PATH_VARIABLE, load_dataset
from protocols.dataset import DatasetSpec
from protocols.errors import ProtocolError
from protocols.schema import Protocol
from protocols.validation import nearest

_VARIABLE = re.compile(r"^\$([A-Z_][A-Z0-9_]*)")


def describe(name: str) -> DatasetSpec:
    """The dataset file of that stem or path. Raises ConfigError: unknown or wrong, with a suggestion."""
    try:
        return load_dataset(name)
    except ProtocolError as error:
        raise ConfigError(str(error)) from None


def open_dataset(name: str, choices: Mapping[str, Any] | None = None) -> Dataset:
    """The dataset of that name, its stated file hashes checked. choices: options in place of the file's own.

    Options that begin with "./" are paths from the dataset file's folder; "~" and "$NAME" at the beginning are
    replaced. Raises ConfigError (file, loader or options wrong) or MissingError (data, or a variable, not there).
    """
    spec = describe(name)
    options = {key: _placed(value, spec) for key, value in {**spec.options, **(choices or {})}.items()}
    _check_hashes(spec, options)
    loader = _loader(spec)
    try:
        # A loader may ask for the whole file: films take their name and their parts from it.
        asks = len(inspect.signature(loader.open_dataset).parameters) > 1
        return loader.open_dataset(options, spec) if asks else loader.open_dataset(options)
    except TypeError as error:
        # A loader takes its options as named arguments; the interpreter's words name the one that does not fit.
        raise ConfigError(f"dataset {spec.name}: options do not fit loader {spec.loader!r} ({error})") from None


def open_listed(name: str, choices: Mapping[str, Any]) -> Dataset | None:
    """The clips of a dataset whose files are not here, as its list names them; None where it has no list."""
    spec = describe(name)
    if "list" not in spec.options:
        return None
    options = {**spec.options, **choices, "path": ".", "absent": True}
    placed = {key: _placed(value, spec) for key, value in options.items()}
    return _loader(spec).open_dataset(placed, spec)


def choices(protocol: Protocol) -> dict[str, Any]:
    """The options that a protocol chooses for its dataset: those that it states, and no others.

    split, frame, crop and window; with a crop of faces also side, the largest size that the protocol asks for, so that
    a face is cut at the size at which it is used.
    """
    made: dict[str, Any] = {}
    if protocol.split is not None:
        made["split"] = protocol.split
    if protocol.reference_frame != "given":
        made["frame"] = protocol.reference_frame
    if protocol.crop != "given":
        made["crop"] = protocol.crop
    if protocol.crop == "face":
        made["side"] = max(setting.size or protocol.size for setting in protocol.settings)
    if protocol.window is not None:
        made["window"] = list(protocol.window)
    return made


def check_files(dataset: Dataset, *, thorough: bool = False) -> list[str]:
    """What is wrong with the dataset's files on this disk, a line each; nothing for a dataset that has no files.

    Cheap unless thorough, which opens every file for its length and its hash.
    """
    check = getattr(dataset, "check", None)
    return [] if check is None else check(thorough=thorough)


def clips_sha256(dataset: Dataset) -> str:
    """sha256 (hex) of which clips the dataset gives, in its order: names, people, and what its list says of them.

    Of a list it does not depend on what is on the disk; where clips are found by their paths, it does.
    """
    clips = getattr(dataset, "clips", None)
    if clips is not None:
        return sha256_json(clips())
    references = dataset.references()
    seen = dataset.identities(references)
    heard = {speaker: dataset.drivers(speaker) for speaker in dataset.speakers()}
    return sha256_json([[[name, seen[name]] for name in references], [[key, heard[key]] for key in heard]])


def lacking(spec: DatasetSpec) -> str | None:
    """What to set, and where the data come from, in one line; None where every variable of the options is set."""
    for value in spec.options.values():
        found = _VARIABLE.match(value) if isinstance(value, str) else None
        if found and not os.environ.get(found.group(1)):
            return f"dataset {spec.name}: {_instruct(spec, found.group(1))}"
    return None


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
    found = importlib.util.spec_from_file_location(name, path, loader=SourceLoader(name, str(path)))
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
        if not os.environ.get(found.group(1)):
            raise MissingError(f"dataset {spec.name}: {_instruct(spec, found.group(1))}")
        value = os.environ[found.group(1)] + value[found.end() :]
    if value.startswith("./"):
        return str(Path(spec.here, value[2:]))
    return os.path.expanduser(value) if value.startswith("~") else value


def _instruct(spec: DatasetSpec, variable: str) -> str:
    told = f"set the environment variable {variable} to its folder"
    if spec.homepage:
        told += f"; get it from {spec.homepage}"
    if spec.licence:
        told += f" (licence: {spec.licence})"
    if spec.obtain:
        told += f"; how to lay it out: run_bench.py explain {spec.name}"
    return told


def _check_hashes(spec: DatasetSpec, options: Mapping[str, Any]) -> None:
    base = Path(options.get("path", spec.here))
    for name, expected in spec.hashes.items():
        path = Path(spec.here, name[2:]) if name.startswith("./") else base / name
        got = sha256_file(path)
        if got != expected:
            raise ConfigError(f"dataset {spec.name}: {path}: expected sha256 {expected}, got {got}")
