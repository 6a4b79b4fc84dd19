"""The table as data: one line for each method, setting and metric of a protocol, from rows alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.records import EVERY
from bench.stats.bootstrap import FEWEST, Interval, derive_seed, interval
from protocols.pairing import pair_up

COLUMNS = ("protocol", "method", "setting", "metric", "value", "ci_low", "ci_high", "n", "coverage", "ci_reason")
Clip = tuple[str, str, str, int]
"""(speaker, reference, driver, seed): what is counted and resampled."""
_CLUSTER = {"speaker": 0, "reference": 1, "driver": 2}


def summarise(rows: Iterable[Mapping[str, Any]], protocol: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A dict of COLUMNS for each (method, setting, metric), in the protocol's order.

    rows: dicts with the fields of `bench.records.Row`, in any order; those the protocol does not name are left out.
    n counts clips with a value, or those that entered a value of all clips, whose row brings its own limits; coverage
    is n over the clips that the protocol asks for; ci_reason says why there are no limits. Every interval has its own
    seed, derived from the protocol's and from method, setting and metric. ValueError where a clip has two rows.
    """
    rows = list(rows)
    values, pooled = clip_values(rows), pooled_rows(rows)
    expected = len(clips(protocol))
    chosen = protocol["statistics"]
    lines = []
    for method in protocol["methods"]:
        for setting in protocol["settings"]:
            for metric in protocol["metrics"]:
                key = (method, setting["name"], metric)
                found = values.get(key, {})
                made = (
                    _pooled(pooled[key])
                    if key in pooled
                    else interval(
                        np.array(list(found.values()), dtype=np.float64),
                        resamples=chosen["resamples"],
                        level=chosen["level"],
                        seed=derive_seed(chosen["seed"], *key),
                        clusters=cluster_labels(list(found), chosen["cluster"]),
                        fewest=chosen.get("fewest", FEWEST),
                        unit=chosen["cluster"],
                    )
                )
                share = made.n / expected if expected else 0.0
                line = (protocol["id"], *key, made.value, made.low, made.high, made.n, share, made.reason)
                lines.append(dict(zip(COLUMNS, line, strict=True)))
    return lines


def pooled_rows(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """(method, setting, metric) -> the row of all clips together, of metrics that have one."""
    return {(r["method"], r["setting"], r["metric"]): r for r in rows if r["reference"] == EVERY}


def _pooled(row: Mapping[str, Any]) -> Interval:
    if row["value"] is None:
        return Interval(None, None, None, 0, row.get("reason") or "no value")
    notes = row["notes"]
    if "interval" in notes:
        low, high = notes["interval"]
        return Interval(row["value"], low, high, notes["clips"])
    return Interval(row["value"], None, None, notes["clips"], notes.get("no_interval", "no interval from so few clips"))


def clips(protocol: Mapping[str, Any]) -> list[Clip]:
    """Every clip of a resolved protocol (its `axes.drivers` is {speaker: [driver, ...]}), in the protocol's order."""
    axes = protocol["axes"]
    made = pair_up(
        axes.get("pairs", "all"),
        axes["drivers"],
        axes["references"],
        identities=axes.get("identities"),
        each=axes.get("drivers_per_reference"),
    )
    return [(*pair, seed) for pair in made for seed in axes["seeds"]]


def clip_values(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], dict[Clip, float]]:
    """(method, setting, metric) -> {clip: value} of the rows that have a value."""
    out: dict[tuple[str, str, str], dict[Clip, float]] = {}
    seen: set[tuple[tuple[str, str, str], Clip]] = set()
    for row in rows:
        if row["reference"] == EVERY:
            continue
        key = (row["method"], row["setting"], row["metric"])
        clip = (row["speaker"], row["reference"], row["driver"], int(row["seed"]))
        if (key, clip) in seen:
            raise ValueError(f"two rows for {key} on {clip}")
        seen.add((key, clip))
        if row["status"] == "ok" and row["value"] is not None:
            out.setdefault(key, {})[clip] = float(row["value"])
    return out


def cluster_labels(of: Sequence[Clip], cluster: str) -> list[str] | None:
    """The label of each clip under a protocol's `statistics.cluster`; None where clips are drawn one by one."""
    return None if cluster == "clip" else [str(clip[_CLUSTER[cluster]]) for clip in of]
