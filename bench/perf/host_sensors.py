"""What the kernel tells of the processor and of this process: frequency, load, energy, memory. Linux; elsewhere little.

Every reading may be missing, in a container above all: then the reason stands in its place.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path


class HostSensors:
    """The processor's and this process's. root: of the file system, replaced in tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._zones: dict[Path, int] = {}
        self._last: dict[Path, int] = {}
        self._joules = 0.0
        self.energy_reason = self._find_zones()
        self.peak_since_reset = False

    def frequency(self) -> float | None:
        """Mean over the processors, MHz: of cpufreq, or of /proc/cpuinfo; None where neither is."""
        governed = self._root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
        found = [int(text) / 1000.0 for path in governed if (text := _read(path)) is not None]
        if not found:
            text = _read(self._root / "proc/cpuinfo") or ""
            found = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", text, re.MULTILINE)]
        return sum(found) / len(found) if found else None

    def load(self) -> float | None:
        """Processes that ran or waited to run, averaged over a minute."""
        text = _read(self._root / "proc/loadavg")
        return float(text.split()[0]) if text else None

    def joules(self) -> float | None:
        """Energy of the processor's packages since the first call (RAPL); None with `energy_reason`. The counters come
        round to nought (within a minute at the soonest), so it must be asked more often than that."""
        if self.energy_reason is not None:
            return None
        for zone, whole in self._zones.items():
            text = _read(zone / "energy_uj")
            if text is None:
                self.energy_reason = f"{zone.name} stopped to answer"
                return None
            now = int(text)
            before = self._last.get(zone, now)
            self._joules += (now - before if now >= before else now - before + whole) / 1e6
            self._last[zone] = now
        return self._joules

    def resident(self) -> int | None:
        """Bytes of memory of this process, now."""
        text = _read(self._root / "proc/self/statm")
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") if text else None

    def forget_peak(self) -> None:
        """From now on `peak` is of what follows, where the kernel can forget."""
        try:
            (self._root / "proc/self/clear_refs").write_text("5")
            self.peak_since_reset = True
        except OSError:
            self.peak_since_reset = False

    def peak(self) -> int | None:
        """Most bytes of memory that this process had at a time, since `forget_peak` or since it began."""
        found = re.search(r"^VmHWM:\s*(\d+) kB", _read(self._root / "proc/self/status") or "", re.MULTILINE)
        if found:
            return int(found[1]) * 1024
        try:
            import resource
        except ImportError:  # not on Windows
            return None
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024

    def _find_zones(self) -> str | None:
        for zone in sorted(self._root.glob("sys/class/powercap/intel-rapl:*")):
            if re.fullmatch(r"intel-rapl:\d+", zone.name):  # a whole package; parts of it have a second number
                if _read(zone / "energy_uj") is None:
                    return f"{zone.name}/energy_uj cannot be read by this user"
                self._zones[zone] = int(_read(zone / "max_energy_range_uj") or 0)
        return None if self._zones else "the kernel shows no energy counters (powercap)"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
