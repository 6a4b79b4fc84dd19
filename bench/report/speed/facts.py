"""What stands under every table of speed: on what, with what and by what rules its figures were measured.

A fact that all rows share is said once, one that a device, a scenario or a line shares once for that, all others row by
row. What nobody recorded is said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.speed.order import setting_name
from bench.report.tables.digits import show_alone
from bench.store.speeds import FidelityRow, SpeedRow

UNKNOWN = "not recorded"
_GIB = 1024**3
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class FactGroup:
    """Facts that hold for some rows. who: "" for all, else which rows in words: a device, a scenario, a line, a row."""

    who: str
    pairs: Pairs


def find_facts(
    rows: Sequence[SpeedRow], gates: Mapping[str, FidelityRow], manifest: Mapping[str, Any] | None = None
) -> list[FactGroup]:
    """The facts of these rows, each said once for as many rows as share it."""
    left = {row.id: row_facts(row, gates.get(row.id), manifest) for row in rows}
    known = list(dict.fromkeys(key for facts in left.values() for key in facts))
    of_setting = [key for key in known if key not in _OF_SCENARIO]
    levels: Sequence[tuple[Callable[[SpeedRow], str], Sequence[str]]] = (
        (lambda _: "", known),
        (lambda row: str(row.setting.get("device", UNKNOWN)), of_setting),
        (lambda row: row.scenario, _OF_SCENARIO),
        (lambda row: f"{row.method}, {setting_name(row)}", known),
        (lambda row: f"{row.method}, {setting_name(row)}, {row.scenario}", known),
    )
    groups = []
    for name, keys in levels:
        for who in dict.fromkeys(map(name, rows)):
            some = [row.id for row in rows if name(row) == who]
            alike = {key: text for key, text in _alike([left[one] for one in some]).items() if key in keys}
            for one in some:
                left[one] = {key: text for key, text in left[one].items() if key not in alike}
            groups += [FactGroup(who, list(alike.items()))] if alike else []
    return groups


_OF_SCENARIO = ("clips", "frames", "seconds", "mode", "excludes")
"""Facts that a scenario decides; a setting decides the others."""


def describe_excluded(rows: Sequence[SpeedRow]) -> str:
    """What the headlines of these rows leave out: once where they agree, else for each setting."""
    held: dict[str, list[str]] = {}
    for row in rows:
        text = ", ".join(row.excluded) or "nothing"
        held.setdefault(text, []).append(f"{row.method} {setting_name(row)}")
    if len(held) == 1:
        return f"excludes: {next(iter(held))}"
    return "excludes: " + "; ".join(f"{text} ({', '.join(names)})" for text, names in held.items())


def row_facts(row: SpeedRow, gate: FidelityRow | None, manifest: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Every fact of a row by name, in the report block's order."""
    setting, machine = row.setting, row.machine
    cuda = str(setting.get("device", "")).startswith("cuda")
    size = setting.get("size", setting.get("resolution"))
    facts = {
        "device": _device(row),
        "driver": _of(machine, "driver", "driver_version")
        or _of(row.monitor, "driver")
        or ("none" if not cuda else UNKNOWN),
        "CUDA/cuDNN": _cuda(machine, used=cuda),
        "torch": _of(machine, "torch", "torch_version") or UNKNOWN,
        "precision": _text(setting.get("precision")),
        "compile mode": _text(setting.get("compile")),
        "CUDA graphs": _text(setting.get("graphs", False)),
        "channels last": _text(setting.get("channels_last"), none="as the device likes"),
        "batch": _text(setting.get("batch")),
        "resolution": f"{size}×{size}" if isinstance(size, int) else _text(size),
        "devices": _text(setting.get("devices", 1)),
        "clips": str(row.clips),
        "frames": str(row.frames),
        "seconds": f"{row.seconds:.1f}",
        "mode": f"{row.scenario}, {row.mode}",
        "warm-ups": _warmups(row.warmups),
        "compile time": UNKNOWN if row.compile_s is None else f"{row.compile_s:.1f} s, apart from all figures",
        "clocks and power": describe_monitor(row.monitor),
        "peak memory": describe_memory(row.memory),
        "CPU": _cpu(machine),
        "threads": _of(machine, "threads", "torch_threads") or UNKNOWN,
        "codec": _of(machine, "codec") or UNKNOWN,
        "excludes": ", ".join(row.excluded) or "nothing",
        "gate": describe_gate(gate, row),
        "commit": _commit(row.code, manifest),
    }
    remarks = _remarks(row.monitor)
    rest = {key: value for key, value in machine.items() if key not in _SAID and value not in (None, "", {}, [])}
    told = {_CALLED.get(key, key.replace("_", " ")): _flat(value) for key, value in sorted(rest.items())}
    return facts | ({"remarks": remarks} if remarks else {}) | told


