"""What times are taken on: processor, cards, driver, and the versions that decide how fast the same code is."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.store.device import describe_device, usable_cores

_DRIVER = Path("/proc/driver/nvidia/version")


def describe_machine(devices: Sequence[str], threads: int) -> dict[str, Any]:
    """JSON-ready; the same for the same machine, so that rows of another one are told apart."""
    import av
    import torch

    told = describe_device(devices)
    return {
        "cpu": told["cpu"],
        "cores": usable_cores(),
        "threads": threads,
        "cuda": told["cuda"],
        "cuda_reason": told.get("cuda_reason"),
        "driver": _driver(),
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "libavcodec": ".".join(map(str, av.library_versions["libavcodec"])),
    }


def _driver() -> str | None:
    """The version of NVIDIA's kernel driver; None where there is none."""
    try:
        words = _DRIVER.read_text(encoding="utf-8").split("\n", 1)[0].split()
    except OSError:
        return None
    return next((word for word in words if word.count(".") >= 1 and word.replace(".", "").isdigit()), None)


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
