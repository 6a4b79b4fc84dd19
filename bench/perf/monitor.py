"""What the machine did while it was timed, looked at ten times a second from a thread: a run that throttled says so."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from bench.perf.gpu_sensors import HARMFUL, GpuSensors, open_gpu
from bench.perf.host_sensors import HostSensors

HZ = 10.0
_SELDOM = 10
"""Looks for each one at the processor's frequency, which takes longer than all the rest where there are many cores."""


class Monitor:
    """Looks on as long as it is entered; what it saw is told afterwards. Entered again, it begins anew.

    device: torch's name of what is timed. gpu, host, now: replaced in tests, as is hz=0, under which nobody looks but
    when `look` is called. gpu: the device's sensors or why there are none, found each time it is entered by default.
    """

    def __init__(
        self,
        device: str = "cpu",
        *,
        gpu: GpuSensors | str | None = None,
        host: HostSensors | None = None,
        hz: float = HZ,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._device, self._hz, self._now = device, hz, now
        self._given = gpu
        self._gpu: GpuSensors | str = "nobody has looked yet" if gpu is None else gpu
        self._host = host or HostSensors()
        self._lock = threading.Lock()
        self._peak: int | None = None
        self._allocator: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._begin_anew()

    def __enter__(self) -> Monitor:
        if self._thread is not None:
            raise RuntimeError("the monitor looks on already")
        self._begin_anew()
        if self._given is None:
            self._gpu = open_gpu(self._device)
        self._host.forget_peak()
        _forget_allocator_peak(self._device)
        self._load[0] = self._host.load()
        self.look()
        self._stop.clear()
        if self._hz > 0.0:
            self._thread = threading.Thread(target=self._go_on, name="monitor", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.look()
        self._load[1] = self._host.load()
        self._peak = self._host.peak()
        self._allocator = _allocator_peak(self._device)
        if self._given is None and isinstance(self._gpu, GpuSensors):
            self._gpu.close()

    def look(self) -> None:
        """Takes one reading of everything."""
        with self._lock:
            if self._looks % _SELDOM == 0:
                self._keep("host", "frequency_mhz", self._host.frequency())
            self._looks += 1
            self._keep("host", "resident_bytes", self._host.resident())
            self._keep_energy("host", self._host.joules())
            if isinstance(self._gpu, str):
                return
            read = self._gpu.read()
            for name, value in read.items():
                self._keep("gpu", name, value)
            self._keep_energy("gpu", self._gpu.joules())
            self._integrate(read.get("power_w"))
            words = self._gpu.held_back()
            if words is not None:
                self._asked_why += 1
                for word in words:
                    self._held_back[word] = self._held_back.get(word, 0) + 1

    def energy(self) -> float | None:
        """Joules of the device since it was entered, up to now; None where nobody counts them."""
        self.look()
        with self._lock:
            return self._spent("host" if isinstance(self._gpu, str) else "gpu")[0]

    def memory(self) -> dict[str, int | None]:
        """Peak bytes: of this process, of torch's allocator, of the whole device. After it was left."""
        resident, used = (self._kept.get(key, []) for key in (("host", "resident_bytes"), ("gpu", "memory_used_bytes")))
        # a peak since the process began would count what came before, such as loading
        process = self._peak if self._host.peak_since_reset or not resident else max(resident)
        return {
            "process": None if process is None else int(process),
            "allocator": self._allocator,
            "device": int(max(used)) if used else None,
        }

    def describe(self) -> dict[str, Any]:
        """As rows keep it: of the GPU, and under "host" of the processor. After it was left.

        Sensors: {"median", "min", "max"}. throttle: word to share of the looks; throttled: whether any of HARMFUL was
        among them. energy_j with energy_source; where there is none, energy_reason.
        """
        host: dict[str, Any] = {
            "frequency_mhz": _summary(self._kept.get(("host", "frequency_mhz"), [])),
            "load_start": self._load[0],
            "load_end": self._load[1],
            **self._energy_told("host"),
        }
        if isinstance(self._gpu, str):
            return {"source": None, "reason": self._gpu, "hz": self._hz, "samples": self._looks, "host": host}
        held: dict[str, Any] = {name: _summary(values) for (side, name), values in self._kept.items() if side == "gpu"}
        shares = {word: count / self._asked_why for word, count in sorted(self._held_back.items())}
        return {
            "source": "nvml",
            "gpu": self._gpu.name,
            "driver": self._gpu.driver,
            "hz": self._hz,
            "samples": self._looks,
            **held,
            "throttle": shares,
            "throttled": bool(set(shares) & set(HARMFUL.values())) if self._asked_why else None,
            **self._energy_told("gpu"),
            "unread": dict(self._gpu.unread),
            "host": host,
        }

    def _go_on(self) -> None:
        while not self._stop.wait(1.0 / self._hz):
            self.look()

    def _begin_anew(self) -> None:
        self._looks, self._asked_why = 0, 0
        self._kept: dict[tuple[str, str], list[float]] = {}
        self._held_back: dict[str, int] = {}
        self._counted: dict[str, list[float]] = {}
        self._integral = 0.0
        self._before: tuple[float, float] | None = None
        self._load: list[float | None] = [None, None]
        self._peak = None
        self._allocator = None

    def _keep(self, side: str, name: str, value: float | None) -> None:
        if value is not None:
            self._kept.setdefault((side, name), []).append(value)

    def _keep_energy(self, side: str, joules: float | None) -> None:
        if joules is not None:
            counted = self._counted.setdefault(side, [joules, joules])
            counted[1] = joules

    def _integrate(self, power: float | None) -> None:
        if power is None:
            self._before = None
            return
        instant = self._now()
        if self._before is not None:
            self._integral += (instant - self._before[0]) * (power + self._before[1]) / 2.0
        self._before = instant, power

    def _spent(self, side: str) -> tuple[float | None, str]:
        if side in self._counted:
            first, last = self._counted[side]
            return last - first, "counter"
        if side == "gpu" and ("gpu", "power_w") in self._kept:
            return self._integral, "integrated power"
        if side == "host":
            return None, self._host.energy_reason or "nobody looked"
        return None, "the GPU tells neither energy nor power"

    def _energy_told(self, side: str) -> dict[str, Any]:
        joules, how = self._spent(side)
        return {"energy_j": joules, "energy_reason" if joules is None else "energy_source": how}


def _summary(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _forget_allocator_peak(device: str) -> None:
    if device.split(":")[0] == "cuda":
        import torch

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats(torch.device(device))


def _allocator_peak(device: str) -> int | None:
    if device.split(":")[0] != "cuda":
        return None
    import torch

    return int(torch.cuda.max_memory_allocated(torch.device(device))) if torch.cuda.is_available() else None