_CALLED = {
    "clips": "clips at hand", "frames": "frames of clips at hand", "off_batch": "clips that end inside a batch",
}  # fmt: skip
"""What a subject says of its clips, beside what was timed of them."""
_SAID = {
    "device", "name", "gpu", "driver", "driver_version", "cuda", "cudnn", "cuda_version", "cudnn_version", "torch",
    "torch_version", "cpu", "cores", "cpu_cores", "usable_cores", "threads", "torch_threads", "codec", "cards",
    "cpu_reason", "cuda_reason", "size",
}  # fmt: skip


def describe_gate(gate: FidelityRow | None, row: SpeedRow) -> str:
    """The fidelity row's id with its figures."""
    if gate is None:
        return f"{row.gate}: its row is missing" if row.gate else "none"
    if gate.exact and gate.psnr_mean is None:
        parts = ["equal to the plain loop in every byte"]
    else:
        worst = "no worst frame" if gate.psnr_worst is None else f"worst frame {gate.psnr_worst:.1f} dB"
        parts = ["PSNR not measured" if gate.psnr_mean is None else f"PSNR {gate.psnr_mean:.1f} dB, {worst}"]
    if gate.drift is not None:
        parts.append(f"keypoint drift {gate.drift:.3f} px{f' ({gate.reader})' if gate.reader else ''}")
    if gate.r_change is not None:
        parts.append(f"lip-opening r change {gate.r_change:+.4f}")
    parts += [f"LPIPS {gate.lpips:.4f}"] if gate.lpips is not None else []
    parts += [f"LSE-C change {gate.lse_c_change:+.3f}"] if gate.lse_c_change is not None else []
    parts.append(f"{gate.frames} frames, seed {gate.seed}")
    parts += [f"not measured: {', '.join(gate.unmeasured)}"] if gate.unmeasured else []
    return f"{gate.id}: {'; '.join(parts)}"


def describe_memory(memory: Mapping[str, int | None]) -> str:
    """Peak bytes in words, such as "allocator 3.21 GiB, device 4.50 GiB"."""
    known = [f"{name} {size / _GIB:.2f} GiB" for name, size in sorted(memory.items()) if size is not None]
    return ", ".join(known) or UNKNOWN


def describe_monitor(monitor: Mapping[str, Any]) -> str:
    """Clocks, power, temperature, energy and throttling in words, or why nobody looked."""
    if not monitor:
        return UNKNOWN
    throttled = monitor.get("throttled")
    words = [] if throttled is None else ["THROTTLED" if throttled else "not throttled"]
    shares = monitor.get("throttle") or {}
    if shares:
        words.append("held back: " + ", ".join(f"{word} {share * 100:.0f} %" for word, share in shares.items()))
    words += [_sensed(name, unit, monitor.get(key)) for key, (name, unit) in _SENSORS.items()]
    host = monitor.get("host") or {}
    words.append(_sensed("CPU clock", "MHz", host.get("frequency_mhz")))
    for side, held in (("", monitor), ("CPU ", host)):
        if held.get("energy_j") is not None:
            words.append(f"{side}energy {show_alone(held['energy_j'])} J ({held.get('energy_source', UNKNOWN)})")
    load = [_flat(host[key]) for key in ("load_start", "load_end") if host.get(key) is not None]
    words += [f"load {' to '.join(load)}"] if load else []
    words += [f"no GPU was looked at: {monitor['reason']}"] if monitor.get("reason") else []
    return "; ".join(word for word in words if word) or UNKNOWN


_SENSORS = {
    "sm_clock_mhz": ("SM clock", "MHz"), "memory_clock_mhz": ("memory clock", "MHz"), "power_w": ("power", "W"),
    "temperature_c": ("temperature", "°C"),
}  # fmt: skip


