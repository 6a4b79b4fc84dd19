"""Folders in which a program seems to be installed: its script is a stub, weights and code are a few bytes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from programs import PROGRAMS

from protocols.method import CommandMethod

STUBS = Path(__file__).parent


def install(spec: CommandMethod, root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A folder for every variable of the file, with stub scripts, weights, code and an environment in it."""
    homes = {}
    for variable in spec.homes:
        home = homes[variable] = root / variable.lower()
        home.mkdir(parents=True)
        monkeypatch.setenv(variable, str(home))
        (home / ".venv").symlink_to(sys.prefix)
        (home / "do_not_touch.txt").write_text("original")
    texts = [weight.path for weight in spec.weights] + list(spec.code)
    for text in texts:
        path = Path(os.path.expandvars(text.replace("**/", "").replace("*", "stub")))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    for tree in filter(None, [spec.tree]):
        for name in tree.keep:
            path = Path(os.path.expandvars(tree.source)) / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("kept")
    for variable, home in homes.items():
        name = "sadtalker" if variable == "SADTALKER_HOME" else spec.name
        script = home / PROGRAMS[name].script
        script.parent.mkdir(parents=True, exist_ok=True)
        line = f"import sys; sys.path.insert(0, {str(STUBS)!r}); from programs import run; run({name!r})"
        script.write_text(f'exec python -c "{line}" "$@"\n' if script.suffix == ".sh" else line + "\n")
        for path in ("examples/other.wav", "examples/other.jpg"):
            (home / path).parent.mkdir(exist_ok=True)
            (home / path).write_text("somebody else's")
    return homes
