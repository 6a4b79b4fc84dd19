"""Rows of metrics that all clips have together: made at a run's end from what networks saw in each clip."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.io.digest import sha256_json
from bench.places import source_sha256
from bench.records import EVERY, Row
from bench.runner.measure import say
from bench.runner.sightings import SightingStore
from bench.runner.source import metric_source
from bench.runner.weights import variant_weights
from bench.stats.bootstrap import FEWEST as FEWEST_CLIPS
from bench.stats.bootstrap import derive_seed
from bench.stats.pooled import FEWEST, METHOD, bootstrap_groups, identify, make_groups
from bench.stats.summary import cluster_labels
from bench.store.files import json_bytes, make_folder, replace_file
from metrics.errors import MetricError

if TYPE_CHECKING:
    from metrics.registry import Variant

FOLDER = "cache/pooled"
SIGHTINGS = "cache/sightings"
_DEFAULTS = {"resamples": 2000, "seed": 0, "fewest": FEWEST_CLIPS}
"""Of a protocol's statistics, where a caller's say nothing."""
_NAMED = ("speaker", "reference", "driver", "seed", "status", "reason", "video_sha256", "truth_sha256")
"""What a clip's row says that a value of all clips rests on."""


@dataclass(frozen=True)
class Blocks(Sequence[np.ndarray]):
    """Features of clips, each read when it is asked for, lines without a value left out."""

    store: SightingStore
    extractor: str
    pixels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        if isinstance(index, slice):
            return Blocks(self.store, self.extractor, self.pixels[index])
        found = self.store.known("features", self.extractor, self.pixels[index])
        if found is None:
            raise MetricError(f"features by {self.extractor} of a clip are gone from the cache: run again")
        block = np.asarray(found)
        return block[~np.isnan(block).any(1)]


def pool(
    rows: Iterable[Mapping[str, Any]],
    *,
    variants: Iterable[Variant],
    protocol: Mapping[str, Any],
    folder: Path,
    expected: int,
) -> list[dict[str, Any]]:
    """A row for each method, setting and metric of all clips, in the protocol's order; none for other metrics.

    rows: of all cells. protocol: resolved. folder: the run's. expected: clips that the protocol asks for. A clip that
    brings nothing is left out, and coverage says so. What was computed before is read again.
    """
    pooled = [variant for variant in variants if variant.corpus is not None]
    if not pooled:
        return []
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    names = {variant.id for variant in pooled}
    for line in rows:
        if line["metric"] in names:
            kept = {name: line[name] for name in _NAMED}  # no curves: these are of all clips
            found.setdefault((line["method"], line["setting"], line["metric"]), []).append(kept)
    store = SightingStore(folder / SIGHTINGS)
    out = []
    for variant in pooled:
        weights = variant_weights(variant)
        for method in protocol["methods"]:
            for setting in protocol["settings"]:
                mine = found.get((method, setting["name"], variant.id), [])
                outcome = _outcome(variant, mine, protocol["statistics"], store, folder, weights)
                n = outcome["notes"]["clips"] if outcome["value"] is not None else 0
                row = Row(
                    protocol=protocol["id"],
                    cell=f"{method}/{setting['name']}/{EVERY}",
                    method=method,
                    speaker=EVERY,
                    reference=EVERY,
                    driver=EVERY,
                    setting=setting["name"],
                    seed=protocol["axes"]["seeds"][0],
                    metric=variant.id,
                    coverage=n / expected if expected else 0.0,
                    **outcome,
                )
                out.append(row.as_dict())
    return out


