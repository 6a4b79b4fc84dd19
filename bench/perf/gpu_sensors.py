"""What NVML tells of one GPU: clocks, power, temperature, memory, energy, and why clocks are held back.

Nothing is ever set: clocks are recorded as they are found. `nvidia-ml-py` is asked for when a GPU is timed, not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

HARMFUL = {
    0x04: "software power cap",
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
"""Reasons that make a run slower than the clocks that it asked for (NVML's nvmlClocksEventReason* bits)."""
HARMLESS = {
    0x01: "idle",
    0x02: "application clocks set",
    0x10: "synchronised boost",
    0x100: "display clock set",
}
SENSORS = ("sm_clock_mhz", "memory_clock_mhz", "power_w", "temperature_c", "memory_used_bytes")


class GpuSensors:
    """One GPU's sensors. unread: name to reason of those that do not answer, which are not asked again."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle
        self.unread: dict[str, str] = {}
        self.name = _text(self._ask("name", lambda: nvml.nvmlDeviceGetName(handle)))
        self.driver = _text(self._ask("driver", nvml.nvmlSystemGetDriverVersion))

    def read(self) -> dict[str, float]:
        """The sensors of SENSORS that answer, now."""
        nvml, handle = self._nvml, self._handle
        asked: Mapping[str, Callable[[], float]] = {
            "sm_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
            "memory_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
            "power_w": lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000.0,
            "temperature_c": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
            "memory_used_bytes": lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used,
        }
        found = {name: self._ask(name, ask) for name, ask in asked.items()}
        return {name: value for name, value in found.items() if value is not None}

    def held_back(self) -> list[str] | None:
        """Words for why clocks are lower than they could be, in the order of their bits; None where nobody says."""
        # the same bits under the name that NVML gave them until 2023
        ask = getattr(self._nvml, "nvmlDeviceGetCurrentClocksEventReasons", None) or getattr(
            self._nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", None
        )
        bits = None if ask is None else self._ask("throttle", lambda: ask(self._handle))
        return None if bits is None else decode(int(bits))

    def joules(self) -> float | None:
        """Energy since the driver was loaded; None where the GPU does not count it."""
        value = self._ask("energy", lambda: self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1000.0)
        return None if value is None else float(value)

    def close(self) -> None:
        """Lets go of NVML."""
        self._nvml.nvmlShutdown()

    def _ask(self, name: str, ask: Callable[[], Any]) -> Any:
        if name in self.unread:
            return None
        try:
            return ask()
        except (self._nvml.NVMLError, AttributeError) as error:
            self.unread[name] = str(error) or type(error).__name__
            return None


def decode(bits: int) -> list[str]:
    """Words for NVML's reasons for lower clocks; bits without a word are told by number."""
    known = {**HARMFUL, **HARMLESS}
    words = [known[bit] for bit in sorted(known) if bits & bit]
    rest = bits & ~sum(known)
    return [*words, f"reason 0x{rest:x}"] if rest else words


def open_gpu(device: str, *, nvml: Any = None, identity: Callable[[str], str] | None = None) -> GpuSensors | str:
    """Sensors of torch's device `device` ("cuda" or "cuda:1"), or the reason why there are none.

    identity: gives the UUID of a device; torch's by default, because NVML counts GPUs that CUDA_VISIBLE_DEVICES
    hides."""
    if device.split(":")[0] != "cuda":
        return f"the device is {device}, which NVML does not know"
    if nvml is None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return "nvidia-ml-py is not installed"
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return f"NVML does not start: {error}"
    try:
        uuid = (identity or _torch_identity)(device).removeprefix("GPU-")
        for prefix in ("GPU-", "MIG-"):
            try:
                return GpuSensors(nvml, nvml.nvmlDeviceGetHandleByUUID(prefix + uuid))
            except nvml.NVMLError as error:
                reason = f"NVML does not find {device}: {error}"
    except (RuntimeError, AssertionError, AttributeError) as error:
        reason = f"torch does not tell which GPU {device} is: {error}"
    nvml.nvmlShutdown()
    return reason


def _torch_identity(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_properties(torch.device(device)).uuid)


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
