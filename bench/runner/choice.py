"""Which metrics `score` computes when nobody says: all that fit the videos and can be computed here."""

from __future__ import annotations

from pathlib import Path

PREFERRED = (
    "lpips/alex@1",
    "fid/inception2015-clean@1",
    "kid/inception2015-clean@1",
    "sync_offset/syncnet-tracked-hog@1",
    "sync_confidence/syncnet-tracked-hog@1",
    "sync_distance/syncnet-tracked-hog@1",
    "csim/arcface-r50@1",
)
"""Asked for even where their weights are not here: their rows then say what is lacking and the command that gets it."""


def fitting(videos: Path, truth: Path | None) -> list[str]:
    """Ids of the variants that fit, sorted.

    Left out: legacy conventions (`--metrics` or `spread` give them), what rests on the corpus's own truth and judges,
    what compares with a truth where none is given, landmarks from files where there are none, and what lacks weights
    unless it is PREFERRED.
    """
    from bench.runner.weights import variant_weights
    from metrics.registry import variants

    filed = {"landmarks:file": _has_points(videos), "truth_landmarks:file": truth is not None and _has_points(truth)}
    found = []
    for variant in variants().values():
        needs = set(variant.needs)
        of_corpus = any("puppet68" in need or need.endswith(":exact") for need in needs)
        untrue = truth is None and any(need.startswith("truth") for need in needs)
        unfiled = any(need in filed and not filed[need] for need in needs)
        if variant.legacy or of_corpus or untrue or unfiled:
            continue
        if variant.id in PREFERRED or None not in variant_weights(variant).values():
            found.append(variant.id)
    return found


def named(texts: list[str]) -> list[str]:
    """Ids of the variants of those ids or families, each once. Raises ConfigError with near names."""
    from bench.errors import ConfigError
    from metrics.errors import MetricError
    from metrics.registry import find

    try:
        return list(dict.fromkeys(variant.id for text in texts for variant in find(text)))
    except MetricError as error:
        raise ConfigError(str(error)) from None


def _has_points(folder: Path) -> bool:
    from bench.io.pointfile import ENDINGS

    return folder.is_dir() and any(next(folder.rglob(f"*{ending}"), None) for ending in ENDINGS)
