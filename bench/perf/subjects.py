"""From a method's name to something that can be timed."""

from __future__ import annotations

from collections.abc import Sequence

from bench.adapters.avct import UNTRAINED, checkpoint_of
from bench.errors import ConfigError
from bench.perf.avct_subject import AvctSubject
from bench.perf.method_subject import MethodSubject
from bench.perf.networks import Network
from bench.perf.subject import Request
from bench.records import Setting
from protocols.catalogue import load_method
from protocols.errors import ProtocolError
from protocols.method import BuiltinMethod


def open_subject(name: str, setting: Setting, requests: Sequence[Request]) -> AvctSubject | MethodSubject:
    """The method of that file's stem or path under a setting. Raises ConfigError for an unknown or wrong file."""
    try:
        spec = load_method(name)
    except ProtocolError as error:
        raise ConfigError(str(error)) from None
    if isinstance(spec, BuiltinMethod) and spec.builtin in ("avct", UNTRAINED):
        network = Network(spec.name, checkpoint_of(spec), untrained=spec.builtin == UNTRAINED)
        return AvctSubject(network, setting, requests)
    return MethodSubject(name, spec, setting, requests)
