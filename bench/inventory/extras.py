"""The optional parts of the installation, as its own metadata lists them, and programs that some of them want."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from collections.abc import Sequence

from bench.inventory.finding import Finding

GROUP = "extras"
PURPOSES = {
    "faces": "crops portraits, finds landmarks of real clips",
    "speech": "recording the embedded corpus anew, which no user needs",
    "gpu": "clocks, power and throttling of cards that are timed",
    "tensorboard": "curves of a training, track --to tensorboard",
    "mlflow": "track --to mlflow",
    "slurm": "--executor slurm",
    "ray": "--executor ray",
    "dev": "the tests",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_NEED = re.compile(r"(?P<package>[A-Za-z0-9._-]+).*;.*extra == ['\"](?P<extra>[^'\"]+)['\"]")
_OURS = "avct-bench"


def look_at_extras() -> list[Finding]:
    """A finding for each extra of the package and for the programs `sbatch` and a Chromium."""
    try:
        required = importlib.metadata.requires(_OURS) or []
    except importlib.metadata.PackageNotFoundError:
        advice = "install the package, so that it knows its extras"
        return [Finding(GROUP, "package", "missing", f"{_OURS} is run without being installed", advice), *_programs()]
    needs: dict[str, list[str]] = {}
    for line in required:
        if found := _NEED.fullmatch(line):
            needs.setdefault(found["extra"], []).append(found["package"])
    return [*(_extra(name, packages) for name, packages in sorted(needs.items())), *_programs()]


def _extra(name: str, packages: Sequence[str]) -> Finding:
    lacking = [package for package in packages if package != _OURS and not _installed(package)]
    purpose = f" ({PURPOSES[name]})" if name in PURPOSES else ""
    if lacking:
        command = f"pip install '{_OURS}[{name}]'"
        return Finding(GROUP, name, "missing", f"{', '.join(lacking)} not here{purpose}", "optional", command)
    return Finding(GROUP, name, "ok", f"here{purpose}")


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _programs() -> list[Finding]:
    sbatch = shutil.which("sbatch")
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return [
        Finding(GROUP, "sbatch", "ok", f"{sbatch}, for --executor slurm")
        if sbatch
        else Finding(GROUP, "sbatch", "missing", "no Slurm on this machine (--executor slurm)", "optional"),
        Finding(GROUP, "browser", "ok", f"{browser}, for the tests of the page")
        if browser
        else Finding(GROUP, "browser", "missing", "no Chromium (tests of the page skip)", "optional"),
    ]
