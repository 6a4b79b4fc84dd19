"""What this machine has: weights with their state, and everything that `doctor` looks at."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BAD_STATES = ("missing", "damaged", "unverified")
"""States of weights that no number can rest on."""


@dataclass(frozen=True)
class Finding:
    """One thing examined. state: "ok", "missing" (something is lost without it) or "broken" (to be mended)."""

    what: str
    state: str
    found: str
    advice: str = ""


def weight_states(*, verify: bool = False) -> list[dict[str, Any]]:
    """Every weight file: name, state, bytes, licence, origin, needed_by, path, way (to get it).

    state: "missing", "here", "unverified" (no sha256 of it is known); verify reads the files: "intact", "pinned",
    "damaged" in place of "here".
    """
    from metrics.weights import entries, expected, find
    from metrics.weights import verify as check

    out = [_generator(verify=verify)]
    for entry in entries():
        path = find(entry.name)
        state = "missing" if path is None else "here" if expected(entry.name) else "unverified"
        if verify and state == "here":
            state = check(entry.name)
        out.append(
            {
                "name": entry.name,
                "state": state,
                "bytes": entry.bytes or (path.stat().st_size if path else 0),
                "licence": entry.licence,
                "origin": entry.origin,
                "needed_by": list(entry.needed_by),
                "path": None if path is None else str(path),
                "way": entry.way,
            }
        )
    return out


def _generator(*, verify: bool) -> dict[str, Any]:
    import json

    from avct.weights_path import SHIPPED
    from bench.io.digest import sha256_file

    here = SHIPPED.is_file() and SHIPPED.with_suffix(".json").is_file()
    state = "here" if here else "missing"
    if here and verify:
        stated = json.loads(SHIPPED.with_suffix(".json").read_text()).get("sha256")
        state = "intact" if sha256_file(SHIPPED) == stated else "damaged"
    return {
        "name": SHIPPED.stem,
        "state": state,
        "bytes": SHIPPED.stat().st_size if here else 0,
        "licence": "Apache-2.0",
        "origin": "trained on the embedded corpus: run_bench.py train",
        "needed_by": ["avct", "wrong-speech", "silence", "loudness", "generate"],
        "path": str(SHIPPED) if here else None,
        "way": "it ships with the package: install avct-bench again, or run_bench.py train",
    }


def examine(out: Path) -> list[Finding]:
    """Everything that matters to a user on this machine, in the order of a run."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python, _torch, _pair, _gpu, _video, _phones, _pitch, _faces, _weights, _corpus, _cache,
        lambda: _writable(out),
    )  # fmt: skip
    found = []
    for check in checks:
        try:
            found.append(check())
        except Exception as error:  # a broken installation must be told, whatever it raises
            name = getattr(check, "__name__", "check").strip("_")
            found.append(Finding(name, "broken", f"{type(error).__name__}: {error}", "install the package again"))
    return found


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _python() -> Finding:
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Finding("python", "ok" if good else "broken", text, "" if good else "use Python 3.11, 3.12 or 3.13")


def _torch() -> Finding:
    import torch

    return Finding("torch", "ok", f"{torch.__version__}, CPU {torch.backends.cpu.get_cpu_capability()}")


def _pair() -> Finding:
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:
        advice = "install torch and torchvision together, from the same index, so that their builds match"
        return Finding("torchvision", "broken", str(error).splitlines()[0], advice)
    return Finding("torchvision", "ok", f"{torchvision.__version__}, matches torch")


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("gpu", "missing", "none that torch can use", "everything runs on the CPU, slower")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return Finding("gpu", "ok", ", ".join(names))


def _video() -> Finding:
    from bench.io.versions import library_versions

    held = library_versions()
    return Finding("video", "ok", ", ".join(f"{k} {v}" for k, v in held.items()))


def _phones() -> Finding:
    found = _version("pocketsphinx")
    if found is None:
        return Finding(
            "phones", "missing", "pocketsphinx is not installed", "give phoneme files, or install pocketsphinx"
        )
    return Finding("phones", "ok", f"pocketsphinx {found} (US English)")


def _pitch() -> Finding:
    for name in ("pyworld-prebuilt", "pyworld"):
        if found := _version(name):
            return Finding("pitch", "ok", f"{name} {found} (WORLD Harvest)")
    return Finding("pitch", "broken", "pyworld is not installed", "install pyworld-prebuilt: audio features need it")


def _faces() -> Finding:
    lacking = [n for n in ("dlib", "face_recognition_models") if importlib.util.find_spec(n) is None]
    if lacking:
        return Finding(
            "faces",
            "missing",
            f"{', '.join(lacking)} not installed",
            "install the extra `faces` to crop portraits and score real clips",
        )
    return Finding("faces", "ok", f"dlib {_version('dlib-bin') or _version('dlib')}, 68 points (non-commercial model)")


def _weights() -> Finding:
    states = weight_states(verify=True)
    bad = [f"{s['name']} ({s['state']})" for s in states if s["state"] in BAD_STATES]
    if bad:
        return Finding(
            "weights",
            "missing",
            ", ".join(bad),
            "what needs them is left out; run_bench.py weights fetch NAME, or weights ls",
        )
    return Finding("weights", "ok", ", ".join(f"{s['name']} {s['state']}" for s in states))


def _corpus() -> Finding:
    from bench.datasets.puppets.speech import recordings

    held = recordings()
    return Finding("corpus", "ok", f"{len(held)} recordings, {sum(r.seconds for r in held) / 60:.1f} minutes of speech")


def _cache() -> Finding:
    from bench.places import CACHE_VARIABLE, cache_folder

    folder = cache_folder()
    held = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else 0
    return Finding(
        "cache", "ok", f"{folder}: {held / 1e6:.0f} MB (moved by ${CACHE_VARIABLE}; may be deleted at any time)"
    )


def _writable(out: Path) -> Finding:
    there = out
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK) or not there.is_dir():
        return Finding("output", "broken", f"{out} cannot be written", "choose another folder with --out")
    state = "ok" if free > 1e9 else "missing"
    return Finding(
        "output", state, f"{out}: {free / 1e9:.0f} GB free", "" if state == "ok" else "a run needs about 1 GB"
    )
