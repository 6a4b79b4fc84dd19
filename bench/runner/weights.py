"""Which weight files a variant's number rests on, and whether they are here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.io.digest import sha256_file
from metrics.errors import MetricError
from metrics.landmarks import GIVEN

if TYPE_CHECKING:
    from metrics.registry import Variant

Looker = tuple[str, str]
"""(kind, name) of what looks at frames: ("landmarks", backend), ("faces", detector) or ("features", extractor)."""


def lookers(variant: Variant) -> list[Looker]:
    """Everything that looks at frames for a variant, sorted; landmarks that are given need nobody to look."""
    asked = set()
    for need in variant.needs:
        kind, colon, name = need.partition(":")
        if colon and name not in GIVEN:
            asked.add((kind.removeprefix("truth_"), name))
    return sorted(asked)


def variant_weights(variant: Variant) -> dict[str, str | None]:
    """Weight name -> sha256 of the file that is here, or None, for the variant and for all that looks for it.

    A looker that cannot be loaded counts as the missing weights that it needs, or as "<kind>:<name>".
    """
    found = {name: weight_sha256(name) for name in variant.weights}
    for kind, name in lookers(variant):
        found |= looker_weights(kind, name)
    return found


@cache
def weight_sha256(name: str) -> str | None:
    """The sha256 of a weight file's content, or None where it is not here. Answered once a process."""
    described = describe_weight(name)
    return described["sha256"]


def describe_weight(name: str) -> dict[str, Any]:
    """{"name", "sha256", "bytes"} of a weight for the manifest; nulls with the reason where it is not here or is not
    what it should be: once it is, the same file makes another key, so that no refusal outlives its cause.
    """
    from metrics.weights import expected, locate, locate_intact

    try:
        path = locate(name)
        sha256 = sha256_file(path)
        if sha256 != expected(name):
            locate_intact(name)  # raises, and says what is wrong
    except MetricError as error:
        return {"name": name, "sha256": None, "bytes": None, "reason": str(error)}
    return {"name": name, "sha256": sha256, "bytes": path.stat().st_size}


@cache
def looker_weights(kind: str, name: str) -> dict[str, str | None]:
    """Weight name -> sha256 of what looks at frames, and of the landmark backend that it is given."""
    from metrics.weights import entries

    told = [entry.name for entry in entries() if f"{kind}:{name}" in entry.needed_by]
    lacking: dict[str, str | None] = {weight: None for weight in told if weight_sha256(weight) is None}
    if lacking:
        return lacking
    try:
        found = _shelf(kind)[1](name)
    except MetricError:
        return {f"{kind}:{name}": None}
    weights = {weight: weight_sha256(weight) for weight in found.weights}
    given = given_landmarks(kind, name)
    return weights if given is None else weights | looker_weights("landmarks", given)


def given_landmarks(kind: str, name: str) -> str | None:
    """The landmark backend whose points a feature extractor is given; None where it needs none or is not here."""
    from metrics.weights import entries

    if kind != "features":
        return None
    told = [entry.name for entry in entries() if f"{kind}:{name}" in entry.needed_by]
    if any(weight_sha256(weight) is None for weight in told):
        return None
    try:
        return _shelf(kind)[1](name).landmarks
    except MetricError:
        return None


def looker_files(kind: str) -> dict[str, Path]:
    """Name -> file of everything of that kind that looks at frames."""
    return _shelf(kind)[0]()


def _shelf(kind: str) -> tuple[Callable[[], dict[str, Path]], Callable[[str], Any]]:
    """What lists everything of a kind, and what loads one of it."""
    from metrics.faces import detector, detectors
    from metrics.features import extractor, extractors
    from metrics.landmarks import backend, backends

    found = {"landmarks": (backends, backend), "faces": (detectors, detector), "features": (extractors, extractor)}
    return found[kind]


def describe_weights(variants: Iterable[Variant]) -> list[dict[str, Any]]:
    """Every weight that the variants rest on, sorted by name, for the manifest."""
    names = {name for variant in variants for name in variant_weights(variant)}
    described = []
    for name in sorted(names):
        if ":" in name:
            reason = "it cannot be loaded here"
            described.append({"name": name, "sha256": None, "bytes": None, "reason": reason})
        else:
            described.append(describe_weight(name))
    return described
