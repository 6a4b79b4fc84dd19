"""Method adapters: `open_adapter` turns the name of a method file into something that makes videos."""

from __future__ import annotations

from bench.adapters.base import Adapter
from bench.errors import ConfigError
from protocols.catalogue import load_method
from protocols.errors import ProtocolError
from protocols.method import CommandMethod


def open_adapter(name: str) -> Adapter:
    """The adapter of a method file (its stem or path). Raises ConfigError: unknown or wrong file, with a suggestion."""
    try:
        spec = load_method(name)
    except ProtocolError as error:
        raise ConfigError(str(error)) from None
    if isinstance(spec, CommandMethod):
        from bench.adapters.command import CommandAdapter

        return CommandAdapter(spec)
    if spec.builtin in ("ground-truth", "still"):
        from bench.adapters.builtin import GroundTruth, Still

        return GroundTruth(spec) if spec.builtin == "ground-truth" else Still(spec)
    # Everything else drives our generator; imported here so that PyTorch is loaded only where it is needed.
    from bench.adapters import avct

    return avct.open(spec)
