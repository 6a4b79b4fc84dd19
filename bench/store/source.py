"""Which code this is: version, git commit where there is one, installed packages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.places import ROOT, source_sha256

ROOMS = ("avct", "bench", "metrics", "protocols")
DISTRIBUTION = "avct-bench"


def describe_code() -> dict[str, Any]:
    """Version, git commit and source hash of this code, for the manifest."""
    code: dict[str, Any] = {"version": None, "git_commit": None}
    try:
        code["version"] = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        code["version_reason"] = f"the distribution {DISTRIBUTION} is not installed"
    code["git_commit"] = git_commit(ROOT)
    if code["git_commit"] is None:
        code["git_commit_reason"] = "not a git checkout"
    code["source_sha256"] = source_sha256(*ROOMS)
    return code


def git_commit(root: Path) -> str | None:
    """The commit that is checked out in a folder, read from git's own files; None outside a checkout."""
    git = root / ".git"
    try:
        if git.is_file():  # a linked work tree: the file says where its git folder is
            git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head or None
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
        for place in (git, shared):
            if (place / name).is_file():
                return (place / name).read_text(encoding="utf-8").strip()
        return _packed(shared / "packed-refs", name)
    except OSError:
        return None


@cache
def package_versions() -> dict[str, str]:
    """Name -> version of every installed distribution, sorted: what a table may depend on without knowing it.

    Answered once a process.
    """
    found = {(dist.metadata["Name"] or "").lower(): dist.version for dist in metadata.distributions()}
    return dict(sorted((name, version) for name, version in found.items() if name))


def _packed(path: Path, name: str) -> str | None:
    lines: Sequence[str] = path.read_text(encoding="utf-8").splitlines()
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)
