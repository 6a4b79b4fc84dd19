"""Which code of ours a module rests on: its own file, those that it imports, and so on, read without running any.

An edit of one metric must not make the values of another anew, so keys hold the code that a number rests on and no
more. Imports inside functions count, those for type checkers alone do not; docstrings are left out of the hash.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.places import ROOT


@dataclass(frozen=True)
class _Code:
    """A file. sha256: of its text without docstrings. at_import: names imported when it is; ever: by its functions too.

    A name is (module, attribute), the attribute "" where the module itself is imported.
    """

    sha256: str
    at_import: tuple[tuple[str, str], ...]
    ever: tuple[tuple[str, str], ...]


@cache
def closure_sha256(modules: tuple[str, ...], within: tuple[str, ...], root: Path = ROOT) -> str:
    """The sha256 (hex) over the files that modules such as "metrics.ssim" rest on, those in packages `within` alone.

    Relative names and contents enter. Answered once a process. Raises FileNotFoundError for a module without a file.
    """
    digest = hashlib.sha256()
    for path in closure(modules, within, root):
        digest.update(f"{path.relative_to(root).as_posix()}\0{_read(path).sha256}\0".encode())
    return digest.hexdigest()


def closure(modules: Iterable[str], within: tuple[str, ...], root: Path = ROOT) -> list[Path]:
    """The files that modules rest on, sorted.

    A package on the way to a module is run when the module is imported, none of its functions is called: of it only
    what it imports at once counts.
    """
    met: set[tuple[Path, bool]] = set()
    waiting = [(module, True) for module in modules]
    for module, _ in waiting:
        if _locate(module, root) is None:
            raise FileNotFoundError(f"{root}: no module {module}")
    while waiting:
        module, whole = waiting.pop()
        path = _locate(module, root)
        if path is None or not _inside(module, within) or (path, whole) in met:
            continue
        met.add((path, whole))
        waiting += [(parent, False) for parent in _parents(module)]
        code = _read(path)
        for name, attribute in code.ever if whole else code.at_import:
            below = f"{name}.{attribute}"
            is_module = bool(attribute) and _locate(below, root) is not None
            waiting.append((below if is_module else name, True))
    return sorted({path for path, _ in met})


def _inside(module: str, within: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in within)


def _parents(module: str) -> Iterator[str]:
    parts = module.split(".")[:-1]
    while parts:
        yield ".".join(parts)
        parts.pop()


def _locate(module: str, root: Path) -> Path | None:
    place = root.joinpath(*module.split("."))
    found = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((path for path in found if path.is_file()), None)


@cache
def _read(path: Path) -> _Code:
    content = path.read_bytes()
    tree = ast.parse(content, str(path))
    digest = hashlib.sha256(_without_docstrings(tree, content))
    return _Code(digest.hexdigest(), tuple(_imports(tree, inside=False)), tuple(_imports(tree, inside=True)))


def _imports(tree: ast.Module, *, inside: bool) -> Iterator[tuple[str, str]]:
    """What is imported. inside: in functions as well."""
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.If) and _for_type_checkers(node.test):
            stack += node.orelse
        elif inside or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            stack += ast.iter_child_nodes(node)


def _for_type_checkers(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _without_docstrings(tree: ast.Module, content: bytes) -> bytes:
    """The text with every docstring cut out; all else, comments included, as it is."""
    lines = content.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    spans = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            assert first.end_lineno is not None and first.end_col_offset is not None
            begin = starts[first.lineno - 1] + first.col_offset
            spans.append((begin, starts[first.end_lineno - 1] + first.end_col_offset))
    out, at = [], 0
    for begin, end in sorted(spans):
        out.append(content[at:begin])
        at = end
    return b"".join([*out, content[at:]])
