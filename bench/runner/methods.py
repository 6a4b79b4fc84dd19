"""The methods of a protocol as the parent sees them: specification and fingerprint, never a loaded network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.adapters import open_adapter
from bench.errors import BenchError, ConfigError
from bench.records import Setting
from protocols.catalogue import listing, load_method
from protocols.dataset import DatasetSpec
from protocols.errors import ProtocolError
from protocols.method import BuiltinMethod, CommandMethod, MethodBase
from protocols.overlap import overlap
from protocols.schema import Protocol


@dataclass(frozen=True)
class Method:
    """A method under a protocol's settings. fingerprints: by the setting's name. lacking: why it cannot run."""

    name: str
    spec: BuiltinMethod | CommandMethod
    fingerprints: dict[str, dict[str, Any]] = field(default_factory=dict)
    lacking: str | None = None


def open_methods(names: Sequence[str], settings: Sequence[Setting]) -> dict[str, Method]:
    """Every method by name. Raises ConfigError for a file that is wrong; what is missing is noted in `lacking`."""
    methods = {}
    for name in names:
        try:
            spec = load_method(name)
        except ProtocolError as error:
            raise ConfigError(str(error)) from None
        try:
            adapter = open_adapter(name)
            prints = {setting.name: adapter.fingerprint(setting) for setting in settings}
            methods[name] = Method(name, spec, prints)
        except ConfigError:
            raise
        except (BenchError, ImportError) as error:
            # The others can still run; this one's cells say why it could not.
            methods[name] = Method(name, spec, lacking=str(error))
    return methods


def describe_method(method: Method, dataset: DatasetSpec, protocol: Protocol) -> dict[str, Any]:
    """A method for the manifest; `overlap` names what it was trained on among what it is tested on."""
    return {
        "name": method.name,
        "title": method.spec.title,
        "sha256": method.spec.hash(),
        "trained_on": list(method.spec.trained_on),
        "uses": list(method.spec.uses),
        "overlap": _overlap(method.spec, dataset, protocol),
        "lacking": method.lacking,
        "fingerprints": method.fingerprints,
    }


def describe_given(name: str, folder: Path, dataset: DatasetSpec, protocol: Protocol) -> dict[str, Any]:
    """Videos made elsewhere, for the manifest. Where a method file has their folder's name, its training sets count."""
    told = {"name": name, "title": f"videos in {folder.name}", "uses": [], "trained_on": [], "overlap": []}
    if name not in listing("methods"):
        return told
    spec = load_method(name)
    overlap = _overlap(spec, dataset, protocol)
    return {**told, "trained_on": list(spec.trained_on), "overlap": overlap, "uses": list(spec.uses)}


def _overlap(spec: MethodBase, dataset: DatasetSpec, protocol: Protocol) -> list[str]:
    axes = protocol.axes
    people = {*axes.references, *(axes.drivers or ()), *axes.speakers, *axes.identities.values()}
    return overlap(spec.trained_on, dataset, split=protocol.split, identities=sorted(people))
