"""The shape of the house: sizes, names, what lies at the top, and nothing of one machine in any file."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("avct", "bench", "metrics", "protocols")
CAP, MEDIAN = 400, 150
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc"}
TOP = {
    "avct",
    "bench",
    "metrics",
    "protocols",
    "results",
    "tests",
    "run_bench.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
}


def tracked() -> list[Path]:
    """Files that git tracks or would add; every file of the packages where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return [p for package in (*PACKAGES, "tests") for p in (ROOT / package).rglob("*") if p.is_file()]
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [p for package in (*PACKAGES, "tests") for p in sorted((ROOT / package).rglob("*.py"))]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_passes_the_cap() -> None:
    over = {str(p.relative_to(ROOT)): n for p in python_files() if (n := lines(p)) > CAP}
    assert not over, f"over {CAP} lines, split along a real seam: {over}"


def test_the_median_file_is_short() -> None:
    sizes = [lines(p) for package in PACKAGES for p in (ROOT / package).rglob("*.py") if lines(p) > 0]
    assert statistics.median(sizes) < MEDIAN


def test_run_bench_hands_over() -> None:
    assert lines(ROOT / "run_bench.py") <= 60


def test_no_module_is_named_for_nothing() -> None:
    named = [str(p.relative_to(ROOT)) for p in python_files() if p.stem.strip("_") in FORBIDDEN]
    assert not named, named


def test_the_top_level_holds_only_the_rooms() -> None:
    tops = {p.relative_to(ROOT).parts[0] for p in tracked()}
    strangers = {t for t in tops if not t.startswith(".")} - TOP
    assert not strangers, strangers


def test_no_path_of_a_machine_and_no_registry_host() -> None:
    # spelt in pieces, so that this file does not name what it forbids
    pattern = re.compile(
        r"/(?:work|root|home/\w+|Users/\w+)/(?!\.\.)[\w.]+/|registry\s*=\s*\{\s*url|files\.python"
        + r"hosted|pypi\."
        + "org"
    )
    offenders = []
    for path in tracked():
        if (
            path.suffix in {".py", ".toml", ".md", ".json", ".csv", ".j2", ".txt", ""}
            and path.stat().st_size < 2_000_000
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            offenders += [f"{path.relative_to(ROOT)}: {m.group(0)}" for m in pattern.finditer(text)]
    assert not offenders, "\n".join(offenders)


def test_public_functions_are_annotated_and_say_what_comes_back() -> None:
    offenders = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                    continue
                where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                if ast.get_docstring(node) is None:
                    offenders.append(f"{where}: no docstring")
                if node.returns is None:
                    offenders.append(f"{where}: no return annotation")
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                offenders += [f"{where}: {a.arg} has no annotation" for a in arguments if a.annotation is None]
    assert not offenders, "\n".join(offenders)


def test_dependencies_are_pinned_without_a_host() -> None:
    """Every direct dependency has an exact version for each supported Python among uv's constraints."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = project["tool"]["uv"]["constraint-dependencies"]
    assert all("==" in p and "://" not in p and "@" not in p for p in pins)
    pinned = {re.split(r"[=<>!~;\[ ]", p)[0].lower().replace("_", "-") for p in pins}
    wanted = list(project["project"]["dependencies"])
    for name, extra in project["project"]["optional-dependencies"].items():
        wanted += extra if name in ("faces", "dev", "gpu", "speech") else []
    asked = {re.split(r"[=<>!~;\[ ]", d)[0].lower().replace("_", "-") for d in wanted}
    assert asked - {project["project"]["name"]} <= pinned, asked - pinned


@pytest.mark.parametrize("name", ["README.md", "LICENSE", ".gitignore", ".ci/run", "pyproject.toml"])
def test_foundation_is_there(name: str) -> None:
    assert (ROOT / name).is_file() and (ROOT / name).stat().st_size > 0
