"""The monitor, with sensors that say what they are told to: throttling is flagged, what is missing has a reason."""

from __future__ import annotations

import sys
import time as clock
from pathlib import Path
from typing import Any

import pytest
from pretence import Time

from bench.perf.gpu_sensors import GpuSensors, decode, open_gpu
from bench.perf.host_sensors import HostSensors
from bench.perf.monitor import Monitor


class Nvml:
    """As `pynvml` is, for one GPU. refused: calls that this GPU does not support."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        pass

    def __init__(self, time: Time | None = None, *, refused: tuple[str, ...] = (), bits: int = 0) -> None:
        self.time, self.refused, self.bits = time or Time(), refused, bits
        self.watts, self.used, self.opened, self.asked = 300_000, 5 << 30, 0, list[str]()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvmlDevice") and name in object.__getattribute__(self, "refused"):
            return self._refuse
        return object.__getattribute__(self, name)

    def _refuse(self, *_: object) -> None:
        self.asked.append("refused")
        raise self.NVMLError("Not Supported")

    def nvmlInit(self) -> None:
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.opened -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.1"

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        if uuid != "GPU-abc":
            raise self.NVMLError("Not Found")
        return "handle"

    def nvmlDeviceGetName(self, handle: str) -> bytes:
        return b"Test GPU"

    def nvmlDeviceGetClockInfo(self, handle: str, kind: int) -> int:
        return {1: 1980, 2: 2619}[kind]

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:
        return self.watts

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:
        return 61

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:
        return type("Memory", (), {"used": self.used})

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:
        return 7_000_000 + int(1000 * 300 * self.time.now())

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: str) -> int:
        return self.bits


def looking(nvml: Nvml) -> Monitor:
    return Monitor(
        "cuda", gpu=GpuSensors(nvml, "handle"), hz=0.0, now=nvml.time.now, host=HostSensors(Path("/nowhere"))
    )


@pytest.fixture(autouse=True)
def _no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.perf.monitor._allocator_peak", lambda device: 11)
    monkeypatch.setattr("bench.perf.monitor._forget_allocator_peak", lambda device: None)


def test_what_was_seen_is_told():
    nvml = Nvml()
    monitor = looking(nvml)
    with monitor:
        for watts in (100_000, 200_000, 600_000):
            nvml.time.pass_by(1.0)
            nvml.watts, nvml.used = watts, watts << 10
            monitor.look()
    told = monitor.describe()
    assert told["source"] == "nvml" and told["gpu"] == "Test GPU" and told["samples"] == 5
    assert told["power_w"] == {"median": 300.0, "min": 100.0, "max": 600.0}
    assert told["sm_clock_mhz"]["median"] == 1980 and told["memory_clock_mhz"]["median"] == 2619
    assert told["temperature_c"]["max"] == 61 and told["throttled"] is False and told["throttle"] == {}
    assert (told["energy_j"], told["energy_source"]) == (900.0, "counter")
    assert monitor.memory() == {"process": monitor.memory()["process"], "allocator": 11, "device": 5 << 30}


@pytest.mark.parametrize(("bits", "throttled"), [(0x1, False), (0x2, False), (0x4, True), (0x40, True), (0x80, True)])
def test_a_run_that_throttled_says_so(bits: int, throttled: bool):
    nvml = Nvml()
    monitor = looking(nvml)
    with monitor:
        nvml.bits = bits
        monitor.look()
        nvml.bits = 0
        monitor.look()
    told = monitor.describe()
    assert told["throttled"] is throttled
    assert told["throttle"] == {decode(bits)[0]: 0.25}


def test_reasons_are_words():
    assert decode(0x4 | 0x20 | 0x1) == ["idle", "software power cap", "software thermal slowdown"]
    assert decode(0x8000) == ["reason 0x8000"] and decode(0) == []


def test_sensors_that_are_not_there_are_asked_once():
    nvml = Nvml(refused=("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetCurrentClocksEventReasons"))
    monitor = looking(nvml)
    with monitor:
        nvml.time.pass_by(2.0)
        monitor.look()
        assert monitor.energy() == pytest.approx(600.0)
    told = monitor.describe()
    assert (told["energy_j"], told["energy_source"]) == (pytest.approx(600.0), "integrated power")
    assert told["throttled"] is None and told["unread"] == {"energy": "Not Supported", "throttle": "Not Supported"}
    assert len(nvml.asked) == 2


def test_older_drivers_have_another_name_for_it():
    class Older(Nvml):
        nvmlDeviceGetCurrentClocksEventReasons = None  # type: ignore[assignment]

        def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:
            return 0x20

    with looking(Older()) as monitor:
        pass
    assert monitor.describe()["throttle"] == {"software thermal slowdown": 1.0}


def test_a_gpu_is_found_by_what_torch_says_it_is():
    nvml = Nvml()
    found = open_gpu("cuda:1", nvml=nvml, identity=lambda device: "abc")
    assert isinstance(found, GpuSensors) and found.name == "Test GPU" and found.driver == "580.1"
    found.close()
    assert nvml.opened == 0
    assert open_gpu("cuda", nvml=nvml, identity=lambda device: "xyz") == "NVML does not find cuda: Not Found"
    assert nvml.opened == 0, "what was opened in vain is closed"


def test_where_nobody_can_look_there_is_a_reason(monkeypatch: pytest.MonkeyPatch):
    assert open_gpu("cpu") == "the device is cpu, which NVML does not know"
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with Monitor("cuda", hz=0.0) as monitor:
        pass
    told = monitor.describe()
    assert (told["source"], told["reason"]) == (None, "nvidia-ml-py is not installed")
    broken = Nvml()
    broken.nvmlInit = broken._refuse  # type: ignore[method-assign]
    assert open_gpu("cuda", nvml=broken) == "NVML does not start: Not Supported"


def test_what_the_monitor_opens_it_closes(monkeypatch: pytest.MonkeyPatch):
    nvml = Nvml()
    monkeypatch.setattr(
        "bench.perf.monitor.open_gpu", lambda device: open_gpu(device, nvml=nvml, identity=lambda _: "GPU-abc")
    )
    monitor = Monitor("cuda", hz=0.0)
    for _ in range(2):
        with monitor:
            assert nvml.opened == 1
        assert nvml.opened == 0 and monitor.describe()["gpu"] == "Test GPU"


def test_it_begins_anew_each_time():
    nvml = Nvml(bits=0x4)
    monitor = looking(nvml)
    with monitor:
        nvml.time.pass_by(1.0)
    nvml.bits = 0
    with monitor:
        nvml.time.pass_by(3.0)
    told = monitor.describe()
    assert told["throttled"] is False and told["energy_j"] == 900.0 and told["samples"] == 2


def test_the_thread_looks_on_and_ends():
    with Monitor("cpu", hz=200.0) as monitor:
        until = clock.monotonic() + 5.0
        while monitor._looks < 5 and clock.monotonic() < until:
            clock.sleep(0.01)
        with pytest.raises(RuntimeError, match="already"):
            monitor.__enter__()
    assert monitor.describe()["samples"] >= 5 and monitor._thread is None
    assert monitor.memory()["process"] > 1 << 20


def test_an_error_leaves_no_thread_behind():
    monitor = Monitor("cpu", hz=100.0)
    with pytest.raises(KeyboardInterrupt), monitor:
        raise KeyboardInterrupt
    assert monitor._thread is None


class Files:
    """A kernel's files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def test_the_kernel_is_asked_for_frequency_load_energy_and_memory(tmp_path: Path):
    files = Files(tmp_path)
    files.write("proc/cpuinfo", "cpu MHz\t\t: 2000.0\ncpu MHz\t\t: 3000.0\n")
    files.write("proc/loadavg", "1.50 0.7 0.3 1/100 4\n")
    files.write("proc/self/status", "VmPeak:\t 9 kB\nVmHWM:\t   2048 kB\n")
    files.write("proc/self/clear_refs", "")
    files.write("proc/self/statm", "9 1 0\n")
    for zone, energy in (("intel-rapl:0", 9_000_000), ("intel-rapl:0:0", 5), ("intel-rapl:1", 1_000_000)):
        files.write(f"sys/class/powercap/{zone}/energy_uj", str(energy))
        files.write(f"sys/class/powercap/{zone}/max_energy_range_uj", "10000000")
    host = HostSensors(tmp_path)
    assert host.frequency() == 2500.0 and host.load() == 1.5
    assert host.joules() == 0.0
    files.write("sys/class/powercap/intel-rapl:0/energy_uj", "1000000")  # came round
    files.write("sys/class/powercap/intel-rapl:1/energy_uj", "1500000")
    assert host.joules() == pytest.approx(2.0 + 0.5)
    files.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000")
    assert host.frequency() == 1200.0
    with Monitor("cpu", host=host, hz=0.0) as monitor:
        files.write("sys/class/powercap/intel-rapl:0/energy_uj", "4000000")
        assert monitor.energy() == pytest.approx(3.0)
    told = monitor.describe()["host"]
    assert (told["energy_j"], told["energy_source"], told["load_start"]) == (pytest.approx(3.0), "counter", 1.5)
    assert (tmp_path / "proc/self/clear_refs").read_text() == "5", "the peak is of the run"
    assert monitor.memory() == {"process": 2048 * 1024, "allocator": 11, "device": None}


def test_a_machine_that_tells_nothing(tmp_path: Path):
    with Monitor("cpu", host=HostSensors(tmp_path), hz=0.0) as monitor:
        assert monitor.energy() is None
    told = monitor.describe()["host"]
    assert told["energy_reason"] == "the kernel shows no energy counters (powercap)"
    assert told["frequency_mhz"] is None and told["load_end"] is None
