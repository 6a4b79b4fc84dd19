"""PyTorch: whether it loads, whether torchvision fits it, and what it can compute on and compile with."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path
from typing import Any

from bench.inventory.finding import Check, Finding

GROUP = "torch"
DRIVER = Path("/proc/driver/nvidia")
COMPILERS = ("g++", "clang++", "c++")
_PAIR = "install torch and torchvision together, from the same index, so that their builds match"


def checks() -> tuple[Check, ...]:
    """What is looked at; torch first, since the others rest on it."""
    return (
        Check("torch", look_at_torch),
        Check("torchvision", look_at_torchvision),
        Check("gpu", look_at_gpus),
        Check("compiler", look_at_compiler),
    )


def look_at_torch() -> Finding:
    """Whether torch loads, and what it was built for."""
    import torch

    build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU alone"
    vectors = torch.backends.cpu.get_cpu_capability()
    return Finding(GROUP, "torch", "ok", f"{torch.__version__}, {build}; processor's {vectors}")


def look_at_torchvision() -> Finding:
    """Whether torchvision's compiled operators fit torch; its Python, which is slow to import, stays out."""
    import importlib.metadata

    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return Finding(GROUP, "torchvision", "broken", "not installed", _PAIR)
    try:
        for library in sorted(Path(spec.origin).parent.glob("_C*.so")):
            torch.ops.load_library(library)
    except (ImportError, OSError, RuntimeError) as error:
        return Finding(GROUP, "torchvision", "broken", str(error).splitlines()[0], _PAIR)
    if not hasattr(torch.ops.torchvision, "nms"):
        return Finding(GROUP, "torchvision", "broken", "its compiled operators are not here", _PAIR)
    return Finding(GROUP, "torchvision", "ok", f"{importlib.metadata.version('torchvision')}, its operators fit torch")


def look_at_gpus() -> list[Finding]:
    """A finding for each card that torch can compute on, tried with a product; else why there is none."""
    import torch

    cards, driver = driver_cards(), driver_version()
    if not torch.cuda.is_available():
        return [_without(torch, cards, driver)]
    count = torch.cuda.device_count()
    return [_card(torch, index, driver, "gpu" if count == 1 else f"gpu {index}") for index in range(count)]


def _without(torch: Any, cards: list[str], driver: str | None) -> Finding:
    if not cards and driver is None:
        return Finding(GROUP, "gpu", "missing", "none", "everything runs on the processor, slower")
    seen = f"{', '.join(cards) or 'an NVIDIA card'} with driver {driver or 'unknown'}"
    if torch.version.cuda is None:
        advice = "install a torch built for CUDA, and the torchvision of that index"
        return Finding(GROUP, "gpu", "missing", f"{seen}, but torch is built for the CPU alone", advice)
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return Finding(GROUP, "gpu", "missing", f"{seen}, hidden by CUDA_VISIBLE_DEVICES", "unset that variable")
    advice = f"install a driver for CUDA {torch.version.cuda} or newer, or a torch built for the driver's CUDA"
    return Finding(GROUP, "gpu", "broken", f"{seen}, but torch cannot use it: {_why(torch)}", advice)


def _why(torch: Any) -> str:
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return " ".join(str(error).split())
    return "it does not say why"


def _card(torch: Any, index: int, driver: str | None, what: str) -> Finding:
    held = torch.cuda.get_device_properties(index)
    found = (
        f"{held.name}, {held.total_memory / 1e9:.0f} GB, compute capability {held.major}.{held.minor}, "
        f"driver {driver or 'unknown'}, CUDA {torch.version.cuda}"
    )
    try:
        ones = torch.ones(64, 64, device=f"cuda:{index}")
        right = float((ones @ ones).sum()) == 64.0**3
    except RuntimeError as error:  # a card that this build has no code for says so only now
        told = str(error).splitlines()[0]
        advice = "install a torch that is built for this card's compute capability"
        return Finding(GROUP, what, "broken", f"{found}: {told}", advice)
    if not right:
        return Finding(GROUP, what, "broken", f"{found}: a product of ones is wrong", "look at the card and its driver")
    return Finding(GROUP, what, "ok", found)


def driver_version() -> str | None:
    """The version of NVIDIA's kernel driver, None where there is none."""
    try:
        words = (DRIVER / "version").read_text(encoding="utf-8").split("\n", 1)[0].split()
    except OSError:
        return None
    return next((word for word in words if "." in word and word.replace(".", "").isdigit()), None)


def driver_cards() -> list[str]:
    """Names of the cards that NVIDIA's kernel driver knows."""
    found = []
    for path in sorted(DRIVER.glob("gpus/*/information")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return found


def look_at_compiler() -> Finding:
    """Whether torch.compile has what it needs: a C++ compiler and Python's headers."""
    asked = os.environ.get("CXX")
    compiler = next((path for name in ([asked] if asked else COMPILERS) if (path := shutil.which(name))), None)
    header = Path(sysconfig.get_path("include"), "Python.h")
    lost = "settings with torch.compile become failed rows; all else works"
    if compiler is None:
        told = f"CXX={asked} is not there" if asked else "no C++ compiler"
        command = "" if asked else "apt-get install g++"
        return Finding(GROUP, "compiler", "missing", told, f"{lost}; install one", command)
    if not header.is_file():
        return Finding(
            GROUP, "compiler", "missing", f"{compiler}, but no Python.h", f"{lost}; install Python's headers"
        )
    return Finding(GROUP, "compiler", "ok", f"{compiler} and Python's headers, for torch.compile")
