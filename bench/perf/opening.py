"""A method under a setting opened for timing: its device must be here, torch gets the threads that it may have."""

from __future__ import annotations

from collections.abc import Sequence

from bench.perf.subject import Lacking, Request, Subject
from bench.perf.subjects import open_subject as by_name
from bench.records import Setting
from bench.runner.methods import Method
from protocols.method import BuiltinMethod

_TIMED = ("avct", "avct-full")
"""Built-in methods that are networks; the others are controls or copies, whose speed nobody asks for."""


def open_subject(method: Method, setting: Setting, requests: Sequence[Request], threads: int) -> Subject:
    """The subject of a method under a setting, with so many threads of torch. Raises Lacking where a device is not here
    or a method is nothing to be timed."""
    import torch

    require_device(setting)
    if isinstance(method.spec, BuiltinMethod) and method.spec.builtin not in _TIMED:
        raise Lacking(f"{method.name} is a control; expected a method that makes faces move, such as {_TIMED[0]}")
    torch.set_num_threads(max(1, threads // setting.devices) if setting.device == "cpu" else threads)
    return by_name(method.name, setting, requests)


def require_device(setting: Setting) -> None:
    """Nothing; raises Lacking where the setting's device, or so many of it, are not here."""
    if setting.device == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        raise Lacking(f"{setting.device}: PyTorch finds no CUDA device on this machine")
    here, index = torch.cuda.device_count(), int(setting.device.partition(":")[2] or 0)
    if here < max(setting.devices, index + 1):
        raise Lacking(f"{setting.device}: expected {max(setting.devices, index + 1)} CUDA devices, found {here}")
