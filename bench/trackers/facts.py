"""What was fixed before anything ran: what trackers call hyperparameters and search by.

Names are chosen so that in the order of the alphabet, which trackers keep, what a person looks for comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.trackers.base import Fact


def run_facts(manifest: Mapping[str, Any]) -> dict[str, Fact]:
    """What was fixed for all of a run: protocol, data, code, sha256 of every weight. What is unknown is absent."""
    protocol, dataset, code = (manifest.get(key) or {} for key in ("protocol", "dataset", "code"))
    facts = {
        "protocol": protocol.get("id"),
        "protocol_state": manifest.get("protocol_state"),
        "run_id": manifest.get("run_id"),
        "dataset": dataset.get("name"),
        "sha256.protocol": manifest.get("protocol_hash"),
        "sha256.dataset": dataset.get("sha256"),
        "sha256.inputs": manifest.get("inputs_sha256"),
        "version": code.get("version"),
        "version.git_commit": code.get("git_commit"),
        "version.source_sha256": code.get("source_sha256"),
        "version.python": manifest.get("python"),
    }
    return known({**facts, **_weights(manifest.get("weights") or ())})


def method_facts(manifest: Mapping[str, Any], method: str, setting: Mapping[str, Any]) -> dict[str, Fact]:
    """What was fixed for a method under a setting; weights are its own where the manifest says which those are."""
    shared = {key: value for key, value in run_facts(manifest).items() if not key.startswith("weights.")}
    spec: Mapping[str, Any] = next((one for one in manifest.get("methods") or () if one["name"] == method), {})
    prints = (spec.get("fingerprints") or {}).get(setting.get("name")) or {}
    own = prints.get("weights", manifest.get("weights")) or ()
    asked = {f"setting.{key}": value for key, value in setting.items() if key != "name"}
    named = {"method": method, "sha256.method": spec.get("sha256"), "setting": setting.get("name")}
    return known({**shared, **named, **asked, **_weights(own)})


def known(facts: Mapping[str, Any]) -> dict[str, Fact]:
    """Those that have a plain value."""
    return {key: value for key, value in facts.items() if isinstance(value, str | int | float | bool)}


def _weights(weights: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {f"weights.{one['name']}": one.get("sha256") for one in weights}
