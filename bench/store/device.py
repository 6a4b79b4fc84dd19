"""What a run computes on: the processor always, CUDA cards only where a setting names one."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def describe_device(devices: Sequence[str]) -> dict[str, Any]:
    """Processor name and cores, and, where one of `devices` is a CUDA device, what PyTorch says of the cards."""
    described: dict[str, Any] = {"cpu": _processor(), "cores": os.cpu_count(), "cuda": None}
    if described["cpu"] is None:
        described["cpu_reason"] = "the system does not name its processor"
    if not any(device.startswith("cuda") for device in devices):
        described["cuda_reason"] = "no setting asks for CUDA"
        return described
    import torch  # heavy, and only this branch needs it

    if not torch.cuda.is_available():
        described["cuda_reason"] = "PyTorch finds no CUDA device"
        return described
    described["cuda"] = {
        "version": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "cards": [_card(torch.cuda.get_device_properties(index)) for index in range(torch.cuda.device_count())],
    }
    return described


def usable_cores() -> int:
    """Cores this process may run on, at least 1: fewer than the machine has inside a container."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return max(1, os.cpu_count() or 1)


def _card(properties: Any) -> dict[str, Any]:
    return {
        "name": properties.name,
        "memory_bytes": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
    }


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.processor() or None
