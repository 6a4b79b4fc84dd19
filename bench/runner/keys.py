"""Keys: everything that decides a video, or a measurement, and nothing else. The key alone decides reuse."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.io.digest import sha256_file, sha256_json
from bench.places import ROOT, source_sha256
from bench.runner.prepare import Digests
from protocols.method import BuiltinMethod, CommandMethod

if TYPE_CHECKING:
    from metrics.registry import Variant

_GENERATION = ("bench/adapters", "bench/io")
_PLAIN = ("ground-truth", "still")


def generation_key(
    spec: BuiltinMethod | CommandMethod,
    fingerprint: Mapping[str, Any],
    digests: Digests,
    *,
    size: int,
    seed: int,
) -> str:
    """sha256 (hex) over code, inputs and method. The truth and the other speech enter for methods that use them."""
    ours = isinstance(spec, BuiltinMethod) and spec.builtin not in _PLAIN
    places = (*_GENERATION, "avct") if ours else _GENERATION
    inputs = {
        "portrait": digests.portrait,
        "portrait_points": digests.portrait_points,
        "speech": digests.speech,
        "phones": digests.phones,
        "pose": digests.pose if spec.follows_pose else None,
        "truth": digests.truth if "truth" in spec.uses else None,
        "truth_points": digests.truth_points if "truth" in spec.uses else None,
        "other": digests.other if "other_speech" in spec.uses else None,
    }
    content = {
        "stage": source_sha256(*places),
        "inputs": inputs,
        "method": dict(fingerprint),
        "seed": seed,
        "size": size,
        "frames": digests.frames,
    }
    return sha256_json(content)


def measurement_key(variant: Variant, video_sha256: str, digests: Digests, *, weights: Mapping[str, str | None]) -> str:
    """sha256 (hex) over the pixels, the inputs that the variant needs, its weights and the code of the metrics.

    weights: name -> sha256, None where the file is not there, of the variant and of its landmark backends.
    """
    needs = variant.needs
    truthful = any(need == "truth" or (need.startswith("truth_") and ":" in need) for need in needs)
    content = {
        "variant": variant.id,
        "video": video_sha256,
        "truth": digests.truth if truthful else None,
        "truth_points": digests.truth_points if "truth_landmarks:exact" in needs else None,
        "file_points": digests.file_points if "landmarks:file" in needs else None,
        "truth_file_points": digests.truth_file_points if "truth_landmarks:file" in needs else None,
        "speech": digests.speech if "samples" in needs else None,
        "truth_speech": digests.truth_speech if "truth_samples" in needs else None,
        "phones": digests.phones if "phones" in needs else None,
        "weights": dict(weights),
        "source": metric_source(variant),
    }
    return sha256_json(content)


def metric_source(variant: Variant) -> str:
    """The sha256 of the code that measures: the metric room, and the variant's own file where it lies elsewhere."""
    room = source_sha256("metrics")
    place = inspect.getsourcefile(inspect.unwrap(variant.measure)) if inspect.isroutine(variant.measure) else None
    if place is None or Path(place).resolve().is_relative_to(ROOT / "metrics"):
        return room
    return sha256_json([room, _file(place)])


@cache
def _file(path: str) -> str:
    return sha256_file(path)
