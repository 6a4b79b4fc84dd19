"""Which weight files a variant's number rests on, and whether they are here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.io.digest import sha256_file
from metrics.errors import MetricError

if TYPE_CHECKING:
    from metrics.registry import Variant


def backends(variant: Variant) -> list[str]:
    """Names of the landmark backends a variant needs, sorted; "exact" is no backend but the corpus's own truth."""
    asked = {need.partition(":")[2] for need in variant.needs if ":" in need}
    return sorted(asked - {"exact"})


def variant_weights(variant: Variant) -> dict[str, str | None]:
    """Weight name -> sha256 of the file that is here, or None, for the variant and its landmark backends.

    A backend that cannot be loaded counts as the missing weight "landmarks:<name>".
    """
    found = {name: weight_sha256(name) for name in variant.weights}
    for name in backends(variant):
        found |= backend_weights(name)
    return found


@cache
def weight_sha256(name: str) -> str | None:
    """The sha256 of a weight file's content, or None where it is not here. Answered once a process."""
    described = describe_weight(name)
    return described["sha256"]


def describe_weight(name: str) -> dict[str, Any]:
    """{"name", "sha256", "bytes"} of a weight for the manifest; nulls with the reason where it is not here."""
    from metrics.weights import locate

    try:
        path = Path(locate(name))
    except MetricError as error:
        return {"name": name, "sha256": None, "bytes": None, "reason": str(error)}
    return {"name": name, "sha256": sha256_file(path), "bytes": path.stat().st_size}


@cache
def backend_weights(name: str) -> dict[str, str | None]:
    """Weight name -> sha256 of a landmark backend."""
    from metrics.landmarks import backend

    try:
        return {weight: weight_sha256(weight) for weight in backend(name).weights}
    except MetricError:
        return {f"landmarks:{name}": None}


def describe_weights(variants: Iterable[Variant]) -> list[dict[str, Any]]:
    """Every weight that the variants rest on, sorted by name, for the manifest."""
    names = {name for variant in variants for name in variant_weights(variant)}
    described = []
    for name in sorted(names):
        if name.startswith("landmarks:"):
            reason = "this landmark backend cannot be loaded here"
            described.append({"name": name, "sha256": None, "bytes": None, "reason": reason})
        else:
            described.append(describe_weight(name))
    return described
