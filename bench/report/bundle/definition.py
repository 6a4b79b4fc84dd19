"""Is a manifest one of ours, does its protocol hash to what it says, and is it the protocol that this machine ships?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from bench.report.bundle.checks import Flaw, Unchecked
from bench.report.bundle.contents import Index
from protocols import catalogue
from protocols.errors import ProtocolError
from protocols.model import Model, Name, Sha256
from protocols.schema import Axes, Protocol, SettingSpec
from protocols.validation import validate

MOST_BYTES = 64 << 20
_GIVEN = "as-given"
"""The one setting of videos that were made elsewhere (`score`); its methods are the folder's, not the protocol's."""


class _Method(Model):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    name: Name


class _Exit(Model):
    code: int | None
    reason: str | None


class _Cells(Model):
    total: Annotated[int, Field(ge=0)]
    done: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]
    reused: Annotated[int, Field(ge=0)]


class _Manifest(Model):
    """The fields that `bench.store.manifest` writes; those that say why another is empty are left out before."""

    version: Literal[1] = Field(alias="schema")
    run_id: str
    protocol: dict[str, Any]
    protocol_hash: Sha256
    declared_hash: Sha256 | None = None
    protocol_state: Literal["as shipped", "changed", "own"] | None = None
    dataset: dict[str, Any]
    methods: list[_Method]
    code: dict[str, str | None]
    python: str
    platform: str | None = None
    packages: dict[str, str]
    ffmpeg: dict[str, str]
    libraries: dict[str, str] = Field(default_factory=dict)
    device: dict[str, Any]
    executor: str | None = None
    workers: int | None = None
    threads: int | None = None
    seeds: list[int]
    weights: list[dict[str, Any]]
    inputs_sha256: Sha256 | None = None
    started: str
    resumed: list[str] = Field(default_factory=list)
    ended: str | None = None
    exit: _Exit
    cells: _Cells


def parse_json(content: bytes, name: str) -> Any:
    """The data of a JSON file. Raises Flaw for anything that two readers could take for different things."""
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Flaw(f"{name} is no JSON ({error})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def read_definition(path: Path) -> dict[str, Any]:
    """The manifest, its fields and their kinds checked; Flaw says in one line what is wrong with it."""
    if path.stat().st_size > MOST_BYTES:
        raise Flaw(f"{path.name} has more than {MOST_BYTES:,} bytes")
    manifest = parse_json(path.read_bytes(), path.name)
    if not isinstance(manifest, dict):
        raise Flaw(f"{path.name}: expected an object")
    said = {key: value for key, value in manifest.items() if not (key.endswith("_reason") and isinstance(value, str))}
    try:
        validate(_Manifest, said, path.name)
    except ProtocolError as error:
        raise Flaw(str(error)) from None
    return manifest


def check_manifest(manifest: Mapping[str, Any], index: Index) -> str:
    """A line on a manifest that agrees with itself and with bundle.json; Flaw where it does not."""
    protocol, names = manifest["protocol"], [method["name"] for method in manifest["methods"]]
    stated, dataset = index.protocol, manifest["dataset"]
    if manifest["run_id"] != index.run_id:
        raise Flaw(f"run {manifest['run_id']!r}, bundle.json is of {index.run_id!r}")
    if (dataset.get("licence") or "unknown") != index.remarks.dataset_licence:
        raise Flaw(f"the dataset's licence is {dataset.get('licence')!r}, bundle.json has another")
    if stated is None or (stated.id, stated.hash) != (protocol.get("id"), manifest["protocol_hash"]):
        raise Flaw(f"protocol {protocol.get('id')!r} {manifest['protocol_hash'][:12]}, bundle.json has another")
    if names != protocol.get("methods"):
        raise Flaw(f"methods {', '.join(names)}, the protocol has others")
    return f"schema {manifest['schema']}, run {manifest['run_id']}"


def check_protocol(manifest: Mapping[str, Any]) -> Protocol:
    """The resolved protocol, whose hash is as the manifest says; Flaw where it is not or the schema refuses it."""
    try:
        protocol = validate(Protocol, manifest["protocol"], "the manifest's protocol")
    except ProtocolError as error:
        raise Flaw(str(error)) from None
    if not isinstance(protocol.axes.drivers, dict):
        raise Flaw("the manifest's protocol does not name its clips")
    found = protocol.hash()
    if found != manifest["protocol_hash"]:
        raise Flaw(f"{protocol.id}: its content hashes to {found[:12]}, stated is {manifest['protocol_hash'][:12]}")
    return protocol


def check_shipped(manifest: Mapping[str, Any], protocol: Protocol) -> str:
    """A line on how the protocol stands to the one of its id on this machine.

    Flaw where it is said to be that one and is not. Unchecked where this machine has none of that id and version.
    """
    known = catalogue.recorded_versions()["protocols"].get(protocol.id)
    declared, state = manifest.get("declared_hash"), manifest.get("protocol_state")
    if declared is None or state is None:
        raise Unchecked("the manifest is of a version that did not say which protocol was asked for")
    if known is None:
        if state != "own":
            raise Unchecked(f"no {protocol.id} is shipped here; the manifest calls it {state!r}")
        return f"{protocol.id} is the maker's own: its definition is in the manifest"
    if declared != known["hash"]:
        if state != "changed":
            raise Flaw(f"{protocol.id} is said to be {state!r}, the one here hashes to {known['hash'][:12]}")
        return f"{protocol.id} was changed by the maker, as the manifest says: these are not the shipped one's numbers"
    if state != "as shipped":
        raise Flaw(f"{protocol.id} is said to be {state!r}, its declared hash is the shipped one's")
    shipped = catalogue.load(protocol.name)
    if shipped.hash() != known["hash"]:
        raise Unchecked(f"the file of {protocol.name} on this machine is not {protocol.id} as shipped")
    departed = _departure(protocol, shipped)
    if departed is not None:
        raise Flaw(f"{protocol.id} is said to be as shipped, but {departed}")
    return f"{protocol.id} as shipped ({known['hash'][:12]})"


def _departure(resolved: Protocol, shipped: Protocol) -> str | None:
    """What a resolved protocol says otherwise than the one that it was made of, None where nothing.

    Names of clips that come from the dataset are not judged: whoever has it can expand the protocol again.
    """
    given = [setting.name for setting in resolved.settings] == [_GIVEN]
    free = {"axes", "settings", "title"} | ({"methods", "baseline"} if given else set())
    ours, theirs = shipped.as_dict(), resolved.as_dict()
    for key in ours:
        if key not in free and ours[key] != theirs[key]:
            return f"{key} is {_short(theirs[key])}, shipped is {_short(ours[key])}"
    if not given and [_filled(s, shipped) for s in shipped.settings] != list(resolved.settings):
        return "its settings are others"
    return _other_axes(resolved.axes, shipped.axes)


def _filled(setting: SettingSpec, protocol: Protocol) -> SettingSpec:
    return setting.model_copy(
        update={"size": setting.size or protocol.size, "pose": setting.pose or protocol.pose},
    )


def _other_axes(resolved: Axes, shipped: Axes) -> str | None:
    spoken = resolved.drivers if isinstance(resolved.drivers, dict) else {}
    named = [driver for some in spoken.values() for driver in some]
    for key in ("seeds", "pairs", "drivers_per_reference"):
        if getattr(resolved, key) != getattr(shipped, key):
            return f"axes.{key} is {_short(getattr(resolved, key))}, shipped is {_short(getattr(shipped, key))}"
    if shipped.references and shipped.references != resolved.references:
        return "its references are others"
    if shipped.speakers and not set(spoken) <= set(shipped.speakers):
        return "its speakers are others"
    if isinstance(shipped.drivers, dict) and shipped.drivers != spoken:
        return "its drivers are others"
    if isinstance(shipped.drivers, list) and not set(named) <= set(shipped.drivers):
        return "its drivers are others"
    if shipped.drivers_per_speaker and any(len(some) > shipped.drivers_per_speaker for some in spoken.values()):
        return f"a speaker has more than {shipped.drivers_per_speaker} drivers"
    return None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
