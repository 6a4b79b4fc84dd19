"""The import law: packages and rooms import one way only, and importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("avct", "bench", "metrics", "protocols")
# what each package may import of ours
LAW = {"protocols": {"protocols"}, "metrics": {"metrics"}, "avct": {"avct"}, "bench": set(PACKAGES)}
# what each room of bench may import of bench; leaves may be imported by all
LEAVES = {"errors", "records", "places"}
ROOMS = {
    "io": set(),
    "stats": set(),
    "datasets": {"io", "store", "faces", "framing"},
    "adapters": {"io"},
    "store": {"io"},
    "executors": {"adapters", "store"},
    "runner": {"io", "datasets", "adapters", "store", "stats", "executors"},
    "report": {"stats", "store", "io"},
    "trackers": {"report", "stats", "store"},
    "training": {"datasets", "io"},
    "framing": set(),
    "faces": {"framing"},
    "footage": {"io", "store", "datasets", "executors", "framing", "faces"},
    "headmotion": set(),
    "front": {"io", "faces", "headmotion"},
    "generate": {"io", "adapters", "front"},
    "assembly": {"io", "front"},
    "inventory": {"io", "datasets", "adapters", "store"},
    "fetching": {"io"},
    "spread": {"io", "datasets", "store", "stats", "runner", "report", "framing"},
    "perf": {
        "io", "adapters", "store", "datasets", "runner", "stats", "front", "generate", "assembly", "faces",
        "headmotion",
    },
    "validity": {"io", "datasets", "store", "stats", "executors", "runner", "report"},
    "frames": {"report"},
    "cli": {
        "io", "stats", "datasets", "adapters", "store", "runner", "report", "training", "generate", "inventory",
        "footage", "fetching", "spread", "executors", "perf", "trackers", "cli",
    },
}  # fmt: skip
# the generator is driven from one adapter, one training command, and the verb that makes a single video; `weights`
# converts official checkpoints
AVCT_USERS = {
    "bench/adapters/avct.py",
    "bench/datasets/phones.py",
    "bench/training",
    "bench/front.py",
    "bench/generate.py",
    "bench/assembly.py",
    "bench/headmotion.py",
    "bench/faces.py",
    "bench/footage",
    "bench/inventory",
    "bench/perf",
    "bench/cli/app.py",
    "bench/cli/weights.py",
}
HEAVY = {"torch", "torchvision", "cv2", "av", "dlib", "librosa", "pandas", "matplotlib", "skimage", "scipy", "pyarrow"}
NETWORK = {"requests", "urllib.request", "http.client", "httpx", "huggingface_hub", "socket", "ftplib", "aiohttp"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Dotted names that a file imports; top_level: only those that run when the module is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = []
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if top_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if top_level and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        nodes.append(node)
        stack.extend(ast.iter_child_nodes(node))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_one_way(package: str) -> None:
    offenders = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imports(path)
        if (head := name.split(".")[0]) in PACKAGES and head not in LAW[package]
    ]
    assert not offenders, "\n".join(offenders)


def test_no_relative_imports() -> None:
    offenders = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sources(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert not offenders, offenders


def test_rooms_of_bench_import_one_way() -> None:
    offenders = []
    for path in sources("bench"):
        parts = path.relative_to(ROOT / "bench").parts
        room = parts[0].removesuffix(".py")
        if room in LEAVES | {"__init__"}:
            allowed = LEAVES
        else:
            assert room in ROOMS, f"bench/{room} is a room that the law does not know: {path.relative_to(ROOT)}"
            allowed = ROOMS[room] | LEAVES | {room}
        for name in imports(path):
            split = name.split(".")
            if (
                split[0] == "bench"
                and len(split) > 1
                and split[1] not in allowed
                and (ROOT / "bench" / split[1]).exists()
            ) or (split[0] == "bench" and len(split) > 1 and split[1] in ROOMS and split[1] not in allowed):
                offenders.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not offenders, "\n".join(sorted(set(offenders)))


def test_the_generator_is_driven_from_few_places() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in sources("bench")
        for name in imports(path)
        if name.split(".")[0] == "avct"
    }
    strangers = {u for u in users if not any(u == a or u.startswith(f"{a}/") for a in AVCT_USERS)}
    assert not strangers, strangers


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_imports_the_network_at_import_time(package: str) -> None:
    offenders = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imports(path, top_level=True)
        if name in NETWORK or name.split(".")[0] in NETWORK
    ]
    assert not offenders, "\n".join(offenders)


def test_only_adapters_start_processes() -> None:
    """Beside the adapters: git for the manifest, and the corpus's recording script, which a user never runs."""
    allowed = {"bench/store/source.py", "bench/datasets/puppets/espeak.py", "bench/datasets/puppets/record.py"}
    offenders = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sources(package)
        for name in imports(path)
        if name.split(".")[0] in ("subprocess", "pty")
        and not path.relative_to(ROOT).as_posix().startswith("bench/adapters/")
    ]
    assert set(offenders) <= allowed, set(offenders) - allowed


def test_no_shell_strings() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for path in sources(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "shell" and getattr(node.value, "value", None) is True
    ]
    assert not offenders, offenders


_IMPORT_ALL = """
import importlib, pkgutil, socket, sys, os
def refuse(*_a, **_k): raise AssertionError("network at import time")
socket.socket.connect = refuse
before = set(os.listdir("."))
for name in sys.argv[1:]:
    importlib.import_module(name)
assert set(os.listdir(".")) == before, "importing made files"
print("\\n".join(sorted(m for m in sys.modules)))
"""


def loaded(names: list[str], folder: Path) -> set[str]:
    """Modules that a fresh process holds after importing `names` in an empty folder."""
    ran = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, *names],
        capture_output=True,
        text=True,
        cwd=folder,
        env=_environment(),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_command_line_loads_nothing_heavy(tmp_path: Path) -> None:
    held = loaded(["bench.cli", "bench.errors", "bench.records", "avct", "metrics", "protocols"], tmp_path)
    assert not {m.split(".")[0] for m in held} & HEAVY


def test_every_module_can_be_imported_without_side_effects(tmp_path: Path) -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in sources(package)
        if path.name != "__main__.py"
    ]
    assert loaded(names, tmp_path)


def test_help_answers_without_torch(tmp_path: Path) -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from bench.cli import main; code = main(['--help']); " \
             "print('torch' in sys.modules); sys.exit(code)"  # fmt: skip
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().endswith("False")
    verbs = ["demo", "ls", "explain", "validate", "run", "score", "generate", "train", "report", "weights", "doctor"]
    for verb in verbs:
        assert verb in ran.stdout, verb
