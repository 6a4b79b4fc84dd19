"""Files found by looking, ours and users': which folders AVCT_BENCH_PATH names, and how one file is imported."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from metrics.errors import MetricError

PATH_VARIABLE = "AVCT_BENCH_PATH"
_HERE = Path(__file__).resolve().parent


class SourceLoader(SourceFileLoader):
    """Compiles a file anew each time. Bytecode counts as a file's as long as the second of its last change and its size
    are the same, but what runs must be what the key of a value says, which is a hash of the text.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def folders(inside: str) -> list[Path]:
    """`DIR/<inside>` for each DIR of AVCT_BENCH_PATH (separated as PATH is), absolute, in order, each once.

    They need not exist: a DIR may hold protocols alone. A DIR that is this package's own adds nothing.
    """
    given = os.environ.get(PATH_VARIABLE, "").split(os.pathsep)
    found = dict.fromkeys(Path(entry).expanduser().resolve() / inside for entry in given if entry)
    return [folder for folder in found if not folder.is_relative_to(_HERE)]


def python_files(folder: Path) -> list[Path]:
    """The folder's Python files whose names do not start with "_", sorted."""
    return sorted(path for path in folder.glob("[!_]*.py") if path.is_file())


def read_source(path: Path) -> str:
    """The file's text. Raises MetricError, naming the file, where it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MetricError(f"{path}: expected a readable file of UTF-8 text: {say(error)}") from error


def import_file(path: Path) -> ModuleType:
    """The module of that file, run; one of ours under its own name. What the file raises is raised."""
    if path.is_relative_to(_HERE):
        return importlib.import_module(".".join(("metrics", *path.relative_to(_HERE).with_suffix("").parts)))
    name = f"avct_bench_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=SourceLoader(name, str(path)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def say(error: BaseException) -> str:
    """An error of somebody else's code in one line: its type and its message."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