def _sensed(name: str, unit: str, seen: Mapping[str, float] | None) -> str:
    """A sensor's median with its range, "" where it did not answer."""
    if not seen:
        return ""
    low, middle, high = (show_alone(seen[key]) for key in ("min", "median", "max"))
    return f"{name} {middle} {unit} ({low} to {high})"


def _remarks(monitor: Mapping[str, Any]) -> str:
    """Short remarks of whoever timed; series and long ones are in the rows."""
    held = {key: _flat(value) for key, value in (monitor.get("remarks") or {}).items() if _worth(value)}
    return "; ".join(f"{key.replace('_', ' ')} {text}" for key, text in held.items() if text and len(text) <= _SHORT)


_SHORT = 80
"""Characters of a remark that a line of facts has room for."""


def _device(row: SpeedRow) -> str:
    device = str(row.setting.get("device", UNKNOWN))
    name = row.machine.get("device", row.machine.get("gpu", row.monitor.get("gpu")))
    if device.startswith("cuda"):
        cards = row.machine.get("cards")
        if not name and isinstance(row.machine.get("cuda"), Mapping):
            cards = row.machine["cuda"].get("cards")
        names = [str(card.get("name")) if isinstance(card, Mapping) else str(card) for card in cards or ()]
        name = name or ", ".join(dict.fromkeys(names))
    else:
        name = name if name != device else None
        name = name or row.machine.get("cpu")
    return f"{_flat(name)} ({device})" if name else device


def _cuda(machine: Mapping[str, Any], *, used: bool) -> str:
    held = machine.get("cuda")
    inner = held if isinstance(held, Mapping) else {"version": held}
    version = inner.get("version") or machine.get("cuda_version")
    cudnn = inner.get("cudnn") or machine.get("cudnn") or machine.get("cudnn_version")
    if not version and not cudnn:
        return UNKNOWN if used else "none"
    return f"{version or UNKNOWN}/{cudnn or UNKNOWN}"


def _cpu(machine: Mapping[str, Any]) -> str:
    name = _of(machine, "cpu") or UNKNOWN
    cores = _of(machine, "usable_cores", "cores", "cpu_cores")
    return f"{name}, {cores} cores" if cores else name


def _warmups(warmups: Mapping[str, Any]) -> str:
    """How many until stable, of what, and how near to one another the last medians were."""
    if not warmups:
        return UNKNOWN
    stable, spread, count = warmups.get("stable"), warmups.get("spread"), warmups.get("count")
    unit = str(warmups.get("unit") or "warm-up")
    words = [] if count is None else [f"{count} {unit}{'' if count == 1 else 's'}"]
    words += [] if stable is None else ["stable" if stable else "NOT STABLE"]
    words += [] if spread is None else [f"last medians within {spread * 100:.1f} %"]
    words += [] if warmups.get("seconds") is None else [f"{warmups['seconds']:.1f} s"]
    words += [str(warmups["reason"])] if warmups.get("reason") else []
    return ", ".join(words) or UNKNOWN


def _worth(value: Any) -> bool:
    """Whether a line of facts can hold it: series belong to plots."""
    return value not in (None, "") and not isinstance(value, list | tuple | Mapping)


def _commit(code: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> str:
    known = code or (manifest or {}).get("code") or {}
    commit, source = known.get("git_commit") or known.get("commit"), known.get("source_sha256")
    words = [str(commit)[:12]] if commit else [f"source {str(source)[:12]}"] if source else []
    words += ["with changes"] if known.get("dirty") or known.get("git_dirty") else []
    return " ".join(words) or UNKNOWN


def _of(mapping: Mapping[str, Any], *names: str) -> str:
    return next((_flat(mapping[name]) for name in names if mapping.get(name) not in (None, "")), "")


def _text(value: Any, *, none: str = UNKNOWN) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return none if value is None else str(value)


def _flat(value: Any) -> str:
    """A value of any shape in one line of words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')} {_flat(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_flat, value))
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return _text(value)


def _alike(held: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The facts that all of them have, with the same text."""
    return {key: text for key, text in held[0].items() if all(one.get(key) == text for one in held)} if held else {}
