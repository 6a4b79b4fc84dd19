"""Keys: everything that decides a video, or a measurement, and nothing else. The key alone decides reuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.io.digest import sha256_json
from bench.runner.prepare import Digests
from bench.runner.source import method_source, metric_source
from bench.runner.weights import variant_weights
from protocols.method import BuiltinMethod, CommandMethod

if TYPE_CHECKING:
    from metrics.registry import Variant


def generation_key(
    spec: BuiltinMethod | CommandMethod,
    fingerprint: Mapping[str, Any],
    digests: Digests,
    *,
    size: int,
    seed: int,
) -> str:
    """sha256 (hex) over code, inputs and method. The truth and the other speech enter for methods that use them."""
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
        "stage": method_source(spec),
        "inputs": inputs,
        "method": dict(fingerprint),
        "seed": seed,
        "size": size,
        "frames": digests.frames,
    }
    return sha256_json(content)


def measurement_basis(variant: Variant) -> dict[str, Any]:
    """What decides a variant's numbers beside its inputs: its id, the weights that are here, and its code."""
    return {"variant": variant.id, "weights": variant_weights(variant), "source": metric_source(variant)}


def measurement_key(needs: Sequence[str], video_sha256: str, digests: Digests, *, basis: Mapping[str, Any]) -> str:
    """sha256 (hex) over the pixels, the inputs that a variant with those `needs` is given, and its `basis`."""
    truthful = any(need == "truth" or (need.startswith("truth_") and ":" in need) for need in needs)
    content = {
        **basis,
        "video": video_sha256,
        "truth": digests.truth if truthful else None,
        "truth_points": digests.truth_points if "truth_landmarks:exact" in needs else None,
        "file_points": digests.file_points if "landmarks:file" in needs else None,
        "truth_file_points": digests.truth_file_points if "truth_landmarks:file" in needs else None,
        "speech": digests.speech if "samples" in needs else None,
        "truth_speech": digests.truth_speech if "truth_samples" in needs else None,
        "phones": digests.phones if "phones" in needs else None,
    }
    return sha256_json(content)