def _outcome(
    variant: Variant,
    rows: Sequence[Mapping[str, Any]],
    statistics: Mapping[str, Any],
    store: SightingStore,
    folder: Path,
    weights: Mapping[str, str | None],
) -> dict[str, Any]:
    """value, frames, status, stage, reason and notes of all clips together."""
    pooled = [row for row in rows if row["status"] == "pooled"]
    if not pooled:
        reasons = sorted({(row["status"], row["reason"] or "") for row in rows})
        status, reason = reasons[0] if len(reasons) == 1 else ("undefined", "no clip brings anything to it")
        status = "undefined" if status == "failed" else status
        return {"value": None, "frames": 0, "status": status, "reason": reason, "notes": {"clips": 0}}
    clips = {_name(row): row for row in pooled}
    order = [(row["speaker"], row["reference"], row["driver"], row["seed"]) for row in clips.values()]
    labels = cluster_labels(order, statistics["cluster"]) or list(clips)
    chosen = {**_DEFAULTS, **{key: statistics[key] for key in ("level", *_DEFAULTS) if key in statistics}}
    plan = {
        "variant": variant.id,
        "source": metric_source(variant),
        "stage": source_sha256("bench/runner/pooling.py", "bench/stats/pooled.py", "bench/stats/bootstrap.py"),
        "weights": dict(weights),
        **chosen,
        "clips": sorted(
            [name, label, row["video_sha256"], row["truth_sha256"]]
            for (name, row), label in zip(clips.items(), labels, strict=True)
        ),
    }
    path = folder / FOLDER / f"{sha256_json(plan)}.json"
    about = {"clips_sha256": identify(pooled)}
    kept = _read(path)
    if kept is not None:
        return {**kept, "notes": {**kept["notes"], **about}}
    groups = [[clips[name] for name in group] for group in make_groups(dict(zip(clips, labels, strict=True)))]
    try:
        outcome = _compute(variant, groups, store, chosen)
    except MetricError as error:
        return _failed(str(error), len(clips))
    except Exception as error:
        return _failed(say(error), len(clips))
    make_folder(path.parent)
    replace_file(path, json_bytes(outcome))
    return {**outcome, "notes": {**outcome["notes"], **about}}


def _compute(
    variant: Variant, groups: Sequence[Sequence[Mapping[str, Any]]], store: SightingStore, chosen: Mapping[str, Any]
) -> dict[str, Any]:
    corpus = variant.corpus
    assert corpus is not None
    seen: set[str] = set()
    sides: list[tuple[Blocks, Blocks]] = []
    for group in groups:
        truths = {row["truth_sha256"] for row in group} - seen  # a truth that two clips share counts once
        seen |= truths
        videos = (row["video_sha256"] for row in group)
        sides.append((_blocks(store, corpus.features, videos), _blocks(store, corpus.features, truths)))
    frames, true_frames = (sum(len(block) for pair in sides for block in pair[k]) for k in (0, 1))
    clips = sum(len(group) for group in groups)
    notes: dict[str, Any] = {"clips": clips, "frames": frames, "truth_frames": true_frames, "truth_clips": len(seen)}
    without_value = {"value": None, "frames": frames, "status": "undefined", "notes": notes}
    lacking = _too_few(frames, true_frames, clips, len(seen), corpus.least_frames, corpus.least_clips)
    if lacking is not None:
        return {**without_value, "reason": lacking}
    parts = [tuple(corpus.summarise(side) if len(side) else None for side in pair) for pair in sides]

    def distance(left_out: int | None) -> float | str:
        kept = [part for k, part in enumerate(parts) if k != left_out]
        return corpus.distance(*(corpus.merge([part[k] for part in kept if part[k] is not None]) for k in (0, 1)))

    value = distance(None)
    if isinstance(value, str):
        return {**without_value, "reason": value}
    if clips < chosen["fewest"]:
        limits: tuple[float, float] | str = f"no interval from {clips} clips, expected at least {chosen['fewest']}"
    else:
        without = [distance(k) for k in range(len(parts))] if len(parts) >= FEWEST else [0.0] * len(parts)
        numbers = [v if isinstance(v, float) else float("nan") for v in without]
        how = {"resamples": chosen["resamples"], "seed": derive_seed(chosen["seed"], "pooled", variant.id)}
        limits = bootstrap_groups(value, numbers, level=chosen["level"], **how)
    if isinstance(limits, str):
        notes["no_interval"] = limits
    else:
        notes |= {"interval": list(limits), "interval_by": METHOD}
    return {"value": float(value), "frames": frames, "status": "ok", "reason": None, "notes": notes}


def _blocks(store: SightingStore, extractor: str, pixels: Iterable[str]) -> Blocks:
    return Blocks(store, extractor, tuple(sorted(pixels)))


def _too_few(
    frames: int, true_frames: int, clips: int, true_clips: int, least_frames: int, least_clips: int
) -> str | None:
    if min(frames, true_frames) < least_frames:
        return f"{frames} feature vectors against the truth's {true_frames}, expected at least {least_frames} of each"
    if min(clips, true_clips) < least_clips:
        return f"{clips} clips against {true_clips} true ones, expected at least {least_clips} of each"
    return None


def _failed(reason: str, clips: int) -> dict[str, Any]:
    return {
        "value": None,
        "frames": 0,
        "status": "failed",
        "stage": "pool",
        "reason": reason,
        "notes": {"clips": clips},
    }


def _name(row: Mapping[str, Any]) -> str:
    """A clip's name, which decides its place: never the order in which clips were finished."""
    return f"{row['speaker']}/{row['reference']}/{row['driver']}/{row['seed']}"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
